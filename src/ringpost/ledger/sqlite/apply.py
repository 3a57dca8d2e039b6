"""Applying jobs to the file, within a transaction that the writer opened.

Runs in the writer's thread. Neighbouring jobs of a kind are written together: a row costs far less that way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import apsw

from ringpost.errors import RingpostError

from .accept import Acceptor
from .jobs import Change, Commit, Job, Record
from .memory import remember
from .record import record


class Applier:
    def __init__(self, connection: apsw.Connection, now: Callable[[], int]) -> None:
        self._connection = connection
        self._now = now
        self._acceptor = Acceptor(connection, now)

    def forget(self) -> None:
        """The transaction was rolled back."""
        self._acceptor.forget()

    def apply(self, jobs: Sequence[Job]) -> list[object]:
        """The answers to the jobs, in their order; of a change that was refused its `RingpostError`."""
        answers: list[object] = [None] * len(jobs)
        commits: list[int] = []
        records: list[int] = []
        for place, job in enumerate(jobs):
            match job:
                case Commit():
                    commits.append(place)
                case Record():
                    records.append(place)
                case Change():
                    self._write(jobs, commits, records, answers)
                    commits, records = [], []
                    answers[place] = self._change(job)
        self._write(jobs, commits, records, answers)
        return answers

    def _write(self, jobs: Sequence[Job], commits: list[int], records: list[int], answers: list[object]) -> None:
        """Accept, then record. These may change places: an attempt is of an event that was accepted long before."""
        if commits:
            verdicts = self._acceptor.accept([job for place in commits if isinstance(job := jobs[place], Commit)])
            for place, answer in zip(commits, verdicts, strict=True):
                answers[place] = answer
        if records:
            record(self._connection, [job for place in records if isinstance(job := jobs[place], Record)])

    def _change(self, job: Change) -> object:
        """Its answer, or its refusal, which then has changed nothing: others' jobs in the transaction stay as they are.

        Were the whole group broken up for it, anyone could slow all others down by asking for what is refused.
        """
        self._connection.execute("SAVEPOINT change")
        try:
            answer = self._run(job)
        except RingpostError as refusal:
            self._connection.execute("ROLLBACK TO change")
            answer = refusal
        self._connection.execute("RELEASE change")
        self._acceptor.forget_integrations()
        return answer

    def _run(self, job: Change) -> object:
        answer = job.run(self._connection)
        if job.remember is not None:
            remember(self._connection, job.remember, [], self._now())
        if job.notices:
            self._acceptor.forget_integrations()  # this change may be a deletion
            [answer] = self._acceptor.accept([Commit(job.notices, None)])
        return answer
