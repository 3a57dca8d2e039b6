"""Forgets what is older than its days: does what `upkeep.retention` says, and counts it. Started and stopped by a node.

Promises: accepting goes on beside it; what fails is tried again later, and a node that stops waits for one batch at
most, for the next pass goes on where this one left off.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from time import perf_counter
from typing import Final

import msgspec
import structlog

from ringpost.errors import RingpostError
from ringpost.ledger.forgetting import Forgotten
from ringpost.ledger.ledger import Ledger
from ringpost.telemetry.metrics import Metrics

from .retention import Forget, Retention

_LONGEST_WAIT: Final = 60.0  # seconds; the wall clock may be set meanwhile
_log = structlog.get_logger("ringpost.upkeep")


class Forgetting:
    """now: the wall clock (ms)."""

    def __init__(self, ledger: Ledger, retention: Retention, now: Callable[[], int], metrics: Metrics) -> None:
        self._ledger = ledger
        self._retention = retention
        self._now = now
        self._metrics = metrics
        self._look = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="forgetting")

    def wake(self) -> None:
        """Look at the clock anew: for who moved it."""
        self._look.set()

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while True:
            command = self._retention.next(self._now())
            if command is None:
                await self._wait()
            else:
                await self._forget(command)

    async def _wait(self) -> None:
        seconds = (self._retention.wake_at() - self._now()) / 1_000
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._look.wait(), min(max(seconds, 0), _LONGEST_WAIT))
        self._look.clear()

    async def _forget(self, command: Forget) -> None:
        began = perf_counter()
        try:
            batch = await self._ledger.forget(command.kind, command.before, command.place, command.limit)
        except Exception as failure:  # noqa: BLE001 - whatever it was, the next try may do better
            code = failure.code if isinstance(failure, RingpostError) else type(failure).__name__
            _log.warning("not_forgotten", kind=command.kind, code=code)
            self._retention.failed(self._now())
            return
        self._count(batch)
        self._retention.forgotten(batch, round((perf_counter() - began) * 1_000), self._now())

    def _count(self, batch: Forgotten) -> None:
        for kind, count in msgspec.structs.asdict(batch).items():
            if kind != "next" and count:
                self._metrics.forgotten.labels(kind).inc(count)
