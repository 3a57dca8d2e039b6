"""What every test may ask for: a real HTTP receiver, a real SQS endpoint, Node.js. The PBX is in tests/real."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests.javascript import JavaScript, node_process
from tests.real import prerequisites
from tests.real.receiver import Receiver

if TYPE_CHECKING:
    from tests.real.sqs import Sqs, SqsServer

pytest_plugins = ("tests.leaks.plugin", "pytester")

# A machine that is busy is no fault of what is tested.
settings.register_profile("ringpost", suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile("ringpost")

# A shell without job control starts what runs in the background with the interrupt ignored, and what we start would
# inherit that: a command that is left with Ctrl-C would never end.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

FEWER = 4  # times; examples of each property in a fast run


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A fast run tries fewer examples of every property: it is for before a commit, the whole run has them all."""
    if "not slow" not in config.option.markexpr:  # the run of `./run test --fast`
        return
    for item in items:
        test: Any = getattr(item, "obj", None)
        given = getattr(test, "_hypothesis_internal_use_settings", None)
        if given is not None and not hasattr(test, "ringpost_fewer"):
            fewer = max(5, given.max_examples // FEWER)
            test._hypothesis_internal_use_settings = settings(given, max_examples=fewer)
            test.ringpost_fewer = True


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A webhook receiver that answers 200 until it is told otherwise."""
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.stop()


@pytest.fixture(scope="session")
def sqs_server() -> Iterator[SqsServer]:
    """The SQS endpoint of the run (a test that uses it is marked real)."""
    prerequisites.skip_if_left_out("sqs")
    from tests.real.sqs import SqsServer  # takes a second to import: only who needs it

    server = SqsServer()
    yield server
    server.stop()


@pytest.fixture
def sqs(sqs_server: SqsServer) -> Iterator[Sqs]:
    """Queues of the test's own on it."""
    from tests.real.sqs import Sqs

    sqs = Sqs(sqs_server)
    yield sqs
    sqs.close()


@pytest.fixture
def node() -> Path:
    """Node.js; the test is skipped where there is none."""
    return prerequisites.node()


@pytest.fixture
def php() -> Path:
    """PHP; the test is skipped where there is none."""
    return prerequisites.php()


@pytest.fixture
def go() -> Path:
    """Go; the test is skipped where there is none."""
    return prerequisites.go()


@pytest.fixture(scope="session")
def javascript() -> Iterator[JavaScript]:
    """A receiver in JavaScript; the test is skipped where there is no Node.js."""
    with node_process(prerequisites.node()) as javascript:
        yield javascript


def pytest_addoption(parser: pytest.Parser) -> None:
    """How long tests/crash and tests/simulation go on, and with which chance."""
    crash = parser.getgroup("crash", "killing the service and cutting its power (tests/crash)")
    crash.addoption("--times", type=int, default=100, help="how often the service is killed  [default: 100]")
    crash.addoption("--cuts", type=int, default=50, help="how often its power is cut  [default: 50]")
    crash.addoption("--crash-seed", type=int, default=1, help="the first run's seed  [default: 1]")
    simulation = parser.getgroup("simulation", "runs in virtual time (tests/simulation)")
    simulation.addoption("--runs", type=int, default=300, help="how many runs, each a seed  [default: 300]")
    simulation.addoption("--simulation-seed", type=int, help="this run alone, with its whole log")
