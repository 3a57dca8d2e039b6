"""When a PBX counts as lost and as back."""

from __future__ import annotations

import asyncio
from itertools import cycle, islice, pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ringpost.intake.notices import notice_event
from ringpost.model.notice import PBX_BACK, PBX_LOST, Notice, NoticeType
from ringpost.sources.source import SourceStatus
from ringpost.sources.watch import LOOK_EVERY, Watch
from ringpost.sources.watching import keep_watch, lost_since
from tests.world import make_world

BEGIN = 1_700_000_000_000
UP = SourceStatus(connected_since=BEGIN)
DOWN = SourceStatus(error="pbx_unreachable", message="The PBX does not answer.", attempts=3)
LOST_AFTER = 10_000


def watched(*statuses: SourceStatus, lost_since: int | None = None, step: int = LOOK_EVERY) -> list[Notice]:
    """What is told when it is looked at every `step` ms."""
    watch, told = Watch("acme", "P1", LOST_AFTER, BEGIN, lost_since), []
    for number, status in enumerate(statuses):
        notice = watch.look(status, BEGIN + number * step)
        if notice is not None:
            told.append(notice)
    return told


def test_a_connection_that_is_away_for_long_is_told_once_and_once_when_it_is_back() -> None:
    lost, back = watched(UP, UP, *[DOWN] * 30, UP, UP, *[DOWN] * 5, UP)
    assert (lost.type, lost.company, lost.pbx, lost.reason) == (PBX_LOST, "acme", "P1", "pbx_unreachable")
    assert (lost.since, lost.time) == (BEGIN + 2_000, BEGIN + 12_000)
    assert "does not answer" in lost.message
    assert (back.type, back.pbx, back.since, back.time) == (PBX_BACK, "P1", BEGIN + 2_000, BEGIN + 32_000)


def test_a_short_interruption_is_told_to_nobody() -> None:
    assert watched(UP, *[DOWN] * 10, UP, *[DOWN] * 10, UP) == []


def test_a_pbx_that_was_never_reached_is_lost_since_the_start() -> None:
    never = SourceStatus()
    [lost] = watched(*[never] * 30)
    assert (lost.type, lost.since, lost.time, lost.reason) == (PBX_LOST, BEGIN, BEGIN + LOST_AFTER, None)


def test_one_that_was_lost_before_a_restart_is_not_told_again_but_when_it_is_back() -> None:
    [back] = watched(*[DOWN] * 30, UP, lost_since=BEGIN - 99_000)
    assert (back.type, back.since) == (PBX_BACK, BEGIN - 99_000)
    assert watched(UP, *[DOWN] * 11, lost_since=BEGIN - 99_000)[0].type == PBX_BACK


def test_a_clock_that_is_set_makes_no_pbx_lost() -> None:
    watch = Watch("acme", "P1", LOST_AFTER, BEGIN)
    assert watch.look(UP, BEGIN) is None
    assert watch.look(DOWN, BEGIN + 1_000) is None
    assert watch.look(DOWN, BEGIN + 3_600_000) is None
    assert watch.look(DOWN, BEGIN - 3_600_000) is None
    assert watch.look(UP, BEGIN) is None


def test_it_is_to_be_looked_at_again_soon() -> None:
    watch = Watch("acme", "P1", LOST_AFTER, BEGIN)
    assert watch.wake_at() == BEGIN + LOOK_EVERY
    watch.look(DOWN, BEGIN + 700)
    assert watch.wake_at() == BEGIN + 700 + LOOK_EVERY


@given(ups=st.lists(st.booleans(), max_size=200), steps=st.integers(1, 20_000))
def test_lost_and_back_come_in_turn_whatever_happens(ups: list[bool], steps: int) -> None:
    told = watched(*(UP if up else DOWN for up in ups), step=steps)
    assert [notice.type for notice in told] == list(islice(cycle((PBX_LOST, PBX_BACK)), len(told)))
    assert all(notice.since is not None and notice.since <= notice.time for notice in told)
    for earlier, later in pairwise(told):
        assert later.type == PBX_LOST or later.since == earlier.since


async def test_the_shell_tells_what_the_watch_sees() -> None:
    told: list[Notice] = []
    lost = asyncio.Event()
    now = BEGIN

    def tell(notice: Notice) -> None:
        told.append(notice)
        lost.set()

    def clock() -> int:
        nonlocal now
        now += 4_000  # passes with every look, so that no time need pass
        return now

    keeping = asyncio.create_task(keep_watch(Watch("acme", "P1", LOST_AFTER, BEGIN), lambda: DOWN, tell, clock))
    async with asyncio.timeout(10):
        await lost.wait()
    keeping.cancel()
    await asyncio.wait({keeping})
    assert [notice.type for notice in told] == [PBX_LOST]


async def test_what_earlier_notices_say_is_known_after_a_restart(tmp_path: Path) -> None:
    world = await make_world(tmp_path)

    async def tell(kind: NoticeType, pbx: str, since: int) -> None:
        notice = Notice(company="acme", type=kind, time=5, message="m", pbx=pbx, since=since)
        await world.ledger.commit([notice_event(notice, [])])

    assert await lost_since(world.ledger, "acme", "P1") is None
    await tell(PBX_LOST, "P1", 11)
    await tell(PBX_LOST, "P2", 22)
    assert await lost_since(world.ledger, "acme", "P1") == 11
    await tell(PBX_BACK, "P2", 22)
    assert await lost_since(world.ledger, "acme", "P1") == 11
    assert await lost_since(world.ledger, "acme", "P2") is None
    await tell(PBX_BACK, "P1", 11)
    await tell(PBX_LOST, "P1", 33)
    assert await lost_since(world.ledger, "acme", "P1") == 33
    assert await lost_since(world.ledger, "zeta", "P1") is None
    await world.ledger.close()
