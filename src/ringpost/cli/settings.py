"""`ringpost settings`: every setting, from its one definition."""

from __future__ import annotations

import json

import rich_click as click
from rich.console import Console
from rich.table import Table

from ringpost.settings import PREFIX, PbxSettings, SettingHelp, Settings, describe_settings


@click.command("settings")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """Show every setting, its default and what it does.

    A setting comes from the TOML file (--config or RINGPOST_CONFIG), from an environment variable, which wins,
    or from an option of `serve`, which wins over both.
    """
    tables = {"settings": describe_settings(Settings), "[[pbx]]": describe_settings(PbxSettings)}
    if as_json:
        click.echo(json.dumps({name: [_plain(row) for row in rows] for name, rows in tables.items()}, indent=2))
        return
    console = Console()
    for name, rows in tables.items():
        console.print(_table(name, rows))


def _table(name: str, rows: list[SettingHelp]) -> Table:
    table = Table(title=name, title_justify="left", box=None, pad_edge=False)
    for heading in ("name", "environment", "type", "default", "meaning"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        variable = "" if name == "[[pbx]]" or row.name == "pbx" else PREFIX + row.name.upper()
        table.add_row(row.name, variable, row.kind, _shown(row.default), row.meaning)
    return table


def _shown(default: object) -> str:
    return ", ".join(map(str, default)) if isinstance(default, tuple) else str(default)


def _plain(row: SettingHelp) -> dict[str, object]:
    return {"name": row.name, "type": row.kind, "default": row.default, "meaning": row.meaning}
