"""Watches the ledger's disk: every minute its space becomes metrics, and a notice where little is left.

Started and stopped by a node. What decides is `upkeep.space`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import structlog

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger
from ringpost.model.notice import LEDGER_NEARLY_FULL, SERVICE_COMPANY, Notice, NoticeData
from ringpost.telemetry.metrics import Metrics

from .space import SpaceWatch

EVERY: Final = 60.0  # seconds
_log = structlog.get_logger("ringpost.upkeep")


class DiskWatch:
    """path: of the ledger; tell: takes notices; now: the wall clock (ms)."""

    def __init__(
        self,
        ledger: Ledger,
        path: Path,
        space: SpaceWatch,
        tell: Callable[[Notice], None],
        now: Callable[[], int],
        metrics: Metrics,
    ) -> None:
        self._ledger = ledger
        self._path = path
        self._space = space
        self._tell = tell
        self._now = now
        self._metrics = metrics
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="space watch")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def recall(self) -> None:
        """What an earlier run told, so that a restart does not tell it again."""
        try:
            page = await self._ledger.notices(SERVICE_COMPANY, type=LEDGER_NEARLY_FULL, cursor=None, limit=1)
        except RingpostError as error:
            _log.warning("notices_not_known", reason=error.code)
            return
        for notice in page.items:
            since = msgspec.json.decode(notice.data, type=NoticeData).since
            self._space.was_told(notice.time if since is None else since, notice.time)

    async def look(self) -> None:
        """Look once. In a thread: a disk over a network may let one wait."""
        try:
            free, size = await asyncio.to_thread(measure, self._path)
        except OSError as error:
            _log.warning("space_not_known", reason=error.strerror)
            return
        self._metrics.ledger_disk_free_bytes.set(free)
        self._metrics.ledger_bytes.set(size)
        notice = self._space.judge(free, size, self._now())
        if notice is not None:
            self._tell(notice)

    async def _run(self) -> None:
        await self.recall()
        while True:
            await self.look()
            await asyncio.sleep(EVERY)


def measure(path: Path) -> tuple[int, int]:
    """(bytes left on the disk for us, bytes of the ledger and its log). Raises OSError."""
    disk = os.statvfs(path.parent)
    log = path.with_name(path.name + "-wal")
    return disk.f_bavail * disk.f_frsize, path.stat().st_size + (log.stat().st_size if log.exists() else 0)
