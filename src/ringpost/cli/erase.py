"""`ringpost erase`: take out all calls of one person. It counts first and asks, then follows the erasure to its end.

The erasure runs in the service: leaving this command does not end it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import IO, Any, Final

import rich_click as click

from ringpost.settings import Settings

from .client import Client, connect, segment
from .options import service_options, settings_from
from .printing import confirm, hint

_LOOK_SECONDS: Final = 0.2


@click.command("erase")
@click.option("--company", help="The company (needed with an operator's key).")
@click.option("--phone", help="A number or extension; `-` reads it from standard input, as for the others.")
@click.option("--email", help="An e-mail address.")
@click.option("--user-id", help="A userId.")
@click.option("--dry-run", is_flag=True, help="Only count.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@service_options
def command(
    company: str | None, phone: str | None, email: str | None, user_id: str | None, dry_run: bool, yes: bool,
    config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None, as_json: bool,
) -> None:  # fmt: skip
    """Erase all calls of one person: events, deliveries and attempts, for good.

    Give exactly one of --phone, --email and --user-id. A number is compared by its digits, also inside longer texts.
    The company's directory is left as it is: `ringpost directory remove` takes a person out of it.
    """
    settings = settings_from(config, data=data)
    client = connect(settings, url, key_file)
    given = {"company": company, "phone": _read(phone), "email": _read(email), "userId": _read(user_id)}
    body = {name: value for name, value in given.items() if value is not None}
    counted = _follow(client, settings, body | {"dryRun": True}, is_told=not as_json)
    if dry_run or counted["state"] != "done" or not counted["calls"]:
        _end(counted, as_json)
    if not yes:
        click.echo(report(counted), err=as_json)
        confirm("Erase them for good?", err=as_json)
    _end(_follow(client, settings, body, is_told=not as_json), as_json)


def _read(text: str | None) -> str | None:
    return sys.stdin.readline().strip() if text == "-" else text


def _follow(client: Client, settings: Settings, body: dict[str, Any], *, is_told: bool) -> dict[str, Any]:
    """Begin it; the erasure when it has ended; on a terminal, how far it is meanwhile."""
    erasure: dict[str, Any] = client.request("POST", "/v1/erasures", body)
    on_terminal = is_told and sys.stdout.isatty()
    try:
        while erasure["state"] == "running":
            if on_terminal:
                click.echo(f"\r{erasure['looked']:,} events looked at, {erasure['calls']:,} calls found", nl=False)
            time.sleep(_LOOK_SECONDS)
            erasure = client.request("GET", f"/v1/erasures/{segment(erasure['id'])}")
    except KeyboardInterrupt:
        _tell_left(settings, erasure)
        raise
    if on_terminal:
        click.echo()
    return erasure


def _tell_left(settings: Settings, erasure: dict[str, Any]) -> None:
    """Nobody should think that Ctrl-C had stopped it."""
    if erasure["dryRun"]:
        click.echo("\nIt was only counting: nothing is erased.", err=True)
    else:
        where = hint(settings, f"erasures show {erasure['id']}")
        click.echo(f"\nThe erasure goes on in the service, and cannot be undone. Its report: {where}", err=True)


def _end(erasure: dict[str, Any], as_json: bool) -> None:
    click.echo(json.dumps(erasure, indent=2) if as_json else report(erasure))
    sys.exit(0 if erasure["state"] == "done" else 1)


def report(erasure: dict[str, Any]) -> str:
    """What an erasure did, or how far it is, for a person."""
    if erasure["state"] == "running":
        return f"It is running: {erasure['looked']:,} events looked at, {erasure['calls']:,} calls found."
    if erasure["state"] != "done":
        return f"It is {erasure['state']} ({erasure['error']})."
    verb = "Would erase" if erasure["dryRun"] else "Erased"
    lines = [
        f"{verb} {erasure['calls']:,} calls: {erasure['events']:,} events, {erasure['deliveries']:,} deliveries "
        f"({erasure['cancelled']:,} of them pending), {erasure['attempts']:,} attempts.",
        f"Left, since they go on: {erasure['stillGoingOn']:,} calls.",
        *(f"- {text}" for text in erasure["notCovered"]),
    ]
    return "\n".join(lines)
