"""The PBX or Ringpost goes down amid calls and comes back: every call that was told ends once, whatever became of it.

Two of a kind are tried at once: one is killed and says nothing, the other is asked to stop.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.calls.test_recordings import parties
from tests.cli.program import kill_what_is_left
from tests.real.asterisk_process import Asterisk
from tests.real.gap import Gap, park_for_long
from tests.real.receiver import Receiver
from tests.real.service import SERIAL, Service
from tests.real.site import site_of
from tests.real.stage import OUTSIDE, Stage

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.mark.parametrize("asterisks", [2], indirect=True)
async def test_calls_of_a_pbx_that_goes_down_end_once_and_its_next_calls_are_told(
    asterisks: list[Asterisk], tmp_path: Path
) -> None:
    killed, stopped = asterisks
    async with site_of(asterisks, tmp_path, pbx_lost_after_ms=1_000) as site:
        await site.node.wait_in_step()
        async with asyncio.TaskGroup() as both:
            both.create_task(_goes_down(site.stages[0], killed.kill, {"31"}, ("reconciled",)))
            # What it shuts down while it rings, Asterisk calls cancelled at one time and not answered at another.
            both.create_task(_goes_down(site.stages[1], stopped.stop, {"16", "19"}, ()))
    site.hearing.check()


async def _goes_down(stage: Stage, go_down: Callable[[], None], causes: set[str], flags: tuple[str, ...]) -> None:
    standing = ("TALKING 1001>1002", "RINGING 1002>1003", f"HOLD {OUTSIDE}>nobody", f"HOLD 1003>{OUTSIDE}")
    async with stage.open():
        await stage.talk(stage.alice.call("1002"), stage.juergen, "1001>1002")
        await stage.ring(stage.juergen.call("1003"), stage.carla)
        await (await stage.talk(stage.call_in(), stage.alice, f"{OUTSIDE}>1001")).refer("700")
        held = stage.carla.call(OUTSIDE)
        await stage.talk(held, stage.outside, f"1003>{OUTSIDE}")
        await held.hold()
        await stage.told(*standing)
        await asyncio.to_thread(go_down)
    await stage.hearing.noticed("pbx-lost", stage.serial, "pbx_unreachable")
    await asyncio.to_thread(stage.asterisk.start)
    await stage.hearing.noticed("pbx-back", stage.serial, None)
    calls = await stage.hearing.all_ended(len(standing), pbx=stage.serial, since=stage.since)
    ends = {f"{events[-1].data.status} {parties(events[-1])}": events[-1].data for events in calls.values()}
    assert set(ends) == set(standing)
    assert {(end.endBy, end.flags) for end in ends.values()} == {(None, flags)}, str(stage.hearing)
    assert {end.endCause for end in ends.values()} <= causes
    assert ends["TALKING 1001>1002"].endCause in {"16", "31"}
    await _one_more_call(stage)


async def _one_more_call(stage: Stage) -> None:
    async with stage.open():
        call = stage.call_in()
        await stage.talk(call, stage.alice, f"{OUTSIDE}>1001")
        await call.hang_up()
        (events,) = (await stage.hearing.all_ended(1, pbx=stage.serial, since=stage.since)).values()
    end = events[-1].data
    assert (end.endCause, end.endBy, end.flags) == ("16", "CALLER", ())


@pytest.fixture
def _no_service_is_left() -> Iterator[None]:
    yield
    kill_what_is_left()


@pytest.mark.usefixtures("_no_service_is_left")
@pytest.mark.parametrize("asterisks", [2], indirect=True)
async def test_calls_around_a_restart_of_ringpost_are_told_once(asterisks: list[Asterisk], tmp_path: Path) -> None:
    async with asyncio.TaskGroup() as both:
        for asterisk, number in zip(asterisks, (signal.SIGKILL, signal.SIGTERM), strict=True):
            both.create_task(_around_a_restart(asterisk, tmp_path / number.name, number))


async def _around_a_restart(asterisk: Asterisk, folder: Path, number: int) -> None:
    receiver = Receiver()
    await receiver.start()
    service = Service(folder, asterisk)
    try:
        await asyncio.to_thread(park_for_long, asterisk)
        await service.start()
        stage = Stage(asterisk, await service.install(receiver), SERIAL)
        async with stage.open():
            gap = Gap(stage)
            await gap.before()
            await service.end(number)
            await gap.meanwhile()
            await service.start()
            await gap.after()
        gap.check()
        await service.end(signal.SIGTERM)
        stage.hearing.check()
    finally:
        await service.close()
        await receiver.stop()
