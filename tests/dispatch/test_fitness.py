"""The five-day rule: what counts, what does not, and what is kept of it."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import hypothesis.strategies as st
import pytest
from hypothesis import given

from ringpost.dispatch.fitness import GAP, KEPT_EVERY, Fitness, Unfit, Warned
from ringpost.ledger.ledger import Named
from ringpost.model.failing import Failing
from ringpost.model.integration import Integration
from ringpost.model.outcome import BUSY, Outcome

START: Final = 1_700_000_000_000
HOUR: Final = 3_600_000
DAY: Final = 24 * HOUR
LIMIT: Final = 5 * DAY
OK: Final = Outcome(status=200)
FAILED: Final = Outcome(status=500, error="status")
GONE: Final = Outcome(status=410, error="gone")


def integration(url: str = "https://receiver.example/") -> Integration:
    return Integration(
        company="it", id="aaaaaa", type="webhook", name=None, url=url, filter=("*",), state="active",
        created=START, updated=START, sealed=b"",
    )  # fmt: skip


def failing(
    fitness: Fitness, since: int, until: int, every: int = HOUR, outcome: Outcome = FAILED
) -> list[tuple[int, Warned | Unfit]]:
    """Attempts that fail from one hour to another; what was said, and in which hour."""
    told = []
    for now in range(START + since * HOUR, START + until * HOUR + 1, every):
        said = fitness.tell(integration(), outcome, now, replay=False)
        if said is not None:
            told.append(((now - START) // HOUR, said))
    return told


def test_one_that_only_fails_is_warned_of_at_half_of_the_time_and_unfit_at_the_end() -> None:
    told = failing(Fitness(LIMIT), 0, 120)
    assert told == [(60, Warned(START, LIMIT - 60 * HOUR, "status")), (120, Unfit("failing", START))]


def test_a_success_begins_it_anew() -> None:
    fitness = Fitness(LIMIT)
    failing(fitness, 0, 119)
    assert fitness.tell(integration(), OK, START + 119 * HOUR, replay=False) is None
    assert failing(fitness, 120, 179) == []


def test_one_that_is_gone_is_unfit_at_once() -> None:
    assert Fitness(LIMIT).tell(integration(), GONE, START, replay=False) == Unfit("gone", START)


def test_it_stays_unfit_with_each_failure_until_it_is_paused() -> None:
    fitness = Fitness(LIMIT)
    failing(fitness, 0, 120)
    assert failing(fitness, 121, 122) == [(121, Unfit("failing", START)), (122, Unfit("failing", START))]
    fitness.forget("it", "aaaaaa")
    assert failing(fitness, 123, 124) == []


@pytest.mark.parametrize("outcome", [Outcome(error=BUSY), Outcome(error="internal"), Outcome(error="sealed")])
def test_faults_of_our_own_do_not_count(outcome: Outcome) -> None:
    assert failing(Fitness(LIMIT), 0, 500, outcome=outcome) == []


@pytest.mark.parametrize("outcome", [OK, FAILED, GONE])
def test_a_replay_says_nothing(outcome: Outcome) -> None:
    fitness = Fitness(LIMIT)
    failing(fitness, 0, 1)
    for hour in range(2, 200):
        assert fitness.tell(integration(), outcome, START + hour * HOUR, replay=True) is None
    [(hour, _)] = failing(fitness, 200, 240)
    assert hour == 200 + 31, "what was before counts still, the time of the replays as one gap of 28.8 hours"


def test_a_service_that_was_down_or_a_clock_that_jumps_pauses_nobody() -> None:
    fitness = Fitness(LIMIT)
    failing(fitness, 0, 1)
    assert fitness.tell(integration(), FAILED, START + 300 * DAY, replay=False) is None
    assert fitness.tell(integration(), FAILED, START - 300 * DAY, replay=False) is None


def test_another_url_begins_anew() -> None:
    fitness = Fitness(LIMIT)
    failing(fitness, 0, 119)
    for hour in range(120, 179):
        other = integration("https://other.example/")
        assert fitness.tell(other, FAILED, START + hour * HOUR, replay=False) is None


def test_it_goes_on_over_a_restart_with_the_little_that_is_kept() -> None:
    first = Fitness(LIMIT)
    kept: dict[Named, Failing | None] = {}
    for hour in range(110):
        failing(first, hour, hour)
        kept |= first.take_changed()
    again = Fitness(LIMIT)
    again.load(failing for failing in kept.values() if failing is not None)
    [(hour, said)] = failing(again, 110, 120)
    assert (hour, said) == (120, Unfit("failing", START)), "and no second warning"


def test_what_is_kept_does_not_change_with_each_failure() -> None:
    fitness, changes = Fitness(LIMIT), 0
    for minute in range(60):
        fitness.tell(integration(), FAILED, START + minute * 60_000, replay=False)
        changes += len(fitness.take_changed())
    assert 0 < changes <= HOUR // KEPT_EVERY


def test_a_success_is_kept_only_where_a_failure_was() -> None:
    fitness = Fitness(LIMIT)
    fitness.tell(integration(), FAILED, START, replay=False)
    fitness.tell(integration(), OK, START + 1, replay=False)
    assert fitness.take_changed() == {}
    failing(fitness, 0, 1)
    assert fitness.take_changed().keys() == {("it", "aaaaaa")}
    fitness.tell(integration(), OK, START + 2 * HOUR, replay=False)
    assert fitness.take_changed() == {("it", "aaaaaa"): None}


@given(times=st.lists(st.integers(0, 400 * HOUR), min_size=2, max_size=60))
def test_it_never_counts_more_than_went_by_nor_a_gap_for_more_than_the_longest_wait(times: list[int]) -> None:
    fitness = Fitness(365 * DAY)
    for time in times:
        fitness.tell(integration(), FAILED, START + time, replay=False)
    changed = fitness.take_changed().get(("it", "aaaaaa"))
    gaps = [max(later - earlier, 0) for earlier, later in pairwise(times)]
    counted = 0 if changed is None else changed.counted
    assert counted <= sum(min(gap, GAP) for gap in gaps)
    assert counted + KEPT_EVERY > sum(min(gap, GAP) for gap in gaps)


def test_one_that_the_ledger_still_has_as_unfit_is_unfit_with_its_next_failure() -> None:
    fitness = Fitness(LIMIT)
    fitness.load([Failing(company="it", integration="aaaaaa", since=1, counted=LIMIT, last=START, warned=True)])
    assert fitness.tell(integration(), FAILED, START, replay=False) == Unfit("failing", 1)
