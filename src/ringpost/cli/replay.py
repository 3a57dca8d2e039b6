"""`ringpost replay`: deliver many again. It counts first and asks, then follows the replay to its end.

The replay runs in the service: leaving this command does not end it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import IO, Any, Final

import rich_click as click

from ringpost.errors import RingpostError
from ringpost.model.event import EVENT_TYPES
from ringpost.model.notice import NOTICE_TYPES

from .client import Client, connect, segment
from .options import service_options, settings_from
from .printing import confirm, hint
from .times import Time, show_time

_LOOK_SECONDS: Final = 0.2
_STATES: Final = ("exhausted", "delivered", "cancelled", "ended")


@click.command("replay")
@click.option("--company", help="The company (with an operator's key, where no --integration tells it).")
@click.option("--integration", help="Only to this integration; otherwise to all that were owed it.")
@click.option("--call", help="Only the events of this call.")
@click.option(
    "--state",
    type=click.Choice(_STATES),
    help="How the delivery ended; `ended`: however.  [default: exhausted, with --call ended]",
)
@click.option("--type", "kind", type=click.Choice([*EVENT_TYPES, *NOTICE_TYPES]), help="Only events of this type.")
@click.option("--since", type=Time(), help="Only what was accepted since then: 2h, 3d, 2026-11-25T12:00 (UTC).")
@click.option("--until", type=Time(), help="Only what was accepted until then.")
@click.option(
    "--never-owed",
    is_flag=True,
    help="Also what the integration was never owed, say because it was installed later; needs --integration, --since.",
)
@click.option("--dry-run", is_flag=True, help="Only count.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@service_options
def command(
    company: str | None, integration: str | None, call: str | None, state: str | None, kind: str | None,
    since: int | None, until: int | None, never_owed: bool, dry_run: bool, yes: bool, config: Path | None,
    data: str | None, url: str | None, key_file: IO[str] | None, as_json: bool,
) -> None:  # fmt: skip
    """Deliver again what ended: by filter, by call, or to one integration since a time.

    Events of a call go out in their order, with the `webhook-id` that they had, marked as a replay.
    """
    if since is not None and until is not None and until < since:
        raise click.UsageError(
            f"Nothing lies between: --since is {show_time(since)}, and --until the earlier {show_time(until)} (UTC). "
            "Ages go back from now: --since 2h --until 1h is the hour before the last."
        )
    settings = settings_from(config, data=data)
    client = connect(settings, url, key_file)
    given = {
        "company": company,
        "integration": integration,
        "call": call,
        "state": state,
        "type": kind,
        "since": since,
        "until": until,
        "neverOwed": never_owed or None,
    }
    body = {name: value for name, value in given.items() if value is not None}
    if company is None and integration is not None:
        body["company"] = client.request("GET", f"/v1/integrations/{segment(integration)}")["companyId"]
    counted = client.request("POST", "/v1/replays", body | {"dryRun": True})
    if dry_run:
        click.echo(json.dumps(counted, indent=2) if as_json else _counted(counted))
        return
    if counted["complete"] and not counted["ended"] and not counted["neverOwed"]:
        raise RingpostError("nothing_to_replay")
    if not yes:
        click.echo(_counted(counted), err=as_json)
        confirm("Deliver them again?", err=as_json)
    replay = client.request("POST", "/v1/replays", body)
    try:
        replay = _follow(client, replay, is_told=not as_json)
    except KeyboardInterrupt:
        click.echo(
            f"\nIt goes on. Look: {hint(settings, 'replays show ' + replay['id'])}\n"
            f"Cancel: {hint(settings, 'replays cancel ' + replay['id'])}",
            err=True,
        )
        sys.exit(130)
    click.echo(json.dumps(replay, indent=2) if as_json else _ended(replay))
    sys.exit(0 if replay["state"] == "done" else 1)


def _follow(client: Client, replay: dict[str, Any], *, is_told: bool) -> dict[str, Any]:
    """The replay when it has ended; on a terminal, how far it is meanwhile."""
    on_terminal = is_told and sys.stdout.isatty()
    if is_told:
        click.echo(f"Replay {replay['id']} runs; Ctrl-C leaves it running.")
    while replay["state"] == "running":
        if on_terminal:
            click.echo(f"\r{progress(replay)}", nl=False)
        time.sleep(_LOOK_SECONDS)
        replay = client.request("GET", f"/v1/replays/{segment(replay['id'])}")
    if on_terminal:
        click.echo("\r", nl=False)
    return replay


def progress(replay: dict[str, Any]) -> str:
    """How far it is."""
    return f"{replay['done']:,} of {'very many' if replay['total'] is None else format(replay['total'], ',')}"


def _counted(counted: dict[str, Any]) -> str:
    least = "" if counted["complete"] else "at least "
    return (
        f"There are {least}{counted['ended']:,} deliveries that ended and {least}{counted['neverOwed']:,} events that "
        "were never owed."
    )


def _ended(replay: dict[str, Any]) -> str:
    if replay["state"] == "done":
        return f"Done: {replay['done']:,} deliveries go out again."
    why = f" ({replay['error']})" if replay["error"] else ""
    return f"It is {replay['state']}{why}, at {progress(replay)}; what was handed over goes out."
