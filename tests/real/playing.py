"""Plays scenes on several PBXs at once, through one node, and gives for each what an integration was told of it.

A scene that goes wrong spoils no other: its PBX is cleared, and the next one begins with phones of its own. What the
PBX said meanwhile is in a recording (`<scene>.ami`), which `ringpost decode` reads.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ringpost.clock import wall_clock
from ringpost.sources.asterisk.recorder import Writer, record
from tests.calls.table import TABLE, Told
from tests.real.asterisk_process import STOP_SECONDS, Asterisk
from tests.real.hearing import told
from tests.real.scenes import SCENES
from tests.real.site import Site, pbx_settings, site_of
from tests.real.stage import Stage, clear, quiet


@dataclass
class Played:
    """told: of each call of the scene, in the order in which they began; fault: what went wrong on the stage."""

    stage: Stage
    recording: Path
    told: list[Told]
    fault: BaseException | None = None


async def play_scenes(names: Collection[str], asterisks: Sequence[Asterisk], folder: Path) -> dict[str, Played]:
    """What was played, by its name. All calls that were told were told as a call is."""
    played: dict[str, Played] = {}
    waiting = sorted(names, key=lambda name: -SCENES[name].seconds)
    async with site_of(asterisks, folder) as site:
        await site.node.wait_in_step()
        async with asyncio.TaskGroup() as lanes:
            for stage in site.stages:
                lanes.create_task(_play_on(stage, waiting, played, folder))
    _fill_in(site, played)
    site.hearing.check()
    return played


async def _play_on(stage: Stage, waiting: list[str], played: dict[str, Played], folder: Path) -> None:
    """One scene after the other on one PBX, as long as some wait."""
    while waiting:
        name = waiting.pop(0)
        here = replace(stage)
        one = played[name] = Played(here, folder / f"{name}.ami", [])
        try:
            async with _recorded(here.asterisk, one.recording), here.open():
                await SCENES[name].act(here)
                await quiet(here.asterisk)
                await here.hearing.all_ended(len(TABLE[name]), pbx=here.serial, since=here.since)
        except Exception as fault:  # noqa: BLE001 - it is the scene's test that fails with it
            one.fault = fault
        finally:
            await clear(here.asterisk)


def _fill_in(site: Site, played: dict[str, Played]) -> None:
    """What was told of each: the calls that began between the scene's beginning and that of the next one there."""
    begins = sorted((one.stage.serial, one.stage.since) for one in played.values())
    for one in played.values():
        here = [since for serial, since in begins if serial == one.stage.serial and since > one.stage.since]
        calls = site.hearing.calls(one.stage.serial, since=one.stage.since, before=min(here, default=None))
        one.told = [told(events) for events in calls.values()]


@asynccontextmanager
async def _recorded(asterisk: Asterisk, file: Path) -> AsyncIterator[None]:
    """All that the PBX tells meanwhile, in a file."""
    with file.open("wb") as out:

        def write(data: bytes) -> None:
            out.write(data)

        connected = asyncio.Event()
        recording = asyncio.create_task(
            record(
                pbx_settings(asterisk, "recorder"),
                Writer(write, None, wall_clock),
                lambda _: connected.set(),
                now=wall_clock,
                jitter=lambda: 0.0,
            )
        )
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await connected.wait()
            yield
        finally:
            recording.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await recording
