"""Runs all work that takes a while, step by step, and takes up after a restart what was not finished.

Promises: a step that has begun is never broken off, so what it made durable is also told to who needs it; nothing of
a work goes on after `cancel` returned; a ledger that refuses only makes it wait. Made and closed by `node.py`; the API
begins and cancels. All methods are called in the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import structlog
from msgspec.structs import replace

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger, Remember
from ringpost.model.work import Work, WorkKind

Step = Callable[[Work], Awaitable[Work]]
"""Does one small durable step, and answers with the work as the ledger has it then; the same object where nothing could
be done yet. Raises `RingpostError`: one of a ledger that refuses (503) and the step is tried again, any other and the
work has failed."""

LOOK_AGAIN_MS: Final = 200  # until a step is tried again that could do nothing yet
REFUSED_WAITS_MS: Final = (
    1_000,
    2_000,
    5_000,
    10_000,
    30_000,
)  # while the ledger refuses; then the last again
STEPS_AT_ONCE: Final = 2  # however many run: the ledger has others to serve

_log = structlog.get_logger("ringpost.work")


class Works:
    """All running work of one node. steps: by kind; now: the clock (ms); on_change: told of work that was begun, came
    further or ended; waits_ms: while the ledger refuses."""

    def __init__(
        self,
        ledger: Ledger,
        steps: Mapping[WorkKind, Step],
        now: Callable[[], int],
        *,
        on_change: Callable[[Work], None] = lambda _: None,
        waits_ms: Sequence[int] = REFUSED_WAITS_MS,
    ) -> None:
        self._ledger = ledger
        self._on_change = on_change
        self._steps = steps
        self._now = now
        self._waits_ms = waits_ms
        self._turns = asyncio.Semaphore(STEPS_AT_ONCE)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stirred: dict[str, asyncio.Event] = {}  # of each running work: it need not wait any longer
        self._cancelled: set[str] = set()
        self._is_closing = False

    async def start(self) -> None:
        """Take up what was running when the service ended. Raises what the ledger raises."""
        for work in await self._ledger.running_works():
            self._run(work)

    async def begin(self, work: Work, remember: Remember | None = None) -> None:
        """Make it durable, then run it. Raises what `Ledger.add_work` raises."""
        await self._ledger.add_work(work, remember)
        self._on_change(work)
        if not self._is_closing:
            self._run(work)

    async def cancel(self, company: str | None, work_id: str) -> Work:
        """End it where it is; one that ended before stays as it is. Raises `work_not_found`, and what the ledger
        raises; then it goes on."""
        work = await self._ledger.cancel_work(company, work_id, self._now())
        if work_id in self._stirred:
            self._cancelled.add(work_id)
            self._stirred[work_id].set()
        self._on_change(work)
        return work

    async def wait(self, work_id: str) -> None:
        """Until it runs no longer here: it ended, or this is closed."""
        task = self._tasks.get(work_id)
        if task is not None:
            await asyncio.wait({task})

    async def close(self, within_ms: int) -> None:
        """Finish the steps under way, within this time, and begin none: the rest goes on after the next start."""
        self._is_closing = True
        for stirred in self._stirred.values():
            stirred.set()
        left = set(self._tasks.values())
        if left:
            _, left = await asyncio.wait(left, timeout=within_ms / 1_000)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)

    def _run(self, work: Work) -> None:
        self._stirred[work.id] = asyncio.Event()
        task = asyncio.get_running_loop().create_task(self._go_on(work), name=f"work {work.id}")
        self._tasks[work.id] = task
        task.add_done_callback(lambda _: self._forget(work.id))

    def _forget(self, work_id: str) -> None:
        del self._tasks[work_id], self._stirred[work_id]
        self._cancelled.discard(work_id)

    def _may_go_on(self, work: Work) -> bool:
        return work.state == "running" and work.id not in self._cancelled and not self._is_closing

    async def _go_on(self, work: Work) -> None:
        refused = 0
        while self._may_go_on(work):
            wait = 0
            self._stirred[work.id].clear()  # a cancellation that comes from here on ends the wait after the step
            try:
                async with self._turns:
                    after = await self._step(work) if self._may_go_on(work) else work
            except RingpostError as refusal:
                wait = self._waits_ms[min(refused, len(self._waits_ms) - 1)]
                refused += 1
                _log.warning("work_waits", work=work.id, code=refusal.code, wait_ms=wait)
            else:
                refused = 0
                wait = LOOK_AGAIN_MS if after is work else 0
                if after is not work:
                    self._on_change(after)
                work = after
            if wait:
                await self._wait(work.id, wait)
        if not self._is_closing:
            state = "cancelled" if work.id in self._cancelled else work.state
            _log.info("work_ended", work=work.id, state=state, done=work.done, code=work.error)

    async def _step(self, work: Work) -> Work:
        """One step. Raises where the ledger refuses."""
        try:
            return await self._steps[work.kind](work)
        except RingpostError as error:
            if error.status == 503:
                raise
            code = error.code
        except Exception as fault:  # noqa: BLE001 - a fault of ours ends this work, and must end no other
            _log.error("work_failed", work=work.id, failure=type(fault).__name__)
            code = "internal"
        return await self._ledger.advance_work(work, replace(work, state="failed", error=code, updated=self._now()))

    async def _wait(self, work_id: str, wait_ms: int) -> None:
        """So long, or until it is stirred."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_ms / 1_000):
                await self._stirred[work_id].wait()
