"""Erasing calls: found by what is in their events' data, cancelled, and taken out. Functions of a connection.

`cancel` is called in the writer's thread and transaction, the others in a reader's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Final

import apsw
import msgspec
from msgspec import Struct

from ringpost.ledger.forgetting import FoundCall, Looked

from .forgetting import Batch, part_of_call
from .sql import QUERIES

_CALLS_AT_ONCE: Final = 200


class _Call(Struct, array_like=True, frozen=True):
    """A row of `calls_of_company_from`."""

    first: int
    last: int
    ended: int | None
    events: int
    call: str


_decode_calls: Final = msgspec.json.Decoder(list[_Call]).decode


def look_for(
    connection: apsw.Connection, company: str, is_wanted: Callable[[bytes], bool], after: int, limit: int
) -> Looked:
    names = {"company": company, "after": after, "limit": _CALLS_AT_ONCE}
    calls = _decode_calls(connection.execute(QUERIES["calls_of_company_from"], names).get)
    following = calls[-1].first if len(calls) == _CALLS_AT_ONCE else None
    found = []
    events = 0
    for index, call in enumerate(calls):
        if events >= limit:
            following = calls[index - 1].first
            break
        events += call.events
        with closing(connection.execute(QUERIES["data_of_call"], {"last": call.last})) as data:
            concerns_it = any(is_wanted(row[0]) for row in data)  # one at a time: a call may have many, and large ones
        if concerns_it:
            found.append(_found(connection, call))
    return Looked(calls=tuple(found), events=events, next=following)


def _found(connection: apsw.Connection, call: _Call) -> FoundCall:
    events, deliveries, pending, attempts = connection.execute(QUERIES["parts_of_call"], {"last": call.last}).get
    return FoundCall(
        call=call.call,
        has_ended=call.ended is not None,
        events=events,
        deliveries=deliveries,
        pending=pending,
        attempts=attempts,
    )


def pending_events(connection: apsw.Connection, company: str, call: str) -> list[int]:
    """The numbers of the events of a call that has ended of which something is pending."""
    rows = connection.execute(QUERIES["pending_events_of_call"], {"company": company, "call": call})
    return [seq for (seq,) in rows]


def cancel(connection: apsw.Connection, seqs: Sequence[int], now: int) -> dict[str, int]:
    """Cancel what is pending of these events; how many deliveries, by integration."""
    names = {"seqs": msgspec.json.encode(seqs).decode(), "now": now}
    counts: dict[str, int] = {}
    for (integration,) in connection.execute(QUERIES["cancel_deliveries_of_events"], names):
        counts[integration] = counts.get(integration, 0) + 1
    return counts


def part(connection: apsw.Connection, company: str, call: str, limit: int) -> Batch | None:
    """As much of a call that has ended as goes out at once; None: it is not there, or goes on."""
    found = connection.execute(QUERIES["ended_call"], (company, call)).fetchone()
    if found is None:
        return None
    first, last = found
    return part_of_call(connection, first, last, limit)
