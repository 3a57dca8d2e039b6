"""When a PBX counts as lost and as back."""

from __future__ import annotations

import asyncio
from itertools import cycle, islice, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost.intake.notices import notice_event
from ringpost.model.notice import PBX_BACK, PBX_CALLS_ENDED, PBX_LOST, Notice, NoticeType
from ringpost.sources.source import SourceStatus
from ringpost.sources.watch import LOOK_EVERY, GiveUp, Watch
from ringpost.sources.watching import keep_watch, lost_since
from tests.world import make_world

BEGIN = 1_700_000_000_000
UP = SourceStatus(connected_since=BEGIN)
DOWN = SourceStatus(error="pbx_unreachable", message="The PBX does not answer.", attempts=3)
LOST_AFTER = 10_000
END_AFTER = 60_000


def new_watch(lost_since: int | None = None, *, lost_after: int = LOST_AFTER, end_after: int = END_AFTER) -> Watch:
    return Watch("acme", "P1", lost_after=lost_after, end_after=end_after, now=BEGIN, lost_since=lost_since)


Seen = list[tuple[int, Notice | GiveUp]]


def looked(watch: Watch, *statuses: SourceStatus, step: int = LOOK_EVERY) -> Seen:
    """What is told and to be done, and when (ms from the beginning), when it is looked at every `step` ms."""
    times = [number * step for number in range(len(statuses))]
    return [(at, todo) for at, status in zip(times, statuses, strict=True) for todo in watch.look(status, BEGIN + at)]


def watched(*statuses: SourceStatus, lost_since: int | None = None, step: int = LOOK_EVERY) -> list[Notice]:
    """What is told."""
    seen = looked(new_watch(lost_since), *statuses, step=step)
    return [todo for _, todo in seen if isinstance(todo, Notice)]


def given_up(*statuses: SourceStatus, watch: Watch | None = None) -> list[tuple[int, GiveUp]]:
    """When (ms from the beginning) its calls are to be ended."""
    return [(at, todo) for at, todo in looked(watch or new_watch(), *statuses) if isinstance(todo, GiveUp)]


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
    watch = new_watch(end_after=LOST_AFTER)
    assert watch.look(UP, BEGIN) == []
    assert watch.look(DOWN, BEGIN + 1_000) == []
    assert watch.look(DOWN, BEGIN + 3_600_000) == []
    assert watch.look(DOWN, BEGIN - 3_600_000) == []
    assert watch.look(UP, BEGIN) == []


def test_the_calls_of_a_pbx_that_stays_away_are_given_up_once() -> None:
    assert given_up(UP, UP, *[DOWN] * 200) == [(62_000, GiveUp(BEGIN + 2_000, "pbx_unreachable"))]
    assert given_up(UP, *[DOWN] * 60, UP) == []


def test_they_are_given_up_each_time_that_it_is_lost() -> None:
    away = [UP, *[DOWN] * 70]
    assert [at for at, _ in given_up(*away, *away)] == [61_000, 132_000]


def test_a_pbx_that_was_never_reached_since_the_start_is_given_up_too() -> None:
    assert given_up(*[SourceStatus()] * 100) == [(60_000, GiveUp(BEGIN, None))]


def test_the_time_before_a_restart_counts_but_the_pbx_is_tried_first() -> None:
    assert [at for at, _ in given_up(*[DOWN] * 90, watch=new_watch(BEGIN - 25_000))] == [35_000]
    assert [at for at, _ in given_up(*[DOWN] * 90, watch=new_watch(BEGIN - 9_000_000))] == [10_000]
    assert given_up(*[DOWN] * 9, UP, *[DOWN] * 50, watch=new_watch(BEGIN - 9_000_000)) == []
    # A clock that was set back over the restart makes nothing negative.
    assert [at for at, _ in given_up(*[DOWN] * 90, watch=new_watch(BEGIN + 9_000_000))] == [60_000]


def test_they_may_be_given_up_before_it_counts_as_lost() -> None:
    watch = new_watch(lost_after=60_000, end_after=10_000)
    assert [(at, type(todo)) for at, todo in looked(watch, UP, *[DOWN] * 99)] == [(11_000, GiveUp), (61_000, Notice)]


def test_the_notice_says_how_many_calls_were_ended_and_since_when() -> None:
    watch = new_watch()
    notice = watch.gave_up(GiveUp(BEGIN, "pbx_unreachable"), 3, BEGIN + 3_600_000)
    assert (notice.type, notice.company, notice.pbx, notice.count) == (PBX_CALLS_ENDED, "acme", "P1", 3)
    assert (notice.since, notice.time, notice.reason) == (BEGIN, BEGIN + 3_600_000, "pbx_unreachable")
    assert "60 min" in notice.message
    assert "(3)" in notice.message
    assert "Its open call was ended (1)" in watch.gave_up(GiveUp(BEGIN, None), 1, BEGIN).message


def test_it_is_to_be_looked_at_again_soon() -> None:
    watch = new_watch()
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


@pytest.mark.parametrize(("calls", "kinds"), [(2, [PBX_LOST, PBX_CALLS_ENDED]), (0, [PBX_LOST])])
async def test_the_shell_does_what_the_watch_says(calls: int, kinds: list[str]) -> None:
    told: list[Notice] = []
    lost, ended = asyncio.Event(), asyncio.Event()
    now = BEGIN

    def tell(notice: Notice) -> None:
        told.append(notice)
        lost.set()

    def clock() -> int:
        nonlocal now
        now += 4_000  # passes with every look, so that no time need pass
        return now

    def end_calls() -> int:
        ended.set()
        return calls

    watch = new_watch(end_after=16_000)
    keeping = asyncio.create_task(keep_watch(watch, lambda: DOWN, tell, clock, end_calls=end_calls))
    async with asyncio.timeout(10):
        await lost.wait()
        await ended.wait()
    keeping.cancel()
    await asyncio.wait({keeping})
    assert [notice.type for notice in told] == kinds


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
