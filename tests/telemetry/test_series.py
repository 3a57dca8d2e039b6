"""Counting for the curves: what is counted where, what is taken, and how much of it is kept in memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ringpost.model.delivery import Attempt, DeliveryState
from ringpost.model.event import CALL_END, CALL_START, Event, next_seq
from ringpost.model.point import LATENCIES, MINUTE, NO_LATENCIES, QUARTER, Point, percentile
from ringpost.telemetry import series
from ringpost.telemetry.series import Series

NOW = 1_700_000_000_000 - 1_700_000_000_000 % QUARTER


def event(type_: str = CALL_START, company: str = "acme") -> Event:
    return Event(
        company=company, seq=1, call="c", sequence=1, pbx="P", time=NOW, type=type_, accepted=NOW, data=b"{}"
    )  # fmt: skip


def attempt(latency: int = 40, *, error: str | None = None, integration: str = "aaaaaa", replay: int = 0) -> Attempt:
    return Attempt(
        company="acme",
        seq=next_seq(0, NOW),
        integration=integration,
        number=1,
        time=NOW + latency - 5,
        duration=5,
        status=None,
        error=error,
        detail=None,
        reply=None,
        replay=replay,
    )


def taken(counted: Series) -> dict[tuple[str, str, int], Point]:
    return {(point.company, point.integration, point.time): point for point in counted.take(1_000)}


def test_events_count_for_their_company_and_for_the_service_by_the_minute() -> None:
    counted = Series()
    counted.accepted([event(), event(CALL_END), event(company="zeta")], NOW + 59_999)
    counted.accepted([event()], NOW + MINUTE)
    found = taken(counted)
    assert {key: (point.calls, point.events, point.span) for key, point in found.items()} == {
        ("acme", "", NOW): (1, 2, MINUTE),
        ("zeta", "", NOW): (1, 1, MINUTE),
        ("", "", NOW): (2, 3, MINUTE),
        ("acme", "", NOW + MINUTE): (1, 1, MINUTE),
        ("", "", NOW + MINUTE): (1, 1, MINUTE),
    }
    assert counted.take(1_000) == []


def test_attempts_count_for_their_integration_too_by_the_quarter() -> None:
    counted = Series()
    made: list[tuple[Attempt, DeliveryState]] = [
        (attempt(), "delivered"),
        (attempt(error="status"), "pending"),
        (attempt(error="status"), "exhausted"),
    ]
    counted.attempted(made, NOW + 2 * MINUTE)
    found = taken(counted)
    assert set(found) == {("acme", "aaaaaa", NOW), ("acme", "", NOW + 2 * MINUTE), ("", "", NOW + 2 * MINUTE)}
    for point in found.values():
        assert (point.delivered, point.failed, point.exhausted, sum(point.latencies)) == (1, 2, 1, 1)


@pytest.mark.parametrize(("latency", "place"), [(0, 0), (10, 0), (11, 1), (600_000, 10), (600_001, 11)])
def test_a_latency_counts_in_its_class(latency: int, place: int) -> None:
    counted = Series()
    counted.attempted([(attempt(latency), "delivered")], NOW)
    [latencies] = {point.latencies for point in counted.take(1_000)}
    assert [n for n, count in enumerate(latencies) if count] == [place]


def test_a_replay_has_no_latency() -> None:
    counted = Series()
    counted.attempted([(attempt(replay=1), "delivered")], NOW)
    assert {(point.delivered, point.latencies) for point in counted.take(1_000)} == {(1, NO_LATENCIES)}


def test_what_could_not_be_kept_counts_with_what_comes() -> None:
    counted, other = Series(), Series()
    for one in (counted, other):
        one.accepted([event()], NOW)
        one.attempted([(attempt(), "delivered")], NOW)
    counted.put_back(counted.take(1_000))
    for one in (counted, other):
        one.attempted([(attempt(error="dns"), "pending")], NOW)
    assert taken(counted) == taken(other)


def test_memory_is_bounded_and_the_service_still_counts_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series, "ROWS_LIMIT", 10)
    counted = Series()
    counted.attempted([(attempt(integration=f"i{n:05}"), "delivered") for n in range(100)], NOW)
    assert len(counted) <= 11
    assert taken(counted)["", "", NOW].delivered == 100


def test_no_deliveries_have_no_percentile() -> None:
    assert percentile(NO_LATENCIES, 0.5) is None


def test_a_percentile_lies_in_its_class() -> None:
    latencies = (0, 0, 10, 0, 10, *NO_LATENCIES[5:])
    assert percentile(latencies, 0.25) == 38
    assert percentile(latencies, 0.5) == 50
    assert percentile(latencies, 0.95) == 235
    assert percentile((*NO_LATENCIES[:-1], 3), 0.5) == LATENCIES[-1]


@given(st.lists(st.integers(0, 50), min_size=len(NO_LATENCIES), max_size=len(NO_LATENCIES)))
def test_percentiles_grow_with_their_share(latencies: list[int]) -> None:
    found = [percentile(latencies, share / 10) for share in range(11)]
    if sum(latencies):
        known = [latency for latency in found if latency is not None]
        assert known == sorted(known)
        assert len(known) == 11


def test_what_is_taken_in_parts_adds_up() -> None:
    counted = Series()
    counted.attempted([(attempt(integration=f"i{n:05}"), "delivered") for n in range(10)], NOW)
    parts = [counted.take(4) for _ in range(3)]
    assert counted.take(4) == []
    assert [len(part) for part in parts] == [6, 6, 4]
    assert sum(point.delivered for part in parts for point in part if not point.company) == 10


def test_a_point_that_counts_nothing_is_not_taken() -> None:
    counted = Series()
    counted.put_back([replace(Point(company="acme", integration="", span=MINUTE, time=NOW), events=0)])
    assert counted.take(1_000) == []
