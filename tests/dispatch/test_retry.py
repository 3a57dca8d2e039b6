"""When a failed delivery is tried again."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given
from msgspec.structs import replace

from ringpost.dispatch.conclusion import Conclusion, conclude
from ringpost.dispatch.retry import RETRY_AFTER_LIMIT, At, Exhausted, after
from ringpost.model.delivery import Owed
from ringpost.model.outcome import BUSY, Outcome
from ringpost.settings import Settings

NOW = 1_700_000_000_000
FAILED = Outcome(error="status", status=503)
jitters = st.floats(0, 1, exclude_max=True)
schedules = st.lists(st.integers(0, 30 * 86_400_000), max_size=12)


@given(schedules, st.integers(1, 20), jitters)
def test_each_wait_is_its_setting_give_or_take_a_fifth(delays: list[int], attempts: int, jitter: float) -> None:
    match after(attempts, FAILED, NOW, delays, jitter):
        case At(ms):
            delay = delays[attempts - 1]
            assert 0.8 * delay - 1 <= ms - NOW <= 1.2 * delay + 1
        case Exhausted():
            assert attempts == len(delays) + 1 or attempts > len(delays)


@given(schedules.filter(bool), st.integers(0, 10**12), jitters)
def test_it_is_never_tried_before_the_receiver_asked_for(delays: list[int], retry_after: int, jitter: float) -> None:
    outcome = Outcome(error="status", status=429, retry_after=retry_after)
    match after(1, outcome, NOW, delays, jitter):
        case At(ms):
            assert ms >= NOW + min(retry_after, RETRY_AFTER_LIMIT)
            assert ms <= NOW + max(RETRY_AFTER_LIMIT, round(delays[0] * 1.2))
        case Exhausted():
            raise AssertionError("a try was left")


def test_the_default_schedule_makes_ten_attempts_over_days() -> None:
    now, attempts = 0, 1
    while isinstance(next_try := after(attempts, FAILED, now, Settings().retry_delays_ms, 0.5), At):
        now, attempts = next_try.ms, attempts + 1
    assert attempts == 10
    assert 2 * 86_400_000 < now < 3 * 86_400_000


@pytest.mark.parametrize(("jitter", "expected"), [(0.0, 80_000), (0.5, 100_000), (0.999999, 120_000)])
def test_chance_spreads_what_failed_together(jitter: float, expected: int) -> None:
    assert after(1, FAILED, 0, (100_000,), jitter) == At(expected)


def test_without_delays_the_first_failure_is_the_last() -> None:
    assert after(1, FAILED, NOW, (), 0.5) == Exhausted()


@given(st.integers(0, 20), schedules, jitters)
def test_a_shortage_of_our_own_is_no_attempt_and_uses_up_no_schedule(
    attempts: int, delays: list[int], jitter: float
) -> None:
    owed = Owed(company="it", integration="aaaaaa", call="c", seq=7, attempts=attempts, due=NOW)
    concluded = conclude(owed, Outcome(error=BUSY), began=NOW, duration=1, now=NOW, delays_ms=delays, jitter=jitter)
    assert concluded.again is not None
    assert NOW + 800 <= concluded.again.due <= NOW + 1_200
    assert concluded == Conclusion(None, replace(owed, due=concluded.again.due))
