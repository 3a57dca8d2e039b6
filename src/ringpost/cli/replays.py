"""`ringpost replays`: how far replays are, and ending one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any

import rich_click as click

from .client import Client, connect, segment
from .options import service_options, settings_from
from .printing import harmless, show_table
from .replay import progress
from .times import show_time


@click.group("replays")
def command() -> None:
    """List, show and cancel replays. `ringpost replay` begins one."""


@command.command("list")
@click.option("--company", help="Only this company's.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="How many at most.")
@service_options
def list_replays(
    company: str | None, limit: int, config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None,
    as_json: bool,
) -> None:  # fmt: skip
    """List replays, newest first."""
    found = _client(config, data, url, key_file).request("GET", "/v1/replays", company=company, limit=limit)["result"]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    if not found:
        click.echo("There are no replays.")
        return
    show_table(
        ("id", "company", "begun", "state", "done", "what"),
        (
            (row["id"], row["company"], show_time(row["created"]),
             row["state"], progress(row), _selected(row["selection"]))
            for row in found
        ),
    )  # fmt: skip


@command.command()
@click.argument("replay")
@service_options
def show(
    replay: str, config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None, as_json: bool
) -> None:
    """Show how far one replay is."""
    found = _client(config, data, url, key_file).request("GET", f"/v1/replays/{segment(replay)}")
    _tell(found, as_json)


@command.command()
@click.argument("replay")
@service_options
def cancel(
    replay: str, config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None, as_json: bool
) -> None:
    """End a replay where it is; what it handed over already goes out."""
    found = _client(config, data, url, key_file).request("POST", f"/v1/replays/{segment(replay)}/cancel")
    _tell(found, as_json)


def _tell(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    shown = {
        "id": found["id"],
        "company": found["company"],
        "state": found["state"] + (f" ({found['error']})" if found["error"] else ""),
        "done": progress(found),
        "what": _selected(found["selection"]),
        "begun": show_time(found["created"]),
        "updated": show_time(found["updated"]),
    }
    for field, value in shown.items():
        click.echo(f"{field:16} {harmless(value)}")


def _selected(selection: dict[str, Any]) -> str:
    """What was asked for, in a few words."""
    times = {name: show_time(selection[name]) for name in ("since", "until") if selection[name] is not None}
    named = {name: selection[name] for name in ("integration", "call", "type") if selection[name] is not None}
    words = [selection["state"], *(f"{name} {value}" for name, value in {**named, **times}.items())]
    return ", ".join([*words, *(["never owed"] if selection["neverOwed"] else [])])


def _client(config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None) -> Client:
    return connect(settings_from(config, data=data), url, key_file)
