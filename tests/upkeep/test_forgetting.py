"""The shell of retention: what is old leaves the ledger by itself, is counted, and a failure only puts it off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ringpost.errors import RingpostError
from ringpost.ledger.forgetting import Forgotten
from ringpost.ledger.ledger import Ledger
from ringpost.ledger.open import open_ledger
from ringpost.telemetry.metrics import Metrics
from ringpost.upkeep.forgetting import Forgetting
from ringpost.upkeep.retention import EVERY_MS, FIRST_MS, Retention
from tests.contract.ledger.making import DAY, Clock, result, whole_call


class Watched:
    """The real ledger; says when a pass is over, and fails while it is told to."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.failing = False
        self.asked: asyncio.Queue[str] = asyncio.Queue()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def forget(self, kind: Any, *place: Any) -> Forgotten:
        self.asked.put_nowait(kind)
        if self.failing:
            raise RingpostError("ledger_full")
        return await self._ledger.forget(kind, *place)


@pytest.fixture
async def ledger(tmp_path: Path, clock: Clock) -> AsyncIterator[Watched]:
    ledger = await open_ledger(tmp_path / "ledger.db", now=clock)
    yield Watched(ledger)
    await ledger.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def fill(ledger: Ledger, calls: int) -> None:
    for number in range(calls):
        events = await ledger.commit(whole_call(f"acme_{number}", integrations=["aaaaaa"]))
        await ledger.record([result(event) for event in events if not isinstance(event, RingpostError)])


async def until(ledger: Watched, kind: str, forgetting: Forgetting, clock: Clock) -> None:
    """Until it asks for this kind; the clock goes on meanwhile."""
    async with asyncio.timeout(10):
        while True:
            clock.now += 5_000
            forgetting.wake()
            try:
                if await asyncio.wait_for(ledger.asked.get(), 0.05) == kind:
                    return
            except TimeoutError:
                continue


@pytest.mark.slow
async def test_what_is_old_is_forgotten_and_counted(ledger: Watched, clock: Clock) -> None:
    await fill(ledger, 200)
    clock.now += 91 * DAY
    metrics = Metrics()
    policy = Retention(clock.now, events_days=90, attempts_days=30, notices_days=365)
    forgetting = Forgetting(ledger, policy, clock, metrics)
    forgetting.start()
    await until(ledger, "answers", forgetting, clock)
    await forgetting.stop()
    assert (await ledger.calls(None, open_only=False, cursor=None, limit=10)).items == []
    counts = {
        kind: metrics.forgotten.labels(kind)._value.get() for kind in ("calls", "events", "deliveries", "attempts")
    }
    assert counts == {"calls": 200, "events": 600, "deliveries": 600, "attempts": 600}


@pytest.mark.slow
async def test_a_ledger_that_refuses_is_asked_again(ledger: Watched, clock: Clock) -> None:
    await fill(ledger, 1)
    clock.now += 91 * DAY
    forgetting = Forgetting(
        ledger,
        Retention(clock.now, events_days=90, attempts_days=0, notices_days=0),
        clock,
        Metrics(),
    )
    ledger.failing = True
    forgetting.start()
    await until(ledger, "calls", forgetting, clock)
    await until(ledger, "calls", forgetting, clock)
    assert len((await ledger.calls(None, open_only=False, cursor=None, limit=10)).items) == 1
    ledger.failing = False
    await until(ledger, "answers", forgetting, clock)
    await forgetting.stop()
    assert (await ledger.calls(None, open_only=False, cursor=None, limit=10)).items == []


async def test_it_stops_while_it_waits_for_the_next_pass(ledger: Watched, clock: Clock) -> None:
    forgetting = Forgetting(
        ledger,
        Retention(clock.now, events_days=90, attempts_days=0, notices_days=0),
        clock,
        Metrics(),
    )
    await forgetting.stop()
    forgetting.start()
    await asyncio.wait_for(forgetting.stop(), 5)
    assert ledger.asked.empty()
    assert EVERY_MS > FIRST_MS
