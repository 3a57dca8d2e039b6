"""Keeps what `telemetry.series` counted: about once a minute in the ledger, as hours after two days, for eight days.

Started and stopped by a node. What was counted since the last minute is lost if the process dies: these are curves for
people, and the ledger itself is the record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger
from ringpost.model.point import HOUR, MINUTE
from ringpost.telemetry.series import Series

_FINE_MS: Final = 48 * HOUR
_KEPT_MS: Final = 8 * 24 * HOUR
_AT_ONCE: Final = 500  # rows: all others wait while they are added up
_log = structlog.get_logger("ringpost.upkeep")


class Curves:
    """now: the wall clock (ms)."""

    def __init__(self, ledger: Ledger, series: Series, now: Callable[[], int]) -> None:
        self._ledger = ledger
        self._series = series
        self._now = now
        self._rolled_up = 0  # the hour in which it was done last
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="curves")

    async def stop(self) -> None:
        """Keep what is left."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self.keep()

    async def keep(self) -> None:
        """Write what was counted. What cannot be written is kept for the next time."""
        for _ in range(len(self._series) // _AT_ONCE + 1):  # what comes meanwhile is for the next time
            points = self._series.take(_AT_ONCE)
            try:
                await self._ledger.add_points(points)
            except Exception as failure:  # noqa: BLE001 - whatever it was, the next minute may do better
                self._series.put_back(points)
                _log.warning("curves_not_kept", code=_code_of(failure))
                return

    async def roll_up(self) -> None:
        """Make hours of what is older than two days, and forget what is older than eight. Once an hour is enough."""
        hour = self._now() - self._now() % HOUR
        if hour == self._rolled_up:
            return
        place: tuple[str, str] | None = ("", "")
        try:
            while place is not None:
                place = await self._ledger.roll_up_points(place, hour - _FINE_MS, hour - _KEPT_MS)
        except Exception as failure:  # noqa: BLE001 - whatever it was, the next minute may do better
            _log.warning("curves_not_rolled_up", code=_code_of(failure))
        else:
            self._rolled_up = hour

    async def _run(self) -> None:
        while True:
            await asyncio.sleep((MINUTE - self._now() % MINUTE) / 1_000)
            await self.keep()
            await self.roll_up()


def _code_of(failure: Exception) -> str:
    return failure.code if isinstance(failure, RingpostError) else type(failure).__name__
