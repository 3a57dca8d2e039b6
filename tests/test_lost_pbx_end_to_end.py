"""A PBX that does not come back, through a whole node: its calls end, once, and nothing follows their end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ringpost.calls.observation import Alive, Dials, HungUp, JoinsBridge, Leg, LegAppeared, Observation, Snapshot
from ringpost.clock import wall_clock
from ringpost.integrations.requests import InstallRequest
from ringpost.model.notice import PBX_BACK, PBX_CALLS_ENDED, PBX_LOST
from ringpost.node import Node, start_node
from ringpost.settings import Settings
from ringpost.sources import watch
from ringpost.sources.source import Say, SourceStatus
from tests.real.receiver import Receiver

CALLER = Leg(id="1.1", call="1.1", endpoint="1001", number="1001", state="up")
CALLEE = Leg(id="1.2", call="1.1", endpoint="1002", number="1002", state="up")
ALIVE = Snapshot(legs=(Alive(leg=CALLER, bridge="b"), Alive(leg=CALLEE, bridge="b")))
BEGIN: tuple[Observation, ...] = (
    LegAppeared(CALLER),
    LegAppeared(CALLEE),
    Dials(CALLER, CALLEE),
    JoinsBridge(CALLER, "b"),
    JoinsBridge(CALLEE, "b"),
)
END_AFTER = 60_000


class Clock:
    """The wall clock, which can be moved on."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return wall_clock() + self.ahead


class Line:
    """A source whose test connects and disconnects it, and says what is seen."""

    def __init__(self) -> None:
        self._say: Say = lambda _: None
        self._status = SourceStatus(error="pbx_unreachable", message="The PBX does not answer.")
        self.running = asyncio.Event()

    def status(self) -> SourceStatus:
        return self._status

    async def run(self, say: Say) -> None:
        self._say = say
        self.running.set()
        await asyncio.Event().wait()

    def connect(self, snapshot: Snapshot) -> None:
        self._status = SourceStatus(connected_since=1)
        self._say(snapshot)

    def see(self, *observations: Observation) -> None:
        for observation in observations:
            self._say(observation)

    def cut(self) -> None:
        self._status = SourceStatus(error="pbx_unreachable", message="The PBX does not answer.")


@pytest.fixture(autouse=True)
def _looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LOOK_EVERY", 2)


async def listening(tmp_path: Path, clock: Clock) -> tuple[Node, Line]:
    settings = Settings(
        data=str(tmp_path / "data"),
        port=0,
        allow_networks=("127.0.0.0/8",),
        end_lost_calls_after_ms=END_AFTER,
        start_hold_ms=0,
        coalesce_ms=0,
    )
    node, line = await start_node(settings, now=clock, later={("acme", "hq")}), Line()
    await node.listen_to("acme", "hq", line)
    await line.running.wait()
    return node, line


async def hooked_up(node: Node, receiver: Receiver) -> None:
    request = InstallRequest(type="webhook", url=receiver.url, filter=["call:*", "notice:*"])
    await node.registry.install("acme", request)


async def pass_time(clock: Clock, until: Callable[[], bool]) -> None:
    """Time passes, a few seconds a look: a clock that jumps makes no PBX lost."""
    async with asyncio.timeout(20):
        while not until():
            clock.ahead += 5_000
            await asyncio.sleep(0.001)


def bodies(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(request.body) for request in receiver.requests]


def of_calls(receiver: Receiver) -> list[tuple[str, str, list[str]]]:
    calls = [body for body in bodies(receiver) if body["type"].startswith("call:")]
    return [(body["id"], body["type"], body["data"]["flags"]) for body in calls]


def notices(receiver: Receiver) -> list[dict[str, Any]]:
    return [body for body in bodies(receiver) if body["type"].startswith("notice:")]


def has(receiver: Receiver, kind: str) -> Callable[[], bool]:
    return lambda: any(body["type"] == kind for body in bodies(receiver))


async def test_the_calls_of_a_pbx_that_stays_away_end_and_what_goes_on_when_it_is_back_starts_anew(
    tmp_path: Path, receiver: Receiver
) -> None:
    clock = Clock()
    node, line = await listening(tmp_path, clock)
    await hooked_up(node, receiver)
    line.connect(Snapshot())
    line.see(*BEGIN)
    await receiver.wait_for(lambda _: bool(of_calls(receiver)))
    line.cut()
    await pass_time(clock, has(receiver, "call:end"))
    await receiver.wait_for(lambda _: has(receiver, PBX_CALLS_ENDED)())
    told = len(of_calls(receiver))
    await pass_time(clock, lambda ends=clock.ahead + 3 * END_AFTER: clock.ahead > ends)  # type: ignore[misc]
    assert len(of_calls(receiver)) == told
    line.connect(ALIVE)
    await receiver.wait_for(lambda _: len(of_calls(receiver)) > told)
    line.see(HungUp(CALLEE, 16), HungUp(CALLER, 16))
    await receiver.wait_for(lambda _: [kind for _, kind, _ in of_calls(receiver)].count("call:end") == 2)
    await receiver.wait_for(lambda _: has(receiver, PBX_BACK)())
    await node.stop()
    first = [(kind, flags) for call, kind, flags in of_calls(receiver) if call == "acme_1.1"]
    again = [(kind, flags) for call, kind, flags in of_calls(receiver) if call == "acme_1.1-2"]
    assert len(first) + len(again) == len(of_calls(receiver))
    assert (first[0], first[-1]) == (("call:start", []), ("call:end", ["reconciled"]))
    assert (again[0], again[-1]) == (("call:start", ["resumed"]), ("call:end", ["resumed"]))
    lost, ended, back = notices(receiver)
    assert [lost["type"], ended["type"], back["type"]] == [PBX_LOST, PBX_CALLS_ENDED, PBX_BACK]
    assert (ended["pbx"], ended["data"]["count"], ended["data"]["reason"]) == ("hq", 1, "pbx_unreachable")
    assert ended["data"]["since"] == lost["data"]["since"] == back["data"]["since"]
    assert ended["time"] - ended["data"]["since"] >= END_AFTER


async def test_a_restart_of_ringpost_makes_the_wait_no_longer_and_ends_nothing_before_the_pbx_is_tried(
    tmp_path: Path, receiver: Receiver
) -> None:
    clock = Clock()
    node, line = await listening(tmp_path, clock)
    await hooked_up(node, receiver)
    line.connect(Snapshot())
    line.see(*BEGIN)
    await receiver.wait_for(lambda _: bool(of_calls(receiver)))
    line.cut()
    await pass_time(clock, has(receiver, PBX_LOST))
    await node.stop()
    clock.ahead += 10 * END_AFTER
    node, line = await listening(tmp_path, clock)  # it is not connected since this start
    began = clock()
    await pass_time(clock, has(receiver, "call:end"))
    await receiver.wait_for(lambda _: has(receiver, PBX_CALLS_ENDED)())
    line.connect(ALIVE)
    await receiver.wait_for(lambda _: of_calls(receiver)[-1][0] == "acme_1.1-2")
    await node.stop()
    [end] = [body for body in bodies(receiver) if body["type"] == "call:end"]
    assert (end["id"], end["data"]["endCause"], end["data"]["flags"]) == ("acme_1.1", "31", ["reconciled"])
    assert node.settings.pbx_lost_after_ms <= end["time"] - began < END_AFTER
    assert of_calls(receiver)[-1] == ("acme_1.1-2", "call:start", ["resumed"])


async def test_a_pbx_that_is_back_in_time_keeps_its_calls(tmp_path: Path, receiver: Receiver) -> None:
    clock = Clock()
    node, line = await listening(tmp_path, clock)
    await hooked_up(node, receiver)
    line.connect(Snapshot())
    line.see(*BEGIN)
    await receiver.wait_for(lambda _: bool(of_calls(receiver)))
    line.cut()
    await pass_time(clock, has(receiver, PBX_LOST))
    line.connect(ALIVE)
    await receiver.wait_for(lambda _: has(receiver, PBX_BACK)())
    line.see(HungUp(CALLEE, 16), HungUp(CALLER, 16))
    await receiver.wait_for(lambda _: has(receiver, "call:end")())
    await node.stop()
    assert {call for call, _, _ in of_calls(receiver)} == {"acme_1.1"}
    assert of_calls(receiver)[-1][2] == []
    assert not has(receiver, PBX_CALLS_ENDED)()
