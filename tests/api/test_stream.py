"""Following a company's events over a real connection: from where, by whom, and until when."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ringpost.api import following
from ringpost.integrations.requests import InstallRequest
from ringpost.ledger.views import DeliverySearch
from ringpost.model.delivery import Owed
from ringpost.node import Node, start_node
from ringpost.settings import Settings

PATH = "/v1/events/stream"


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    node = await start_node(Settings(data=str(tmp_path), port=0, allow_networks=("127.0.0.0/8",)))
    yield node
    await node.stop()


class Follower:
    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines
        self.ids: list[str] = []

    async def next(self) -> dict[str, Any]:
        async for line in self._lines:
            if line.startswith("id:"):
                self.ids.append(line[3:].strip())
            if line.startswith("data:"):
                told: dict[str, Any] = json.loads(line[5:])
                return told
        raise StopAsyncIteration


@asynccontextmanager
async def follower(
    node: Node, company: str | None = "acme", role: Any = "viewer", **query: Any
) -> AsyncIterator[Follower]:
    _, key = await node.keys.create(company=company, role=role, name="listener")
    headers = {"authorization": f"Bearer {key}"}
    if "last" in query:
        headers["last-event-id"] = query.pop("last")
    async with (
        httpx.AsyncClient(base_url=node.local_url, trust_env=False, headers=headers) as http,
        http.stream("GET", PATH, params=query) as stream,
    ):
        if stream.status_code != 200:
            raise PermissionError(stream.status_code, (await stream.aread()).decode())
        assert stream.headers["content-type"].startswith("text/event-stream")
        yield Follower(stream.aiter_lines())


async def tell(node: Node, call: str, company: str = "acme", kind: str = "call:start") -> None:
    event = {"id": call, "type": kind, "data": {"status": "RINGING"}}
    assert (await node.intake.accept_event(json.dumps(event).encode(), lambda _: company)).status == 202


async def test_events_come_as_they_are_accepted_with_the_body_that_a_receiver_gets(node: Node) -> None:
    await tell(node, "before")
    async with follower(node) as one:
        await tell(node, "theirs", company="other")
        await tell(node, "a")
        told = await one.next()
        body = json.loads(told.pop("body"))
        assert (body["id"], body["integrationId"], body["data"]["status"]) == ("acme_a", "listen", "RINGING")
        assert told == {"id": one.ids[0], "type": "call:start", "call": "acme_a", "sequence": 1, "replay": 0}


async def test_a_follower_goes_on_where_it_was_or_begins_in_the_past(node: Node) -> None:
    began = node.now()
    for number in range(5):
        await tell(node, str(number))
    async with follower(node, since=began) as one:
        calls = [(await one.next())["call"] for _ in range(5)]
    assert calls == [f"acme_{number}" for number in range(5)]
    for place in ({"after": one.ids[2]}, {"last": one.ids[2]}):
        async with follower(node, **place) as again:
            assert [(await again.next())["call"] for _ in range(2)] == ["acme_3", "acme_4"]


async def test_only_the_types_that_are_wanted_come(node: Node) -> None:
    async with follower(node, filter="call:end,notice:*") as one:
        await tell(node, "a")
        await tell(node, "a", kind="call:end")
        assert (await one.next())["type"] == "call:end"


async def test_a_replay_is_told_once_and_moves_nobody(node: Node) -> None:
    for name in ("one", "two"):
        await node.registry.install("acme", InstallRequest(type="webhook", url="http://127.0.0.1:9/", name=name))
    await tell(node, "a")
    async with follower(node, since=0) as one:
        first = await one.next()
        page = await node.ledger.find_deliveries("acme", DeliverySearch(), cursor=None, limit=5)
        for delivery in page.items:
            owed = Owed(
                company="acme", integration=delivery.integration, call=delivery.call, seq=delivery.seq, replay=1
            )
            node.services.dispatcher_replayed(owed)
        again = await one.next()
        assert (again["id"], again["replay"]) == (first["id"], 1)
        await tell(node, "b")
        assert (await one.next())["call"] == "acme_b"
        assert len(one.ids) == 2


async def test_who_may_not_read_or_asks_for_nonsense_is_refused(node: Node) -> None:
    for more, code in (
        ({"role": "source"}, "role_too_small"), ({"filter": "fax:*"}, "unknown_filter"),
        ({"after": "evt_?"}, "invalid_value"), ({"company": None, "role": "operator"}, "company_missing"),
        ({"since": "soon"}, "invalid_value"),
    ):  # fmt: skip
        with pytest.raises(PermissionError, match=code):
            async with follower(node, **more):
                pass
    async with httpx.AsyncClient(base_url=node.local_url, trust_env=False) as http:
        assert (await http.get(PATH)).status_code == 401


async def test_followers_are_bounded_and_end_with_their_key_and_with_the_service(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MOST", 1)
    async with follower(node) as one:
        with pytest.raises(PermissionError, match="overloaded"):
            async with follower(node):
                pass
        key = next(key for key in node.keys.all() if key.revoked is None)
        await node.keys.revoke(key.id)
        await tell(node, "a")
        with pytest.raises(StopAsyncIteration):
            await one.next()
    async with follower(node) as one:
        stopping = asyncio.create_task(node.stop())
        with pytest.raises(StopAsyncIteration):
            await one.next()
        await stopping
