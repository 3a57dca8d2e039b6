"""How far a request has arrived: what is too large and what is too late."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from ringpost.api.arrival import Arrival, Limits, Phase

LIMITS = Limits(head_bytes=1_000, head_seconds=10, idle_seconds=5, pause_seconds=30, body_seconds=120)


def arrival() -> Arrival:
    return Arrival(LIMITS, 0)


def late_at(one: Arrival, *, is_held: bool = False) -> int | None:
    """The first whole second at which the client has had its time."""
    return next((now for now in range(1_000) if one.is_late(now, is_held=is_held)), None)


def test_a_connection_that_sends_nothing_is_late() -> None:
    assert late_at(arrival()) == 10


@given(st.lists(st.integers(1, 9), max_size=20))
def test_a_head_is_late_however_it_drips(seconds: list[int]) -> None:
    one = arrival()
    for now in sorted(seconds):
        one.came(1, now)
    assert late_at(one) == 10 + min(seconds, default=0)


def test_a_body_is_late_when_it_stops() -> None:
    one = arrival()
    one.came(100, 0)
    one.head_ended(3)
    one.came(10, 20)
    assert late_at(one) == 50


def test_a_body_that_is_not_being_read_may_stop_but_not_for_ever() -> None:
    one = arrival()
    one.came(100, 0)
    one.head_ended(3)
    assert late_at(one, is_held=True) == 123


@given(st.integers(1, 29))
def test_a_body_that_drips_is_late_all_the_same(pause: int) -> None:
    one = arrival()
    one.came(100, 0)
    one.head_ended(0)
    for now in range(0, 120, pause):
        one.came(1, now)
        one.body(1)
        assert not one.is_late(now, is_held=False)
    assert one.is_late(120, is_held=False)


def test_a_whole_request_is_never_late_and_the_next_may_be_waited_for() -> None:
    one = arrival()
    one.came(100, 0)
    one.head_ended(0)
    one.ended()
    assert late_at(one) is None
    one.answered(40)
    assert one.phase is Phase.IDLE
    assert late_at(one) == 45
    one.came(1, 44)
    assert late_at(one) == 54


def test_the_request_behind_another_has_its_own_time() -> None:
    one = arrival()
    one.came(100, 0)
    one.head_ended(0)
    one.ended()
    one.came(100, 50)
    one.began(50)
    one.answered(55)
    assert one.phase is Phase.HEAD
    assert late_at(one) == 60


@pytest.mark.parametrize(("size", "too_large"), [(1_000, False), (1_001, True)])
def test_a_head_is_too_large_by_what_came_and_by_what_was_parsed(size: int, too_large: bool) -> None:
    one = arrival()
    one.came(size, 0)
    one.began(0)
    assert one.is_too_large is too_large
    one = arrival()
    one.came(1, 0)
    one.began(0)
    one.field(size)
    one.head_ended(0)
    assert one.is_too_large is too_large


def test_bytes_of_one_request_do_not_count_for_the_next() -> None:
    one = arrival()
    for now in range(5):
        one.came(900, now)
        one.field(900)
        one.head_ended(now)
        one.ended()
        assert not one.is_too_large
        one.answered(now)


def test_a_body_may_be_long_but_what_comes_beside_it_may_not() -> None:
    one = arrival()
    one.came(10, 0)
    one.head_ended(0)
    one.came(1_000_000, 0)
    one.body(1_000_000)
    assert not one.is_too_large
    one.came(1_000 + 7 * 1_000_000 + 1, 0)
    assert one.is_too_large
