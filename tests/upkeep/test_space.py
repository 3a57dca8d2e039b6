"""The disk is told of once when it is low, again after a day, and again when it was well in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost.model.notice import LEDGER_NEARLY_FULL, SERVICE_COMPANY, Notice
from ringpost.telemetry.metrics import Metrics
from ringpost.upkeep.disk import DiskWatch, measure
from ringpost.upkeep.space import AGAIN_MS, SpaceWatch
from tests.world import World, make_world

MB = 1_000_000
NOW = 1_795_573_019_000
MINUTE = 60_000


def test_it_is_said_once_with_figures_and_what_to_do() -> None:
    watch = SpaceWatch(100)
    assert watch.judge(100 * MB, 7 * MB, NOW) is None
    notice = watch.judge(99 * MB, 7 * MB, NOW)
    assert notice is not None
    assert (notice.company, notice.type, notice.since) == (SERVICE_COMPANY, LEDGER_NEARLY_FULL, NOW)
    for figure in ("99 MB left", "100 MB", "takes 7 MB", "keep_events_days"):
        assert figure in notice.message
    assert watch.judge(50 * MB, 7 * MB, NOW + MINUTE) is None


def test_a_disk_at_the_limit_is_not_told_of_again_and_again() -> None:
    watch = SpaceWatch(100)
    told = [watch.judge((99 if minute % 2 else 109) * MB, 0, NOW + minute * MINUTE) for minute in range(600)]
    assert sum(notice is not None for notice in told) == 1


def test_after_it_was_well_it_is_told_anew() -> None:
    watch = SpaceWatch(100)
    assert watch.judge(1, 0, NOW) is not None
    assert watch.judge(110 * MB, 0, NOW + MINUTE) is None
    again = watch.judge(1, 0, NOW + 2 * MINUTE)
    assert again is not None
    assert again.since == NOW + 2 * MINUTE


def test_it_is_told_again_after_a_day_with_the_time_it_began() -> None:
    watch = SpaceWatch(100)
    assert watch.judge(1, 0, NOW) is not None
    assert watch.judge(1, 0, NOW + AGAIN_MS - 1) is None
    again = watch.judge(1, 0, NOW + AGAIN_MS)
    assert again is not None
    assert again.since == NOW
    assert watch.judge(1, 0, NOW + AGAIN_MS + MINUTE) is None


def test_a_limit_of_nothing_never_says_anything() -> None:
    assert SpaceWatch(0).judge(0, 0, NOW) is None


@given(frees=st.lists(st.integers(0, 200 * MB), max_size=200))
def test_in_a_day_it_is_told_no_oftener_than_it_became_low(frees: list[int]) -> None:
    watch, well, expected = SpaceWatch(100), True, 0
    told = 0
    for number, free in enumerate(frees):
        well = well or free >= 110 * MB
        if free < 100 * MB and well:
            well, expected = False, expected + 1
        told += watch.judge(free, 0, NOW + number * MINUTE) is not None
    assert told == expected


@pytest.mark.parametrize(("passed", "again"), [(MINUTE, False), (AGAIN_MS - 1, False), (AGAIN_MS, True)])
def test_what_was_told_before_a_restart_counts(passed: int, again: bool) -> None:
    watch = SpaceWatch(100)
    watch.was_told(NOW - MINUTE, NOW)
    notice = watch.judge(1, 0, NOW + passed)
    assert (notice is not None) is again
    assert notice is None or notice.since == NOW - MINUTE


def test_a_disk_that_is_well_after_a_restart_is_told_of_when_it_is_low_again() -> None:
    watch = SpaceWatch(100)
    watch.was_told(NOW, NOW)
    assert watch.judge(110 * MB, 0, NOW + MINUTE) is None
    assert watch.judge(1, 0, NOW + 2 * MINUTE) is not None


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = await make_world(tmp_path)
    yield world
    await world.ledger.close()


async def test_a_restart_does_not_tell_again(world: World, tmp_path: Path) -> None:
    path, told = tmp_path / "ringpost.db", list[Notice]()

    async def start(limit: int) -> None:
        watch = DiskWatch(world.ledger, path, SpaceWatch(limit), told.append, world.clock, Metrics())
        await watch.recall()
        await watch.look()

    await start(1_000_000_000)
    await world.intake.accept_notices(told)
    world.clock.ms += 60_000
    await start(1_000_000_000)
    assert len(told) == 1
    world.clock.ms += AGAIN_MS
    await start(1_000_000_000)
    assert [notice.since for notice in told] == [told[0].time] * 2


async def test_a_look_sets_the_metrics_and_tells(world: World, tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"x" * 1_000)
    path.with_name("ledger.db-wal").write_bytes(b"x" * 500)
    metrics, told = Metrics(), list[Notice]()
    huge = SpaceWatch(1_000_000_000)
    await DiskWatch(world.ledger, path, huge, told.append, lambda: NOW, metrics).look()
    assert [notice.type for notice in told] == [LEDGER_NEARLY_FULL]
    assert b"ringpost_ledger_bytes 1500.0" in metrics.render()
    assert metrics.ledger_disk_free_bytes._value.get() > 0
    assert measure(path)[1] == 1_500


async def test_a_disk_that_cannot_be_looked_at_ends_nothing(world: World, tmp_path: Path) -> None:
    told: list[Notice] = []
    gone = tmp_path / "gone" / "ledger.db"
    await DiskWatch(world.ledger, gone, SpaceWatch(1), told.append, lambda: NOW, Metrics()).look()
    assert told == []
