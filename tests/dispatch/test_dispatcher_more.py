"""The dispatcher where two things meet: an erasure and a read, a pause and a crash, many integrations and few reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from ringpost.dispatch import dispatcher as dispatcher_module
from ringpost.dispatch.backlog import READS_AT_ONCE
from ringpost.model.failing import Failing
from ringpost.model.outcome import Outcome
from ringpost.settings import Settings

from .world import FAILED, OK, START, YEAR, World, turn_until

DAY: Final = 86_400_000


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World.opened(tmp_path, "aaaaaa", "bbbbbb") as opened:
        yield opened


async def test_what_was_cancelled_while_its_event_was_read_is_not_sent(world: World) -> None:
    world.install("aaaaaa", state="paused")
    await world.accept("c1", "aaaaaa")
    other = await world.accept("c2", "aaaaaa")
    await world.dispatcher.wait_idle()
    world.install("aaaaaa")
    world.door.open.clear()
    await world.restart()
    await turn_until(lambda: world.door.is_reading)
    world.dispatcher.forget("aaaaaa", "c1", 1)
    world.door.open.set()
    await world.dispatcher.wait_idle()
    assert [sending.event.seq for sending in world.receivers.sent] == [other.seq]
    assert world.dispatcher.statistics().owed == 0
    assert world.dispatcher.statistics().lanes.under_way == 0


async def test_a_pause_that_the_ledger_has_ends_what_was_counted_before_it_though_the_service_ended(
    tmp_path: Path,
) -> None:
    """The service ended between the pause and the deletion of the count; it resumes, and the service starts again."""
    async with World.opened(tmp_path, "aaaaaa", settings=Settings()) as world:
        counted = Failing(
            company="it", integration="aaaaaa", since=START - 5 * DAY, counted=5 * DAY - 1, last=START, warned=True
        )
        await world.ledger.record([], {("it", "aaaaaa"): counted})
        world.install("aaaaaa", state="paused")
        await world.restart()
        await world.dispatcher.wait_idle()
        world.install("aaaaaa")
        world.dispatcher.changed("aaaaaa")
        await world.restart()
        world.receivers.answer = lambda _: FAILED
        await world.accept("c1", "aaaaaa")
        await world.dispatcher.wait_idle()
        await world.pass_time(10_000)
        assert len(world.receivers.sent) == 2
        assert world.pauses == []


@pytest.mark.slow
async def test_many_integrations_with_a_backlog_are_read_a_few_at_a_time_and_all_get_theirs(tmp_path: Path) -> None:
    names = [f"i{number:05}" for number in range(250)]
    async with World.opened(tmp_path, *names, settings=Settings(deliveries_in_memory=1_000), start=False) as world:
        for number in range(4):
            await world.accept_many([f"c{number}-{call}" for call in range(5)], *names, hand_over=False)
        under_way = most = 0
        read = world.door.owed

        async def counted(company: str, integration: str, after: int, limit: int) -> object:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            try:
                return await read(company, integration, after, limit)
            finally:
                under_way -= 1

        world.door.owed = counted  # type: ignore[method-assign,assignment]
        await world.dispatcher.start()
        await world.dispatcher.wait_idle()
        assert 1 < most <= READS_AT_ONCE
        assert len(world.receivers.received) == 250 * 20
        assert world.dispatcher.statistics().owed == 0
        for name in names[::50]:
            for call in {event.call for event in world.events.values()}:
                assert world.order(name, call) == sorted(world.order(name, call))


async def test_a_read_that_waits_for_results_that_cannot_be_recorded_ends_with_the_dispatcher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher_module, "RECORD_WAIT", 0.01)
    async with World.opened(tmp_path, "aaaaaa", settings=Settings(deliveries_in_memory=1_000)) as world:
        world.door.open.clear()
        await world.accept_many([f"c{number}" for number in range(3_000)], "aaaaaa")
        await turn_until(lambda: world.door.is_recording)
        waiting = asyncio.create_task(world.dispatcher.wait_idle())
        await asyncio.sleep(0)
        assert not waiting.done()
        await world.dispatcher.drain(0)
        await world.dispatcher.close()
        async with asyncio.timeout(5):
            await waiting
        world.door.open.set()


async def test_the_last_try_that_finds_the_receiver_gone_leaves_the_delivery_owed(tmp_path: Path) -> None:
    never_again = Settings(retry_delays_ms=(), pause_after_ms=YEAR)
    async with World.opened(tmp_path, "aaaaaa", settings=never_again) as world:
        world.receivers.answer = lambda _: Outcome(status=410, error="gone")
        await world.accept("c1", "aaaaaa")
        await world.dispatcher.wait_idle()
        assert (await world.states(), len(world.pauses)) == (["pending"], 1)
        world.receivers.answer = lambda _: OK
        world.install("aaaaaa")
        world.dispatcher.changed("aaaaaa")
        await world.pass_time(2_000)
        assert await world.states() == ["delivered"]


async def test_what_the_former_receiver_says_late_does_not_pause_the_new_one(tmp_path: Path) -> None:
    async with World.opened(tmp_path, "aaaaaa") as world:
        world.receivers.answer = lambda _: Outcome(status=410, error="gone")
        world.receivers.slow["aaaaaa"] = asyncio.Event()
        await world.accept("c1", "aaaaaa")
        await turn_until(lambda: len(world.receivers.sent) == 1)
        integration, credentials = world.installed["aaaaaa"]
        world.installed["aaaaaa"] = (replace(integration, url="https://new.example/"), credentials)
        world.dispatcher.changed("aaaaaa")
        world.receivers.slow.pop("aaaaaa").set()
        await world.dispatcher.wait_idle()
        assert world.pauses == []
        world.receivers.answer = lambda _: OK
        await world.pass_time(10_000)
        assert await world.states() == ["delivered"]


async def test_an_edit_before_the_pause_is_durable_starts_nothing_unless_it_names_another_receiver(
    tmp_path: Path,
) -> None:
    async with World.opened(tmp_path, "aaaaaa") as world:
        world.receivers.answer = lambda _: Outcome(status=410, error="gone")
        world.door.open.clear()
        await world.accept("c1", "aaaaaa")
        await turn_until(lambda: len(world.receivers.sent) == 1)
        for _ in range(5):
            await asyncio.sleep(0)
        integration, credentials = world.installed["aaaaaa"]
        world.installed["aaaaaa"] = (replace(integration, name="another name"), credentials)
        world.dispatcher.changed("aaaaaa")
        await world.accept("c2", "aaaaaa")
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(world.receivers.sent) == 1
        world.receivers.answer = lambda _: OK
        world.installed["aaaaaa"] = (replace(integration, url="https://new.example/"), credentials)
        world.dispatcher.changed("aaaaaa")
        await turn_until(lambda: len(world.receivers.sent) == 2)
        world.door.open.set()
        await world.dispatcher.wait_idle()


async def test_exhausted_deliveries_that_were_held_back_are_told_of_an_hour_later(tmp_path: Path) -> None:
    never_again = Settings(retry_delays_ms=(), pause_after_ms=YEAR)
    async with World.opened(tmp_path, "aaaaaa", settings=never_again) as world:
        world.receivers.answer = lambda _: FAILED
        for number in range(3):
            await world.accept(f"c{number}", "aaaaaa")
        await world.dispatcher.wait_idle()
        assert [notice.count for notice in world.notices] == [1]
        await world.pass_time(3_600_000)
        assert [notice.count for notice in world.notices] == [1, 2]


async def test_from_the_moment_of_a_stop_nothing_is_begun_and_what_comes_stays_owed(world: World) -> None:
    world.receivers.slow["aaaaaa"] = asyncio.Event()
    await world.accept("c1", "aaaaaa")
    await world.accept("c1", "aaaaaa")
    await turn_until(lambda: len(world.receivers.sent) == 1)
    world.dispatcher.hold()
    await world.accept("c2", "aaaaaa", "bbbbbb")
    world.receivers.slow.pop("aaaaaa").set()
    await turn_until(lambda: len(world.receivers.received) == 1)
    await world.dispatcher.drain(1_000)
    assert len(world.receivers.sent) == 1
    assert world.dispatcher.statistics().owed == 3
