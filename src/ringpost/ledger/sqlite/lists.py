"""The lists that are read page by page. Functions of a connection, called in a reader's thread.

Each reads about as many rows as it shows, however many there are in the file; only `events` walks along the chain of
its call, over the numbers alone.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import groupby, islice
from typing import Final

import apsw
import msgspec

from ringpost.ledger.ledger import PAGE_BYTES, DeliveryFilter, Page
from ringpost.model.call import Call
from ringpost.model.delivery import Delivery
from ringpost.model.event import Event, next_seq
from ringpost.model.notice import company_of_lane

from .backlog import next_integration
from .cursors import read_cursor, write_cursor
from .rows import NUMBERS, Row, to_call, to_delivery, to_event
from .sql import QUERIES

_HIGHEST: Final = (1 << 63) - 1
_LOOKED_AT: Final = 5_000  # numbers at once


def calls(
    connection: apsw.Connection, company: str | None, *, open_only: bool, cursor: str | None, limit: int
) -> Page[Call]:
    place = read_cursor("calls", cursor)
    query = ("calls_going_on" if open_only else "calls") + ("_of_all" if company is None else "")
    before = _HIGHEST if place is None else place[0]
    names = {"company": company, "before": before, "limit": limit + 1}
    with closing(connection.execute(QUERIES[query], names)) as found:
        rows, is_last = _fitting(found, limit)
    return Page([to_call(row) for row in rows], None if is_last else write_cursor("calls", rows[-1][0]))


def events(connection: apsw.Connection, company: str, call: str, cursor: str | None, limit: int) -> Page[Event]:
    """A page of a call's events. The cursor holds the last one's number within the call."""
    place = read_cursor("events", cursor)
    after = 0 if place is None else min(place[0], _HIGHEST // 2)
    names = {"company": company, "call": call, "after": after, "limit": limit + 1}
    seqs = sorted(seq for (seq,) in connection.execute(QUERIES["seqs_of_call"], names))
    with closing(connection.execute(QUERIES["bodies"], of_seqs(company, seqs))) as found:
        rows, is_last = _fitting(found, limit)
    page = [to_event(row) for row in rows]
    return Page(page, None if is_last else write_cursor("events", page[-1].sequence))


def notices(
    connection: apsw.Connection,
    company: str | None,
    type_: str | None,
    since: int | None,
    until: int | None,
    cursor: str | None,
    limit: int,
) -> Page[Event]:
    place = read_cursor("notices", cursor)
    lowest, highest = bounds(since, until)
    names = {
        "company": company,
        "type": type_,
        "since": lowest,
        "until": highest if place is None else min(highest, place[0] - 1),
        "limit": limit + 1,
    }
    with closing(connection.execute(QUERIES["notices_of_all" if company is None else "notices"], names)) as found:
        rows, is_last = _fitting(found, limit)
    page = [to_event(row) for row in rows]
    return Page(page, None if is_last else write_cursor("notices", page[-1].seq))


def of_seqs(company: str, seqs: Sequence[int]) -> dict[str, str]:
    """The values of a statement about the events with these numbers."""
    return {"company": company, "seqs": msgspec.json.encode(seqs).decode()}


def _fitting(found: Iterable[Row], limit: int) -> tuple[list[Row], bool]:
    """The rows of a page, and whether there is none after them. The data comes last in a row."""
    rows: list[Row] = []
    size = 0
    for row in found:
        size += len(row[-1])
        if rows and (len(rows) == limit or size > PAGE_BYTES):
            return rows, False
        rows.append(row)
    return rows, True


def deliveries(
    connection: apsw.Connection, company: str | None, wanted: DeliveryFilter, cursor: str | None, limit: int
) -> Page[Delivery]:
    place = read_cursor("deliveries", cursor)
    with ExitStack() as open_streams:
        if wanted.call is not None:
            rows = of_call(connection, open_streams, company, wanted, place)
        elif company is None and wanted.integration is None and wanted.state is None:
            rows = _stream(connection, open_streams, "deliveries_of_all", wanted, place)
        else:
            rows = _merged(connection, open_streams, company, wanted, place)
        rest = (row for row in rows if place is None or place_of(row) < place)
        found = [to_delivery(row) for row in islice(rest, limit + 1)]
    shown = found[:limit]
    after = write_cursor("deliveries", shown[-1].seq, shown[-1].integration) if len(found) > limit else None
    return Page(shown, after)


def of_call(
    connection: apsw.Connection,
    open_streams: ExitStack,
    company: str | None,
    wanted: DeliveryFilter,
    place: tuple[int, str] | None,
) -> Iterator[Row]:
    """The deliveries of a call, of which more than one company may have one with this id, or of a lane of notices."""
    of_notices = company_of_lane(wanted.call or "")
    query = "deliveries_of_call" if of_notices is None else "deliveries_of_notices"
    if company is not None:
        companies = [company]
    else:
        companies = _companies_of_call(connection, wanted.call) if of_notices is None else [of_notices]
    streams = [
        _stream(connection, open_streams, query, wanted, place, company=name, integration=wanted.integration)
        for name in companies
    ]
    numbers = NUMBERS[wanted.state]
    return (row for row in heapq.merge(*map(_newest_first, streams), key=place_of, reverse=True) if row[5] in numbers)


def _newest_first(rows: Iterator[Row]) -> Iterator[Row]:
    """Rows that are in the order of their events, put in order within each event."""
    for _, of_event in groupby(rows, key=lambda row: row[2]):
        yield from sorted(of_event, key=place_of, reverse=True)


def _companies_of_call(connection: apsw.Connection, call: str | None) -> list[str]:
    return [name for (name,) in connection.execute(QUERIES["companies_of_call"], (call,))]


def _merged(
    connection: apsw.Connection,
    open_streams: ExitStack,
    company: str | None,
    wanted: DeliveryFilter,
    place: tuple[int, str] | None,
) -> Iterator[Row]:
    """One stream for each integration and state, merged: of most of them only the first row is read."""
    streams = [
        _stream(
            connection, open_streams, "deliveries_in_state", wanted, place, company=of, integration=name, state=number
        )
        for of, name in integrations(connection, company, wanted.integration)
        for number in NUMBERS[wanted.state]
    ]
    return heapq.merge(*streams, key=place_of, reverse=True)


def integrations(
    connection: apsw.Connection, company: str | None, integration: str | None
) -> Iterator[tuple[str, str]]:
    """(company, integration) of those that were ever owed something."""
    if company is not None and integration is not None:
        yield company, integration
        return
    found = next_integration(connection, company or "", "")
    while found is not None and company in {None, found[0]}:
        if integration in {None, found[1]}:
            yield found
        found = next_integration(connection, *found)


def _stream(
    connection: apsw.Connection,
    open_streams: ExitStack,
    query: str,
    wanted: DeliveryFilter,
    place: tuple[int, str] | None,
    *,
    company: str | None = None,
    integration: str | None = None,
    state: int | None = None,
) -> Iterator[Row]:
    since, until = bounds(wanted.since, wanted.until)
    names = {
        "company": company,
        "integration": integration,
        "state": state,
        "call": wanted.call,
        "place": None if place is None else place[0],
        "since": since,
        "until": until if place is None else min(until, place[0]),
        "type": wanted.type,
    }
    return open_streams.enter_context(closing(connection.execute(QUERIES[query], names)))


def bounds(since: int | None, until: int | None) -> tuple[int, int]:
    """The lowest and highest seq of the time that is asked for (ms): a seq begins with its time of acceptance."""
    lowest = 0 if since is None else next_seq(0, since)
    highest = _HIGHEST if until is None else next_seq(0, until + 1) - 1
    return min(lowest, _HIGHEST), min(highest, _HIGHEST)


def events_after(connection: apsw.Connection, company: str, seq: int, limit: int) -> tuple[list[Event], int]:
    """See `Ledger.events_after`: of so many numbers at a time, as others' events are between."""
    end = connection.execute(QUERIES["numbers_after"], {"seq": seq, "limit": _LOOKED_AT}).get
    if end is None:
        return [], seq
    names = {"company": company, "seq": seq, "end": end, "limit": limit}
    events = [to_event(row) for row in connection.execute(QUERIES["events_after"], names)]
    return events, events[-1].seq if len(events) == limit else end


def place_of(row: Row) -> tuple[int, str]:
    return row[2], row[1]
