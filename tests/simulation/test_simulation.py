"""The promises, held against hundreds of runs of chaos in virtual time.

`--runs 10000` makes more of them, `--simulation-seed` repeats one. Each chunk of runs must go through every transition
of the breaker, the retry policy, the lanes, the backlog and the five-day rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import pytest

from tests.simulation.coverage import Covered, covering
from tests.simulation.run import Story, simulate

FIRST_RUNS: Final = 8  # in every test run, the quick ones too
CHUNK: Final = 70
_ENOUGH: Final = 60  # runs that go through every transition


def test_the_promises_hold_whatever_happens() -> None:
    _run(range(1, FIRST_RUNS + 1))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_promises_hold_in_many_runs_and_every_transition_is_made(seeds: range) -> None:
    covered = _run(seeds)
    assert not covered.unexpected, "the breaker did what its table does not have"
    if len(seeds) >= _ENOUGH:
        assert not covered.missing, "these were not made in any run"


def test_one_run_again(given_seed: int) -> None:
    story = simulate(given_seed)
    print("\n".join(story.log))
    _must_be_well([story])


def _run(seeds: Iterable[int]) -> Covered:
    with covering() as covered:
        _must_be_well([story for seed in seeds if (story := simulate(seed)).broken])
    return covered


def _must_be_well(stories: list[Story]) -> None:
    broken = [story for story in stories if story.broken]
    if broken:
        others = [f"also: seed {story.seed}: {story.broken}" for story in broken[1:]]
        pytest.fail("\n".join([broken[0].told(), *others]), pytrace=False)
