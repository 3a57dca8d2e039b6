"""A virtual-time event loop: it never waits, but moves its clock to the next timer.

One thread, no socket, no real clock: the same callbacks always run in the same order at the same (virtual) time. It
can be left in the middle of everything, as a process that is killed is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")
_TURNS: Final = 50_000  # of the loop within
_SPIN: Final = 30.0  # virtual seconds: more is work that is taken up again and again
_RESOLUTION: Final = 1e-6  # seconds: timers that are closer together run in one turn, in their order


class Kill(SystemExit):
    """The process dies here. asyncio lets a SystemExit through at once, and nothing of ours catches it."""


class StandstillError(AssertionError):
    """The loop has nothing to do and no timer to wait for, and its work is not done; or it spins."""


class VirtualLoop(asyncio.BaseEventLoop):
    """The event loop of one life. began: its clock's first time (seconds)."""

    def __init__(self, began: float, on_fault: Callable[[dict[str, Any]], None]) -> None:
        super().__init__()
        self._virtual = began
        self._clock_resolution = _RESOLUTION
        self._selector = self
        self._begun: WeakKeyDictionary[asyncio.Task[Any], int] = WeakKeyDictionary()
        self._numbers = count()
        self._turns = 0
        self._counted_from = began
        self._is_left = False
        self.set_exception_handler(lambda _, context: None if self._is_left else on_fault(context))

    def create_task(self, *arguments: Any, **named: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = super().create_task(*arguments, **named)
        self._begun[task] = next(self._numbers)
        return task

    def time(self) -> float:
        return self._virtual

    def select(self, timeout: float | None) -> list[Any]:
        """What BaseEventLoop asks its selector: here nothing ever comes from outside, so the next timer is it."""
        if timeout is None:
            raise StandstillError("nothing goes on any more")
        self._count()
        if timeout > 0:
            scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
            self._virtual = max(self._virtual, scheduled[0].when())
        return []

    def _count(self) -> None:
        self._turns += 1
        if self._turns > _TURNS:
            if self._virtual - self._counted_from < _SPIN:
                raise StandstillError(f"it spins: {_TURNS} turns within {self._virtual - self._counted_from:.3f} s")
            self._turns, self._counted_from = 0, self._virtual

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it to its end. Raises `Kill` where the process died on the way."""
        try:
            return self.run_until_complete(work)
        finally:
            self._leave()

    def _leave(self) -> None:
        """Drop all tasks where they stand. Their `finally` blocks run, as Python closes a coroutine no other way: who
        simulates a process must let nothing reach the outside any more."""
        self._is_left = True
        for task in sorted(asyncio.all_tasks(self), key=self._begun.__getitem__):
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            coroutine = task.get_coro()
            assert isinstance(coroutine, Coroutine)
            coroutine.close()
        self.close()

    def _process_events(self, event_list: list[Any]) -> None: ...

    def _write_to_self(self) -> None: ...
