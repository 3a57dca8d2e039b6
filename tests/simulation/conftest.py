"""How many runs, by the options of the test run (tests/conftest.py)."""

from __future__ import annotations

import pytest

from tests.simulation.test_simulation import CHUNK, FIRST_RUNS


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The runs in chunks, so that the processes of a test run can share them."""
    if "seeds" in metafunc.fixturenames:
        runs = metafunc.config.getoption("runs")
        first = FIRST_RUNS + 1
        metafunc.parametrize("seeds", [range(at, min(at + CHUNK, runs + 1)) for at in range(first, runs + 1, CHUNK)])
    if "given_seed" in metafunc.fixturenames:
        seed = metafunc.config.getoption("simulation_seed")
        metafunc.parametrize("given_seed", [] if seed is None else [seed])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A seed that is given is run alone."""
    again = [item for item in items if "given_seed" in getattr(item, "fixturenames", ())]
    others = [item for item in items if item not in again]
    chosen, left = (others, again) if config.getoption("simulation_seed") is None else (again, others)
    config.hook.pytest_deselected(items=left)
    items[:] = chosen
