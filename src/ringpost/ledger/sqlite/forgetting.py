"""Taking what is old out of the file, batch by batch: found by a reader beside the commits, removed by the writer.

A batch is small, so that a commit that comes meanwhile waits a few ms at most. A call goes from its newest event back,
and its row names the event that is then the newest: what is left of it is whole at any moment, also after a crash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import apsw
import msgspec
from msgspec import Struct

from ringpost.ledger.forgetting import Forgotten, Place
from ringpost.model.event import next_seq

from .rows import Row
from .sql import QUERIES

Findable = Literal["calls", "attempts", "notices"]
_START: Final[Place] = (0, "", 0)
_CALLS_AT_ONCE: Final = 100
_encode: Final = msgspec.json.encode


class _Call(Struct, array_like=True, frozen=True):
    """A row of `calls_from`."""

    first: int
    last: int
    ended: int | None
    events: int


class _Link(Struct, array_like=True, frozen=True):
    """An event in the chain of its call, newest first; its deliveries, those of them that are pending, and their
    attempts, counted."""

    first: int
    seq: int
    previous: int | None
    deliveries: int
    pending: int
    attempts: int

    @property
    def rows(self) -> int:
        return 1 + self.deliveries + self.attempts


_decode_calls: Final = msgspec.json.Decoder(list[_Call]).decode
_decode_links: Final = msgspec.json.Decoder(list[_Link]).decode


class Batch(Struct, frozen=True, kw_only=True):
    """What to remove. events: numbers; calls: those that are gone then, by their first event; cut: of calls that are
    left in part, first and last event now, and the last one then; attempts: keys; next: where to go on."""

    events: Sequence[int] = ()
    calls: Sequence[int] = ()
    cut: Sequence[tuple[int, int, int | None]] = ()
    attempts: Sequence[Place] = ()
    next: Place | None = None


# --- found by a reader ---------------------------------------------------------------------------------------------
def find(connection: apsw.Connection, kind: Findable, before: int, place: Place | None, limit: int) -> Batch:
    """before: ms; limit: about how many rows of all tables."""
    match kind:
        case "calls":
            return _old_calls(connection, next_seq(0, before), (place or _START)[0], limit)
        case "notices":
            return _old_notices(connection, next_seq(0, before), (place or _START)[0], limit)
        case "attempts":
            return _old_attempts(connection, before, place or _START, limit)


def part_of_call(connection: apsw.Connection, first: int, last: int, limit: int) -> Batch:
    """The newest events of one call, or all of it."""
    chain = _chains(connection, [first], limit).get(first, [])
    return _part(first, last, chain, limit)


def _old_calls(connection: apsw.Connection, before: int, after: int, limit: int) -> Batch:
    names = {"after": after, "before": before, "limit": _CALLS_AT_ONCE}
    calls = _decode_calls(connection.execute(QUERIES["calls_from"], names).get)
    following = (calls[-1].first, "", 0) if len(calls) == _CALLS_AT_ONCE else None
    wanted: list[_Call] = []
    weight = 0
    for call in calls:
        if weight >= limit:
            following = (call.first - 1, "", 0)
            break
        if call.ended is not None and call.last < before:
            wanted.append(call)
            weight += min(call.events, limit)
    chains = _chains(connection, [call.first for call in wanted], limit)
    events: list[int] = []
    gone: list[int] = []
    rows = 0
    for call in wanted:
        chain = chains.get(call.first, [])
        if any(link.pending for link in chain):
            continue
        size = sum(link.rows for link in chain)
        if rows and rows + size > limit:
            following = (call.first - 1, "", 0)
            break
        part = _part(call.first, call.last, chain, limit)
        if part.cut:
            return Batch(events=part.events, cut=part.cut, next=(call.first - 1, "", 0))
        events += part.events
        gone.append(call.first)
        rows += size
    return Batch(events=events, calls=gone, next=following)


def _part(first: int, last: int, chain: Sequence[_Link], limit: int) -> Batch:
    """As many of a call's newest events as make a batch."""
    taken: list[_Link] = []
    rows = 0
    for link in chain:
        if taken and rows + link.rows > limit:
            break
        taken.append(link)
        rows += link.rows
    events = [link.seq for link in taken]
    if not taken or taken[-1].previous is None:
        return Batch(events=events, calls=[first])
    return Batch(events=events, cut=[(first, last, taken[-1].previous)])


def _chains(connection: apsw.Connection, firsts: Sequence[int], limit: int) -> dict[int, list[_Link]]:
    """Up to so many of the newest events of these calls, as one JSON text: each step of a statement hands the
    interpreter over to others."""
    names = {"firsts": _encode(firsts).decode(), "limit": limit}
    chains: dict[int, list[_Link]] = {}
    for link in _decode_links(connection.execute(QUERIES["chains_of_calls"], names).get):
        chains.setdefault(link.first, []).append(link)
    for chain in chains.values():
        chain.sort(key=lambda link: link.seq, reverse=True)
    return chains


def _old_notices(connection: apsw.Connection, before: int, after: int, limit: int) -> Batch:
    names = {"after": after, "before": before, "limit": limit}
    found = _decode_links(connection.execute(QUERIES["old_notices"], names).get)
    events: list[int] = []
    rows = 0
    for link in found:
        if rows >= limit:
            return Batch(events=events, next=(link.seq - 1, "", 0))
        if not link.pending:
            events.append(link.seq)
            rows += link.rows
    return Batch(events=events, next=(found[-1].seq, "", 0) if len(found) == limit else None)


def _old_attempts(connection: apsw.Connection, before: int, after: Place, limit: int) -> Batch:
    """An attempt is as old as itself: an old delivery may have been replayed lately."""
    seq, integration, number = after
    below = next_seq(0, before)
    names = {"seq": seq, "integration": integration, "number": number, "below": below, "limit": limit}
    found: list[Row] = connection.execute(QUERIES["old_attempts"], names).fetchall()
    keys = [row[:3] for row in found if row[3] < before and not row[4]]
    return Batch(attempts=keys, next=found[-1][:3] if len(found) == limit else None)


# --- removed by the writer -----------------------------------------------------------------------------------------
def remove(connection: apsw.Connection, batch: Batch, *, pending_too: bool = False) -> Forgotten:
    """In the writer's transaction. Where something became pending since it was found, the batch is left for the next
    pass. pending_too: remove it all the same."""
    seqs = {"seqs": _encode(batch.events).decode()}
    if batch.events and not pending_too and connection.execute(QUERIES["is_pending"], seqs).get:
        return Forgotten(next=batch.next)
    events = deliveries = attempts = 0
    if batch.events:
        attempts = _changed(connection, "delete_attempts_of_events", seqs)
        deliveries = _changed(connection, "delete_deliveries_of_events", seqs)
        events = _changed(connection, "delete_events", seqs)
    if batch.attempts:
        attempts += _changed(connection, "delete_attempts", {"attempts": _encode(batch.attempts).decode()})
    for first, last, then in batch.cut:
        connection.execute(QUERIES["cut_call"], {"first": first, "last": last, "then": then})
    calls = _changed(connection, "delete_calls", {"firsts": _encode(batch.calls).decode()}) if batch.calls else 0
    return Forgotten(calls=calls, events=events, deliveries=deliveries, attempts=attempts, next=batch.next)


def both(one: Forgotten, other: Forgotten) -> Forgotten:
    """What two batches of calls took out."""
    return Forgotten(
        calls=one.calls + other.calls,
        events=one.events + other.events,
        deliveries=one.deliveries + other.deliveries,
        attempts=one.attempts + other.attempts,
        next=other.next,
    )


def remove_answers(connection: apsw.Connection, before: int, limit: int) -> Forgotten:
    """Remembered answers; before: ms."""
    answers = _changed(connection, "forget_old", {"before": before, "limit": limit})
    return Forgotten(answers=answers, next=_START if answers == limit else None)


def remove_works(connection: apsw.Connection, before: int, limit: int) -> Forgotten:
    """Works that ended; before: ms."""
    works = _changed(connection, "forget_works", {"before": next_seq(0, before), "limit": limit})
    return Forgotten(works=works, next=_START if works == limit else None)


def _changed(connection: apsw.Connection, query: str, names: Mapping[str, apsw.SQLiteValue]) -> int:
    connection.execute(QUERIES[query], names)
    return connection.changes()
