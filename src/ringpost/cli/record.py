"""`ringpost record`: what a PBX says on its manager interface, in a file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import secrets
from pathlib import Path
from typing import BinaryIO

import rich_click as click

from ringpost.clock import wall_clock
from ringpost.errors import RingpostError
from ringpost.settings import PbxSettings, Settings
from ringpost.sources.asterisk.pseudonyms import Pseudonyms
from ringpost.sources.asterisk.recorder import Writer, record

from .options import config_option, settings_from
from .printing import program


@click.command("record")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--pbx", "serial", help="The serial of the PBX, where several are set up.")
@click.option("--pseudonyms", is_flag=True, help="Replace numbers and names by others, the same ones everywhere.")
@click.option("--for", "seconds", type=click.IntRange(min=1), help="End after so many seconds.  [default: Ctrl-C]")
@config_option
def command(file: Path, serial: str | None, pseudonyms: bool, seconds: int | None, config: Path | None) -> None:
    """Record what the PBX says into FILE, beside a running service or without one, until Ctrl-C.

    The file can be decoded again with `ringpost decode`. Without --pseudonyms it has the numbers and names of real
    people in it; with it, it can be attached to a bug report. The secret is never in it.
    """
    pbx = _chosen(settings_from(config), serial)
    key = secrets.token_bytes(32) if pseudonyms else None
    with _new(file) as out:
        from .running import run

        def write(data: bytes) -> None:
            out.write(data)
            out.flush()

        async def work(stop: asyncio.Event) -> None:
            writer = Writer(write, None if key is None else Pseudonyms(key), wall_clock)
            recording = asyncio.create_task(
                record(pbx, writer, lambda line: click.echo(line, err=True), now=wall_clock, jitter=random.random)
            )
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({recording, stopping}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            recording.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await recording

        run(work)
    click.echo(f"Recorded {file.stat().st_size} bytes. See its calls: {program()} decode {file}", err=True)


def _chosen(settings: Settings, serial: str | None) -> PbxSettings:
    found = [pbx for pbx in settings.pbx if serial in {None, pbx.serial, f"{pbx.company}/{pbx.serial}"}]
    if not found:
        text = "No PBX is set up" if not settings.pbx else f"No PBX has the serial {serial!r}"
        raise RingpostError("settings_invalid", f"{text}; see `ringpost settings` for a [[pbx]] table.", field="pbx")
    if len(found) > 1:
        names = ", ".join(f"{pbx.company}/{pbx.serial}" for pbx in found)
        raise RingpostError("settings_invalid", f"Several are set up; choose with --pbx: {names}.", field="pbx")
    return found[0]


def _new(file: Path) -> BinaryIO:
    """A file that only its owner can read; never one that is there."""
    try:
        return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except OSError as error:
        raise RingpostError("invalid_value", f"{file} cannot be made: {error.strerror}.", field="file") from None
