"""The screens of deliveries: what they show, find and do, without a script."""

from __future__ import annotations

import re

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
    tab = (await browser.get("/deliveries?state=exhausted")).text
    assert failed in tab
    assert fine not in tab
    assert "The receiver answered with a status outside of 200-299." in tab
    for query in ("status=500", f"call={call}", f"integration={integration}", "state=exhausted&type=&q="):
        found = (await browser.get(f"/deliveries?{query}")).text
        assert failed in found, query
        assert fine not in found, query
    assert "Nothing matches." in (await browser.get("/deliveries?q=nobody at all")).text


async def test_a_delivery_shows_what_was_sent_without_what_is_secret(world: World) -> None:
    _, delivery, integration = await ended(world)
    page = (await (await world.signed_in("viewer")).get(f"/deliveries/{delivery}")).text
    assert "webhook-signature" in page
    assert "not shown" in page
    assert "thanks" in page  # the receiver's answer
    assert f"&#34;integrationId&#34;:&#34;{integration}&#34;" in page
    assert "Deliver again" not in page  # a viewer changes nothing


async def test_a_delivery_goes_out_again(world: World) -> None:
    _, delivery, _ = await ended(world)
    browser = await world.signed_in("admin")
    reply = await browser.submit(f"/deliveries/{delivery}", {}, to=f"/deliveries/{delivery}/replay")
    assert "with the same webhook-id" in (await browser.follow(reply)).text
    assert [owed.id for owed in world.replayed] == [delivery]


async def test_all_that_match_are_counted_before_they_go_out_again(world: World) -> None:
    for _ in range(2):
        await ended(world)
    browser = await world.signed_in("admin")
    page = "/deliveries?state=exhausted"
    counted = await browser.submit(page, {"state": "exhausted"}, to="/deliveries/count")
    assert "<strong>2</strong>" in counted.text
    assert not (await world.ledger.works(OURS, "replay", cursor=None, limit=5)).items
    reply = await browser.submit(page, {"state": "exhausted"}, to="/deliveries/replay")
    assert "They go out again" in (await browser.follow(reply)).text
    assert len((await world.ledger.works(OURS, "replay", cursor=None, limit=5)).items) == 1


async def test_an_operator_without_a_company_sees_all_and_is_led_to_the_right_one(world: World) -> None:
    _, delivery, _ = await ended(world)
    browser = await world.signed_in("operator")
    page = (await browser.get("/deliveries")).text
    assert f'href="/deliveries/{delivery}?company={OURS}"' in page
    assert "Deliver all that match again" not in page  # that is one company's
    assert (await browser.get(f"/deliveries/{delivery}?company={OURS}")).status_code == 200


async def test_without_deliveries_the_page_says_what_to_do_next(world: World) -> None:
    browser = await world.signed_in("viewer")
    assert "Nothing was owed yet." in (await browser.get("/deliveries")).text


@pytest.mark.parametrize(
    ("ms", "words"), [(0, "0.0 s"), (830, "0.8 s"), (42_300, "42 s"), (187_000, "3:07"), (3_765_000, "1:02:45")]
)
def test_a_duration_is_told_as_people_read_it(ms: int, words: str) -> None:
    assert lasted(ms) == words
