"""How often to kill and to cut, by the options of the test run (tests/conftest.py)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.program import kill_what_is_left
from tests.crash.kill import KILLS
from tests.crash.power import CUTS


@pytest.fixture(autouse=True)
def no_process_left() -> Iterator[None]:
    yield
    kill_what_is_left()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A run for each seed, so that a failure names the seed that brings it about again."""
    seed = metafunc.config.getoption("crash_seed")
    for name, option, a_run in (("kill_seed", "times", KILLS), ("cut_seed", "cuts", CUTS)):
        if name in metafunc.fixturenames:
            runs = -(-metafunc.config.getoption(option) // a_run)
            metafunc.parametrize(name, range(seed, seed + runs))
