"""Receivers that hang, are down and come back: what they cost others, what they are sent, and that nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import pytest
from structlog.testing import capture_logs

from ringpost.dispatch.breaker import FIRST_WAIT, IN_A_ROW, LONGEST_WAIT
from ringpost.model.outcome import Outcome
from ringpost.settings import Settings
from ringpost.transports.transport import Sending
from tests.dispatch.world import FAILED, OK, World, turn_until

HANGING: Final = tuple(f"hang{number:02}" for number in range(20))
TIMEOUT: Final = Outcome(error="timeout")
MINUTE: Final = 60_000


def fails_for(integration: str) -> Callable[[Sending], Outcome]:
    return lambda sending: FAILED if sending.integration.id == integration else OK


def breakers_open(world: World) -> float | None:
    return world.metrics.registry.get_sample_value("ringpost_breakers_open")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World.opened(tmp_path, "aaaaaa", "bbbbbb") as world:
        yield world


async def open_breaker(world: World) -> None:
    """Let every attempt for aaaaaa fail, until its breaker is open."""
    world.receivers.answer = fails_for("aaaaaa")
    for number in range(IN_A_ROW):
        await world.accept(f"down{number}", "aaaaaa")
    await world.dispatcher.wait_idle()
    assert breakers_open(world) == 1


async def test_twenty_that_hang_cost_a_healthy_one_nothing(tmp_path: Path) -> None:
    async with World.opened(tmp_path, *HANGING, "health") as world:
        for integration in HANGING:
            world.receivers.slow[integration] = asyncio.Event()
        calls = [f"c{number}" for number in range(40)]
        for _ in range(3):
            await world.accept_many(calls, *HANGING, "health")
        await turn_until(lambda: len(world.receivers.received) == 120)
        assert {to for _, to in world.receivers.received} == {"health"}
        for call in calls:
            assert world.order("health", call) == [seq for seq, event in world.events.items() if event.call == call]
        assert world.dispatcher.statistics().lanes.under_way == sum(world.receivers.under_way.values())
        assert max(world.receivers.most_under_way[integration] for integration in HANGING) == 4
        for slow in world.receivers.slow.values():
            slow.set()
        await world.dispatcher.wait_idle()
        assert len(world.receivers.received) == 120 * 21


async def test_receivers_that_begin_to_hang_all_at_once_are_held_back_after_a_second(tmp_path: Path) -> None:
    narrow = Settings(connections_per_integration=16, connections=64)
    async with World.opened(tmp_path, *HANGING, "health", settings=narrow) as world:
        await world.accept("c0", *HANGING, "health")
        await world.dispatcher.wait_idle()  # all are known to be quick
        for integration in HANGING:
            world.receivers.slow[integration] = asyncio.Event()
        for number in range(1, 20):
            await world.accept(f"c{number}", *HANGING)
            await turn_until(lambda: bool(world.receivers.under_way.total()))
            if number == 2:
                world.now += 1_000
        under_way = world.dispatcher.statistics().lanes.under_way
        assert under_way <= 48
        await world.accept("c1", "health")
        await turn_until(lambda: world.order("health", "c1") != [])


async def test_a_dead_receiver_with_a_backlog_gets_a_probe_a_minute_and_all_in_order_when_it_returns(
    world: World,
) -> None:
    world.receivers.answer = fails_for("aaaaaa")
    calls = [f"c{number}" for number in range(2_500)]
    for _ in range(2):
        await world.accept_many(calls, "aaaaaa")
    await world.dispatcher.wait_idle()
    assert len(world.receivers.sent) < IN_A_ROW + world.settings.connections_per_integration
    for _ in range(60):
        await world.pass_time(1_000)
    in_first_minute = len(world.receivers.sent)
    for _ in range(60):
        await world.pass_time(10_000)
    assert in_first_minute < 30
    assert 10 <= len(world.receivers.sent) - in_first_minute <= 12, "one a minute"
    tried = {sending.event.call for sending in world.receivers.sent}
    assert len(tried) == len(world.receivers.sent), "no call is tried again while others were not tried at all"
    assert await world.attempts(next(event for event in world.events.values() if event.call not in tried)) == []

    world.receivers.answer = lambda _: OK
    await world.pass_time(round(1.2 * LONGEST_WAIT))
    await world.pass_days()
    assert len(world.receivers.received) == 5_000
    of_calls: dict[str, list[int]] = {call: [] for call in calls}
    for seq, _ in world.receivers.received:
        of_calls[world.events[seq].call].append(seq)
    assert all(len(seqs) == 2 and seqs == sorted(seqs) for seqs in of_calls.values())
    assert breakers_open(world) == 0


async def test_a_dead_receiver_keeps_one_connection_busy_and_not_sixteen(world: World) -> None:
    await open_breaker(world)
    world.receivers.answer = lambda sending: TIMEOUT if sending.integration.id == "aaaaaa" else OK
    await world.accept_many([f"c{number}" for number in range(100)], "aaaaaa")
    for probes in range(1, 6):
        world.now += 2 * MINUTE
        hang = world.receivers.slow["aaaaaa"] = asyncio.Event()
        world.dispatcher.wake()
        await turn_until(lambda: world.receivers.under_way["aaaaaa"] == 1)
        await world.accept("c1", "aaaaaa", "bbbbbb")
        await turn_until(lambda: world.receivers.received != [])
        world.receivers.received.clear()
        assert world.receivers.under_way["aaaaaa"] == 1
        world.now += 5_000
        hang.set()
        await world.dispatcher.wait_idle()
        sent = [sending for sending in world.receivers.sent if sending.integration.id == "aaaaaa"]
        assert len(sent) == IN_A_ROW + probes


async def test_opening_and_closing_are_told_once_and_without_the_url(world: World) -> None:
    with capture_logs() as logs:
        await open_breaker(world)
        for _ in range(5):
            await world.pass_time(MINUTE)
        world.receivers.answer = lambda _: OK
        await world.pass_time(2 * MINUTE)
    opened, closed = (line for line in logs if line["event"].startswith("breaker_"))
    assert opened == {
        "event": "breaker_opened",
        "log_level": "warning",
        "integration": "aaaaaa",
        "company": "it",
        "error": "status",
        "wait_ms": FIRST_WAIT,
    }
    assert (closed["event"], closed["integration"], closed["after_ms"]) == ("breaker_closed", "aaaaaa", 7 * MINUTE)
    assert "receiver.example" not in repr(logs)


async def test_others_are_not_held_back_by_an_open_breaker(world: World) -> None:
    await open_breaker(world)
    await world.accept("c1", "aaaaaa", "bbbbbb")
    await world.dispatcher.wait_idle()
    assert world.order("bbbbbb", "c1") != []
    assert world.order("aaaaaa", "c1") == []


async def test_no_probe_goes_before_the_time_that_the_receiver_asked_for(world: World) -> None:
    world.receivers.answer = lambda _: Outcome(status=429, error="status", retry_after=10 * MINUTE)
    for number in range(IN_A_ROW):
        await world.accept(f"c{number}", "aaaaaa")
    await world.dispatcher.wait_idle()
    await world.accept("fresh", "aaaaaa")
    for _ in range(10):
        await world.pass_time(MINUTE - 1)
    assert len(world.receivers.sent) == IN_A_ROW
    world.receivers.answer = lambda _: OK
    await world.pass_time(10)
    assert await world.states("fresh") == ["delivered"]


async def test_what_waits_for_a_dead_receiver_uses_up_no_retries(world: World) -> None:
    await open_breaker(world)
    fresh = await world.accept("fresh", "aaaaaa")
    await world.dispatcher.wait_idle()
    assert await world.attempts(fresh) == []
    world.receivers.answer = lambda _: OK
    await world.pass_time(FIRST_WAIT)
    assert [attempt.number for attempt in await world.attempts(fresh)] == [1]


async def test_failing_replays_open_no_breaker(world: World) -> None:
    events = [await world.accept(f"c{number}", "aaaaaa") for number in range(2 * IN_A_ROW)]
    await world.dispatcher.wait_idle()
    world.receivers.answer = fails_for("aaaaaa")
    for event in events:
        world.dispatcher.replayed(await world.ledger.replay("it", event.seq, "aaaaaa", world.now))
    await world.dispatcher.wait_idle()
    assert len(world.receivers.sent) == 4 * IN_A_ROW
    assert breakers_open(world) == 0


async def test_replays_that_succeed_go_one_by_one_and_close_no_breaker(world: World) -> None:
    events = [await world.accept(f"c{number}", "aaaaaa") for number in range(8)]
    await world.dispatcher.wait_idle()
    never_again = Settings(retry_delays_ms=())
    world.dispatcher._delays_ms = never_again.retry_delays_ms  # what fails is exhausted: replays alone are owed then
    await open_breaker(world)
    world.receivers.answer = lambda _: OK
    world.receivers.most_under_way.clear()
    for event in events:
        world.dispatcher.replayed(await world.ledger.replay("it", event.seq, "aaaaaa", world.now))
    await world.pass_time(FIRST_WAIT)
    assert len(world.receivers.received) == 2 * len(events)
    assert world.receivers.most_under_way["aaaaaa"] == 1
    assert breakers_open(world) == 1
    await world.accept("c1", "aaaaaa")
    await world.dispatcher.wait_idle()
    assert breakers_open(world) == 0


async def test_an_edited_one_is_tried_at_once(world: World) -> None:
    await open_breaker(world)
    for _ in range(10):
        await world.pass_time(MINUTE)
    await world.accept("fresh", "aaaaaa")
    world.receivers.answer = lambda _: OK
    await world.dispatcher.wait_idle()
    assert await world.states("fresh") == ["pending"]
    world.dispatcher.changed("aaaaaa")
    await world.dispatcher.wait_idle()
    assert await world.states("fresh") == ["delivered"]


async def test_a_deleted_one_counts_as_open_no_longer(world: World) -> None:
    await open_breaker(world)
    await world.delete("aaaaaa")
    world.dispatcher.changed("aaaaaa")
    assert breakers_open(world) == 0
