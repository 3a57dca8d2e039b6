"""The dispatcher: order, records, restarts, refusals and stopping."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from msgspec.structs import replace
from structlog.testing import capture_logs

from ringpost.dispatch import dispatcher as dispatcher_module
from ringpost.dispatch import recorder
from ringpost.dispatch.breaker import LONGEST_WAIT
from ringpost.model.delivery import delivery_id
from ringpost.model.outcome import BUSY, Outcome
from ringpost.settings import Settings
from ringpost.transports.transport import Sending
from tests.dispatch.world import FAILED, OK, SECRET, YEAR, World, turn_until

steps = st.lists(
    st.one_of(
        st.tuples(st.just("accept"), st.sampled_from(("c1", "c2", "c3"))),
        st.tuples(st.just("pass"), st.sampled_from((1, 5_000, 40_000))),
        st.tuples(st.just("turns"), st.integers(1, 4)),
        st.just(("restart", None)),
    ),
    max_size=20,
)


async def take(world: World, step: str, value: Any) -> None:
    match step:
        case "accept":
            await world.accept(value, "aaaaaa", "bbbbbb")
        case "pass":
            await world.pass_time(value)
        case "turns":
            for _ in range(value):
                await asyncio.sleep(0)
        case "restart":
            await world.restart()


@given(steps=steps, failing=st.lists(st.booleans(), max_size=40))
@settings(max_examples=60, deadline=None)
@pytest.mark.slow
def test_events_of_one_call_arrive_in_order_over_failures_and_restarts(
    steps: list[tuple[str, Any]], failing: list[bool]
) -> None:
    async def live(folder: Path) -> None:
        often = Settings(retry_delays_ms=(5_000,) * 50, pause_after_ms=YEAR)
        async with World.opened(folder, "aaaaaa", "bbbbbb", settings=often) as world:
            world.receivers.answer = lambda _: FAILED if failing and failing.pop() else OK
            for step, value in steps:
                await take(world, step, value)
            await world.pass_time(0)
            await world.pass_days()
            for integration in world.installed:
                for call in world.sequences:
                    order = world.order(integration, call)
                    firsts = list(dict.fromkeys(order))
                    assert firsts == [seq for seq, event in world.events.items() if event.call == call], "in order, all"
                    assert order == firsts or ("restart", None) in steps, "without a restart, nothing arrives twice"
                    assert set(await world.states(call, integration)) == {"delivered"}

    with TemporaryDirectory() as folder:
        asyncio.run(live(Path(folder)))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World.opened(tmp_path, "aaaaaa", "bbbbbb") as world:
        yield world


async def test_a_delivered_event_is_recorded_with_its_attempt(world: World) -> None:
    event = await world.accept("c1", "aaaaaa")
    await world.dispatcher.wait_idle()
    (attempt,) = await world.attempts(event)
    assert (attempt.number, attempt.status, attempt.error, attempt.time) == (1, 200, None, world.now)
    assert await world.states() == ["delivered"]
    assert world.door.reads == 0, "the event came from memory"
    assert world.dispatcher.statistics().body_bytes == 0


async def test_a_failing_delivery_is_tried_on_schedule_then_exhausted_and_the_lane_goes_on(world: World) -> None:
    world.receivers.answer = lambda sending: FAILED if sending.event.sequence == 1 else OK
    await world.accept("c1", "aaaaaa")
    await world.accept("c1", "aaaaaa")
    await world.dispatcher.wait_idle()
    for delay in world.settings.retry_delays_ms:
        made = len(world.receivers.sent)
        await world.pass_time(delay - 1)
        assert len(world.receivers.sent) == made
        await world.pass_time(1)
        assert len(world.receivers.sent) == made + 1
    await world.pass_time(LONGEST_WAIT)  # nothing but failures so far: the lane goes on with the next probe
    assert [sending.attempt for sending in world.receivers.sent] == [*range(1, 11), 1]
    assert await world.states() == ["exhausted", "delivered"]
    counted = {
        outcome: world.metrics.registry.get_sample_value(
            "ringpost_deliveries_total", {"outcome": outcome, "transmission": "webhook"}
        )
        for outcome in ("retried", "exhausted", "delivered")
    }
    assert counted == {"retried": 9, "exhausted": 1, "delivered": 1}


async def test_retry_after_is_waited_for(world: World) -> None:
    world.receivers.answer = lambda _: Outcome(status=503, error="status", retry_after=60_000)
    await world.accept("c1", "aaaaaa")
    await world.dispatcher.wait_idle()
    await world.pass_time(59_999)
    assert len(world.receivers.sent) == 1
    await world.pass_time(1)
    assert len(world.receivers.sent) == 2


async def test_a_shortage_of_our_own_leaves_no_trace_but_a_line_in_the_log(world: World) -> None:
    world.receivers.answer = lambda _: Outcome(error=BUSY, detail="Too many open files.")
    event = await world.accept("c1", "aaaaaa")
    with capture_logs() as logs:
        await world.dispatcher.wait_idle()
        for _ in range(15):  # more often than there are attempts in the schedule
            await world.pass_time(1_000)
    assert {sending.attempt for sending in world.receivers.sent} == {1}
    assert len(world.receivers.sent) == 16
    assert await world.attempts(event) == []
    assert [line["event"] for line in logs] == ["descriptors_short"] * 2
    world.receivers.answer = lambda _: OK
    await world.pass_time(1_000)
    assert await world.states() == ["delivered"]


async def test_a_retry_is_made_by_the_timer_alone(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    done = asyncio.Event()

    def answer(sending: Sending) -> Outcome:
        if sending.attempt == 1:
            return FAILED
        done.set()
        return OK

    async with World.opened(tmp_path, "aaaaaa", settings=Settings(retry_delays_ms=(10,))) as world:
        world.dispatcher._now = lambda: world.now + int((loop.time() - began) * 1_000)
        world.receivers.answer = answer
        await world.accept("c1", "aaaaaa")
        async with asyncio.timeout(30):
            await done.wait()


async def test_one_slow_receiver_delays_nobody_else(tmp_path: Path) -> None:
    narrow = Settings(connections_per_integration=8, connections=4)  # so one that was not yet quick gets two
    async with World.opened(tmp_path, "aaaaaa", "bbbbbb", settings=narrow) as world:
        world.receivers.slow["aaaaaa"] = asyncio.Event()
        for number in range(20):
            await world.accept(f"c{number}", "aaaaaa", "bbbbbb")
        await turn_until(lambda: len(world.receivers.received) == 20)
        assert {to for _, to in world.receivers.received} == {"bbbbbb"}
        assert world.dispatcher.statistics().lanes.waiting == 18
        world.receivers.slow["aaaaaa"].set()
        await world.dispatcher.wait_idle()
        assert len(world.receivers.received) == 40
        assert world.receivers.most_under_way["aaaaaa"] == 2


async def test_results_that_come_while_a_batch_is_recorded_go_together(world: World) -> None:
    world.door.open.clear()
    await world.accept("c0", "aaaaaa")
    await turn_until(lambda: world.door.is_recording)
    for number in range(1, 20):
        await world.accept(f"c{number}", "aaaaaa", "bbbbbb")
    await turn_until(lambda: world.dispatcher.statistics().unrecorded == 39)
    world.door.open.set()
    await world.dispatcher.wait_idle()
    assert world.door.records == [1, 38]


async def test_results_are_kept_while_the_ledger_refuses(world: World) -> None:
    world.door.refuses = True
    for _ in range(10):
        await world.accept("c1", "aaaaaa")
    await turn_until(lambda: len(world.receivers.received) == 10 and world.door.refusals > 0)
    assert await world.states() == ["pending"] * 10
    world.door.refuses = False
    await world.dispatcher.wait_idle()
    assert await world.states() == ["delivered"] * 10
    assert len(world.receivers.sent) == 10, "nothing was sent again"


async def test_nothing_is_begun_while_too_many_results_are_unrecorded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "LIMIT", 8)
    world.door.refuses = True
    for _ in range(20):
        await world.accept("c1", "aaaaaa")
    await turn_until(lambda: len(world.receivers.sent) == 8)
    await turn_until(lambda: world.door.refusals > 1)  # the loop had time for all of them
    assert len(world.receivers.sent) == 8
    world.door.refuses = False
    await world.dispatcher.wait_idle()
    assert len(world.receivers.received) == 20
    assert await world.states() == ["delivered"] * 20


async def test_a_retry_reads_its_event_from_the_ledger_and_waits_while_it_cannot(world: World) -> None:
    world.receivers.answer = lambda sending: FAILED if sending.attempt == 1 else OK
    event = await world.accept("c1", "aaaaaa")
    await world.dispatcher.wait_idle()
    world.door.refuses = True
    await world.pass_time(5_000)
    assert len(world.receivers.sent) == 1
    world.door.refuses = False
    await world.pass_time(1_000)
    assert [(sending.attempt, sending.event) for sending in world.receivers.sent] == [(1, event), (2, event)]
    assert world.door.reads == 1


async def test_a_replay_has_a_whole_schedule_of_its_own_even_over_a_restart(world: World) -> None:
    world.receivers.answer = lambda _: FAILED
    event = await world.accept("c1", "aaaaaa")
    await world.dispatcher.wait_idle()
    await world.pass_days()
    assert len(world.receivers.sent) == 10
    world.dispatcher.replayed(await world.ledger.replay("it", event.seq, "aaaaaa", world.now))
    await world.pass_time(0)
    await world.restart()
    await world.pass_days()
    assert [sending.attempt for sending in world.receivers.sent] == list(range(1, 21))
    assert [sending.replay for sending in world.receivers.sent] == [0] * 10 + [1] * 10
    assert world.receivers.sent[0].delivery == world.receivers.sent[-1].delivery
    assert await world.states() == ["exhausted"]


async def test_a_paused_one_gets_nothing_until_it_resumes_then_all_in_order(world: World) -> None:
    world.install("aaaaaa", state="paused")
    first = [(await world.accept("c1", "aaaaaa", "bbbbbb")).seq for _ in range(3)]  # before anybody said `changed`
    await world.dispatcher.wait_idle()
    world.dispatcher.changed("aaaaaa")
    second = [(await world.accept("c1", "aaaaaa")).seq for _ in range(3)]
    await world.dispatcher.wait_idle()
    assert world.order("aaaaaa", "c1") == []
    assert world.order("bbbbbb", "c1") == first
    world.install("aaaaaa")
    world.dispatcher.changed("aaaaaa")
    await world.dispatcher.wait_idle()
    assert world.order("aaaaaa", "c1") == first + second


async def test_what_came_in_a_short_pause_is_still_in_memory(world: World) -> None:
    world.install("aaaaaa", state="paused")
    world.dispatcher.changed("aaaaaa")
    await world.accept("c1", "aaaaaa")
    await world.dispatcher.wait_idle()
    world.install("aaaaaa")
    world.dispatcher.changed("aaaaaa")
    await world.dispatcher.wait_idle()
    assert (len(world.receivers.received), world.door.reads) == (1, 0)


async def test_a_paused_one_stays_paused_over_a_restart(world: World) -> None:
    world.install("aaaaaa", state="paused")
    await world.accept("c1", "aaaaaa")
    await world.restart()
    await world.dispatcher.wait_idle()
    assert world.receivers.sent == []
    assert world.dispatcher.statistics().lanes.waiting == 0, "nor is it read before it is needed"
    world.install("aaaaaa")
    world.dispatcher.changed("aaaaaa")
    await world.dispatcher.wait_idle()
    assert len(world.receivers.received) == 1


async def test_an_edited_one_is_sent_to_with_its_new_secret(world: World) -> None:
    world.receivers.answer = lambda sending: FAILED if sending.attempt == 1 else OK
    await world.accept("c1", "aaaaaa")
    await world.dispatcher.wait_idle()
    world.install("aaaaaa", secret="another one")
    world.dispatcher.changed("aaaaaa")
    await world.pass_time(5_000)
    assert [sending.credentials.secret for sending in world.receivers.sent] == [SECRET, "another one"]


async def test_deleted_while_an_attempt_is_under_way_the_rest_is_dropped(world: World) -> None:
    world.receivers.slow["aaaaaa"] = asyncio.Event()
    world.receivers.answer = lambda _: FAILED
    for _ in range(3):
        await world.accept("c1", "aaaaaa")
    await turn_until(lambda: bool(world.receivers.sent))
    await world.delete("aaaaaa")
    world.dispatcher.changed("aaaaaa")
    assert world.dispatcher.statistics().lanes.waiting == 0
    world.receivers.slow["aaaaaa"].set()
    await world.dispatcher.wait_idle()
    await world.pass_time(86_400_000)
    assert len(world.receivers.sent) == 1
    assert await world.states() == ["cancelled"] * 3
    statistics = world.dispatcher.statistics()
    assert (statistics.lanes.owed, statistics.lanes.lanes, statistics.bodies) == (0, 0, 0)


async def test_deleted_without_a_word_nothing_more_is_sent(world: World) -> None:
    del world.installed["aaaaaa"]
    for _ in range(3):
        await world.accept("c1", "aaaaaa")
    await world.dispatcher.wait_idle()
    assert world.receivers.sent == []
    assert world.dispatcher.statistics().lanes.lanes == 0


async def test_a_drain_ends_what_is_under_way_and_leaves_the_rest_owed(world: World) -> None:
    world.receivers.slow["aaaaaa"] = asyncio.Event()
    first, second = [await world.accept("c1", "aaaaaa") for _ in range(2)]
    await turn_until(lambda: bool(world.receivers.sent))
    draining = asyncio.ensure_future(world.dispatcher.drain(60_000))
    await asyncio.sleep(0)
    third = await world.accept("c2", "bbbbbb")
    world.receivers.slow["aaaaaa"].set()
    await draining
    assert await world.states("c1", "aaaaaa") == ["delivered", "pending"]
    assert await world.states("c2", "bbbbbb") == ["pending"]
    await world.restart()
    await world.dispatcher.wait_idle()
    assert sorted(world.receivers.received) == [(first.seq, "aaaaaa"), (second.seq, "aaaaaa"), (third.seq, "bbbbbb")]


async def test_a_drain_waits_no_longer_than_its_limit(world: World) -> None:
    world.receivers.slow["aaaaaa"] = asyncio.Event()
    await world.accept("c1", "aaaaaa")
    await turn_until(lambda: bool(world.receivers.sent))
    with capture_logs() as logs:
        await world.dispatcher.drain(10)
    assert logs[-1]["event"] == "drain_incomplete"
    await world.dispatcher.close()
    assert await world.states() == ["pending"]


async def test_a_drain_begins_nothing_that_was_still_being_read(tmp_path: Path) -> None:
    async with World.opened(tmp_path, "aaaaaa", start=False) as world:
        await world.accept("c1", "aaaaaa", hand_over=False)
        world.door.open.clear()
        await world.dispatcher.start()
        await turn_until(lambda: world.door.is_reading)
        draining = asyncio.ensure_future(world.dispatcher.drain(60_000))
        await asyncio.sleep(0)
        world.door.open.set()
        await draining
        assert world.receivers.sent == []
        assert await world.states() == ["pending"]


async def test_nothing_runs_on_after_closing(world: World) -> None:
    before = asyncio.all_tasks()
    world.door.refuses = True
    await world.accept("c1", "aaaaaa")
    world.receivers.slow["bbbbbb"] = asyncio.Event()
    await world.accept("c1", "bbbbbb")
    await turn_until(lambda: world.door.refusals > 0 and len(world.receivers.sent) == 2)
    await world.dispatcher.close()
    assert asyncio.all_tasks() == before
    await world.dispatcher.wait_idle()
    assert await world.states("c1", "aaaaaa") + await world.states("c1", "bbbbbb") == ["pending", "pending"]


async def test_a_fault_in_a_transport_is_an_outcome_and_logged_without_secrets(world: World) -> None:
    def fail(sending: Sending) -> Outcome:
        if sending.attempt == 1:
            raise ValueError(f"cannot sign with {sending.credentials.secret}")
        return OK

    world.receivers.answer = fail
    with capture_logs() as logs:
        event = await world.accept("c1", "aaaaaa")
        await world.dispatcher.wait_idle()
    assert logs[0]["event"] == "transport_failed"
    assert SECRET not in repr(logs)
    await world.pass_time(5_000)
    assert [attempt.error for attempt in await world.attempts(event)] == ["internal", None]


async def test_an_unknown_transmission_type_stops_no_lane(world: World) -> None:
    world.dispatcher._transports = {}
    event = await world.accept("c1", "aaaaaa")
    await world.dispatcher.wait_idle()
    assert [attempt.error for attempt in await world.attempts(event)] == ["internal"]


async def test_what_is_committed_while_loading_does_not_overtake(tmp_path: Path) -> None:
    async with World.opened(tmp_path, "aaaaaa", start=False) as world:
        first = [(await world.accept("c1", "aaaaaa", hand_over=False)).seq for _ in range(7)]
        loading = asyncio.ensure_future(world.dispatcher.start())
        await turn_until(lambda: world.dispatcher.statistics().lanes.waiting > 0)
        last = (await world.accept("c1", "aaaaaa")).seq
        await loading
        await world.dispatcher.wait_idle()
        assert world.order("aaaaaa", "c1") == [*first, last]


SMALL = Settings(deliveries_in_memory=16, pause_after_ms=YEAR)


async def test_a_backlog_that_does_not_fit_into_memory_goes_out_in_order(tmp_path: Path) -> None:
    async with World.opened(tmp_path, "aaaaaa", "bbbbbb", settings=SMALL, start=False) as world:
        for _ in range(40):
            await world.accept_many(["c1", "c2", "c3", "c4"], "aaaaaa", "bbbbbb", hand_over=False)
        await world.dispatcher.start()
        assert world.dispatcher.statistics().owed == 320
        more = [await world.accept("c1", "aaaaaa", "bbbbbb") for _ in range(3)]
        await world.dispatcher.wait_idle()
        for integration in ("aaaaaa", "bbbbbb"):
            for call in ("c1", "c2", "c3", "c4"):
                expected = [seq for seq, event in world.events.items() if event.call == call]
                assert world.order(integration, call) == expected
        assert world.order("aaaaaa", "c1")[-3:] == [event.seq for event in more]
        assert world.dispatcher.statistics().owed == 0


async def test_memory_holds_no_more_than_its_limit_of_a_flood(tmp_path: Path) -> None:
    async with World.opened(tmp_path, "aaaaaa", settings=SMALL) as world:
        world.receivers.slow["aaaaaa"] = asyncio.Event()
        for number in range(50):
            await world.accept_many([f"c{number}", f"d{number}"], "aaaaaa")
        statistics = world.dispatcher.statistics()
        assert statistics.owed == 100
        assert statistics.lanes.waiting <= 16
        assert statistics.bodies <= 16 + 4
        world.receivers.slow.pop("aaaaaa").set()
        await world.dispatcher.wait_idle()
        assert len(world.receivers.received) == len(set(world.receivers.received)) == 100


async def test_a_backlog_is_read_again_where_the_ledger_could_not_be(tmp_path: Path) -> None:
    async with World.opened(tmp_path, "aaaaaa", settings=SMALL, start=False) as world:
        await world.accept_many([f"c{number}" for number in range(30)], "aaaaaa", hand_over=False)
        world.door.refuses_backlog = True
        await world.dispatcher.start()
        with capture_logs() as logs:
            await turn_until(lambda: world.door.refusals > 0)
            await world.dispatcher.wait_idle()
        assert [line["event"] for line in logs] == ["backlog_not_read"]
        world.door.refuses_backlog = False
        await world.pass_time(1_000)
        assert len(world.receivers.received) == 30


async def test_what_is_read_was_recorded_before(tmp_path: Path) -> None:
    """A lane that waits for a retry is put off and read again: as the last attempt left it, though that is recorded
    late."""
    async with World.opened(tmp_path, "aaaaaa", settings=SMALL) as world:
        world.receivers.answer = lambda _: FAILED
        world.door.open.clear()
        for number in range(4):
            await world.accept(f"c{number}", "aaaaaa")
        await turn_until(lambda: len(world.receivers.sent) == 4)
        for number in range(60):
            await world.accept(f"d{number}", "aaaaaa")
        for _ in range(20):
            world.now += 1_000
            world.dispatcher.wake()
            for _ in range(20):
                await asyncio.sleep(0)
        world.receivers.answer = lambda _: OK
        world.door.open.set()
        await world.pass_time(0)
        await world.pass_days()
        for number in range(4):
            attempts = [sending.attempt for sending in world.receivers.sent if sending.event.call == f"c{number}"]
            assert attempts == list(range(1, len(attempts) + 1)), "each number once"


async def test_a_retry_schedule_of_its_own_is_followed(world: World) -> None:
    integration, credentials = world.installed["aaaaaa"]
    world.installed["aaaaaa"] = (replace(integration, retry_delays_ms=(1_000,)), credentials)
    world.receivers.answer = lambda _: FAILED
    await world.accept("c1", "aaaaaa", "bbbbbb")
    await world.dispatcher.wait_idle()
    await world.pass_time(1_000)
    assert await world.states() == ["exhausted"]
    assert await world.states(integration="bbbbbb") == ["pending"]


async def test_one_that_is_gone_is_paused_at_once_and_keeps_what_it_is_owed(world: World) -> None:
    world.receivers.answer = lambda _: Outcome(status=410, error="gone")
    await world.accept("c1", "aaaaaa")
    await world.accept("c1", "aaaaaa")
    await world.dispatcher.wait_idle()
    assert world.pauses == [("aaaaaa", "gone", world.now)]
    assert len(world.receivers.sent) == 1
    world.receivers.answer = lambda _: OK
    world.install("aaaaaa")
    world.dispatcher.changed("aaaaaa")
    await world.pass_time(10_000)
    assert await world.states() == ["delivered", "delivered"]


async def test_nothing_more_is_sent_while_the_pause_of_an_unfit_one_is_not_durable(world: World) -> None:
    world.receivers.answer = lambda _: Outcome(status=410, error="gone")
    world.door.open.clear()
    await world.accept("c1", "aaaaaa")
    await turn_until(lambda: len(world.receivers.sent) == 1)
    await world.accept("c2", "aaaaaa")
    for _ in range(20):
        await asyncio.sleep(0)
    assert len(world.receivers.sent) == 1
    world.door.open.set()
    await world.dispatcher.wait_idle()
    assert len(world.pauses) == 1


async def test_one_that_only_fails_is_warned_of_then_paused_over_a_restart(tmp_path: Path) -> None:
    settings = Settings(pause_after_ms=36_000_000, retry_delays_ms=(3_600_000,) * 50)  # ten hours
    async with World.opened(tmp_path, "aaaaaa", settings=settings) as world:
        world.receivers.answer = lambda _: FAILED
        await world.accept("c1", "aaaaaa")
        await world.dispatcher.wait_idle()
        for hour in range(12):
            if hour == 7:
                await world.restart()
            await world.pass_time(3_600_000)
        assert [notice.type for notice in world.notices] == ["notice:failing"]
        assert [(one, reason) for one, reason, _ in world.pauses] == [("aaaaaa", "failing")]
        assert len(world.receivers.sent) == 11
        assert await world.ledger.failings() == [], "it begins anew when it resumes"
        assert await world.states() == ["pending"]


async def test_exhausted_deliveries_are_told_of_but_not_those_of_notices(world: World) -> None:
    never_again = Settings(retry_delays_ms=(), pause_after_ms=YEAR)
    world.settings = never_again
    await world.restart()
    world.receivers.answer = lambda _: FAILED
    event = await world.accept("c1", "aaaaaa")
    await world.dispatcher.wait_idle()
    assert [(one.type, one.delivery) for one in world.notices] == [
        ("notice:exhausted", delivery_id(event.seq, "aaaaaa"))
    ]
    notice = replace(event, seq=event.seq + 1, type="notice:exhausted", call="it_notice.bbbbbb")
    world.dispatcher.committed([(notice, ("bbbbbb",))])
    await world.dispatcher.wait_idle()
    assert len(world.notices) == 1


async def test_what_was_taken_out_of_the_ledger_is_not_sent(world: World) -> None:
    world.receivers.slow["aaaaaa"] = asyncio.Event()
    for _ in range(3):
        await world.accept("c1", "aaaaaa")
    other = await world.accept("c2", "aaaaaa")
    await turn_until(lambda: len(world.receivers.sent) == 2)
    world.dispatcher.forget("aaaaaa", "c1", 3)
    world.receivers.slow.pop("aaaaaa").set()
    await world.dispatcher.wait_idle()
    assert len(world.receivers.sent) == 2
    assert world.order("aaaaaa", "c2") == [other.seq]
    assert world.dispatcher.statistics().owed == 0


async def test_a_fault_of_our_own_leaves_no_lane_standing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    event = await world.accept("c1", "aaaaaa")
    monkeypatch.setattr(dispatcher_module, "conclude", broken)
    with capture_logs() as logs:
        await world.dispatcher.wait_idle()
    assert [line["event"] for line in logs] == ["attempt_failed"]
    monkeypatch.undo()
    await world.pass_time(1_000)
    assert await world.states() == ["delivered"]
    assert world.order("aaaaaa", "c1") == [event.seq, event.seq]


async def test_one_that_was_deleted_while_its_receiver_said_that_it_is_gone_leaves_nothing_behind(world: World) -> None:
    world.receivers.answer = lambda _: Outcome(status=410, error="gone")
    world.receivers.slow["aaaaaa"] = asyncio.Event()
    await world.accept("c1", "aaaaaa")
    await turn_until(lambda: len(world.receivers.sent) == 1)
    await world.delete("aaaaaa")
    world.dispatcher.changed("aaaaaa")
    world.receivers.slow.pop("aaaaaa").set()
    await world.dispatcher.wait_idle()
    await world.accept("c2", "aaaaaa")  # it was matched before the deletion
    await world.dispatcher.wait_idle()
    assert (world.pauses, world.notices) == ([], [])
    statistics = world.dispatcher.statistics()
    assert (statistics.owed, statistics.lanes.waiting) == (0, 0)
