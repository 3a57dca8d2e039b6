"""The screens of deliveries: what they show and find, and delivering one again, without a script."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime

import pytest

from ringpost.console.pages import lasted
from ringpost.model.delivery import DeliveryState, parse_delivery_id
from tests.console.world import OURS, World


async def ended(world: World, state: DeliveryState = "exhausted") -> tuple[str, str, str]:
    """The call, the delivery and the integration of something that ended."""
    world.time += 1_000
    call, delivery = await world.call()
    await world.conclude(delivery, state, error=None if state == "delivered" else "status")
    parsed = parse_delivery_id(delivery)
    assert parsed is not None
    return call, delivery, parsed[1]


async def test_deliveries_have_tabs_with_counts_and_say_why_they_failed(world: World) -> None:
    (call, failed, integration), (_, fine, _) = await ended(world), await ended(world, "delivered")
    browser = await world.signed_in("viewer")
    page = (await browser.get("/deliveries")).text
    assert failed in page
    assert fine in page
    assert re.search(r'exhausted <span class="quiet">1</span>', page)
    assert "&lt;b&gt;Alice" in page  # who called
    tab = (await browser.get("/deliveries?state=exhausted")).text
    assert failed in tab
    assert fine not in tab
    assert "500 Internal Server Error" in tab
    for query in (
        "status=500", f"call={call}", f"q={call}", f"integration={integration}", "state=exhausted&type=&q=",
    ):  # fmt: skip
        found = (await browser.get(f"/deliveries?{query}")).text
        assert failed in found, query
        assert fine not in found, query
    assert "Nothing matches." in (await browser.get("/deliveries?q=nobody at all")).text


async def test_a_number_beside_a_tab_is_of_what_the_tab_lists_or_is_not_there(world: World) -> None:
    await ended(world)
    _, _, integration = await ended(world)
    browser = await world.signed_in("admin")

    async def counted(query: str) -> str | None:
        found = re.search(
            r'exhausted <span class="quiet">(\d+)</span>', (await browser.get(f"/deliveries?{query}")).text
        )
        return found and found[1]

    assert await counted("last=day") == "2"
    assert await counted(f"integration={integration}") == "1"
    for narrower in ("status=500", "type=call:start", "q=Alice"):
        assert await counted(narrower) is None, narrower


async def test_the_time_is_the_last_hours_or_exact_to_the_minute(world: World) -> None:
    _, old, _ = await ended(world)
    minute = datetime.fromtimestamp(world.time / 1_000, UTC).strftime("%Y-%m-%dT%H:%M")
    world.time += 2 * 3_600_000
    _, new, _ = await ended(world)
    browser = await world.signed_in("viewer")
    seen = {}
    for query in ("", "last=hour", "last=day", f"to={minute}", f"from={minute}", f"from={minute}&last=hour"):
        page = (await browser.get(f"/deliveries?{query}")).text
        seen[query.replace(minute, "T")] = [one for one in (old, new) if one in page]
    assert seen == {
        "": [old, new], "last=hour": [new], "last=day": [old, new], "to=T": [old], "from=T": [old, new],
        "from=T&last=hour": [new],
    }  # fmt: skip
    for wrong in ("soon", "2026-11-25T17:10+01:00", "0001-01-01T00:00"):
        reply = await browser.http.get("/deliveries", params={"from": wrong})
        assert reply.status_code == 422, wrong
        assert "such as 2026-11-25T17:10" in reply.text


async def test_a_search_stays_in_every_address_of_its_view(world: World) -> None:
    await ended(world)
    page = html.unescape((await (await world.signed_in("admin")).get("/deliveries?status=500&last=day")).text)
    assert 'href="/deliveries?status=500&last=day&state=failing"' in page
    assert 'action="/replays/count?status=500&last=day"' in page


async def test_a_delivery_shows_its_attempts_with_what_happened_and_what_helps(world: World) -> None:
    call, delivery, integration = await ended(world)
    page = (await (await world.signed_in("viewer")).get(f"/deliveries/{delivery}")).text
    assert "The receiver answered 500 Internal Server Error." in page
    assert "The fault is on the receiver&#39;s side" in page
    assert f'href="/deliveries/{delivery}/attempts/1"' in page
    assert f'href="/calls/{call}"' in page
    assert f'href="/integrations/{integration}"' in page
    assert f"&#34;integrationId&#34;:&#34;{integration}&#34;" in page
    assert "Deliver again" not in page  # a viewer changes nothing


async def test_an_attempt_shows_what_was_sent_without_what_is_secret_and_what_came_back(world: World) -> None:
    _, delivery, _ = await ended(world)
    at = f"/deliveries/{delivery}/attempts"
    viewer = await world.signed_in("viewer")
    page = (await viewer.get(f"{at}/1")).text
    assert "webhook-signature" in page
    assert "not shown" in page
    assert "thanks" in page  # the receiver's answer
    assert "12&nbsp;ms" in page
    assert "hooks.example.com" not in page  # its address may be a secret
    assert "hooks.example.com" in (await (await world.signed_in("admin")).get(f"{at}/1")).text
    for number in ("2", "0", "01", "x"):
        assert (await viewer.get(f"{at}/{number}")).status_code == 404


async def test_a_pending_delivery_says_when_it_is_tried_next(world: World) -> None:
    _, delivery = await world.call()
    browser = await world.signed_in("admin")
    assert "No attempt was made yet." in (await browser.get(f"/deliveries/{delivery}")).text
    await world.conclude(delivery, "pending", error="timeout")
    page = (await browser.get(f"/deliveries/{delivery}")).text
    assert "next try <time" in page
    assert "The receiver did not finish its answer in time." in page
    assert "Let the receiver answer first and work afterwards." in page
    assert "Deliver again" not in page  # it goes out by itself


async def test_a_delivery_goes_out_again(world: World) -> None:
    _, delivery, _ = await ended(world)
    browser = await world.signed_in("admin")
    reply = await browser.submit(f"/deliveries/{delivery}", {}, to=f"/deliveries/{delivery}/replay")
    assert "with the same webhook-id" in (await browser.follow(reply)).text
    assert [owed.id for owed in world.replayed] == [delivery]


async def test_a_page_stays_small_however_large_the_body_is(world: World) -> None:
    made = await world.install()
    data = {"status": "RINGING", "service": '"' * 60_000, "caller": {"phone": "1", "type": "LOCAL"}}
    await world.done("POST", "/v1/events", {"id": "9.9", "type": "call:start", "data": data}, key="source")
    found = await world.done("GET", f"/v1/deliveries?integration={made['id']}")
    delivery = found[0]["id"] if isinstance(found, list) else found["items"][0]["id"]
    await world.conclude(delivery, "exhausted", error="status")
    browser = await world.signed_in("admin")
    for path in (f"/deliveries/{delivery}", f"/deliveries/{delivery}/attempts/1"):
        reply = await browser.get(path)
        assert len(reply.content) < 100_000
        assert "more characters are left out" in reply.text
        assert f"/calls/{OURS}_9.9/sent/{delivery}" in reply.text
    assert (await browser.get("/deliveries?limit=101")).status_code == 422


async def test_an_operator_without_a_company_sees_all_and_is_led_to_the_right_one(world: World) -> None:
    _, delivery, _ = await ended(world)
    browser = await world.signed_in("operator")
    page = (await browser.get("/deliveries")).text
    assert f'href="/deliveries/{delivery}?company={OURS}"' in page
    assert "Choose a company to deliver many again." in page
    assert 'name="id"' not in page
    assert (await browser.get(f"/deliveries/{delivery}?company={OURS}")).status_code == 200


async def test_without_deliveries_the_page_says_what_to_do_next(world: World) -> None:
    page = (await (await world.signed_in("admin")).get("/deliveries")).text
    assert "Nothing was owed yet." in page
    assert "/integrations/install" in page


@pytest.mark.parametrize(
    ("ms", "words"), [(0, "0.0 s"), (830, "0.8 s"), (42_300, "42 s"), (187_000, "3:07"), (3_765_000, "1:02:45")]
)
def test_a_duration_is_told_as_people_read_it(ms: int, words: str) -> None:
    assert lasted(ms) == words
