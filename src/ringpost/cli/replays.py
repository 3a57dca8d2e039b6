"""`ringpost replays`: how far replays are, and ending one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import IO, Any

import rich_click as click

from .client import Client, connect, segment
from .options import service_options, settings_from
from .printing import harmless, show_table, tell_more
from .replay import progress
from .times import show_time


@click.group("replays")
def command() -> None:
    """List, show and cancel replays. `ringpost replay` begins one."""


@command.command("list")
@click.option("--company", help="Only this company's.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many at most.")
@service_options
def list_replays(
    company: str | None, limit: int, config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None,
    as_json: bool,
) -> None:  # fmt: skip
    """List replays, newest first."""
    found, is_more = _client(config, data, url, key_file).pages("/v1/replays", limit, company=company)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    elif not found:
        click.echo("There are no replays.")
    else:
        show_table(("id", "company", "begun", "state", "done", "what"), map(_cells, found))
    if is_more:
        tell_more(len(found))


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
    """End a replay where it is; what it handed over already goes out.

    The exit code is 1 where it had ended before.
    """
    found = _client(config, data, url, key_file).request("POST", f"/v1/replays/{segment(replay)}/cancel")
    _tell(found, as_json)
    if found["state"] != "cancelled":
        click.echo(f"It is too late to cancel it: it is {found['state']}. What it handed over goes out.", err=True)
        sys.exit(1)


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


def _cells(replay: dict[str, Any]) -> tuple[str, ...]:
    begun = show_time(replay["created"])
    return (
        replay["id"], replay["company"], begun, replay["state"], progress(replay), _selected(replay["selection"]),
    )  # fmt: skip


def _selected(selection: dict[str, Any]) -> str:
    """What was asked for, in a few words."""
    times = {name: show_time(selection[name]) for name in ("since", "until") if selection[name] is not None}
    named = {name: selection[name] for name in ("integration", "call", "type") if selection[name] is not None}
    what = selection["state"] + (" or never owed" if selection["neverOwed"] else "")
    return ", ".join([what, *(f"{name} {value}" for name, value in {**named, **times}.items())])


def _client(config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None) -> Client:
    return connect(settings_from(config, data=data), url, key_file)
