"""`ringpost simulate`: calls of an office that is not there, through the running service, to try what receives them."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import IO, Final

import rich_click as click

from ringpost.clock import wall_clock
from ringpost.sources.rehearsal import NAMES, Planned, planned
from ringpost.sources.simulator import DEMO, OFFICE

from .client import Client, connect
from .options import service_options, settings_from

_BUSY: Final = "busy-hour"
_CALLS: Final = {_BUSY: 60}


@click.command("simulate")
@click.argument("kind", type=click.Choice(list(NAMES)))
@click.option("--company", help="The company that the calls are of (needed with an operator's key).")
@click.option("--calls", type=click.IntRange(1, 10_000), help=f"How many.  [default: 1; {_BUSY}: {_CALLS[_BUSY]}]")
@click.option("--fast", is_flag=True, help="At once, without the waits between events.")
@click.option("--as-in-life", is_flag=True, help="With waits as long as people take; otherwise a call takes seconds.")
@click.option("--seed", type=int, help="The same calls again.  [default: others each time]")
@service_options
def command(
    kind: str, company: str | None, calls: int | None, fast: bool, as_in_life: bool, seed: int | None,
    config: Path | None, data: str | None, url: str | None, key_file: IO[str] | None, as_json: bool,
) -> None:  # fmt: skip
    """Simulate a call of this KIND, through the running service to every integration that wants its events.

    Nothing rings. Events have the tag `simulated`, so a receiver can tell them. busy-hour is calls of every kind.
    """
    client = connect(settings_from(config, data=data), url, key_file)
    epoch = wall_clock() // 1_000
    pace = OFFICE if as_in_life else DEMO
    chosen = random.randrange(1 << 32) if seed is None else seed  # noqa: S311 - no secret is made of it
    events = planned(NAMES[kind], calls or _CALLS.get(kind, 1), seed=chosen, epoch=epoch, pace=pace)
    began = time.monotonic()
    for number, event in enumerate(events, 1):
        if not fast:
            time.sleep(max(0.0, began + event.at / 1_000 - time.monotonic()))
        accepted = _send(client, event, company)
        if as_json:
            click.echo(json.dumps(accepted))
        else:
            click.echo(_line(event, accepted, f"{number}/{len(events)}"))


def _send(client: Client, event: Planned, company: str | None) -> dict[str, object]:
    body = {"id": event.call, "type": event.type, "pbx": "simulator", "data": event.data}
    accepted: dict[str, object] = client.request("POST", "/v1/events", body | ({"company": company} if company else {}))
    return accepted


def _line(event: Planned, accepted: dict[str, object], number: str) -> str:
    caller, callee = (_party(event.data.get(name)) for name in ("caller", "callee"))
    who = f"{caller} → {callee or event.data.get('destination') or 'nobody yet'}"
    owed = accepted["deliveries"]
    to = "no integration wants it" if not owed else f"owed to {owed} integration{'' if owed == 1 else 's'}"
    status = event.data.get("endCauseStr") or event.data.get("status")
    return f"{number:>7}  {event.type:11}  {status!s:18}  {who}  ({to})"


def _party(party: object) -> str:
    if not isinstance(party, dict):
        return ""
    return " ".join(str(party[name]) for name in ("name", "phone") if party.get(name))
