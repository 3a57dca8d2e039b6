"""The last day of an integration as a picture."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from ringpost.console.health import BARS, DAY, HIGH, health_of
from ringpost.model.point import HOUR, QUARTER, Point


def point(time: int, delivered: int = 0, failed: int = 0) -> Point:
    return Point(company="a", integration="b", span=QUARTER, time=time, delivered=delivered, failed=failed)


def bars(path: str) -> dict[int, tuple[int, int]]:
    """By its hour: where a bar begins, and its height."""
    return {int(x) // 5: (int(y), int(high)) for x, y, high in re.findall(r"M(\d+) (\d+)h4v(\d+)h-4z", path)}


def test_a_day_without_anything_has_no_bars() -> None:
    health = health_of([], 0)
    assert (health.delivered, health.failed, health.words) == ("", "", "last day: 0 delivered, 0 attempts failed")


def test_what_failed_stands_on_top_in_its_share() -> None:
    health = health_of([point(0, 10), point(DAY - QUARTER, 4, 1), point(HOUR, 5), point(HOUR + QUARTER, 0, 5)], 0)
    assert bars(health.delivered) == {0: (0, HIGH), 1: (9, 9), BARS - 1: (11, 7)}
    assert bars(health.failed) == {1: (0, 9), BARS - 1: (9, 2)}
    assert health.words == "last day: 19 delivered, 6 attempts failed"
    assert health_of([point(0, 1, 1)], 0).words.endswith("1 attempt failed")


@given(st.lists(st.tuples(st.integers(0, DAY - 1), st.integers(0, 10_000), st.integers(0, 10_000)), max_size=9))
def test_whatever_is_there_is_seen_and_nothing_leaves_the_picture(counts: list[tuple[int, int, int]]) -> None:
    health = health_of([point(time, good, bad) for time, good, bad in counts], 0)
    failed = bars(health.failed)
    assert set(failed) == {time // HOUR for time, _, bad in counts if bad}
    for shown in (bars(health.delivered), failed):
        assert all(top >= 0 and high > 0 and top + high <= HIGH for top, high in shown.values())
