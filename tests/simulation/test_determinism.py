"""A seed is a run: nothing but the seed decides what happens in it."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.simulation.run import Story, simulate

SEEDS = (3, 12)


def test_the_same_seed_is_the_same_run_to_the_last_line_of_its_log() -> None:
    first, second = simulate(SEEDS[0]), simulate(SEEDS[0])
    assert len(first.log) > 100
    assert first.log == second.log


def test_another_seed_is_another_run() -> None:
    assert simulate(1).log != simulate(2).log


@pytest.mark.slow
def test_neither_the_process_nor_the_order_of_sets_decides_anything() -> None:
    root = Path(__file__).parents[2]
    program = f"from tests.simulation.run import simulate\nfor seed in {SEEDS}: print(simulate(seed).digest)"
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(root)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert told == {"".join(f"{simulate(seed).digest}\n" for seed in SEEDS)}


def test_the_log_is_in_the_order_of_time() -> None:
    times = [float(line.split(maxsplit=1)[0]) for line in simulate(SEEDS[1]).log]
    assert all(earlier <= later for earlier, later in pairwise(times))


def test_a_failure_says_how_to_see_it_again() -> None:
    story = Story(seed=7, broken="it is lost", log=["1.0 something"], seconds=1, lives=1, attempts=1, accepted=1)
    assert story.told().splitlines()[:2] == [
        "seed 7: it is lost",
        "again: ./run test -- tests/simulation --simulation-seed 7",
    ]
