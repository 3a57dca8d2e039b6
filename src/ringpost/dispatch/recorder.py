"""Results of attempts, on their way into the ledger.

Promises: results are recorded in the order in which they came, many in one transaction; while the ledger refuses they
are kept and tried again, and none is lost while the process lives. (If it dies, the attempts are made again: a receiver
knows a repeated delivery by its `webhook-id`.) Called from the event loop, by the dispatcher alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger, Named, Result
from ringpost.model.failing import Failing

BATCH: Final = 1_000  # results in one transaction
LIMIT: Final = 10_000  # unrecorded results beyond which no attempts are begun
_FIRST_WAIT: Final = 0.1  # seconds; doubled up to
_LONGEST_WAIT: Final = 5.0

_log = structlog.get_logger("ringpost.dispatch")


class Recorder:
    """Collects results while a batch of them is being recorded.

    on_progress: called after each batch; recorded: takes each batch then, and must not raise.
    """

    def __init__(
        self,
        ledger: Ledger,
        on_progress: Callable[[], None],
        recorded: Callable[[Sequence[Result]], None] | None = None,
    ) -> None:
        self._ledger = ledger
        self._on_progress = on_progress
        self._tell_recorded = recorded
        self._results: list[Result] = []
        self._failings: dict[Named, Failing | None] = {}
        self._added = self._recorded = 0  # results, since the start
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()  # until so many are recorded
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many results are not recorded yet."""
        return len(self._results)

    @property
    def is_at_rest(self) -> bool:
        """All is recorded."""
        return self._task is None

    @property
    def is_full(self) -> bool:
        return len(self._results) >= LIMIT

    def add(self, result: Result) -> None:
        self._results.append(result)
        self._added += 1
        self._begin()

    def keep(self, failings: Mapping[Named, Failing | None]) -> None:
        """Record how long integrations have only failed, with the results."""
        if failings:
            self._failings.update(failings)
            self._begin()

    async def wait_for_these(self) -> None:
        """Wait until all results that were added by now are recorded."""
        if self._results:
            recorded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((self._added, recorded))
            await recorded

    async def wait_recorded(self, limit: float) -> bool:
        """Wait until all results are recorded, for so many seconds at most; whether they are."""
        if self._task is not None:
            await asyncio.wait((self._task,), timeout=limit)
        return not self._results

    async def close(self) -> None:
        """Give up what could not be recorded."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _run(self) -> None:
        wait = _FIRST_WAIT
        while self._results or self._failings:
            batch = self._results[:BATCH]
            failings, self._failings = self._failings, {}
            if await self._record(batch, failings):
                del self._results[: len(batch)]
                self._recorded += len(batch)
                self._wake_those_that_wait()
                wait = _FIRST_WAIT
                if not self._results and not self._failings:
                    self._task = None
                self._on_progress()
                if self._tell_recorded is not None:
                    self._tell_recorded(batch)
            else:
                self._failings = {**failings, **self._failings}
                await asyncio.sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT)

    def _begin(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def _wake_those_that_wait(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._recorded:
            _, recorded = self._waiting.popleft()
            if not recorded.done():
                recorded.set_result(None)

    async def _record(self, batch: list[Result], failings: Mapping[Named, Failing | None]) -> bool:
        try:
            await self._ledger.record(batch, failings)
        except Exception as failure:  # noqa: BLE001 - whatever went wrong in the ledger, the results must stay
            code = failure.code if isinstance(failure, RingpostError) else type(failure).__name__
            _log.warning("results_not_recorded", results=len(self._results), code=code)
            return False
        return True
