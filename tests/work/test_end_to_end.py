"""Replays through a whole node to a real receiver."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from ringpost.clock import wall_clock
from ringpost.integrations.requests import EditRequest, InstallRequest
from ringpost.ledger.ledger import DeliveryFilter
from ringpost.node import Node, start_node
from ringpost.settings import Settings
from ringpost.wire.signature import verify_x
from ringpost.work.replay import BATCH
from tests.contract.ledger.making import whole_call
from tests.real.receiver import Answer, Receiver, Request

KINDS = ("call:start", "call:update", "call:end")
DELIVERED = DeliveryFilter(state="delivered")


class Clock:
    """The wall clock, and so much ahead of it (ms)."""

    ahead = 0

    def __call__(self) -> int:
        return wall_clock() + self.ahead


def settings(folder: Path) -> Settings:
    return Settings(data=str(folder / "data"), port=0, allow_networks=("127.0.0.0/8",), retry_delays_ms=())


async def accept(node: Node, call: str) -> None:
    """A whole call."""
    for kind in KINDS:
        event = {"id": call, "type": kind, "data": {"status": "CONNECTING"}}
        answer = await node.intake.accept_event(json.dumps(event).encode(), lambda _: "acme")
        assert answer.status == 202


async def replay(node: Node, **fields: Any) -> dict[str, Any]:
    """The replay, once it has ended."""
    key = (await node.keys.create(company="acme", role="admin", name="a key"))[1]
    async with httpx.AsyncClient(base_url=node.local_url, headers={"x-api-key": key}, trust_env=False) as client:
        reply = await client.post("/v1/replays", json=fields)
        assert reply.status_code == 202, reply.text
        replay_id = reply.json()["result"]["id"]
        await node.works.wait(replay_id)
        shown: dict[str, Any] = (await client.get(f"/v1/replays/{replay_id}")).json()["result"]
    return shown


def by_call(requests: Sequence[Request]) -> dict[str, list[str]]:
    """The types that came, call by call."""
    found: dict[str, list[str]] = defaultdict(list)
    for request in requests:
        body = json.loads(request.body)
        found[body["id"]].append(body["type"])
    return found


async def test_an_integration_that_was_installed_later_gets_every_call_since_then_in_order(
    tmp_path: Path, receiver: Receiver
) -> None:
    clock = Clock()
    node = await start_node(settings(tmp_path), now=clock)
    await accept(node, "before")
    clock.ahead = 10
    since = clock()
    for call in ("1", "2", "3"):
        await accept(node, call)
    integration, credentials = await node.registry.install("acme", InstallRequest(type="webhook", url=receiver.url))
    shown = await replay(node, integration=integration.id, since=since, neverOwed=True)
    assert (shown["state"], shown["done"], shown["total"]) == ("done", 9, 9)
    requests = await receiver.wait_for(9)
    assert by_call(requests) == {f"acme_{call}": list(KINDS) for call in ("1", "2", "3")}
    assert len({request.header("webhook-id") for request in requests}) == 9
    for request in requests:
        assert request.header("x-ringpost-replay") == "1"
        assert request.header("x-ringpost-attempt") == "1"
        assert verify_x(credentials.secret, request.body, request.header("x-signature") or "")
    await node.dispatcher.wait_idle()
    await node.stop()


async def test_a_replayed_call_keeps_its_ids_and_its_order_and_is_marked(tmp_path: Path, receiver: Receiver) -> None:
    receiver.answer = Answer(500)
    node = await start_node(settings(tmp_path))
    integration, _ = await node.registry.install("acme", InstallRequest(type="webhook", url=receiver.url))
    await accept(node, "1")
    first = list(await receiver.wait_for(3))
    await node.dispatcher.wait_idle()
    receiver.answer = Answer()
    shown = await replay(node, call="acme_1")
    assert (shown["state"], shown["done"]) == ("done", 3)
    again = (await receiver.wait_for(6))[3:]
    assert [request.header("webhook-id") for request in again] == [request.header("webhook-id") for request in first]
    assert [request.body for request in again] == [request.body for request in first]
    assert {request.header("x-ringpost-replay") for request in again} == {"1"}
    assert {request.header("x-ringpost-replay") for request in first} == {None}
    await node.dispatcher.wait_idle()
    page = await node.ledger.deliveries("acme", DELIVERED, cursor=None, limit=10)
    assert {(delivery.integration, delivery.replay) for delivery in page.items} == {(integration.id, 1)}
    await node.stop()


async def test_what_is_replayed_to_a_paused_integration_goes_out_in_order_when_it_resumes(
    tmp_path: Path, receiver: Receiver
) -> None:
    node = await start_node(settings(tmp_path))
    integration, _ = await node.registry.install("acme", InstallRequest(type="webhook", url=receiver.url))
    await accept(node, "1")
    await receiver.wait_for(3)
    await node.dispatcher.wait_idle()
    await node.registry.pause("acme", integration.id)
    assert (await replay(node, call="acme_1"))["done"] == 3
    await node.registry.edit("acme", integration.id, EditRequest(name="still paused"))
    assert await node.ledger.pending_count("acme", integration.id) == 3
    assert len(receiver.requests) == 3
    await node.registry.resume("acme", integration.id)
    assert [json.loads(request.body)["type"] for request in (await receiver.wait_for(6))[3:]] == list(KINDS)
    await node.stop()


async def test_what_a_node_did_not_send_before_it_stopped_goes_out_after_the_next_start(
    tmp_path: Path, receiver: Receiver
) -> None:
    node = await start_node(settings(tmp_path))
    integration, _ = await node.registry.install("acme", InstallRequest(type="webhook", url=receiver.url))
    await accept(node, "1")
    await receiver.wait_for(3)
    await node.dispatcher.wait_idle()
    await receiver.stop()
    await node.registry.pause("acme", integration.id)
    await replay(node, call="acme_1")
    await node.stop()
    await receiver.start()
    node = await start_node(settings(tmp_path))
    await node.registry.resume("acme", integration.id)
    again = (await receiver.wait_for(6))[3:]
    assert [json.loads(request.body)["type"] for request in again] == list(KINDS)
    assert {request.header("x-ringpost-replay") for request in again} == {"1"}
    await node.stop()


@pytest.mark.slow
async def test_a_long_replay_holds_a_bounded_part_in_memory_and_keeps_each_call_in_order(
    tmp_path: Path, receiver: Receiver
) -> None:
    node = await start_node(msgspec.structs.replace(settings(tmp_path), deliveries_in_memory=1_000))
    calls = 1_200
    for first in range(0, calls, 100):
        numbers = range(first, first + 100)
        events = [event for number in numbers for event in whole_call(f"acme_{number}")]
        await node.ledger.commit(events)
    most = 0

    def answer(_: Request) -> Answer:
        nonlocal most
        most = max(most, node.dispatcher.statistics().lanes.owed)
        return Answer()

    receiver.answer_by = answer
    integration, _ = await node.registry.install("acme", InstallRequest(type="webhook", url=receiver.url))
    shown = await replay(node, integration=integration.id, since=0, neverOwed=True)
    assert (shown["state"], shown["done"]) == ("done", 3 * calls)
    requests = await receiver.wait_for(3 * calls, timeout=60)
    assert by_call(requests) == {f"acme_{number}": list(KINDS) for number in range(calls)}
    assert BATCH <= most <= 1_000 + BATCH
    await node.dispatcher.wait_idle()
    await node.stop()
