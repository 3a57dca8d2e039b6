from __future__ import annotations

import asyncio
import time
from itertools import islice, pairwise, takewhile

import pytest

from ringpost.calls.events import CallEvent
from ringpost.calls.machine import CallMachine
from ringpost.calls.observation import JoinsBridge, Observation, Snapshot
from ringpost.sources.simulator import DEMO, KINDS, OFFICE, Pace, Simulator, script

EPOCH = 1_700_000_000


def played(seed: int, kinds: tuple[str, ...], pace: Pace = DEMO, calls: int = 12) -> list[list[CallEvent]]:
    """The first calls of a script, each as its events."""
    machine = CallMachine(company="acme", pbx="sim", short=True)
    told: dict[str, list[CallEvent]] = {}
    for at, observation in script(seed, epoch=EPOCH, kinds=kinds, pace=pace):
        now = EPOCH * 1_000 + at
        events: list[CallEvent] = []
        while (due := machine.wake_at()) is not None and due <= now:
            events += machine.poll(due)
        events += machine.observe(observation, now)
        for event in events:
            told.setdefault(event.call, []).append(event)
        ended = [events for events in told.values() if events[-1].type == "call:end"]
        if len(ended) >= calls:
            return ended
    raise AssertionError


EXPECTED: dict[str, tuple[str, set[tuple[str, str | None]]]] = {
    "answered": ("TALKING", {("16", "CALLER"), ("16", "CALLEE")}),
    "missed": ("RINGING", {("19", None)}),
    "busy": ("CONNECTING", {("17", "CALLEE")}),
    "rejected": ("RINGING", {("21", "CALLEE")}),
    "cancelled": ("RINGING", {("16", "CALLER")}),
    "queue": ("TALKING", {("16", "CALLER"), ("16", "CALLEE")}),
    "abandoned": ("RINGING", {("16", "CALLER")}),
}


def test_every_kind_is_expected() -> None:
    assert set(EXPECTED) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pace", [DEMO, OFFICE])
def test_each_kind_of_call_goes_as_it_should(kind: str, pace: Pace) -> None:
    status, ends = EXPECTED[kind]
    for events in played(7, (kind,), pace):
        assert events[0].type == "call:start"
        end = events[-1].data
        assert (end.queueName is not None) == (kind in {"queue", "abandoned"})
        if end.queueName is not None and end.callee is None:
            continue  # all of the queue's phones are in use: the caller gives up
        assert end.status == status
        assert (end.endCause, end.endBy) in ends


def test_calls_come_in_and_go_out_and_stay_inside() -> None:
    directions = {events[-1].data.direction for events in played(3, ("answered",), calls=60)}
    assert directions == {"INBOUND", "OUTBOUND", "INTERNAL"}


def test_numbers_are_of_the_range_for_fiction() -> None:
    for events in played(5, KINDS, calls=40):
        for party in (events[-1].data.caller, events[-1].data.callee):
            if party is not None and party.type == "REMOTE":
                assert party.phone is not None
                assert 15_555_550_100 <= int(party.phone) <= 15_555_550_199


def test_the_same_seed_makes_the_same_calls_and_another_seed_others() -> None:
    def first(seed: int) -> list[tuple[int, Observation]]:
        return list(islice(script(seed, epoch=EPOCH), 500))

    assert first(1) == first(1)
    assert first(1) != first(2)


def test_what_happens_comes_in_the_order_of_time() -> None:
    times = [at for at, _ in islice(script(4, epoch=EPOCH, pace=DEMO), 2_000)]
    assert all(one <= other for one, other in pairwise(times))


def test_the_demo_shows_a_whole_call_within_ten_seconds() -> None:
    for seed in range(30):
        first = list(takewhile(lambda item: item[0] < 10_000, script(seed, epoch=EPOCH, pace=DEMO)))
        assert first[0][0] < 1_000
        key = getattr(first[0][1], "leg").id  # noqa: B009 - whichever observation it is
        ends = [at for at, item in first if type(item).__name__ == "HungUp" and item.leg.call == key]  # type: ignore[union-attr]
        assert len(ends) == 2


def test_a_phone_is_in_one_call_at_a_time() -> None:
    busy: dict[str, str] = {}
    for _, item in islice(script(9, epoch=EPOCH, kinds=("answered", "missed", "queue"), pace=DEMO), 3_000):
        leg = getattr(item, "leg", None)
        if leg is None or leg.endpoint == "provider":
            continue
        if type(item).__name__ == "LegAppeared":
            assert leg.endpoint not in busy
            busy[leg.endpoint] = leg.id
        elif type(item).__name__ == "HungUp":
            assert busy.pop(leg.endpoint) == leg.id


def test_a_larger_office_has_as_many_calls_at_once_as_it_has_phones_for() -> None:
    pace = Pace(gap=(1, 1), ring=(10, 10), patience=(10, 10), talk=(100_000, 100_000))
    up = [
        item.leg.endpoint
        for _, item in islice(script(9, epoch=EPOCH, kinds=("answered",), pace=pace, phones=100), 1_200)
        if isinstance(item, JoinsBridge) and item.leg.endpoint != "provider"
    ]
    assert 90 < len(up) == len(set(up)) <= 100


async def test_it_plays_the_script_from_a_snapshot_on() -> None:
    said: list[Observation | Snapshot] = []
    enough = asyncio.Event()

    def say(item: Observation | Snapshot) -> None:
        said.append(item)
        if len(said) >= 200:
            enough.set()

    simulator = Simulator(1, now=lambda: int(time.time() * 1_000), pace=DEMO, speed=10_000)
    task = asyncio.create_task(simulator.run(say))
    async with asyncio.timeout(10):
        await enough.wait()
    assert simulator.status().connected_since is not None
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert said[0] == Snapshot()
    assert simulator.status().connected_since is None
