"""Accepting events within a transaction: the rules of a call, sequence and numbers, and the deliveries owed.

A notice belongs to no call: it has no row in `calls` and no rules, and is first and last in its own chain.

Runs in the writer's thread. It keeps what it knows of open calls in memory, so that most events need no look-up;
after a transaction that failed it must be told to `forget`. The number given out last is never taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import apsw
import msgspec

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Verdict
from ringpost.model.event import CALL_END, CALL_START, NOTICE, SOURCE, Event, NewEvent, Origin, next_seq

from .jobs import Commit
from .memory import remember
from .rows import CANCELLED, PENDING
from .sql import QUERIES, Many

_FIND_CALLS: Final = Many(QUERIES["find_calls"])
_PUT_CALLS: Final = Many(QUERIES["put_calls"])
_ADD_EVENTS: Final = Many(QUERIES["add_events"])
_ADD_DELIVERIES: Final = Many(QUERIES["add_deliveries"])
_CALLS_KEPT: Final = 50_000


class _Call(msgspec.Struct, array_like=True):
    """A row of `calls`, in the order of find_calls."""

    company: str
    call: str
    pbx: str
    origin: Origin
    first: int
    started: int
    updated: int
    ended: int | None
    events: int
    last: int


_decode_calls: Final = msgspec.json.Decoder(list[_Call]).decode


class Acceptor:
    def __init__(self, connection: apsw.Connection, now: Callable[[], int]) -> None:
        self._connection = connection
        self._now = now
        self._last: int = connection.execute(QUERIES["last_seq"]).get
        self._calls: dict[tuple[str, str], _Call] = {}
        self._ended: list[tuple[str, str]] = []  # calls that were looked up, and had ended
        self._deleted: set[tuple[str, str]] | None = None

    def forget(self) -> None:
        """The transaction failed, so what was learnt in it is not so: read it again when it is needed."""
        self._calls.clear()
        self._deleted = None

    def forget_integrations(self) -> None:
        """Integrations may have changed."""
        self._deleted = None

    def accept(self, jobs: Sequence[Commit]) -> list[list[Verdict]]:
        """The verdicts on each job's events, which are then in the transaction."""
        now = self._now()
        calls = self._find_calls(event for job in jobs for event in job.events)
        events: list[apsw.SQLiteValue] = []
        deliveries: list[apsw.SQLiteValue] = []
        touched: dict[int, _Call] = {}
        answers: list[list[Verdict]] = []
        for job in jobs:
            verdicts: list[Verdict] = []
            strange: dict[tuple[str, str], str] = {}
            for new in job.events:
                if new.origin == NOTICE:
                    verdicts.append(self._accept_notice(new, now, events, deliveries))
                    continue
                key = (new.company, new.call)
                call = calls.get(key)
                refusal = (strange.get(key) if new.origin == SOURCE else None) or _refusal(new, call)
                if refusal is not None:
                    if new.type == CALL_START and new.origin == SOURCE:
                        strange[key] = refusal  # the id is another call's: so are none of the events that follow
                    verdicts.append(RingpostError(refusal))
                    continue
                self._last = seq = next_seq(self._last, now)
                previous = None if call is None else call.last
                call = calls[key] = _advance(call, new, seq)
                touched[call.first] = call
                events += (
                    seq, new.company, new.call, call.events, previous, new.pbx, call.updated, new.type, now, new.data,
                )  # fmt: skip
                if new.integrations:
                    self._owe(new, seq, now, deliveries)
                verdicts.append(
                    Event(
                        company=new.company,
                        seq=seq,
                        call=new.call,
                        sequence=call.events,
                        pbx=new.pbx,
                        time=call.updated,
                        type=new.type,
                        accepted=now,
                        data=new.data,
                    )
                )
            answers.append(verdicts)
        if events:
            self._write(events, deliveries, touched)
        self._forget_ended()
        for job, verdicts in zip(jobs, answers, strict=True):
            if job.remember is not None:
                remember(self._connection, job.remember, verdicts, now)
        return answers

    def _accept_notice(
        self, new: NewEvent, now: int, events: list[apsw.SQLiteValue], deliveries: list[apsw.SQLiteValue]
    ) -> Event:
        self._last = seq = next_seq(self._last, now)
        events += (seq, new.company, new.call, 1, None, new.pbx, new.time, new.type, now, new.data)
        self._owe(new, seq, now, deliveries)
        return Event(
            company=new.company,
            seq=seq,
            call=new.call,
            sequence=1,
            pbx=new.pbx,
            time=new.time,
            type=new.type,
            accepted=now,
            data=new.data,
        )

    def _find_calls(self, events: Iterable[NewEvent]) -> dict[tuple[str, str], _Call]:
        """The calls that are known, those of these events among them as far as there are any."""
        if len(self._calls) > _CALLS_KEPT:
            self._calls.clear()
        calls = self._calls
        missing = {
            (event.company, event.call)
            for event in events
            if (event.company, event.call) not in calls and event.origin != NOTICE
        }
        if missing:
            names: list[apsw.SQLiteValue] = [name for key in missing for name in key]
            for found in _FIND_CALLS.run(self._connection, names):
                for call in _decode_calls(found):  # type: ignore[arg-type]
                    calls[call.company, call.call] = call
                    if call.ended is not None:
                        self._ended.append((call.company, call.call))
        return calls

    def _forget_ended(self) -> None:
        """Calls that had ended before: they may be erased or forgotten, and then their ids are free."""
        for key in self._ended:
            self._calls.pop(key, None)
        self._ended.clear()

    def _owe(self, new: NewEvent, seq: int, now: int, deliveries: list[apsw.SQLiteValue]) -> None:
        if self._deleted is None:
            self._deleted = set(self._connection.execute(QUERIES["deleted_integrations"]))
        for integration in dict.fromkeys(new.integrations):
            # An integration that was deleted after the event was matched: nothing may stay pending for it.
            cancelled = (new.company, integration) in self._deleted
            deliveries += (
                seq, integration, new.company, new.call, new.type,
                CANCELLED if cancelled else PENDING, None if cancelled else 0, now, now,
            )  # fmt: skip

    def _write(
        self, events: list[apsw.SQLiteValue], deliveries: list[apsw.SQLiteValue], touched: dict[int, _Call]
    ) -> None:
        calls: list[apsw.SQLiteValue] = []
        for call in touched.values():
            calls += msgspec.structs.astuple(call)
            if call.ended is not None:
                self._calls.pop((call.company, call.call), None)
        _ADD_EVENTS.run(self._connection, events)
        _PUT_CALLS.run(self._connection, calls)
        _ADD_DELIVERIES.run(self._connection, deliveries)
        self._connection.execute(QUERIES["keep_last_seq"], (self._last,))


def _refusal(new: NewEvent, call: _Call | None) -> str | None:
    """The code of the refusal where the event may not follow what its call has."""
    if call is None:
        return None if new.type == CALL_START else "call_not_started"
    if new.origin != call.origin:
        if call.origin == SOURCE:
            return "call_of_source"
        if new.type != CALL_START:
            return "call_not_started"  # the source's own call of this id was not
    if call.ended is not None:
        return "call_already_ended"
    return "call_already_started" if new.type == CALL_START else None


def _advance(call: _Call | None, new: NewEvent, seq: int) -> _Call:
    """The call with one event more."""
    if call is None:
        return _Call(new.company, new.call, new.pbx, new.origin, seq, new.time, new.time, None, 1, seq)
    call.updated = max(call.updated, new.time)
    call.ended = call.updated if new.type == CALL_END else None
    call.events += 1
    call.last = seq
    return call
