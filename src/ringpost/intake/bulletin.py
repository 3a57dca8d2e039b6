"""The bulletin: takes notices from any part of a node at once, and sees to it that the ledger gets them.

Promise: a notice that was told stays here until the ledger took it, in the order in which they were told. The ledger
may be full just when there is something to tell, so it is tried again and again, and what waits is bounded: beyond
`LIMIT` the oldest goes, which the log says. Every notice is a line in the log too, at once. All methods are called in
the event loop; `node.py` makes one and closes it before the ledger.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
import structlog

from ringpost.errors import RingpostError
from ringpost.model.notice import PBX_BACK, RESUMED, Notice

LIMIT: Final = 1_000  # notices that wait, about 0.5 KB each
BATCH: Final = 100
FAULTS_LIMIT: Final = 5  # how often one notice may fail for a reason that is no state of the ledger

_RETRY: Final = (0.1, 10.0)  # seconds: the first wait, and the longest
_GOOD: Final = frozenset({RESUMED, PBX_BACK})

_log = structlog.get_logger("ringpost.notices")


class Bulletin:
    """accept: makes notices durable, all or none, as `Intake.accept_notices` does."""

    def __init__(self, accept: Callable[[Sequence[Notice]], Awaitable[object]]) -> None:
        self._accept = accept
        self._waiting: deque[Notice] = deque()
        self._offering: asyncio.Task[None] | None = None
        self._is_closed = False

    def __len__(self) -> int:
        """How many wait now; those that are being offered at this moment are not among them."""
        return len(self._waiting)

    def tell(self, notice: Notice) -> None:
        """Take it; returns at once, and raises nothing."""
        log_notice(notice)
        if self._is_closed:
            _lost(notice, "stopping")
            return
        self._waiting.append(notice)
        self._shorten()
        if self._offering is None or self._offering.done():
            self._offering = asyncio.create_task(self._offer(), name="notices")

    async def close(self, within_ms: int) -> None:
        """Wait until the ledger has all, so long at most; what is left then is lost, and named in the log."""
        self._is_closed = True
        if self._offering is not None:
            await asyncio.wait({self._offering}, timeout=within_ms / 1_000)
            self._offering.cancel()
            await asyncio.wait({self._offering})
        while self._waiting:
            _lost(self._waiting.popleft(), "stopping")

    async def _offer(self) -> None:
        size, tries, faults = BATCH, 0, 0
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(size, len(self._waiting)))]
            code = await self._try(batch)
            if code is None:
                size, tries, faults = BATCH, 0, 0
                continue
            faults += not code.startswith("ledger_") and code not in {"overloaded", "stopping"}
            if faults and size > 1:
                size = 1  # one at a time, to find the one that it is
            elif faults >= FAULTS_LIMIT:
                _lost(self._waiting.popleft(), code)
                size, tries, faults = BATCH, 0, 0
                continue
            first, longest = _RETRY
            await asyncio.sleep(min(longest, first * 2 ** min(tries, 16)))
            tries += 1

    async def _try(self, batch: list[Notice]) -> str | None:
        """None: the ledger has them. Else they wait again, at the head, and this is why."""
        code = "stopping"
        try:
            await self._accept(batch)
        except RingpostError as error:
            code = error.code
        except Exception as error:  # noqa: BLE001 - a fault of ours must not end the bulletin
            code = type(error).__name__
        else:
            batch = []
            return None
        finally:
            if batch:  # whoever cancels this finds them too
                self._waiting.extendleft(reversed(batch))
                self._shorten()
        _log.warning("notices_not_kept", code=code, waiting=len(self._waiting))
        return code

    def _shorten(self) -> None:
        while len(self._waiting) > LIMIT:
            _lost(self._waiting.popleft(), "overloaded")


def log_notice(notice: Notice) -> None:
    """One line; keys that are null are left out."""
    told = {name: value for name, value in msgspec.structs.asdict(notice).items() if value is not None}
    level = _log.info if notice.type in _GOOD else _log.warning
    level(told.pop("type"), **told)


def _lost(notice: Notice, code: str) -> None:
    _log.error("notice_lost", code=code, company=notice.company, type=notice.type, lane=notice.lane)
