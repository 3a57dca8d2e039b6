"""A call of a real Asterisk, seen live in a real browser, from `ringpost serve` and a sign-in link."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect

from tests.browser.story import COMPANY, is_signed, signed_in
from tests.cli.program import kill_what_is_left
from tests.real import prerequisites
from tests.real.pbx import Pbx
from tests.real.receiver import Receiver
from tests.real.service import Service

pytestmark = pytest.mark.real


@pytest.fixture
async def service(pbx: Pbx, tmp_path: Path) -> AsyncIterator[Service]:
    service = Service(tmp_path / "service", pbx.asterisk)
    await service.start()
    yield service
    await service.close()
    kill_what_is_left()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.stop()


async def test_a_call_is_seen_while_it_rings_and_is_talked_and_when_it_ended(
    pbx: Pbx, service: Service, receiver: Receiver
) -> None:
    link = await service.link()
    program = prerequisites.chromium()
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=str(program), args=["--no-sandbox"])
        admin = await signed_in(chromium, link.partition("/login/")[0], link)
        page = admin.page
        secret = await admin.installs(receiver.url)
        await admin.goes(f"/calls?company={COMPANY}")
        await expect(page.locator("#live-state")).to_have_text("Live.")
        called = await pbx.answer("1002", ring_ms=2_000)
        calling = await pbx.call("1001", "1002", talk_ms=2_000)
        row = page.locator("#calls tbody tr").first
        await expect(row).to_contain_text("RINGING")
        await expect(row).to_contain_text("Alice Rossi")
        await expect(row).to_contain_text("Jürgen Größner")
        await expect(row).to_contain_text("TALKING")
        await calling.finished()
        await called.finished()
        await expect(row.locator(".elapsed")).to_have_count(0)  # it ended
        await expect(row).to_contain_text("delivered")
        requests = await receiver.wait_for(lambda requests: any(b"call:end" in one.body for one in requests))
        assert all(is_signed(secret, one) for one in requests)
        assert admin.faults == []
