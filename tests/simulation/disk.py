"""The simulated ledger: the real `SqliteLedger` with all its SQL, over a file in memory that outlives the process.

The commits, their order, delays and failures are decided by chance in virtual time. Only two parts of the real ledger
are replaced, each by a subclass or a stand-in of the same shape: the writer's thread and the readers' threads.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, TypeVar, cast

import apsw

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Accepted
from ringpost.ledger.sqlite.apply import Applier
from ringpost.ledger.sqlite.file import Lock
from ringpost.ledger.sqlite.jobs import Job, Record
from ringpost.ledger.sqlite.readers import Readers
from ringpost.ledger.sqlite.sql import migrations
from ringpost.ledger.sqlite.store import SqliteLedger
from ringpost.ledger.sqlite.writer import Writer

T = TypeVar("T")
Mode = Literal["well", "slow", "flaky", "full", "unreadable"]
_FAILURES: Final[dict[Mode, float]] = {"well": 0.0, "slow": 0.02, "flaky": 0.3, "full": 1.0, "unreadable": 0.05}
_READ_FAILURES: Final[dict[Mode, float]] = {"well": 0.0, "slow": 0.1, "flaky": 0.5, "full": 0.0, "unreadable": 1.0}
_RETURNS: Final = 0.5  # how often a commit that failed in its last step is found durable after a crash


class Disk:
    """What is left when the process dies. step: called at each point where it may die."""

    def __init__(self, chance: random.Random, step: Callable[[str], None]) -> None:
        self.connection = apsw.Connection(":memory:", statementcachesize=256)
        for script in migrations():
            self.connection.execute(script)
        self.chance = chance
        self.step = step
        self.mode: Mode = "well"
        self.unsure: list[Job] = []  # the jobs of a commit that failed in its last step

    def delay(self) -> float:
        """Seconds that a read or a commit takes."""
        if self.mode == "slow":
            return self.chance.choice((0.01, 0.3, 2.0))
        return self.chance.uniform(0.0001, 0.003)

    def fail_read(self) -> bool:
        return self.chance.random() < _READ_FAILURES[self.mode]

    def fail_commit(self) -> bool:
        return self.chance.random() < _FAILURES[self.mode]

    def crash(self, now: Callable[[], int]) -> bool:
        """The process died: what was not committed is gone. A commit that failed when it was synced may have reached
        the disk all the same: whether it is found there now."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")
        unsure, self.unsure = self.unsure, []
        if not unsure or self.chance.random() >= _RETURNS:
            return False
        self.connection.execute("BEGIN")
        try:
            Applier(self.connection, now).apply(unsure)
        except RingpostError:
            self.connection.execute("ROLLBACK")
            return False
        self.connection.execute("COMMIT")
        return True

    def rows(self, query: str, *values: apsw.SQLiteValue) -> list[tuple[Any, ...]]:
        """A look at the truth, for checks."""
        return self.connection.execute(query, values).fetchall()


class SimulatedWriter(Writer):
    """The real writer, with turns of the loop in place of its thread (which ends as it begins)."""

    def __init__(self, disk: Disk, now: Callable[[], int]) -> None:
        super().__init__(disk.connection, now)
        self._disk = disk
        self._has_turn = False
        self._answered = 0.0  # when the last answers leave; the next leave after them
        self.is_alive = True

    def submit(self, job: Job) -> asyncio.Future[Any]:
        if not self.is_alive:
            raise RingpostError("stopping")
        future = super().submit(job)
        self._disk.step("submitted")
        self._turn_soon()
        return future

    def close(self) -> None:
        self._closing = True

    def _run(self) -> None: ...

    def _turn_soon(self) -> None:
        if self._jobs and not self._has_turn:
            self._has_turn = True
            self._loop.call_later(self._disk.delay(), self._turn)

    def _turn(self) -> None:
        self._has_turn = False
        group = self._take()
        self._accepted: list[Accepted] = []
        answers = self._work(group)
        self._disk.step("committed")
        self._answered = max(self._answered + 1e-6, self._loop.time() + self._disk.delay() / 4)
        self._loop.call_at(self._answered, self._resolve, answers, self._accepted)
        self._turn_soon()

    def _commit(self, jobs: Sequence[Job]) -> list[object]:
        disk = self._disk
        fails = disk.fail_commit()
        kind = disk.chance.choice(("before", "within", "at the end", "after")) if fails else ""
        if kind == "before" or (fails and disk.mode == "full"):
            raise apsw.FullError("simulated") if disk.mode == "full" else apsw.IOError("simulated")
        self._connection.execute("BEGIN IMMEDIATE")
        answers = self._applier.apply(jobs)
        disk.step("within")
        if kind == "within":
            raise apsw.IOError("simulated")
        if kind == "at the end" or (kind == "after" and not all(isinstance(job, Record) for job in jobs)):
            disk.unsure = list(jobs)
            raise apsw.IOError("simulated")
        self._connection.execute("COMMIT")
        disk.unsure = []
        if kind == "after":  # durable, and whoever waits for it hears of a failure: results are then recorded again
            raise apsw.IOError("simulated")
        return answers


class SimulatedReaders:
    """Reads that take their time before and after they see the file, and fail as the disk does."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    async def read(self, query: Callable[[apsw.Connection], T]) -> T:
        await asyncio.sleep(self._disk.delay())
        if self._disk.fail_read():
            raise RingpostError("ledger_unavailable")
        answer = query(self._disk.connection)
        await asyncio.sleep(self._disk.delay())
        return answer

    def close(self) -> None: ...


class _NoLock:
    def release(self) -> None: ...


class SimulatedLedger(SqliteLedger):
    """One process's ledger on a disk."""

    def __init__(self, disk: Disk, now: Callable[[], int]) -> None:
        self.writer = SimulatedWriter(disk, now)
        readers = cast("Readers", SimulatedReaders(disk))
        super().__init__(cast("Lock", _NoLock()), self.writer, (readers, readers), now)

    async def recover(self) -> None:
        """What opening the real one does."""
        await self._cancel_left()

    async def close(self) -> None:
        self.writer.close()
