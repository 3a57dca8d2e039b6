"""A real Chromium, and the demo as a node of its own for it to look at."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from ringpost.calls.observation import Snapshot
from ringpost.console.inbox import Inbox
from ringpost.console.inbox_page import inbox_receiver, inbox_screens
from ringpost.intake.notices import notice_event
from ringpost.integrations.requests import InstallRequest
from ringpost.model.notice import Notice
from ringpost.model.point import HOUR, MINUTE, Point
from ringpost.node import Node, start_node
from ringpost.settings import PbxSettings, Settings
from ringpost.sources.source import Say, SourceStatus
from tests.real import prerequisites

PICTURES: Final = "RINGPOST_TEST_PICTURES"  # a folder for pictures that are to be looked at


NOT_THERE: Final = PbxSettings(
    company="acme_gmbh", serial="PBX2", host="127.0.0.1", port=9, user="ringpost", secret="k2-Wm9x-unreachable"
)


class Quiet:
    """A PBX that is connected and has no call."""

    def __init__(self, since: int) -> None:
        self._status = SourceStatus(connected_since=since, heard=since + 61_000, version="22.10.1")

    async def run(self, say: Say) -> None:
        say(Snapshot())
        await asyncio.Event().wait()

    def status(self) -> SourceStatus:
        return self._status


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """The browser. It runs without its sandbox: whoever runs the tests may be root, and it sees our pages alone."""
    program = prerequisites.chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(program), args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """A node with something to see on every page."""
    secrets: dict[str, str] = {}
    inbox = Inbox(lambda: 1_795_573_019_000, secrets.get)

    def routes(node: Node) -> list[Any]:
        node.console.add(
            inbox_screens(inbox, {"Install an integration of your own:": "ringpost integrations install …"})
        )
        return [inbox_receiver(inbox)]

    settings = Settings(data=str(tmp_path), port=0, allow_networks=("127.0.0.0/8",), pbx=(NOT_THERE,))
    node = await start_node(settings, routes_of=routes, later=[("acme_gmbh", "PBX1")])
    await node.listen_to("acme_gmbh", "PBX1", Quiet(1_795_573_019_000))
    await node.keys.create(company="acme_gmbh", role="viewer", name="dashboard of the sales people in the north")
    await node.keys.create(company="wildix_srl", role="source", name="")
    revoked, _ = await node.keys.create(company="acme_gmbh", role="admin", name="old")
    await node.keys.revoke(revoked.id)
    installed, credentials = await node.registry.install(
        "acme_gmbh", InstallRequest(type="webhook", url=f"{node.local_url}/inbox/{inbox.token}", name="Inbox")
    )
    secrets[installed.id] = credentials.secret
    for number, kind in enumerate(("notice:exhausted", "notice:pbx-back", "notice:pbx-lost", "notice:failing")):
        notice = Notice(
            company="acme_gmbh", type=kind, time=1_795_573_019_000 + number * 61_000,  # type: ignore[arg-type]
            message=f"What is said of {kind}: a sentence of the length that such sentences have, with what helps then.",
            pbx="PBX1", reason="timeout",
        )  # fmt: skip
        await node.ledger.commit([notice_event(notice, ())])
    failing = InstallRequest(type="webhook", url="http://127.0.0.1:9/calls", name="CRM of the house")
    await node.registry.install("acme_gmbh", failing)
    for call in calls():
        answer = await node.intake.accept_event(json.dumps(call).encode(), lambda _: "acme_gmbh")
        assert answer.status == 202
    await node.ledger.add_points(list(traffic(node.now())))
    yield node
    inbox.close()
    await node.stop()


def traffic(now: int) -> Iterator[Point]:
    """A day of counts, of the company and of the service."""
    hour = now // MINUTE * MINUTE - HOUR
    for number in range(24 * 60):
        at = hour + HOUR - number * MINUTE
        delivered = 30 + (number * 7) % 13 - (number * 3) % 17
        failed = 4 if number % 9 == 0 else 0
        for company in ("acme_gmbh", ""):
            yield Point(
                company=company, integration="", span=MINUTE, time=at, calls=delivered // 4, events=delivered,
                delivered=delivered, failed=failed, exhausted=failed // 4,
                latencies=(delivered - 3, 0, 2, 0, 0, 0, 0, failed and 1, 0, 0, 0, 0),
            )  # fmt: skip


def calls() -> Iterator[dict[str, Any]]:
    """Four calls as a PBX tells them: answered, missed, going on, anonymous."""
    people = [
        ("LOCAL", "1001", "Alice Rossi"), ("LOCAL", "1002", "Jürgen Größner"),
        ("REMOTE", "+390461555010", "Studio Società Perù, Trento"), ("REMOTE", None, None),
    ]  # fmt: skip
    parties = [{"type": kind, "phone": phone, "name": name} for kind, phone, name in people]
    ways = [
        (0, 1, ("RINGING", "TALKING"), "16"),
        (2, 0, ("RINGING",), "19"),
        (2, 1, ("TALKING",), None),
        (3, 0, (), "21"),
    ]
    for number, (caller, callee, statuses, cause) in enumerate(ways, 1):
        known = {"caller": parties[caller], "callee": parties[callee], "destination": "1002", "direction": "INBOUND"}
        yield {"id": f"k{number}", "type": "call:start", "data": {"status": "CONNECTING", **known}}
        for status in statuses:
            yield {"id": f"k{number}", "type": "call:update", "data": {"status": status, **known}}
        if cause is not None:
            last = {"status": statuses[-1] if statuses else "CONNECTING", **known, "queueName": "Support"}
            end = {"endCause": cause, "endCauseStr": "Normal Clearing", "endBy": "CALLER", "talkTime": 61_000}
            yield {"id": f"k{number}", "type": "call:end", "data": last | end}


@pytest.fixture
def sign_in(node: Node) -> Callable[[BrowserContext], Any]:
    """Signs a browser in by a link, as an operator."""

    async def sign_in(context: BrowserContext) -> Page:
        page = await context.new_page()
        await page.goto(f"{node.local_url}/login/{node.sessions.make_link()}")
        return page

    return sign_in


@pytest.fixture
def picture() -> Callable[[Page, str], Any]:
    """Takes a picture of a page, where a folder for them was named."""

    async def take(page: Page, name: str) -> None:
        folder = os.environ.get(PICTURES)
        if folder:
            await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)

    return take
