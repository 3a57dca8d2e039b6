"""`ringpost erasures`: what was erased, and how far an erasure is. `ringpost erase` begins one.

Whom an erasure was about is kept nowhere once it ended, so no list can show it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any

import rich_click as click

from .client import Client, connect, segment
from .erase import report
from .options import service_options, settings_from
from .printing import show_table, tell_more
from .times import show_time


@click.group("erasures")
def command() -> None:
    """List and show erasures. `ringpost erase` begins one; none can be cancelled."""


@command.command("list")
@click.option("--company", help="Only this company's.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many at most.")
@service_options
def list_erasures(
    company: str | None, limit: int, config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None,
    as_json: bool,
) -> None:  # fmt: skip
    """List erasures and their countings, newest first."""
    found, is_more = _client(config, data, url, key_file).pages("/v1/erasures", limit, company=company)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    elif not found:
        click.echo("There are no erasures.")
    else:
        show_table(("id", "company", "begun", "state", "what", "calls", "events"), map(_cells, found))
    if is_more:
        tell_more(len(found))


@command.command()
@click.argument("erasure")
@service_options
def show(
    erasure: str, config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None, as_json: bool
) -> None:
    """Show how far one erasure is, or its report."""
    found = _client(config, data, url, key_file).request("GET", f"/v1/erasures/{segment(erasure)}")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"{found['id']} of company {found['company']}, begun {show_time(found['created'])}")
    click.echo(report(found))


def _cells(erasure: dict[str, Any]) -> tuple[str, ...]:
    return (
        erasure["id"],
        erasure["company"],
        show_time(erasure["created"]),
        erasure["state"] + (f" ({erasure['error']})" if erasure["error"] else ""),
        "count" if erasure["dryRun"] else "erase",
        f"{erasure['calls']:,}",
        f"{erasure['events']:,}",
    )


def _client(config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None) -> Client:
    return connect(settings_from(config, data=data), url, key_file)
