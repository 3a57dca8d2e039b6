"""`ringpost decode`: the call events that a recording of a manager interface yields."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import IO, Final

import rich_click as click

from ringpost.access.keys import COMPANY as COMPANY_NAME
from ringpost.calls.events import CallEvent
from ringpost.calls.machine import COALESCE, HOLD, CallMachine
from ringpost.calls.parties import EMERGENCY
from ringpost.directory.directory import Directory
from ringpost.directory.table import read_directory
from ringpost.errors import RingpostError
from ringpost.model.data import to_wire
from ringpost.model.event import CALL_END
from ringpost.sources.asterisk.recording import Recording, read_recording
from ringpost.sources.asterisk.replay import replay, said_in
from ringpost.sources.asterisk.trunks import TrunkGuess
from ringpost.wire.canonical import encode, splice

INTEGRATION: Final = "000000"
COMPANY: Final = "test"
SERIAL: Final = "recording"
_WAIT: Final = click.IntRange(0, 10_000)  # ms, as in the settings


@click.command("decode")
@click.argument("file", type=click.File("rb"))
@click.option("--company", default=COMPANY, show_default=True, help="The company that the calls belong to.")
@click.option("--directory", "people", type=click.File("rb"), help="A CSV file of extensions, trunks, queues ….")
@click.option("--trunk", "trunks", multiple=True, help="An endpoint that leads outside, * for any text; repeatable.")
@click.option("--region", help="Tell numbers of the outside in the form +390461234567; a country's letters, as IT.")
@click.option("--hold-ms", type=_WAIT, default=HOLD, show_default=True, help="As the setting start_hold_ms.")
@click.option("--coalesce-ms", type=_WAIT, default=COALESCE, show_default=True, help="As the setting coalesce_ms.")
def command(
    file: IO[bytes],
    company: str,
    people: IO[bytes] | None,
    trunks: tuple[str, ...],
    region: str | None,
    hold_ms: int,
    coalesce_ms: int,
) -> None:
    """Print the call events that the recording FILE of an Asterisk yields, one JSON body a line, as on the wire
    (`-` reads standard input).

    FILE is what `ringpost record` writes, a plain capture of a manager interface (`Event: …` blocks), or events as
    JSON. Without --trunk, and without trunks in the directory, it is guessed which endpoints lead outside. Calls that
    are still open at the end of the file are named on standard error. The same file gives the same lines.
    """
    _check_company(company)
    directory = Directory(region=region) if people is None else _directory(people.read(), region)
    recording = read_recording(file.read())
    out = sys.stdout.buffer
    going: dict[str, str] = {}
    events = events_of(
        recording, company=company, directory=directory, trunks=trunks, hold=hold_ms, coalesce=coalesce_ms
    )
    for event in events:
        going[event.call] = event.data.status
        if event.type == CALL_END:
            del going[event.call]
        out.write(body_of(event, company) + b"\n")
    out.flush()
    if not any(one.message is not None for one in recording.heard):
        click.echo("There is no message of a manager interface in the file.", err=True)
    if recording.dropped:
        click.echo(f"Left out: {recording.dropped} messages that are broken or too large.", err=True)
    for call, status in going.items():
        click.echo(f"Still open at the end: {call} ({status})", err=True)


def events_of(
    recording: Recording,
    *,
    company: str,
    directory: Directory,
    trunks: Iterable[str] = (),
    hold: int = HOLD,
    coalesce: int = COALESCE,
) -> Iterator[CallEvent]:
    """What the recording yields. Where its clock stands still, nothing can be near in time: every change is told.
    hold, coalesce: ms."""
    machine = CallMachine(
        company=company,
        pbx=SERIAL,
        short=True,
        trunks=(*trunks, *directory.trunks) or _guessed(recording, directory),
        emergency=(*EMERGENCY, *directory.emergency),
        extensions=directory.extensions,
        hold=hold,
        coalesce=0 if recording.still else coalesce,
        describe=directory.described,
    )
    return replay(machine, said_in(recording.heard))


def body_of(event: CallEvent, company: str) -> bytes:
    """The body as on the wire."""
    data = to_wire(event.data, ended=event.type == CALL_END, extra_keys=True)
    return splice(
        call=event.call,
        pbx=SERIAL,
        time=event.time,
        company=company,
        type=event.type,
        integration=INTEGRATION,
        data=encode(data, ("data",)),
    )


def _guessed(recording: Recording, directory: Directory) -> tuple[str, ...]:
    guess = TrunkGuess(directory.extensions)
    for one in recording.heard:
        if one.message is not None:
            guess.see(one.message)
    return guess.trunks()


def _directory(raw: bytes, region: str | None) -> Directory:
    table = read_directory(raw, region=region)
    if table.unused:
        click.echo(f"Left out of the directory: the columns {', '.join(table.unused)}.", err=True)
    return table.directory


def _check_company(company: str) -> None:
    if COMPANY_NAME.fullmatch(company) is None:
        raise RingpostError("invalid_value", "Use lower-case letters, digits and _, as acme_srl.", field="company")
