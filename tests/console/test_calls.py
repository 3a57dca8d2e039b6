"""Calls: listed with their marks, found by id, number and name, each with what was sent; delivered again when asked."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime

import pytest

from tests.api.world import OURS, event
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


async def test_what_goes_out_again_is_counted_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    call, first = await world.call()
    browser = await world.signed_in("admin")
    ask, event_id = f"/calls/{call}/replay", "evt_" + first[4:17]
    for address in (ask, f"{ask}?event={event_id}"):
        page = (await browser.get(address)).text
        assert "There is nothing to deliver again" in page
        assert "Deliver again</button>" not in page
    await world.conclude(first, "delivered")
    await world.done(
        "POST",
        "/v1/events",
        event(call=call.removeprefix(f"{OURS}_"), type="call:end", data={"status": "TALKING"}),
        key="source",
    )
    for address in (ask, f"{ask}?event={event_id}"):
        page = (await browser.get(address)).text
        assert "<strong>1 delivery</strong> that ended" in page
        assert re.search(r"all integrations: 1</option><option value=\"[^\"]+\">Desk: 1</option>", page)
    assert (await browser.get(f"{ask}?event=evt_none")).status_code == 404
    monkeypatch.setattr("ringpost.console.calls._OPTIONS", 0)  # as of a company with very many integrations
    of_many = (await browser.get(ask)).text
    assert "<strong>1 delivery</strong> that ended" in of_many
    assert "all integrations: 1</option></select>" in of_many


async def test_a_refused_replay_of_an_event_is_still_about_that_event(world: World) -> None:
    call, delivery = await world.call()
    event_id = "evt_" + delivery[4:17]
    refused = await (await world.signed_in("admin")).submit(f"/calls/{call}/replay", {"event": event_id})
    assert refused.status_code == 409
    assert f"the event <code>{event_id}</code>" in refused.text


async def test_calls_are_found_by_direction_and_time(world: World) -> None:
    ids = {}
    for way in ("INBOUND", "OUTBOUND"):
        data = {"status": "RINGING", "direction": way}
        await world.done("POST", "/v1/events", event(call=way.lower(), data=data), key="source")
        ids[way] = f"{OURS}_{way.lower()}"
        world.time += 3_600_000
    browser = await world.signed_in("viewer")

    async def found(query: str) -> list[str]:
        page = (await browser.get(f"/calls?{query}")).text
        return [way for way, call in ids.items() if f'id="{OURS}-{call}"' in page]

    first = datetime.fromtimestamp((world.time - 2 * 3_600_000) / 1_000, UTC).strftime("%Y-%m-%dT%H:%M")
    assert await found("direction=INBOUND") == ["INBOUND"]
    assert await found(f"to={first}") == ["INBOUND"]
    assert await found(f"from={first}") == ["INBOUND", "OUTBOUND"]
    assert await found("last=hour") == ["OUTBOUND"]
    assert await found(f"direction=OUTBOUND&to={first}") == []
    by_id = (await browser.get(f"/calls?direction=OUTBOUND&q={ids['INBOUND']}")).text
    assert "This is the call with that id; the other filters are left out." in by_id
    wrong = await browser.get("/calls?from=yesterday")
    assert wrong.status_code == 422
    assert "such as 2026-11-25T17:10" in wrong.text


async def test_the_first_event_of_a_further_page_says_what_changed_too(world: World) -> None:
    for number in range(23):
        data = {"status": "RINGING", "destination": str(number)}
        kind = "call:start" if number == 0 else "call:update"
        await world.done("POST", "/v1/events", event(call="long", type=kind, data=data), key="source")
    browser = await world.signed_in("viewer")
    first = (await browser.get(f"/calls/{OURS}_long")).text
    later = re.search(r'href="([^"]+)" rel="next"', first)
    assert later is not None
    second = (await browser.get(html.unescape(later[1]))).text
    assert re.search(
        r"<h2>21\. call:update.*?<code>destination</code></dt><dd><span[^>]*>19 →</span> 20", second, re.DOTALL
    )


async def test_events_say_what_changed_and_nothing_of_what_is_not_known(world: World) -> None:
    await world.call()
    call = f"{OURS}_{world.time}.1"
    page = (await (await world.signed_in("viewer")).get(f"/calls/{call}")).text
    shown = re.findall(r"<dt><code>([^<]+)</code></dt><dd>([^<]*)</dd>", page)
    assert ("status", "RINGING") in shown
    assert ("callee.phone", "1002") in shown
    assert {new for _, new in shown}.isdisjoint({"nothing", "null", "[]"})


async def test_a_call_of_many_integrations_comes_in_small_pages(world: World) -> None:
    for number in range(40):
        await world.install(name=f"Integration number {number:02} of this company")
    for number in range(6):
        kind = "call:start" if number == 0 else "call:update"
        await world.done(
            "POST", "/v1/events", event(call="wide", type=kind, data={"status": str(number)}), key="source"
        )
    page = (await (await world.signed_in("admin")).get(f"/calls/{OURS}_wide")).text
    assert len(page) < 100_000
    assert page.count("number 07 of this company") == 2
    assert 'rel="next"' in page


async def test_how_long_a_call_goes_on_is_there_without_a_script(world: World) -> None:
    await world.call()
    world.time += 187_000
    page = (await (await world.signed_in("viewer")).get("/calls")).text
    assert re.search(r'<span class="elapsed" data-elapsed="18[78]\d{3}">3:0[78]</span>', page)
