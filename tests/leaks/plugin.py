"""The leak test over the whole run: fails it where a secret that any test used is in a text that left the product.

Loaded by tests/conftest.py. Each process of a run (pytest-xdist) looks for what it saw itself; the first one tells.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.leaks import taps
from tests.leaks.watch import WATCH

_found: Final[list[str]] = []
_counts: Final[list[str]] = []

taps.install(WATCH)  # when this is loaded nothing of the product is yet


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    WATCH.test = item.nodeid
    try:
        return (yield)
    finally:
        WATCH.test_ended()
        WATCH.test = "(between the tests)"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    try:
        return (yield)
    finally:
        folder = getattr(item, "funcargs", {}).get("tmp_path")
        if isinstance(folder, Path) and folder.exists():
            WATCH.ledgers(folder)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """What a test, and the product in it, wrote and logged. (The report of another process came with its own.)"""
    if not hasattr(report, "node"):
        for name, text in report.sections:
            WATCH.seen(name, text)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """A process of the run has ended: take over what it found."""
    told = getattr(node, "workeroutput", {})
    _found.extend(told.get("leaks", ()))
    _counts.extend(told.get("leaks_looked_for", ()))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    _found.extend(map(str, WATCH.findings()))
    _counts.append(WATCH.counts())
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output.update(leaks=list(_found), leaks_looked_for=list(_counts))
    elif _found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _found:
        terminalreporter.section("secrets that got out", red=True, bold=True)
        for line in dict.fromkeys(_found):
            terminalreporter.line(line, red=True)
    if terminalreporter.verbosity > 0:
        terminalreporter.line("leak test: " + "; ".join(_counts))
