"""A node starts whole or not at all, and stops everything whatever fails on the way."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from msgspec import structs

from ringpost.api.server import listen
from ringpost.calls.observation import Dials, HungUp, JoinsBridge, Leg, LegAppeared, Snapshot
from ringpost.clock import wall_clock
from ringpost.errors import RingpostError
from ringpost.integrations.requests import InstallRequest
from ringpost.ledger.open import open_ledger
from ringpost.model.point import HOUR
from ringpost.node import Node, start_node
from ringpost.settings import PbxSettings, Settings
from ringpost.sources.simulator import DEMO, Simulator
from ringpost.sources.source import Say, SourceStatus
from tests.real.receiver import Answer, Receiver
from tests.world import Clock

START = {"id": "1", "type": "call:start", "data": {"status": "CONNECTING"}}


def settings(folder: Path, **more: object) -> Settings:
    return Settings(data=str(folder / "data"), port=0, allow_networks=("127.0.0.0/8",), **more)  # type: ignore[arg-type]


async def accept(node: Node, **changes: object) -> int:
    answer = await node.intake.accept_event(json.dumps({**START, **changes}).encode(), lambda _: "acme")
    return answer.status


class Failing:
    """A source that does not even end well."""

    async def run(self, say: Say) -> None:
        say(Snapshot())
        try:
            await asyncio.Event().wait()
        finally:
            raise RuntimeError("the source failed while it ended")

    def status(self) -> SourceStatus:
        return SourceStatus()


async def test_what_is_accepted_is_delivered_and_the_door_closes_at_the_stop(
    tmp_path: Path, receiver: Receiver
) -> None:
    node = await start_node(settings(tmp_path))
    await node.registry.install("acme", InstallRequest(type="webhook", url=receiver.url))
    assert await accept(node) == 202
    await receiver.wait_for(1)
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{node.local_url}/readyz")).status_code == 200
        await node.stop()
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{node.local_url}/readyz")


async def test_a_stop_finishes_what_is_under_way_and_leaves_the_rest_for_the_next_start(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.answer = Answer(delay_ms=300)
    node = await start_node(settings(tmp_path))
    await node.registry.install("acme", InstallRequest(type="webhook", url=receiver.url))
    for kind in ("call:start", "call:update", "call:end"):
        await accept(node, type=kind)
    await receiver.wait_for(1)
    await node.stop()
    assert [json.loads(request.body)["type"] for request in receiver.requests] == ["call:start"]
    receiver.answer = Answer()
    node = await start_node(settings(tmp_path))
    requests = await receiver.wait_for(3)
    await node.stop()
    assert [json.loads(request.body)["type"] for request in requests] == ["call:start", "call:update", "call:end"]
    assert [request.header("x-ringpost-attempt") for request in requests] == ["1", "1", "1"]


async def test_what_was_counted_is_in_the_ledger_after_a_stop(tmp_path: Path, receiver: Receiver) -> None:
    node = await start_node(settings(tmp_path))
    installed, _ = await node.registry.install("acme", InstallRequest(type="webhook", url=receiver.url))
    assert await accept(node) == 202
    assert await accept(node, type="call:end") == 202
    await receiver.wait_for(2)
    await node.dispatcher.wait_idle()
    await node.stop()
    ledger = await open_ledger(settings(tmp_path).ledger_path, now=wall_clock)
    for company, integration in (("", ""), ("acme", ""), ("acme", installed.id)):
        points = await ledger.points(company, integration, step=HOUR, since=0, until=2**50)
        assert sum(point.delivered for point in points) == sum(sum(point.latencies) for point in points) == 2
        assert sum(point.calls for point in points) == (0 if integration else 1)
    await ledger.close()


async def test_a_start_that_fails_leaves_nothing_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pbx = PbxSettings(company="acme", serial="pbx1", host="127.0.0.1", port=1, user="u", secret="s")
    before = asyncio.all_tasks()
    listening = listen("127.0.0.1", 0)
    address = listening.getsockname()

    async def fails(*_: object) -> None:
        raise RingpostError("ledger_full")

    with monkeypatch.context() as broken:
        broken.setattr("ringpost.ledger.sqlite.store.SqliteLedger.register_pbx", fails)
        with pytest.raises(RingpostError, match="full"):
            await start_node(settings(tmp_path, pbx=(pbx,)), listening=listening)
    assert asyncio.all_tasks() == before
    listen(*address).close()  # the port is free again
    ledger = await open_ledger(settings(tmp_path).ledger_path, now=wall_clock)  # so is the ledger
    await ledger.close()


async def test_a_source_that_fails_at_the_stop_keeps_nothing_else_from_stopping(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    node = await start_node(settings(tmp_path))
    await node.listen_to("acme", "bad", Failing())
    await node.listen_to("acme", "good", Simulator(1, now=wall_clock, pace=DEMO))
    await node.wait_in_step()
    await node.stop()
    assert asyncio.all_tasks() == before
    ledger = await open_ledger(settings(tmp_path).ledger_path, now=wall_clock)
    await ledger.close()


async def test_the_calls_of_a_pbx_that_left_the_settings_are_ended(tmp_path: Path, receiver: Receiver) -> None:
    node = await start_node(settings(tmp_path))
    await node.registry.install("acme", InstallRequest(type="webhook", url=receiver.url))
    await node.listen_to("acme", "old", Simulator(1, now=wall_clock, pace=DEMO))
    await receiver.wait_for(1)
    await node.stop()
    node = await start_node(settings(tmp_path))
    requests = await receiver.wait_for(lambda got: any(json.loads(one.body)["type"] == "call:end" for one in got))
    await node.stop()
    start, end = (json.loads(requests[place].body) for place in (0, -1))
    assert (end["id"], end["data"]["flags"]) == (start["id"], ["reconciled"])


async def test_the_metrics_tell_of_every_source(tmp_path: Path) -> None:
    node = await start_node(settings(tmp_path))
    await node.listen_to("acme", "sim", Simulator(1, now=wall_clock, pace=DEMO))
    await node.wait_in_step()
    node.services.refresh_metrics()
    text = node.metrics.render().decode()
    await node.stop()
    assert 'ringpost_source_connected{pbx="acme/sim"} 1.0' in text
    assert 'ringpost_source_backlog{pbx="acme/sim"}' in text


async def test_what_is_older_than_its_days_is_forgotten_while_the_node_runs(tmp_path: Path) -> None:
    clock = Clock(wall_clock())
    node = await start_node(settings(tmp_path, keep_events_days=1), now=clock)
    assert [await accept(node, type=kind) for kind in ("call:start", "call:end")] == [202, 202]
    assert await node.ledger.call("acme", "acme_1") is not None
    clock.ms += 3 * 86_400_000
    async with asyncio.timeout(20):
        while await node.ledger.call("acme", "acme_1") is not None:
            clock.ms += 1_000  # it rests between two batches
            node.forgetting.wake()
            await asyncio.sleep(0)
    await node.stop()


async def test_no_attempt_is_begun_once_a_stop_was_asked_for(tmp_path: Path, receiver: Receiver) -> None:
    node = await start_node(settings(tmp_path))
    await node.registry.install("acme", InstallRequest(type="webhook", url=receiver.url))
    stopping = asyncio.create_task(node.stop())
    await asyncio.sleep(0)  # the stop has begun; the door is open for another moment
    assert await accept(node) == 202
    await stopping
    assert receiver.requests == []
    node = await start_node(settings(tmp_path))
    await receiver.wait_for(1)
    await node.stop()


class Line:
    """A source whose test says what is seen."""

    def __init__(self) -> None:
        self.say: Say = lambda _: None

    async def run(self, say: Say) -> None:
        say(Snapshot())
        self.say = say
        await asyncio.Event().wait()

    def status(self) -> SourceStatus:
        return SourceStatus()


async def test_the_settings_say_what_is_held_back_and_gathered(tmp_path: Path, receiver: Receiver) -> None:
    node, line = await start_node(settings(tmp_path, start_hold_ms=0, coalesce_ms=0)), Line()
    await node.registry.install("acme", InstallRequest(type="webhook", url=receiver.url))
    await node.listen_to("acme", "hq", line)
    await node.wait_in_step()
    caller, callee = (Leg(id=f"1.{number}", call="1.1", endpoint=f"100{number}") for number in (1, 2))
    ringing, up = (structs.replace(callee, state=state) for state in ("ringing", "up"))
    for said in (
        LegAppeared(caller),  # told at once, though nobody is called yet
        HungUp(caller, 16),
        LegAppeared(structs.replace(caller, call="2.1", id="2.1")),
        Dials(structs.replace(caller, call="2.1", id="2.1"), structs.replace(ringing, call="2.1")),
        JoinsBridge(structs.replace(caller, call="2.1", id="2.1"), "b"),
        JoinsBridge(structs.replace(up, call="2.1"), "b"),
    ):
        line.say(said)
    requests = await receiver.wait_for(5)
    await node.stop()
    told = sorted((body["id"], body["data"]["status"]) for body in map(json.loads, (one.body for one in requests)))
    assert told == [("acme_1.1", "CONNECTING")] * 2 + [
        ("acme_2.1", status) for status in ("CONNECTING", "RINGING", "TALKING")
    ]
