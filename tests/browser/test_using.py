"""Using the console with a script: keyboard, times, dialogs, live lists; and without one."""

from __future__ import annotations

import asyncio
import json
import re
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
    await page.clock.set_fixed_time("2026-11-26T12:00:00Z")
    await page.goto(f"{node.local_url}/notices")
    time = page.locator("td time").first
    await expect(time).to_have_attribute("title", "2026-11-25 02:20:02.000 UTC")
    await expect(time).to_have_text("2026-11-24 21:20:02")
    await expect(page.locator("footer [data-zone]")).to_have_text("America/New_York")
    await page.keyboard.press("u")
    await expect(time).to_have_text("2026-11-25 02:20:02")
    await page.reload()
    await expect(time).to_have_text("2026-11-25 02:20:02")
    await page.clock.set_fixed_time("2026-11-25T12:00:00Z")
    await page.reload()
    await expect(time).to_have_text("02:20:02")  # it is of today


async def test_times_are_typed_in_the_zone_that_is_shown_and_stand_in_the_address_in_utc(
    page: Page, node: Node
) -> None:
    await page.goto(f"{node.local_url}/deliveries?from=2026-11-25T02:20")
    first = page.get_by_label("from", exact=True)
    await expect(first).to_have_value("2026-11-24T21:20")
    await page.keyboard.press("u")
    await expect(first).to_have_value("2026-11-25T02:20")
    await page.keyboard.press("u")
    await page.get_by_label("to", exact=True).fill("2026-11-24T22:00")
    await page.get_by_role("button", name="Search").click()
    await page.wait_for_url("**/deliveries?from=2026-11-25T02%3A20&to=2026-11-25T03%3A00")
    await expect(page.get_by_label("to", exact=True)).to_have_value("2026-11-24T22:00")


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


async def test_the_charts_are_drawn_and_another_range_is_a_key_away(page: Page, node: Node) -> None:
    faults: list[str] = []
    page.on("console", lambda told: faults.append(told.text) if told.type in {"error", "warning"} else None)
    await page.goto(f"{node.local_url}/overview")
    charts = page.locator("[data-chart] canvas")
    await expect(charts).to_have_count(3)
    coloured = """chart => {
        const {data} = chart.getContext("2d").getImageData(0, 0, chart.width, chart.height);
        return new Set(new Uint32Array(data.buffer)).size;
    }"""
    for number in range(3):
        assert await charts.nth(number).evaluate(coloured) > 20  # lines, a grid, letters
    wide = (await charts.first.bounding_box())["width"]  # type: ignore[index]
    await page.set_viewport_size({"width": 390, "height": 844})
    await expect(charts.first).not_to_have_css("width", f"{wide}px")
    await page.keyboard.press("3")
    await page.wait_for_url("**/overview?last=week")
    await expect(page.locator("[data-key='3']")).to_have_attribute("aria-current", "page")
    await expect(charts).to_have_count(3)
    assert faults == []


async def test_calls_arrive_by_themselves_and_nothing_jumps_under_the_pointer(page: Page, node: Node) -> None:
    async def tell(call: str, **more: Any) -> None:
        told = {"id": call, "type": "call:start", "data": {"status": "RINGING", "destination": "1002"}} | more
        assert (await node.intake.accept_event(json.dumps(told).encode(), lambda _: "acme_gmbh")).status == 202

    await page.goto(f"{node.local_url}/calls?company=acme_gmbh")
    await expect(page.locator("#live-state")).to_have_text("Live.")
    rows = page.locator("#calls tbody tr")
    await expect(rows).to_have_count(4)
    await tell("new1")
    await expect(rows).to_have_count(5)  # the pointer is elsewhere
    await expect(rows.first).to_have_attribute("id", "acme_gmbh-acme_gmbh_new1")
    second = rows.nth(1)
    await second.hover()
    before = await second.bounding_box()
    await tell("new2")
    await tell("new3")
    news = page.locator("[data-news]")
    await expect(news).to_have_text("2 new calls: show them")
    await tell("new1", type="call:update", data={"status": "TALKING", "destination": "1002"})
    await expect(rows.first).to_contain_text("TALKING")  # what is there changes where it is
    assert await second.bounding_box() == before
    await expect(rows).to_have_count(5)
    await page.keyboard.press(".")
    await expect(rows).to_have_count(7)
    await expect(news).to_be_hidden()


async def tell_call(node: Node, call: str, kind: str = "call:start", **data: Any) -> None:
    told = {"id": call, "type": kind, "data": {"status": "RINGING", "destination": "1002"} | data}
    assert (await node.intake.accept_event(json.dumps(told).encode(), lambda _: "acme_gmbh")).status == 202


async def test_a_row_above_that_grows_moves_nothing_under_the_pointer(page: Page, node: Node) -> None:
    await tell_call(node, "grows")
    await page.goto(f"{node.local_url}/calls?company=acme_gmbh")
    rows = page.locator("#calls tbody tr")
    await expect(page.locator("#live-state")).to_have_text("Live.")
    await rows.nth(2).hover()
    before = await rows.nth(2).bounding_box()
    await tell_call(node, "grows", "call:update", caller={"type": "REMOTE", "name": "All who work in the house " * 9})
    await tell_call(node, "after")
    await expect(page.locator("[data-news]")).to_have_text("1 new call: show it")
    assert await rows.nth(2).bounding_box() == before
    await expect(rows.first).not_to_contain_text("All who work")  # it waits: there is nothing to scroll
    await page.mouse.move(1, 1)
    await expect(rows.nth(1)).to_contain_text("All who work")


async def test_where_a_list_can_be_scrolled_a_row_above_grows_and_what_is_pointed_at_stays(
    page: Page, node: Node
) -> None:
    await tell_call(node, "grows", caller={"type": "REMOTE", "name": "All who work in the house " * 9})
    await page.set_viewport_size({"width": 390, "height": 500})
    await page.goto(f"{node.local_url}/calls?company=acme_gmbh")
    rows = page.locator("#calls tbody tr")
    await expect(page.locator("#live-state")).to_have_text("Live.")
    await rows.nth(2).hover()
    before = await rows.nth(2).bounding_box()
    longer = "All who work in the house " * 12
    await tell_call(node, "grows", "call:update", caller={"type": "REMOTE", "name": longer})
    await expect(rows.first).to_contain_text(longer.strip())
    after = await rows.nth(2).bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) < 1  # a page scrolls by whole pixels


async def test_moving_within_a_list_loads_nothing_and_leaving_it_does(page: Page, node: Node) -> None:
    loads: list[str] = []
    await page.clock.install()
    await page.add_init_script(
        "window.streams = []; window.EventSource = class extends EventSource"
        " { constructor(...given) { super(...given); streams.push(this); } };"
    )
    await page.goto(f"{node.local_url}/calls?company=acme_gmbh")
    page.on("request", lambda request: loads.append(request.url) if "/calls" in request.url else None)
    rows = page.locator("#calls tbody tr")
    await expect(page.locator("#live-state")).to_have_text("Live.")
    await rows.first.hover()
    await tell_call(node, "new")
    await expect(page.locator("[data-news]")).to_have_text("1 new call: show it")
    await page.evaluate("streams.forEach((stream) => stream.close())")  # nothing else changes from here on
    await page.clock.run_for(5_000)
    await rows.nth(1).hover()
    await page.clock.run_for(5_000)
    seen = len(loads)
    for number in (2, 3, 2, 1):
        await rows.nth(number).hover()
        await page.clock.run_for(1_000)
    await page.mouse.move(1, 1)
    await page.clock.run_for(1_000)
    await expect(rows).to_have_count(5)
    assert len(loads) == seen + 1


async def test_a_call_that_ends_stays_under_the_pointer_but_is_not_counted_on(page: Page, node: Node) -> None:
    await tell_call(node, "ends")
    await page.goto(f"{node.local_url}/calls?company=acme_gmbh&open=true")
    rows = page.locator("#calls tbody tr")
    await expect(page.locator("#live-state")).to_have_text("Live.")
    await expect(rows).to_have_count(2)
    await rows.nth(1).hover()
    await tell_call(node, "ends", "call:end", endCause="16")
    await expect(rows.first).to_have_class("gone")
    await expect(rows.first.locator("[data-elapsed]")).to_have_count(0)
    await page.mouse.move(1, 1)
    await expect(rows).to_have_count(1)


async def test_the_list_of_keys_has_those_that_do_something_on_the_page(page: Page, node: Node) -> None:
    for address, there, not_there in (
        ("/calls?company=acme_gmbh", "/ j enter .", ""),
        ("/calls/acme_gmbh_k1?company=acme_gmbh", "j enter", "/"),
        ("/account", "?", "/ j enter"),
    ):
        await page.goto(f"{node.local_url}{address}")
        await page.keyboard.press("?")
        for keys, is_there in ((there, True), (not_there, False)):
            for key in keys.split():
                told = page.locator("#keys-help dt", has=page.locator("kbd").get_by_text(key, exact=True)).first
                await expect(told).to_be_visible(visible=is_there)


async def test_how_long_a_call_goes_on_is_counted_on(page: Page, node: Node) -> None:
    await page.clock.install()
    await page.goto(f"{node.local_url}/calls?company=acme_gmbh&open=true")
    shown = page.locator(".elapsed")
    said = await shown.evaluate("one => Number(one.dataset.elapsed)")
    await page.clock.run_for(61_000)
    seconds = (said + 61_000) // 1_000
    expected = [f"{at // 60}:{at % 60:02}" for at in (seconds, seconds + 1)]
    assert await shown.text_content() in expected


async def test_a_calls_body_is_copied_as_it_was_sent(chromium: Browser, node: Node, sign_in: Any) -> None:
    context = await chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = await sign_in(context)
    await page.goto(f"{node.local_url}/calls/acme_gmbh_k1?company=acme_gmbh")
    await page.get_by_role("link", name="Body").first.click()
    dialog = page.locator("dialog[open]")
    body = await dialog.locator("#body").text_content()
    assert json.loads(body)["id"] == "acme_gmbh_k1"
    await dialog.get_by_role("button", name="Copy").first.click()
    await expect(dialog.get_by_role("button", name="Copied")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == body


async def test_an_integration_is_installed_tried_changed_and_deleted(page: Page, node: Node) -> None:
    await page.goto(f"{node.local_url}/integrations/install?company=acme_gmbh")
    await expect(page.get_by_label("AWS key id")).to_be_hidden()
    await page.get_by_label("Type").select_option("sqs")
    await expect(page.get_by_label("AWS key id")).to_be_visible()
    await page.get_by_label("Type").select_option("webhook")
    inbox = next(one for one in node.registry.all() if one.name == "Inbox")
    await page.get_by_label("URL").fill("not an address")
    await page.get_by_label("Name", exact=True).fill("Desk")
    await page.get_by_role("button", name="Install it").click()
    await expect(page.locator("#e-url")).to_be_visible()
    await page.get_by_label("URL").fill(inbox.url)
    await page.get_by_role("button", name="Install it").click()
    await expect(page.locator("#secret")).to_contain_text("whsec_")
    await page.get_by_role("link", name="send it a test call").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Desk")
    await page.get_by_role("button", name="Send a test call").click()
    await expect(page.locator("#tested .badge.good")).to_have_count(4)  # by itself, without loading the page again
    await page.get_by_role("link", name="Change it").click()
    await page.get_by_label("Custom headers").fill("X-Tenant: seventeen")
    await page.get_by_label("call:update").check()
    await page.get_by_role("button", name="Change it").click()
    await expect(page.get_by_role("status").first).to_have_text("Changed: events, headers.")
    await expect(page.locator("#integration")).to_contain_text("X-Tenant: ••••")
    await page.get_by_role("link", name="Another secret…").click()
    await page.locator("dialog").get_by_role("button", name="Use the new secret").click()
    await expect(page.get_by_role("status").first).to_contain_text("The new secret signs from now on; the one before")
    await page.reload()  # it does not send the form again
    await expect(page.get_by_role("heading", level=1)).to_have_text("Desk")
    await expect(page.locator("#integration")).to_contain_text("the one before it signs too")
    await page.get_by_role("link", name="Delete…").click()
    await page.locator("dialog").get_by_label("Its id").fill(page.url.rpartition("/")[2].partition("?")[0])
    await page.locator("dialog").get_by_role("button", name="Delete it").click()
    await expect(page.get_by_role("status").first).to_contain_text("The integration is deleted.")
    assert not [one for one in node.registry.all() if one.name == "Desk"]


async def test_a_csv_file_is_taken_from_the_disk_and_looked_at_before_it_is_imported(page: Page, node: Node) -> None:
    await page.goto(f"{node.local_url}/people?company=acme_gmbh")
    await page.locator("summary", has_text="Import a CSV file").click()
    text = "extension,name\n1001,Jürgen Größner\n1002,Anna Conti\n"
    file = {"name": "people.csv", "mimeType": "text/csv", "buffer": text.encode()}
    await page.get_by_label("Or a file").set_input_files(file)  # type: ignore[arg-type]
    await expect(page.locator("#file")).to_have_value(text)
    await page.get_by_role("button", name="See what it changes").click()
    await expect(page.locator("main")).to_contain_text("2 added")
    assert node.directories.count("acme_gmbh") == (0, 0)
    await page.get_by_role("button", name="Import it").click()
    await expect(page.get_by_role("status").first).to_contain_text("The file is imported: 2 added")
    await expect(page.locator("table")).to_contain_text("Jürgen Größner")


async def test_a_viewer_finds_nothing_to_change_and_an_admin_nothing_of_others(chromium: Browser, node: Node) -> None:
    async def signed_in_with(role: Any, company: str) -> Page:
        _, key = await node.keys.create(company=company, role=role, name=role)
        page = await (await chromium.new_context()).new_page()
        await page.goto(f"{node.local_url}/sign-in")
        await page.get_by_text("With an API key").click()
        await page.get_by_label("API key").fill(key)
        await page.get_by_role("button", name="Sign in with the key").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
        return page

    crm = next(one for one in node.registry.all() if one.name == "CRM of the house")
    paths = ("/overview", "/calls", "/calls/acme_gmbh_k1", "/deliveries", "/integrations", f"/integrations/{crm.id}",
             "/pbxs", "/pbxs/PBX2", "/people", "/notices", "/replays")  # fmt: skip
    viewer = await signed_in_with("viewer", "acme_gmbh")
    for path in paths:
        await viewer.goto(f"{node.local_url}{path}")
        await expect(viewer.locator("main form[method=post]")).to_have_count(0)
        await expect(viewer.locator("main")).to_contain_text(re.compile("acme_gmbh|PBX|CRM|known|call|Pending|Nothing"))
    other = await signed_in_with("admin", "wildix_srl")
    for path in paths:
        await other.goto(f"{node.local_url}{path}")
        await expect(other.locator("main")).not_to_contain_text(re.compile("acme_gmbh|CRM of the house|Alice"))
    await expect(other.locator("nav").get_by_role("link", name="Keys")).to_be_visible()


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


async def settled(node: Node) -> None:
    """Until all that the inbox is owed is delivered, and the other integration failed once."""
    async with asyncio.timeout(20):
        while True:
            counts = await node.ledger.count_deliveries("acme_gmbh")
            if counts.delivered.count == 11 and counts.failing.count:
                return
            await asyncio.sleep(0.05)


async def test_rows_are_chosen_by_box_shift_and_key_and_go_out_again(page: Page, node: Node) -> None:
    await settled(node)
    await page.goto(f"{node.local_url}/deliveries?company=acme_gmbh&state=delivered")
    boxes, button = page.locator("[data-pick]"), page.locator("[data-picked]")
    await expect(boxes).to_have_count(11)
    await expect(button).to_be_disabled()
    await boxes.nth(1).click()
    await boxes.nth(4).click(modifiers=["Shift"])
    await expect(button).to_have_text("Deliver chosen again 4…")
    await boxes.nth(2).click()
    await expect(page.locator("[data-pick]:checked")).to_have_count(3)
    assert await page.locator("[data-pick-all]").evaluate("box => box.indeterminate")
    await page.locator("tbody tr").first.focus()
    await page.keyboard.press("x")
    await expect(boxes.first).to_be_checked()
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    await expect(boxes.nth(1)).not_to_be_checked()
    await page.locator("[data-pick-all]").check()
    await expect(button).to_have_text("Deliver chosen again 11…")
    await page.locator("[data-pick-all]").uncheck()
    await boxes.first.check()
    await button.click()
    await expect(page.locator("main")).to_contain_text("1 delivery would go out again.")
    await page.get_by_role("button", name="Deliver it again").click()
    await expect(page.get_by_role("status").first).to_have_text("1 goes out again, with the same webhook-id.")
    assert page.url.endswith("/deliveries?state=delivered&company=acme_gmbh") or "state=delivered" in page.url


async def test_chosen_rows_stay_chosen_while_news_comes(page: Page, node: Node) -> None:
    await settled(node)
    await page.goto(f"{node.local_url}/deliveries?company=acme_gmbh&state=delivered")
    await expect(page.locator("#live-state")).to_have_text("Live.")
    await page.locator("[data-pick]").first.check()
    await page.mouse.move(1, 1)
    await page.evaluate("document.activeElement.blur()")
    call = {"id": "k9", "type": "call:start", "data": {"status": "CONNECTING"}}
    await node.intake.accept_event(json.dumps(call).encode(), lambda _: "acme_gmbh")
    await expect(page.locator("#live-state")).to_contain_text("when no row is chosen")
    await expect(page.locator("[data-pick]")).to_have_count(11)
    await expect(page.locator("[data-pick]").first).to_be_checked()
    await page.locator("[data-pick]").first.uncheck()
    await page.mouse.move(1, 1)
    await page.evaluate("document.activeElement.blur()")
    await expect(page.locator("[data-pick]")).to_have_count(12)


async def test_a_replay_of_all_that_match_shows_its_progress_live(page: Page, node: Node) -> None:
    await settled(node)
    await page.goto(f"{node.local_url}/deliveries?company=acme_gmbh&state=delivered")
    await page.get_by_role("button", name="Deliver all 11 that match…").click()
    await page.get_by_role("button", name="Deliver them again").click()
    await expect(page.locator("#replay")).to_contain_text("11 of 11 handed over")
    await expect(page.locator("#replay")).to_contain_text("done")
    await page.mouse.move(1, 1)
    assert "/replays/rpl_" in page.url


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
