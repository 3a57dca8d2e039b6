"""`ringpost settings`: every setting, from its one definition."""

from __future__ import annotations

import json

import rich_click as click

from ringpost.settings import PREFIX, PbxSettings, SettingHelp, Settings, describe_settings


@click.command("settings")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """Show every setting, its default and what it does.

    A setting comes from the TOML file (--config or RINGPOST_CONFIG), from an environment variable, which wins,
    or from an option of `serve`, which wins over both.
    """
    settings, pbx = describe_settings(Settings), describe_settings(PbxSettings)
    if as_json:
        shown = {"settings": [_plain(row) for row in settings], "[[pbx]]": [_plain(row) for row in pbx]}
        click.echo(json.dumps(shown, indent=2))
        return
    for row in settings:
        click.echo(_entry(row, "" if row.name == "pbx" else f"{PREFIX}{row.name.upper()}, "))
    click.echo("\nIn each [[pbx]] table:\n")
    for row in pbx:
        click.echo(_entry(row, ""))


def _entry(row: SettingHelp, variable: str) -> str:
    return f"{row.name}  ({variable}{row.kind}; default: {_shown(row.default)})\n    {row.meaning}"


def _shown(default: object) -> str:
    return (", ".join(map(str, default)) if isinstance(default, tuple) else str(default)) or "none"


def _plain(row: SettingHelp) -> dict[str, object]:
    return {"name": row.name, "type": row.kind, "default": row.default, "meaning": row.meaning}
