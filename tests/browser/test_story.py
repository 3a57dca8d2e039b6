"""The whole way in a real browser, as an administrator has it: install, see a call live, lose the receiver, see why and
when the next try is, repair it, deliver again, delivered; then a new secret, and a pause.

The receiver is a real one, switched off and on; the calls are the simulator's. A call of a real Asterisk is seen in
`tests/real/test_console_story.py`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Browser, expect

from ringpost.node import Node, start_node
from ringpost.settings import Settings
from ringpost.sources.simulator import Pace, Simulator
from ringpost.wire.signature import verify_standard
from tests.browser.story import COMPANY, is_signed, signed_in
from tests.real.receiver import Receiver

pytestmark = pytest.mark.real

SERIAL: Final = "sim1"
# One call a minute, which rings for a moment and is talked for two.
CALM: Final = Pace(gap=(60_000, 60_000), ring=(1_500, 1_500), patience=(60_000, 60_000), talk=(2_000, 2_000))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.stop()


@pytest.fixture
async def quiet_node(tmp_path: Path) -> AsyncIterator[Node]:
    """A node whose PBX is still to come."""
    settings = Settings(data=str(tmp_path / "data"), port=0, allow_networks=("127.0.0.0/8",))
    node = await start_node(settings, later=[(COMPANY, SERIAL)])
    yield node
    await node.stop()


async def test_from_installing_to_delivered_again(chromium: Browser, quiet_node: Node, receiver: Receiver) -> None:
    node = quiet_node
    admin = await signed_in(chromium, node.local_url, f"{node.local_url}/login/{node.sessions.make_link()}")
    page = admin.page
    secret = await admin.installs(receiver.url, retry="3s")

    # A call is seen as it rings, is talked and ends, and what the receiver had of it is signed with what was shown.
    await admin.goes(f"/calls?company={COMPANY}")
    await expect(page.locator("#live-state")).to_have_text("Live.")
    await node.listen_to(COMPANY, SERIAL, Simulator(1, now=node.now, kinds=["answered"], pace=CALM))
    row = page.locator("#calls tbody tr").first
    await expect(row).to_contain_text("RINGING")
    await expect(row).to_contain_text("TALKING")
    await expect(row.locator(".elapsed")).to_have_count(0)  # it ended
    await expect(row).to_contain_text("delivered")
    requests = await receiver.wait_for(lambda requests: any(b"call:end" in one.body for one in requests))
    assert all(is_signed(secret, one) for one in requests)

    # The receiver is gone: its page says why, and when it is tried again; at last nothing is left of it to try.
    await receiver.stop()
    heard = len(receiver.requests)
    [integration] = node.registry.all()
    await admin.goes(f"/integrations/{integration.id}?company={COMPANY}")
    await admin.presses("Send a test call")
    await admin.goes(f"/deliveries?company={COMPANY}&state=failing")
    await expect(page.locator("#deliveries tbody tr .reason").first).to_contain_text(
        re.compile("refused|connect", re.IGNORECASE)
    )
    await page.locator("#deliveries tbody tr td.when a").first.click()
    await expect(page.locator("#delivery")).to_contain_text(re.compile(r"next try|exhausted"))
    await expect(page.locator("#delivery .reason")).to_be_visible()
    await expect(page.locator("#delivery")).to_contain_text("exhausted")  # by itself, as it comes
    await admin.goes(f"/deliveries?company={COMPANY}&state=exhausted")
    await expect(page.locator("#deliveries tbody tr").nth(1)).to_be_visible()
    await node.dispatcher.wait_idle()

    # It is repaired. What was exhausted is chosen, counted, sent again, and arrives.
    await receiver.start()
    await page.reload()
    rows = await page.locator("#deliveries tbody tr").count()
    await page.locator("[data-pick-all]").check()
    await expect(page.locator("[data-pick-count]")).to_contain_text(str(rows))
    await admin.presses(re.compile("Deliver chosen again"))
    await expect(page.locator("main")).to_contain_text(f"{rows} deliveries would go out again")
    await page.get_by_role("link", name="Leave it").click()
    await admin.presses(re.compile("Deliver all .*that match"))
    await expect(page.locator("main")).to_contain_text(f"{rows} deliveries would go out again")
    assert len(receiver.requests) == heard  # nothing went out for being counted
    await admin.presses("Deliver them again")
    await expect(page.locator("#replay")).to_contain_text(f"{rows} of {rows} handed over")
    await expect(page.locator("#replay .badge")).to_have_text("done")
    again = (await receiver.wait_for(heard + rows))[heard:]
    assert all(is_signed(secret, one) for one in again)
    await node.dispatcher.wait_idle()
    await admin.goes(f"/deliveries?company={COMPANY}&state=exhausted")
    await expect(page.locator("main")).to_contain_text("Nothing matches.")
    await admin.goes(f"/deliveries?company={COMPANY}&state=delivered")
    await expect(page.locator("#deliveries tbody tr").nth(rows)).to_be_visible()
    assert admin.faults == []


async def test_a_new_secret_has_the_old_one_beside_it_and_a_pause_keeps_what_is_owed(
    chromium: Browser, quiet_node: Node, receiver: Receiver
) -> None:
    node = quiet_node
    admin = await signed_in(chromium, node.local_url, f"{node.local_url}/login/{node.sessions.make_link()}")
    page = admin.page
    old = await admin.installs(receiver.url)
    [integration] = node.registry.all()
    at = f"/integrations/{integration.id}?company={COMPANY}"

    await admin.goes(f"/integrations/{integration.id}/rotate?company={COMPANY}")
    await page.locator("main form button.main").click()
    new = await admin.secret()
    assert new != old
    await admin.goes(at)
    await expect(page.locator("#integration")).to_contain_text("the one before it signs too, until")
    await admin.presses("Send a test call")
    await expect(page.locator("#tested")).to_contain_text("delivered")
    [request, *_] = await receiver.wait_for(1)
    identifier, timestamp = (request.header(name) or "" for name in ("webhook-id", "webhook-timestamp"))
    for one in (old, new):
        assert verify_standard(one, identifier, timestamp, request.body, request.header("webhook-signature") or "")
    await node.dispatcher.wait_idle()

    heard = len(receiver.requests)
    await admin.goes(at)
    await admin.presses("Pause")
    await expect(page.locator("#integration")).to_contain_text("paused")
    await admin.presses("Send a test call")
    await admin.goes(at)
    resume = page.get_by_role("button", name=re.compile(r"Resume.*\d+ owed"))
    owed = int(re.search(r"\d+", await resume.text_content() or "")[0])  # type: ignore[index]
    assert owed > 1
    assert len(receiver.requests) == heard
    await resume.click()
    await receiver.wait_for(heard + owed)
    await expect(page.locator("#integration")).to_contain_text("nothing")  # is owed
    assert admin.faults == []
