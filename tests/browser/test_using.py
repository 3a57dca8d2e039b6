"""Using the console with a script: keyboard, times, dialogs, live lists; and without one."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from ringpost.intake.notices import notice_event
from ringpost.model.notice import Notice
from ringpost.node import Node

pytestmark = pytest.mark.real


@pytest.fixture
async def page(chromium: Browser, sign_in: Any) -> Page:
    context = await chromium.new_context(timezone_id="America/New_York")
    signed_in: Page = await sign_in(context)
    return signed_in


async def test_the_keyboard_leads_everywhere(page: Page, node: Node) -> None:
    await page.keyboard.press("g")
    await page.keyboard.press("k")
    await page.wait_for_url("**/keys")
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    assert await page.evaluate("document.activeElement.matches('tbody tr:first-child')")
    await page.keyboard.press("?")
    await expect(page.locator("#keys-help")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#keys-help")).to_be_hidden()
    await page.goto(f"{node.local_url}/notices")
    await page.keyboard.press("/")
    assert await page.evaluate("document.activeElement.id") == "type"


async def test_times_are_local_with_utc_beside_them_and_u_turns_that_round(page: Page, node: Node) -> None:
    await page.goto(f"{node.local_url}/notices")
    time = page.locator("td time").first
    await expect(time).to_have_attribute("title", "2026-11-25 02:20:02.000 UTC")
    await expect(time).to_have_text("2026-11-24 21:20:02")
    await expect(page.locator("[data-zone]")).to_have_text("America/New_York")
    await page.keyboard.press("u")
    await expect(time).to_have_text("2026-11-25 02:20:02")
    await page.reload()
    await expect(time).to_have_text("2026-11-25 02:20:02")


async def test_a_new_notice_appears_by_itself_but_never_under_the_pointer(page: Page, node: Node) -> None:
    await page.goto(f"{node.local_url}/notices")
    await expect(page.locator("#live-state")).to_have_text("Live.")
    await page.locator("#notices").hover()
    told = Notice(company="acme_gmbh", type="notice:pbx-lost", time=node.now(), message="Lost just now.", pbx="PBX7")
    await node.ledger.commit([notice_event(told, ())])
    await expect(page.locator("#live-state")).to_contain_text("There is news")
    await expect(page.locator("#notices")).not_to_contain_text("Lost just now.")
    await page.mouse.move(1, 1)
    await expect(page.locator("#notices tbody tr").first).to_contain_text("Lost just now.")


async def test_a_key_is_made_and_revoked_in_a_dialog(page: Page, node: Node) -> None:
    await page.goto(f"{node.local_url}/keys")
    await page.locator("summary", has_text="Make a key").click()
    await page.get_by_label("Name").fill("by hand")
    await page.get_by_label("Role").select_option("viewer")
    await page.locator("#f-company").fill("acme_gmbh")
    await page.get_by_role("button", name="Make the key").click()
    await expect(page.locator("#key-text")).to_contain_text("rp_")
    await page.get_by_role("link", name="Done").click()
    await page.get_by_role("link", name="Revoke by hand").click()
    await page.get_by_role("link", name="Keep it").click()
    await expect(page.locator("dialog[open]")).to_have_count(0)
    await page.get_by_role("link", name="Revoke by hand").click()
    await page.locator("dialog").get_by_role("button", name="Revoke it").click()
    await expect(page.get_by_role("status").first).to_have_text("The key by hand is revoked.")


async def test_all_of_that_works_without_a_script(chromium: Browser, sign_in: Any, node: Node) -> None:
    page: Page = await sign_in(await chromium.new_context(java_script_enabled=False))
    await page.goto(f"{node.local_url}/notices")
    await page.get_by_label("Show").select_option("notice:pbx-lost")
    await page.locator(".filters button").click()
    await expect(page.locator("tbody tr")).to_have_count(1)
    await page.get_by_label("Company").select_option("wildix_srl")
    await page.locator(".chooser button").click()
    assert page.url.endswith("/notices?company=wildix_srl")
    await page.goto(f"{node.local_url}/keys")
    await page.get_by_role("link", name="Revoke dashboard").click()
    await page.get_by_role("button", name="Revoke it").click()
    await expect(page.get_by_role("status").first).to_contain_text("is revoked.")
