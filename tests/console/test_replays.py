"""Delivering many again in the console: chosen rows or all that match, counted first; progress, and cancelling."""

from __future__ import annotations

import html
import re

import pytest

from ringpost.model.work import REPLAY, Work
from tests.console.test_deliveries import ended
from tests.console.world import OURS, THEIRS, Browser, World

LIST = "/deliveries?state=exhausted"


async def works(world: World) -> list[Work]:
    return (await world.ledger.works(None, REPLAY, cursor=None, limit=9)).items


async def begun(world: World, browser: Browser) -> str:
    """Two deliveries are to go out again, and none has room; the address of the replay's page."""
    world.has_room = False
    for _ in range(2):
        await ended(world)
    reply = await browser.submit(LIST, {"state": "exhausted", "all": "yes"}, to="/replays")
    assert reply.status_code == 303
    address: str = reply.headers["location"]
    return address


async def test_chosen_rows_are_counted_and_then_go_out_again_in_their_order(world: World) -> None:
    (_, first, _), (_, second, _), (_, other, _) = [await ended(world) for _ in range(3)]
    _, pending = await world.call()
    browser = await world.signed_in("admin")
    page = (await browser.get("/deliveries")).text
    assert f'value="{first}" form="again"' in page
    assert f'value="{pending}"' not in page  # it goes out by itself
    chosen = {"id": f"{second}\n{first}\n{pending}"}
    counted = (await browser.submit(LIST, chosen, to="/replays/count?state=exhausted")).text
    assert "<strong>2 deliveries</strong> would go out again" in counted
    assert "1: pending" in counted
    assert not world.replayed
    reply = await browser.submit(LIST, chosen, to="/replays?state=exhausted")
    assert reply.headers["location"] == "/deliveries?state=exhausted"  # where they were chosen
    assert "2 go out again, with the same webhook-id. 1 could not." in (await browser.follow(reply)).text
    assert [owed.id for owed in world.replayed] == [first, second]
    assert not await works(world)
    assert other in (await browser.get(LIST)).text


async def test_all_that_match_are_counted_before_they_go_out_again(world: World) -> None:
    integrations = [(await ended(world))[2] for _ in range(2)]
    browser = await world.signed_in("admin")
    counted = (await browser.submit(LIST, {"all": "yes"}, to="/replays/count?state=exhausted")).text
    assert "<strong>2 deliveries</strong>" in counted
    one = f"/replays/count?state=exhausted&integration={integrations[0]}&last=hour"
    narrowed = (await browser.submit(LIST, {"all": "yes"}, to=one)).text
    assert "<strong>1 delivery</strong>" in narrowed
    assert f'name="integration" value="{integrations[0]}"' in narrowed
    assert 'name="since"' in narrowed  # the hour is that of the count
    assert not await works(world)
    reply = await browser.submit(LIST, {"state": "exhausted", "all": "yes"}, to="/replays")
    page = await browser.follow(reply)
    assert "They go out again" in page.text
    assert [f"/replays/{work.id}" for work in await works(world)] == [reply.headers["location"]]


@pytest.mark.parametrize(
    ("address", "fields", "told"),
    [
        ("", {}, "Choose at least one delivery."),
        ("", {"id": "dlv_of_nobody"}, "There is no such delivery."),
        ("", {"id": "\n".join(f"dlv_{n}" for n in range(101))}, "Choose up to 100"),
        ("?status=500", {"all": "yes"}, "at once without a status in the search."),
        ("?q=ann", {"all": "yes"}, "at once without a number or name in the search."),
        ("?state=pending", {"all": "yes"}, "What is pending goes out by itself."),
    ],
)
async def test_what_cannot_be_counted_is_told(world: World, address: str, fields: dict[str, str], told: str) -> None:
    await ended(world)
    browser = await world.signed_in("admin")
    reply = await browser.submit("/deliveries", fields, to=f"/replays/count{address}")
    assert reply.status_code in {404, 422}
    assert told in html.unescape(reply.text)


@pytest.mark.parametrize("fields", [{"state": "pending"}, {"since": "soon"}, {"type": "call:none"}])
async def test_fields_that_no_form_of_ours_sends_begin_nothing(world: World, fields: dict[str, str]) -> None:
    await ended(world)
    browser = await world.signed_in("admin")
    assert (await browser.submit(LIST, {"all": "yes", **fields}, to="/replays")).status_code == 422
    assert not await works(world)


async def test_a_search_for_a_number_offers_chosen_rows_alone(world: World) -> None:
    await ended(world)
    page = (await (await world.signed_in("admin")).get("/deliveries?status=500")).text
    assert "Deliver chosen again" in page
    assert "that match…" not in page
    everything = (await (await world.signed_in("admin")).get(LIST)).text
    assert "Deliver all 1 that match…" in everything


async def test_a_replay_shows_how_far_it_is_and_is_cancelled(world: World) -> None:
    browser = await world.signed_in("admin")
    address = await begun(world, browser)
    page = (await browser.get(address)).text
    assert 'value="0"' in page
    assert "0 of 2 handed over" in page
    assert "exhausted deliveries" in page
    assert '<noscript><meta http-equiv="refresh"' in page
    assert address in (await browser.get("/replays")).text
    assert re.search(r'href="/deliveries" aria-current="page"', page)
    reply = await browser.submit(address, {}, to=f"{address}/cancel")
    page = (await browser.follow(reply)).text
    assert "It is cancelled" in page
    assert "Cancel it" not in page
    assert "http-equiv" not in page
    assert [work.state for work in await works(world)] == ["cancelled"]
    again = await browser.submit(address, {}, to=f"{address}/cancel")
    assert "It is cancelled" in (await browser.follow(again)).text


async def test_a_replay_that_is_done_says_so(world: World) -> None:
    browser = await world.signed_in("admin")
    address = await begun(world, browser)
    world.has_room = True
    await world.works.wait(address.rpartition("/")[2])
    page = (await browser.get(address)).text
    assert "2 of 2 handed over" in page
    assert 'badge good">done' in page
    assert len(world.replayed) == 2


async def test_a_viewer_looks_on_and_another_company_sees_nothing(world: World) -> None:
    address = await begun(world, await world.signed_in("admin"))
    viewer, foreign = await world.signed_in("viewer"), await world.signed_in("foreign")
    assert "Cancel it" not in (await viewer.get(address)).text
    assert (await foreign.get(address)).status_code == 404
    assert (await foreign.submit("/account", {}, to=f"{address}/cancel")).status_code == 404
    assert "Nothing was delivered again in bulk yet." in (await foreign.get("/replays")).text
    assert [work.state for work in await works(world)] == ["running"]


async def test_an_admin_chooses_nothing_of_another_company(world: World) -> None:
    _, delivery, _ = await ended(world)
    foreign = await world.signed_in("foreign")
    counted = await foreign.submit("/account", {"id": delivery}, to="/replays/count")
    assert "There is nothing to deliver again." in counted.text
    assert (await foreign.submit("/account", {"id": delivery}, to="/replays")).status_code == 409
    named = await foreign.submit("/account", {"id": delivery, "company": OURS}, to="/replays")
    assert named.status_code == 403
    assert not world.replayed


async def test_an_operator_acts_for_the_company_that_was_chosen(world: World) -> None:
    _, delivery, _ = await ended(world)
    browser = await world.signed_in("operator")
    page = f"/deliveries?company={OURS}"
    counted = await browser.submit(page, {"id": delivery}, to=f"/replays/count?company={OURS}")
    assert "<strong>1 delivery</strong>" in counted.text
    assert f'action="/replays?company={OURS}"' in counted.text
    reply = await browser.submit(page, {"id": delivery}, to=f"/replays?company={OURS}")
    assert reply.headers["location"] == page
    missing = await browser.submit(f"/deliveries?company={THEIRS}", {"id": delivery}, to=f"/replays?company={THEIRS}")
    assert missing.status_code == 409
