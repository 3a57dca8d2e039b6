"""A PBX's call whose id a client's call has: feed, intake and ledger together."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from ringpost.calls.events import CallEvent
from ringpost.calls.machine import CallMachine
from ringpost.calls.observation import Alive, Dials, HungUp, Leg, LegAppeared, LegChanged, Observation, Snapshot
from ringpost.ledger.ledger import Verdict
from ringpost.model.data import CallData
from ringpost.sources.feed import Feed
from ringpost.sources.source import Say, SourceStatus
from tests.world import World, make_world

CALLER = Leg(id="20.1", call="20.1", endpoint="1001")
CALLEE = Leg(id="20.2", call="20.1", endpoint="1002")
RINGS = Leg(id="20.2", call="20.1", endpoint="1002", state="ringing")
BEGIN: tuple[Observation, ...] = (LegAppeared(CALLER), LegAppeared(CALLEE), Dials(CALLER, CALLEE))
END: tuple[Observation, ...] = (LegChanged(RINGS), HungUp(CALLEE, 0), HungUp(CALLER, 19))
WHOLE = ["call:start", "call:update", "call:end"]


class Line:
    """A source that says what its test does, after a snapshot."""

    def __init__(self, first: Snapshot) -> None:
        self._first = first
        self.say: Say = lambda _: None

    def status(self) -> SourceStatus:
        return SourceStatus()

    async def run(self, say: Say) -> None:
        self.say = say
        say(self._first)
        await asyncio.Event().wait()


class Pbx:
    """One PBX of acme, listened to with all that a node has."""

    def __init__(self, world: World, first: Snapshot) -> None:
        self.world = world
        self.line = Line(first)
        self.offered = asyncio.Condition()
        machine = CallMachine(company="acme", pbx="hq", short=True)
        self.feed = Feed(self.line, machine, self._accept, now=world.clock, jitter=lambda: 0.0)

    async def _accept(self, events: Sequence[CallEvent]) -> Sequence[Verdict]:
        verdicts = await self.world.intake.accept_calls("acme", "hq", events, extra_keys=True)
        async with self.offered:
            self.offered.notify_all()
        return verdicts

    def see(self, *observations: Observation) -> None:
        for observation in observations:
            self.line.say(observation)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10), self.offered:
            await self.offered.wait_for(condition)

    def told(self, call: str) -> list[str]:
        return [event.type for event, _ in self.world.handed_over if event.call == call]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = await make_world(tmp_path)
    yield world
    await world.ledger.close()


async def listening(world: World, first: Snapshot | None = None) -> Pbx:
    pbx = Pbx(world, first or Snapshot())
    pbx.feed.start(await world.ledger.open_calls("acme", "hq"))
    await pbx.feed.wait_in_step()
    return pbx


async def send(world: World, kind: str, call: str = "20.1", pbx: str = "hq") -> int:
    body = {"id": call, "type": kind, "pbx": pbx, "data": {"status": "CLIENT"}}
    return (await world.intake.accept_event(json.dumps(body).encode(), lambda _: "acme")).status


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("ended", [True, False])
async def test_a_call_whose_id_a_client_took_is_told_whole_under_another(
    world: World, at_once: bool, ended: bool
) -> None:
    before = ["call:start", *["call:end"] * ended]
    for kind in before:
        assert await send(world, kind) == 202
    pbx = await listening(world)
    pbx.see(*BEGIN)
    if not at_once:
        await pbx.until(lambda: pbx.told("acme_20.1-2") == ["call:start"])
    pbx.see(*END)
    await pbx.until(lambda: pbx.told("acme_20.1-2") == WHOLE)
    await pbx.feed.stop(1_000)
    assert pbx.told("acme_20.1") == before
    assert {event.call for event, _ in world.handed_over} == {"acme_20.1", "acme_20.1-2"}
    assert pbx.feed.statistics().refused == 0
    if not ended:
        assert await send(world, "call:end") == 202


async def test_a_call_whose_id_another_pbx_took_is_told_whole_under_another(world: World) -> None:
    theirs = CallEvent(call="acme_20.1", type="call:start", time=1, data=CallData(status="TALKING"))
    await world.intake.accept_calls("acme", "before", [theirs], extra_keys=True)
    pbx = await listening(world)
    pbx.see(*BEGIN, *END)
    await pbx.until(lambda: pbx.told("acme_20.1-2") == WHOLE)
    await pbx.feed.stop(1_000)
    assert pbx.told("acme_20.1") == ["call:start"]
    assert {event.call for event, _ in world.handed_over} == {"acme_20.1", "acme_20.1-2"}


async def test_where_a_client_took_the_next_id_too_the_one_after_it_is_used(world: World) -> None:
    for call in ("20.1", "20.1-2"):
        await send(world, "call:start", call)
    pbx = await listening(world)
    pbx.see(*BEGIN, *END)
    await pbx.until(lambda: pbx.told("acme_20.1-3") == WHOLE)
    await pbx.feed.stop(1_000)
    assert pbx.told("acme_20.1") == pbx.told("acme_20.1-2") == ["call:start"]


async def test_after_a_restart_the_pbx_s_call_goes_on_and_the_client_s_is_left_alone(world: World) -> None:
    await send(world, "call:start")
    pbx = await listening(world)
    pbx.see(*BEGIN)
    await pbx.until(lambda: pbx.told("acme_20.1-2") == ["call:start"])
    await pbx.feed.stop(1_000)
    again = await listening(world, Snapshot(legs=(Alive(leg=CALLER), Alive(leg=CALLEE))))
    again.see(*END)
    await again.until(lambda: again.told("acme_20.1-2")[-1:] == ["call:end"])
    await again.feed.stop(1_000)
    assert again.told("acme_20.1-2").count("call:start") == 1
    assert again.told("acme_20.1") == ["call:start"]


async def test_a_client_that_ends_the_pbx_s_call_is_refused_and_the_pbx_ends_it(world: World) -> None:
    pbx = await listening(world)
    pbx.see(*BEGIN)
    await pbx.until(lambda: pbx.told("acme_20.1") == ["call:start"])
    assert await send(world, "call:end", pbx="elsewhere") == 409
    pbx.see(*END)
    await pbx.until(lambda: pbx.told("acme_20.1") == WHOLE)
    await pbx.feed.stop(1_000)
    assert pbx.feed.statistics().refused == 0
