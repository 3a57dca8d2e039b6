"""Curves: points are added up, read in steps of any width, made hours of, and forgotten."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ringpost.ledger.ledger import Ledger
from ringpost.model.point import HOUR, LATENCIES, MINUTE, QUARTER, Point

START = 1_700_000_000_000 - 1_700_000_000_000 % HOUR
CLASSES = tuple(range(len(LATENCIES) + 1))


def point(time: int, company: str = "acme", integration: str = "", *, delivered: int = 1) -> Point:
    return Point(
        company=company,
        integration=integration,
        span=QUARTER if integration else MINUTE,
        time=time,
        calls=2,
        events=3,
        delivered=delivered,
        failed=5,
        exhausted=7,
        latencies=CLASSES,
    )


async def kept(ledger: Ledger, company: str = "acme", integration: str = "", *, step: int = MINUTE) -> list[Point]:
    return await ledger.points(company, integration, step=step, since=0, until=START + 1_000 * HOUR)


async def roll_up(ledger: Ledger, hours_before: int, forget_before: int = 0) -> None:
    place: tuple[str, str] | None = ("", "")
    while place is not None:
        place = await ledger.roll_up_points(place, hours_before, forget_before)


async def test_what_is_added_to_a_span_adds_up(ledger: Ledger) -> None:
    await ledger.add_points([point(START), point(START + MINUTE)])
    await ledger.add_points([point(START, delivered=10), point(START, "zeta")])
    first, second = await kept(ledger)
    assert first == replace(
        point(START), calls=4, events=6, delivered=11, failed=10, exhausted=14, latencies=tuple(2 * n for n in CLASSES)
    )
    assert second == point(START + MINUTE)
    assert await kept(ledger, "zeta") == [point(START, "zeta")]
    assert await kept(ledger, "nobody") == []


async def test_points_are_read_in_steps_of_a_time(ledger: Ledger) -> None:
    await ledger.add_points([point(START + n * MINUTE) for n in range(10)])
    found = await ledger.points("acme", "", step=5 * MINUTE, since=START + 5 * MINUTE, until=START + 9 * MINUTE)
    assert [(p.time, p.span, p.delivered) for p in found] == [(START + 5 * MINUTE, 5 * MINUTE, 4)]


async def test_any_number_of_points_can_be_added(ledger: Ledger) -> None:
    await ledger.add_points([])
    await ledger.add_points([point(START, integration=f"i{n:05}") for n in range(1_234)])
    assert await kept(ledger, integration="i01233", step=QUARTER) == [point(START, integration="i01233")]


@pytest.mark.parametrize("integration", ["", "aaaaaa"])
async def test_old_spans_become_hours_and_nothing_is_lost(ledger: Ledger, integration: str) -> None:
    points = [point(START + n * QUARTER, integration=integration) for n in range(12)]
    await ledger.add_points(points)
    before = await kept(ledger, integration=integration, step=HOUR)
    for _ in range(2):
        await roll_up(ledger, START + 2 * HOUR)
        assert await kept(ledger, integration=integration, step=HOUR) == before
    fine = await kept(ledger, integration=integration, step=QUARTER)
    assert [p.time for p in fine] == [START, START + HOUR, *(p.time for p in points[8:])]
    await ledger.add_points([points[0]])  # it came late
    await roll_up(ledger, START + 2 * HOUR)
    first, *_ = await kept(ledger, integration=integration, step=HOUR)
    assert first.delivered == 5


async def test_old_points_are_forgotten_of_the_service_companies_and_integrations(ledger: Ledger) -> None:
    names = [("", ""), *((f"c{n}", i) for n in range(80) for i in ("", "aaaaaa"))]
    await ledger.add_points([point(START + n * HOUR, *name) for name in names for n in (0, 1)])
    await roll_up(ledger, START, START + HOUR)
    for name in (names[0], names[1], names[-1]):
        assert [p.time for p in await kept(ledger, *name, step=HOUR)] == [START + HOUR]
