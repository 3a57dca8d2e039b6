"""The first page: figures that are the ledger's and lead to their lists, curves, first steps; nobody else's numbers."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from ringpost.console.overview import RANGES, curves_of
from ringpost.model.point import HOUR, LATENCIES, MINUTE, QUARTER, Point
from ringpost.sources.source import SourceStatus
from ringpost.sources.standing import PbxStanding
from tests.console.world import OURS, THEIRS, World


def latencies(**counts: int) -> tuple[int, ...]:
    """By the class that ends at so many ms, as `ms_100=3`."""
    classes = [f"ms_{most}" for most in LATENCIES]
    return tuple(counts.get(name, 0) for name in (*classes, "more"))


def figures(page: str) -> dict[str, tuple[str, str, str]]:
    """Each figure's value, hint and address."""
    found = re.findall(
        r'<a class="figure \w+" href="([^"]*)"><span class="name">([^<]*)</span> <strong>([^<]*)</strong> '
        r'<span class="hint">([^<]*)</span>',
        page,
    )
    return {name: (value, hint, unescape(to)) for to, name, value, hint in found}


async def points(world: World, company: str, ago: int, **more: Any) -> None:
    """What was counted in the minute so long ago (ms)."""
    at = (world.time - ago) // MINUTE * MINUTE
    await world.ledger.add_points([Point(company=company, integration="", span=MINUTE, time=at, **more)])


async def test_the_figures_are_those_of_the_ledger_and_lead_to_their_lists(world: World) -> None:
    _, failing = await world.call()
    await world.conclude(failing, "pending", error="timeout")
    await world.call()
    world.time += 90_000
    for ago in (MINUTE, 2 * MINUTE):
        await points(world, OURS, ago, calls=5, delivered=40, failed=3, exhausted=1, latencies=latencies(ms_100=40))
    world.pbxs = [
        PbxStanding(company=OURS, serial=serial, address="", status=SourceStatus(connected_since=since))
        for serial, since in (("PBX1", world.time), ("PBX2", None))
    ]
    page = (await (await world.signed_in("viewer")).get("/overview")).text
    assert figures(page) == {
        "Calls now": ("2", "", "/calls?open=true"),
        "Calls a minute": ("2", "mean of 5 minutes", "/calls?last=hour"),
        "Deliveries a minute": ("16", "mean of 5 minutes", "/deliveries?state=delivered&last=hour"),
        "Pending": ("3", "1 failing", "/deliveries?state=pending"),
        "Oldest pending": ("1:31", "since it was accepted", "/deliveries?state=pending"),
        "Failed attempts": ("6", "in the last hour", "/integrations"),
        "Exhausted": ("2", "in the last hour", "/deliveries?state=exhausted&last=hour"),
        "Integrations": ("2", "1 failing", "/integrations"),
        "PBXs": ("1 of 2", "connected", "/pbxs"),
    }
    assert "Half took up to 75 ms, 99 % up to 100 ms." in page


async def test_a_range_has_an_address_and_its_numbers(world: World) -> None:
    await points(world, OURS, 3 * HOUR, calls=7, delivered=9)
    browser = await world.signed_in("viewer")
    seen = {}
    for last in RANGES:
        page = (await browser.get(f"/overview?last={last}")).text
        assert re.search(rf'href="/overview\?last={last}" aria-current="page"', page)
        rows = re.findall(r'data-label="Calls">(\d+)<.*?data-label="Delivered">(\d+)<', page)
        assert len(rows) == 12
        seen[last] = [sum(int(row[place]) for row in rows) for place in (0, 1)]
    assert seen == {"hour": [0, 0], "day": [7, 9], "week": [7, 9]}
    assert (await browser.get("/overview?last=year")).status_code == 422


async def test_curves_have_a_number_for_each_span_of_the_range(world: World) -> None:
    world.time = (world.time // HOUR + 1) * HOUR
    await points(world, OURS, 2 * MINUTE, calls=3, delivered=6, latencies=latencies(ms_100=6))
    browser = await world.signed_in("viewer")
    for last, (length, step) in RANGES.items():
        reply = await browser.get(f"/overview/curves?last={last}")
        assert reply.headers["content-type"].startswith("application/json")
        assert reply.headers["cache-control"] == "no-store"
        found = reply.json()
        assert {len(numbers) for numbers in found.values()} == {length // step}
        assert found["times"] == list(range(found["times"][0], found["times"][0] + length // 1_000, step // 1_000))
        assert sum(found["calls"]) == pytest.approx(3 / (step // MINUTE), abs=0.01)
        assert [one for one in found["p50"] if one is not None] == [75]


def test_a_rate_is_of_a_minute_whatever_a_span_is() -> None:
    point = Point(company="", integration="", span=QUARTER, time=QUARTER, calls=30, failed=15, delivered=45)
    found = curves_of([point], 0, 3 * QUARTER, QUARTER, 3 * QUARTER)
    assert (found.times, found.calls, found.failed) == ([0, 900, 1_800], [0, 2, 0], [0, 1, 0])
    assert (found.delivered, found.p50) == ([0, 3, 0], [None, None, None])
    begun = curves_of([point], 0, 3 * QUARTER, QUARTER, QUARTER + 5 * MINUTE)
    assert (begun.calls, begun.delivered) == ([0, 6, 0], [0, 9, 0])  # of the five minutes that passed of it


async def test_a_company_sees_its_own_numbers_and_an_operator_all_or_the_chosen_ones(world: World) -> None:
    for company, calls in ((OURS, 5), (THEIRS, 500), ("", 505)):
        await points(world, company, MINUTE, calls=calls)
    seen = {}
    for role, query in (("admin", ""), ("foreign", ""), ("operator", ""), ("operator", f"company={THEIRS}&")):
        browser = await world.signed_in(role)
        page = (await browser.get(f"/overview?{query}last=hour")).text
        curves = (await browser.get(f"/overview/curves?{query}last=hour")).json()
        seen[role, query] = (figures(page)["Calls a minute"][0], sum(curves["calls"]))
    assert list(seen.values()) == [("1", 5), ("100", 500), ("101", 505), ("100", 500)]
    refused = await (await world.signed_in("admin")).get(f"/overview/curves?company={THEIRS}")
    assert refused.status_code == 403


async def test_who_begins_is_led_step_by_step_until_the_first_event_is_delivered(world: World) -> None:
    browser = await world.signed_in("admin")

    async def steps() -> list[tuple[bool, str]]:
        page = (await browser.get("/overview")).text
        found = re.findall(r'<li( class="done")?><span aria-hidden="true">[^<]*</span> (?:<a href="([^"]*)">)?', page)
        return [(bool(done), to) for done, to in found]

    assert await steps() == [(False, "/integrations/install"), (False, "/integrations"), (False, "/deliveries")]
    _, delivery = await world.call()
    assert await steps() == [(True, ""), (True, ""), (False, "/deliveries")]
    await world.conclude(delivery, "delivered")
    assert await steps() == []
    viewer = (await (await world.signed_in("foreign")).get("/overview")).text
    assert "First steps" in viewer


async def test_first_steps_offer_a_viewer_nothing_to_change(world: World) -> None:
    page = (await (await world.signed_in("viewer")).get("/overview")).text
    assert "First steps" in page
    assert "/integrations/install" not in page
