from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence

import msgspec
import pytest

from ringpost.calls.events import CallEvent
from ringpost.calls.machine import CallMachine
from ringpost.calls.observation import Alive, Dials, HungUp, Leg, LegAppeared, LegChanged, Observation, Snapshot
from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Verdict
from ringpost.model.call import Call
from ringpost.model.data import CallData, to_wire
from ringpost.model.event import Event
from ringpost.sources import feed
from ringpost.sources.feed import Feed
from ringpost.sources.source import Say, SourceStatus


def now() -> int:
    return time.time_ns() // 1_000_000


class Line:
    """A source whose test says what is seen."""

    def __init__(self) -> None:
        self.runs = 0
        self.say: Say | None = None
        self.connected = asyncio.Event()
        self.first: Snapshot = Snapshot()

    def status(self) -> SourceStatus:
        return SourceStatus()

    async def run(self, say: Say) -> None:
        self.runs += 1
        say(self.first)
        self.say = say
        self.connected.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.say = None
            self.connected.clear()

    def see(self, *items: Observation | Snapshot) -> None:
        assert self.say is not None
        for item in items:
            self.say(item)


class Office:
    """An intake that keeps what it took, and fails as it is told."""

    def __init__(self) -> None:
        self.taken: list[CallEvent] = []
        self.offers = 0
        self.fail: Callable[[], None] = lambda: None
        self.refuse: dict[tuple[str, str], str] = {}
        self.took = asyncio.Condition()

    async def accept(self, events: Sequence[CallEvent]) -> Sequence[Verdict]:
        self.offers += 1
        await asyncio.sleep(0)
        self.fail()
        verdicts: list[Verdict] = []
        for event in events:
            code = self.refuse.get((event.call, event.type))
            if code is not None:
                verdicts.append(RingpostError(code))
                continue
            self.taken.append(event)
            verdicts.append(
                Event(
                    company="acme",
                    seq=len(self.taken),
                    call=event.call,
                    sequence=1,
                    pbx="hq",
                    time=event.time,
                    type=event.type,
                    accepted=event.time,
                    data=b"{}",
                )
            )
        async with self.took:
            self.took.notify_all()
        return verdicts

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10), self.took:
            await self.took.wait_for(condition)

    def told(self) -> list[tuple[str, str]]:
        return [(event.call.removeprefix("acme_"), event.type.removeprefix("call:")) for event in self.taken]


class World:
    def __init__(self, *, limit: int = 1_000) -> None:
        self.line = Line()
        self.office = Office()
        machine = CallMachine(company="acme", pbx="hq", short=True, coalesce=5, hold=20)
        self.feed = Feed(self.line, machine, self.office.accept, now=now, jitter=lambda: 0.0, backlog_limit=limit)

    async def start(self, open_calls: Sequence[Call] = ()) -> None:
        self.feed.start(open_calls)
        async with asyncio.timeout(10):
            await self.line.connected.wait()

    def call(self, number: int) -> None:
        """A whole call: start and end."""
        self.line.see(*begins(number), *ends(number))


def begins(number: int) -> list[Observation | Snapshot]:
    caller, callee = legs(number)
    return [LegAppeared(caller), LegAppeared(callee), Dials(caller, callee)]


def ends(number: int) -> list[Observation | Snapshot]:
    caller, callee = legs(number)
    return [HungUp(callee, 0), HungUp(caller, 19)]


def legs(number: int) -> tuple[Leg, Leg]:
    call = f"{number}.1"
    return Leg(id=call, call=call, endpoint="1001"), Leg(id=f"{number}.2", call=call, endpoint="1002")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "_RETRY", (1, 4))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    await world.start()
    yield world
    world.office.fail = lambda: None
    await world.feed.stop(1_000)


def raises(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def whole(numbers: Sequence[int]) -> list[tuple[str, str]]:
    return [(f"{number}.1", kind) for number in numbers for kind in ("start", "end")]


async def test_what_is_seen_is_accepted_in_order(world: World) -> None:
    for number in range(1, 300):
        world.call(number)
    await world.office.until(lambda: len(world.office.taken) == 598)
    assert world.office.told() == whole(range(1, 300))


@pytest.mark.parametrize("code", ["ledger_unavailable", "ledger_full", "overloaded"])
async def test_while_the_ledger_is_down_nothing_is_lost_and_the_order_is_kept(world: World, code: str) -> None:
    world.office.fail = raises(RingpostError(code))
    for number in range(1, 150):
        world.call(number)
        await asyncio.sleep(0)
    while world.office.offers < 5:  # noqa: ASYNC110 - an offer that fails tells nobody
        await asyncio.sleep(0.001)
    assert world.feed.statistics().error == code
    assert world.feed.statistics().backlog == 298
    world.office.fail = lambda: None
    world.call(150)
    await world.office.until(lambda: len(world.office.taken) == 300)
    assert world.office.told() == whole(range(1, 151))
    assert world.feed.statistics().error is None


async def test_it_is_in_step_once_a_snapshot_was_taken() -> None:
    world = World()
    waiting = asyncio.ensure_future(world.feed.wait_in_step())
    await asyncio.sleep(0)
    assert not waiting.done()
    await world.start()
    async with asyncio.timeout(10):
        await waiting
    await world.feed.stop(1_000)


async def test_a_timer_of_the_machine_tells_what_is_due(world: World) -> None:
    world.line.see(LegAppeared(legs(1)[0]))
    await world.office.until(lambda: world.office.told() == [("1.1", "start")])


async def test_a_full_backlog_disconnects_the_pbx_until_there_is_room_and_loses_nothing() -> None:
    world = World(limit=50)
    await world.start()
    world.office.fail = raises(RingpostError("ledger_unavailable"))
    number = 0
    while world.line.say is not None:
        number += 1
        world.call(number)
        await asyncio.sleep(0)
    assert world.line.runs == 1
    assert 50 <= world.feed.statistics().backlog <= 60
    world.office.fail = lambda: None
    async with asyncio.timeout(10):
        await world.line.connected.wait()
    assert world.line.runs == 2
    await world.office.until(lambda: len(world.office.taken) == 2 * number)
    assert world.office.told() == whole(range(1, number + 1))
    await world.feed.stop(1_000)


@pytest.mark.parametrize("code", ["call_already_started", "call_already_ended"])
async def test_a_call_whose_id_is_taken_is_told_under_another(world: World, code: str) -> None:
    world.office.refuse = {("acme_1.1", "call:start"): code}
    world.line.see(*begins(1))
    world.line.see(*begins(2))
    await world.office.until(lambda: len(world.office.taken) == 2)
    world.line.see(*ends(1), *ends(2))
    await world.office.until(lambda: len(world.office.taken) == 4)
    assert {call for call, _ in world.office.told()} == {"1.1-2", "2.1"}
    assert [kind for call, kind in world.office.told() if call == "1.1-2"] == ["start", "end"]


async def test_all_events_of_a_call_whose_id_is_taken_move_with_it(world: World) -> None:
    refused = {("acme_1.1", "call:start"): "call_already_started", ("acme_1.1", "call:end"): "call_already_ended"}
    world.office.refuse = refused
    world.call(1)
    await world.office.until(lambda: len(world.office.taken) == 2)
    assert world.office.told() == [("1.1-2", "start"), ("1.1-2", "end")]
    assert world.feed.statistics().refused == 0


async def test_a_fault_of_ours_loses_one_event_and_not_the_feed(world: World) -> None:
    def fail() -> None:
        if world.feed._backlog[0].call == "acme_2.1":
            raise ZeroDivisionError

    world.office.fail = fail
    for number in (1, 2, 3):
        world.call(number)
        await asyncio.sleep(0.01)
    await world.office.until(lambda: world.office.told()[-1:] == [("3.1", "end")])
    assert world.office.told() == whole([1, 3])
    assert world.feed.statistics().lost == 2


async def test_after_an_offer_that_may_have_been_taken_its_echo_is_no_refusal(world: World) -> None:
    first = True

    def fail() -> None:
        nonlocal first
        if first:
            first = False
            world.office.refuse = {("acme_1.1", "call:start"): "call_already_started"}
            raise ConnectionResetError

    world.office.fail = fail
    world.line.see(*begins(1))
    world.call(2)
    await world.office.until(lambda: len(world.office.taken) == 2)
    world.line.see(*ends(1))
    await world.office.until(lambda: len(world.office.taken) == 3)
    assert world.office.told() == [("2.1", "start"), ("2.1", "end"), ("1.1", "end")]
    assert world.feed.statistics().refused == 0


async def test_stopping_tells_what_is_pending_and_leaves_calls_open() -> None:
    world = World()
    world.feed.machine._coalesce = 60_000
    await world.start()
    world.line.see(*begins(1), LegChanged(Leg(id="1.2", call="1.1", endpoint="1002", state="ringing")))
    await world.feed.stop(1_000)
    assert world.office.told() == [("1.1", "start"), ("1.1", "update")]
    assert world.office.taken[1].data.status == "RINGING"
    assert world.line.say is None


async def test_stopping_while_the_ledger_is_down_takes_no_longer_than_allowed() -> None:
    world = World()
    await world.start()
    world.office.fail = raises(RingpostError("ledger_unavailable"))
    world.call(1)
    async with asyncio.timeout(5):
        await world.feed.stop(20)
    assert world.office.taken == []


async def test_open_calls_of_the_ledger_go_on_or_end_with_the_first_snapshot() -> None:
    def stored(call: str) -> Call:
        data = msgspec.json.encode(to_wire(CallData(status="RINGING"), ended=False, extra_keys=True))
        return Call(company="acme", id=call, pbx="hq", started=1, updated=2, ended=None, events=2, data=data)

    world = World()
    caller, callee = legs(1)
    world.line.first = Snapshot(legs=(Alive(leg=caller), Alive(leg=callee)))
    await world.start([stored("acme_1.1"), stored("acme_5.1")])
    await world.office.until(lambda: ("5.1", "end") in world.office.told())
    assert ("1.1", "start") not in world.office.told()
    world.line.see(*ends(1))
    await world.office.until(lambda: ("1.1", "end") in world.office.told())
    await world.feed.stop(1_000)


async def test_open_calls_end_when_their_pbx_stays_away_and_go_on_under_another_id_when_it_is_back(
    world: World,
) -> None:
    world.line.see(*begins(1), *begins(2), *ends(2))
    await world.office.until(lambda: len(world.office.taken) == 3)
    assert world.feed.end_calls() == 1
    assert world.feed.end_calls() == 0
    await world.office.until(lambda: len(world.office.taken) == 4)
    end = world.office.taken[-1]
    assert (end.call, end.type, end.data.endCause, end.data.flags) == ("acme_1.1", "call:end", "31", ("reconciled",))
    caller, callee = legs(1)
    world.line.see(Snapshot(legs=(Alive(leg=caller), Alive(leg=callee))))
    await world.office.until(lambda: len(world.office.taken) == 5)
    again = world.office.taken[-1]
    assert (again.call, again.type, again.data.flags) == ("acme_1.1-2", "call:start", ("resumed",))


async def test_calls_that_were_open_before_a_restart_end_without_the_pbx(world: World) -> None:
    data = msgspec.json.encode(to_wire(CallData(status="TALKING"), ended=False, extra_keys=True))
    stored = Call(company="acme", id="acme_7.1", pbx="hq", started=1, updated=2, ended=None, events=2, data=data)
    world.feed.machine.restore([stored])
    assert world.feed.end_calls() == 1
    await world.office.until(lambda: world.office.told() == [("7.1", "end")])


async def test_an_end_that_fails_for_what_it_says_is_told_without_it(world: World) -> None:
    def fail() -> None:
        if any(event.type == "call:end" and event.data.caller is not None for event in world.feed._backlog):
            raise RingpostError("invalid_value")

    world.office.fail = fail
    world.line.see(*begins(1))
    await world.office.until(lambda: len(world.office.taken) == 1)
    world.line.see(*ends(1))
    await world.office.until(lambda: len(world.office.taken) == 2)
    end = world.office.taken[-1]
    assert (end.type, end.data.caller, end.data.endCause) == ("call:end", None, "19")
    assert end.data.duration is not None
    assert world.feed.statistics().lost == 0


async def test_a_clock_that_is_set_back_keeps_nothing_waiting() -> None:
    world, back = World(), 0
    world.feed._now = lambda: now() - back
    world.feed.machine._hold = 50
    await world.start()
    world.line.see(LegAppeared(legs(1)[0]))
    back = 3_600_000
    await world.office.until(lambda: world.office.told() == [("1.1", "start")])
    await world.feed.stop(1_000)
