"""Calls: listed with their marks, found by id, number and name, each with what was sent; delivered again when asked."""

from __future__ import annotations

import html

from tests.console.world import World


async def test_a_call_is_listed_with_its_parties_and_a_mark_in_words(world: World) -> None:
    _, delivery = await world.call()
    browser = await world.signed_in("viewer")
    page = (await browser.get("/calls")).text
    assert "&lt;b&gt;Alice" in page
    assert "Desk: waiting" in page
    await world.conclude(delivery, "pending", error="timeout")
    assert "Desk: failing" in (await browser.get("/calls?mark=failing")).text
    assert "Nothing matches." in (await browser.get("/calls?mark=exhausted")).text


async def test_a_call_is_found_by_its_id_a_number_and_a_name(world: World) -> None:
    call, _ = await world.call()
    browser = await world.signed_in("viewer")
    for typed in (call, "1002", "alice"):
        assert "Alice" in (await browser.get(f"/calls?q={typed}")).text
    assert "Nothing matches." in (await browser.get("/calls?q=nobody")).text
    assert call not in (await (await world.signed_in("foreign")).get(f"/calls?q={call}")).text.split('id="calls"')[1]


async def test_a_call_shows_its_attempts_and_the_body_without_any_secret(world: World) -> None:
    call, delivery = await world.call()
    await world.conclude(delivery, "pending", error="timeout")
    browser = await world.signed_in("admin")
    assert "The receiver did not finish its answer in time." in (await browser.get(f"/calls/{call}")).text
    sent = html.unescape((await browser.get(f"/calls/{call}/sent/{delivery}")).text)
    assert f"webhook-id: {delivery}" in sent
    assert "<WEBHOOK-SIGNATURE>".replace("-", "_") in sent


async def test_an_event_and_a_call_are_delivered_again_once_they_ended(world: World) -> None:
    call, delivery = await world.call()
    browser = await world.signed_in("admin")
    event = "evt_" + delivery[4:17]
    ask = f"/calls/{call}/replay"
    assert (await browser.submit(ask, {"event": event})).status_code in {409, 422}
    await world.conclude(delivery, "delivered")
    told = await browser.follow(await browser.submit(ask, {"event": event}))
    assert "delivered again to 1 integration." in told.text
    await world.conclude(delivery, "delivered")
    assert "The call is being delivered again." in (await browser.follow(await browser.submit(ask, {}))).text
