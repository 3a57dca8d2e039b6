"""The one writer of the file: a thread that takes all jobs that wait and makes them durable with one commit.

An answer leaves after the commit that holds it (`synchronous=FULL`: power loss included), never after one that failed.
A change that is refused is undone by itself. If a job fails in another way, each of its group is tried in a transaction
of its own, so that it alone fails; if the storage fails, all of the group do, and the next group tries anew: there is
nothing to repair when space is back.
`submit` and `close` belong to the event loop.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import apsw

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Accepted, LedgerStatistics, Verdict
from ringpost.model.event import Event, NewEvent

from .apply import Applier
from .checkpoint import Checkpointer
from .failures import STORAGE_ERRORS, code_of, refusal
from .jobs import Change, Commit, Job, weight

EVENTS_WAITING: Final = 20_000
BYTES_WAITING: Final = 128 << 20  # of events' data: as many large events would fill the memory
_GROUP: Final = 1_000  # weight of a transaction: beyond, it only keeps its first job waiting for the last

_Future = asyncio.Future[Any]
_Answer = tuple[_Future, object, Exception | None]


class Writer:
    def __init__(
        self, connection: apsw.Connection, now: Callable[[], int], checkpointer: Checkpointer | None = None
    ) -> None:
        """Takes over the connection; to be made where the event loop runs."""
        self._connection = connection
        self._applier = Applier(connection, now)
        self._checkpointer = checkpointer
        self._loop = asyncio.get_running_loop()
        self._jobs: deque[tuple[Job, _Future]] = deque()
        self._accepted: list[Accepted] = []  # by the group that was committed last
        self._wake = threading.Condition()
        self._closing = False
        self._events_waiting = 0
        self._bytes_waiting = 0
        self._commits = 0
        self._events = 0
        self._seconds = 0.0
        self._take_accepted: Callable[[Sequence[Accepted]], None] | None = None
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="ringpost-writer", daemon=True)
        self._thread.start()

    def hand_over_to(self, take: Callable[[Sequence[Accepted]], None]) -> None:
        self._take_accepted = take

    def submit(self, job: Job) -> _Future:
        """The answer to come. Raises `overloaded` where too many events wait, `stopping` once it is closing."""
        with self._wake:
            if self._closing:
                raise RingpostError("stopping")
            if isinstance(job, Commit):
                self._admit(job)
            future: _Future = self._loop.create_future()
            self._jobs.append((job, future))
            self._wake.notify()
        return future

    def statistics(self) -> LedgerStatistics:
        return LedgerStatistics(
            commits=self._commits,
            events=self._events,
            commit_seconds=self._seconds,
            failures=self._failures,
            waiting=self._events_waiting,
        )

    def empty_log_soon(self) -> None:
        """After the next transaction, or the first one after which no reader is in the way."""
        if self._checkpointer is not None:
            self._checkpointer.empty_soon()

    @property
    def is_log_emptied(self) -> bool:
        """Whether it was done, since it was asked for last."""
        return self._checkpointer is None or self._checkpointer.is_emptied

    def close(self) -> None:
        """Do what waits, then end the thread and close the connection. Blocks."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        if self._checkpointer is not None:
            self._checkpointer.stop()
        self._connection.close()

    def _admit(self, job: Commit) -> None:
        size = sum(len(event.data) for event in job.events)
        if self._events_waiting and (
            self._events_waiting + len(job.events) > EVENTS_WAITING or self._bytes_waiting + size > BYTES_WAITING
        ):
            raise RingpostError("overloaded")
        self._events_waiting += len(job.events)
        self._bytes_waiting += size

    # --- in the thread ---------------------------------------------------------------------------------------------
    def _run(self) -> None:
        while group := self._take():
            self._accepted = []
            self._answer(self._work(group))
            self._tend()

    def _tend(self) -> None:
        if self._checkpointer is None:
            return
        try:
            self._checkpointer.tend()
        except Exception:  # noqa: BLE001 - the log grows on, and it is tried again after the next commit
            self._failures += 1

    def _take(self) -> list[tuple[Job, _Future]]:
        """All that wait, up to the weight of a group; nothing once the writer is closing and all is done."""
        group: list[tuple[Job, _Future]] = []
        total = 0
        with self._wake:
            while not self._jobs and not self._closing:
                self._wake.wait()
            while self._jobs and total < _GROUP:
                job, future = self._jobs.popleft()
                group.append((job, future))
                total += weight(job)
                if isinstance(job, Commit):
                    self._events_waiting -= len(job.events)
                    self._bytes_waiting -= sum(len(event.data) for event in job.events)
        return group

    def _work(self, group: Sequence[tuple[Job, _Future]]) -> list[_Answer]:
        began = time.perf_counter()
        try:
            answers = self._commit([job for job, _ in group])
        except STORAGE_ERRORS as error:
            code = code_of(error, self._connection)
            self._failures += 1
            self._undo()
            return [(future, None, refusal(code, error)) for _, future in group]
        except Exception as error:  # noqa: BLE001 - whatever a job raised is its caller's to see
            code = code_of(error, self._connection)
            self._undo()
            if len(group) > 1:
                return [answer for one in group for answer in self._work([one])]
            if isinstance(error, RingpostError):
                return [(group[0][1], None, error)]
            self._failures += 1
            return [(group[0][1], None, refusal(code, error) if isinstance(error, apsw.Error) else error)]
        self._seconds += time.perf_counter() - began
        self._commits += 1
        for (job, _), answer in zip(group, answers, strict=True):
            events = job.events if isinstance(job, Commit) else job.notices if isinstance(job, Change) else ()
            if events and isinstance(answer, list):
                accepted = _accepted(events, answer)
                self._events += len(accepted)
                self._accepted += accepted
        return [
            (future, None, answer) if isinstance(answer, RingpostError) else (future, answer, None)
            for (_, future), answer in zip(group, answers, strict=True)
        ]

    def _commit(self, jobs: Sequence[Job]) -> list[object]:
        self._connection.execute("BEGIN IMMEDIATE")
        answers = self._applier.apply(jobs)
        self._connection.execute("COMMIT")
        return answers

    def _undo(self) -> None:
        self._applier.forget()
        if self._connection.in_transaction:  # SQLite has rolled back already after some errors
            try:
                self._connection.execute("ROLLBACK")
            except apsw.Error:
                self._failures += 1  # the next BEGIN fails too, and says so

    def _answer(self, answers: list[_Answer]) -> None:
        try:
            self._loop.call_soon_threadsafe(self._resolve, answers, self._accepted)
        except RuntimeError:
            self._closing = True  # the loop is gone, and with it all who could wait

    # --- in the loop -----------------------------------------------------------------------------------------------
    def _resolve(self, answers: list[_Answer], accepted: list[Accepted]) -> None:
        try:
            if accepted and self._take_accepted is not None:
                self._take_accepted(accepted)
        finally:  # what it raises goes to the loop's exception handler; the callers have their answers all the same
            self._tell(answers)

    def _tell(self, answers: list[_Answer]) -> None:
        for future, answer, error in answers:
            if future.done():
                continue  # its caller was cancelled; what it asked for is durable all the same
            if error is None:
                future.set_result(answer)
            else:
                future.set_exception(error)


def _accepted(events: Sequence[NewEvent], verdicts: Sequence[Verdict]) -> list[Accepted]:
    return [
        (verdict, new.integrations) for new, verdict in zip(events, verdicts, strict=True) if isinstance(verdict, Event)
    ]
