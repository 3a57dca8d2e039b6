"""The live stream over a real connection: to who may hear, until the session ends or the service stops."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from ringpost.access.keys import Caller
from ringpost.intake.notices import notice_event
from ringpost.model.notice import Notice
from ringpost.node import Node, start_node
from ringpost.settings import Settings


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    node = await start_node(Settings(data=str(tmp_path), port=0))
    yield node
    await node.stop()


async def browser_of(node: Node, company: str | None) -> httpx.AsyncClient:
    key, _ = await node.keys.create(company=company, role="viewer" if company else "operator", name="")
    token = node.sessions.begin(Caller(key.id, company, key.role))
    return httpx.AsyncClient(base_url=node.local_url, cookies={"ringpost_session": token}, trust_env=False)


async def changes(lines: AsyncIterator[str]) -> AsyncIterator[dict[str, str]]:
    async for line in lines:
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


async def tell(node: Node, company: str) -> None:
    notice = Notice(company=company, type="notice:pbx-lost", time=node.now(), message="Lost.", pbx="P1")
    await node.ledger.commit([notice_event(notice, ())])


async def test_a_stream_tells_what_changes_and_ends_when_the_service_stops(node: Node) -> None:
    async with await browser_of(node, "acme") as browser, browser.stream("GET", "/live") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        told = changes(stream.aiter_lines())
        assert (await anext(told))["topic"] == "hello"
        await tell(node, "other")
        await tell(node, "acme")
        assert await anext(told) == {"topic": "notice", "company": "acme", "about": "acme_notice/P1"}
        stopping = asyncio.create_task(node.stop())
        assert [change async for change in told] == []  # it ends as a whole; a stream that is cut off raises
        await stopping


async def test_a_stream_ends_with_its_session(node: Node) -> None:
    async with await browser_of(node, "acme") as browser, browser.stream("GET", "/live") as stream:
        told = changes(stream.aiter_lines())
        await anext(told)
        [key] = node.keys.all()
        await node.keys.revoke(key.id)
        await tell(node, "acme")
        assert [change async for change in told] == []


async def test_nobody_follows_without_a_session_or_another_company(node: Node) -> None:
    async with httpx.AsyncClient(base_url=node.local_url, trust_env=False) as stranger:
        assert (await stranger.get("/live")).status_code == 401
    async with await browser_of(node, "acme") as browser:
        assert (await browser.get("/live?company=other")).status_code == 403
