"""Finding deliveries, newest first, and counting them. Functions of a connection, called in a reader's thread.

What is found is merged from one stream for each integration and state; where those are very many, the rows are walked
along instead. Each stream reads chunks, so few steps of SQLite, and says where it stopped when the time was over.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from time import perf_counter
from typing import Any, Final

import apsw
import msgspec

from ringpost.ledger.ledger import DeliveryFilter
from ringpost.ledger.views import Backlog, Count, Counts, DeliverySearch, Found
from ringpost.model.delivery import Delivery
from ringpost.model.event import accepted_at
from ringpost.model.search import Search

from .cursors import read_cursor, write_cursor
from .lists import bounds, integrations, of_call, place_of
from .rows import CANCELLED, DELIVERED, EXHAUSTED, FAILING, NUMBERS, PENDING, Row, to_delivery
from .sql import QUERIES

_HIGHEST: Final = (1 << 63) - 1
_INTEGRATIONS_MERGED: Final = 200
_READ_FIRST: Final = 512  # rows, by all streams together
_MOST: Final = 1_000  # rows in a chunk
_OF_CALL_AT_ONCE: Final = 64  # rows between looks at the clock

Place = tuple[int, str]
Step = tuple[Place, Row | None]  # a row that is wanted; or None: it looked down to this place, and looks on


def find(
    connection: apsw.Connection,
    company: str | None,
    wanted: DeliverySearch,
    cursor: str | None,
    limit: int,
    within_ms: int,
) -> Found[Delivery]:
    """See `views.Views.find_deliveries`."""
    by = perf_counter() + within_ms / 1_000
    place = read_cursor("deliveries", cursor)
    shown: list[Delivery] = []
    with ExitStack() as open_streams:
        for at, row in while_time(_steps(connection, open_streams, company, wanted, place, limit), by):
            if row is None:
                return Found(shown, write_cursor("deliveries", *at), accepted_at(at[0]))
            if len(shown) == limit:
                return Found(shown, write_cursor("deliveries", shown[-1].seq, shown[-1].integration))
            shown.append(to_delivery(row))
    return Found(shown, None)


def count(
    connection: apsw.Connection, company: str, integration: str | None, since: int | None, until: int | None, limit: int
) -> Counts:
    """See `views.Views.count_deliveries`."""
    totals = dict.fromkeys(NUMBERS[None], 0)
    named = list(islice(integrations(connection, company, integration), _INTEGRATIONS_MERGED + 1))
    for name in named[:_INTEGRATIONS_MERGED]:
        for state, number in _in_states(connection, name, since, until, limit).items():
            totals[state] += number
    all_were_asked = len(named) <= _INTEGRATIONS_MERGED

    def of(*states: int) -> Count:
        total = sum(totals[state] for state in states)
        return Count(min(total, limit), more=total > limit or not all_were_asked)

    return Counts(
        all=of(*totals),
        pending=of(PENDING, FAILING),
        failing=of(FAILING),
        delivered=of(DELIVERED),
        exhausted=of(EXHAUSTED),
        cancelled=of(CANCELLED),
    )


def backlogs(
    connection: apsw.Connection, names: Sequence[tuple[str, str]], limit: int
) -> Mapping[tuple[str, str], Backlog]:
    """See `views.Views.backlogs`."""
    found = {}
    for company, integration in names:
        of = {"company": company, "integration": integration, "limit": limit + 1}
        [(pending, failing)] = connection.execute(QUERIES["count_owed"], of)
        oldest = connection.execute(QUERIES["oldest_owed"], of).get
        found[company, integration] = Backlog(
            pending=_count(pending + failing, limit),
            failing=_count(failing, limit),
            oldest=None if oldest is None else accepted_at(oldest),
        )
    return found


def count_open_calls(connection: apsw.Connection, company: str | None, limit: int) -> Count:
    """See `views.Views.count_open_calls`."""
    if company is None:
        return _count(connection.execute(QUERIES["count_all_open_calls"], (limit + 1,)).get, limit)
    return _count(connection.execute(QUERIES["count_open_calls"], (company, limit + 1)).get, limit)


def _in_states(
    connection: apsw.Connection, name: tuple[str, str], since: int | None, until: int | None, limit: int
) -> dict[int, int]:
    lowest, highest = bounds(since, until)
    names = {"company": name[0], "integration": name[1], "since": lowest, "until": highest, "limit": limit + 1}
    found = connection.execute(QUERIES["count_in_states"], names).get
    return dict(msgspec.json.decode(found, type=list[tuple[int, int]]))


def _count(total: int, limit: int) -> Count:
    return Count(min(total, limit), more=total > limit)


def while_time(steps: Iterator[Step], by: float) -> Iterator[Step]:
    """The rows, and where it stopped once the time was over."""
    for at, row in steps:
        if row is not None:
            yield at, row
        elif perf_counter() > by:
            yield at, None
            return


# --- the rows that are wanted --------------------------------------------------------------------------------------
def _steps(
    connection: apsw.Connection,
    open_streams: ExitStack,
    company: str | None,
    wanted: DeliverySearch,
    place: Place | None,
    limit: int,
) -> Iterator[Step]:
    if wanted.call is not None:
        return _of_call(connection, open_streams, company, wanted, place)
    named = few_integrations(connection, company, wanted.integration)
    if named is None:
        return _walk(connection, company, wanted, place, limit)
    return merged(connection, named, NUMBERS[wanted.state], wanted, place, limit)


def few_integrations(
    connection: apsw.Connection, company: str | None, integration: str | None
) -> list[tuple[str, str]] | None:
    """(company, integration) of those that were ever owed something; None where they are too many to merge."""
    named = list(islice(integrations(connection, company, integration), _INTEGRATIONS_MERGED + 1))
    return None if len(named) > _INTEGRATIONS_MERGED else named


def merged(
    connection: apsw.Connection,
    named: Sequence[tuple[str, str]],
    states: Sequence[int],
    wanted: DeliverySearch,
    place: Place | None,
    limit: int,
) -> Iterator[Step]:
    """What is wanted of these integrations in these states, up to a place. Whichever is the least far looks on."""
    streams = [(name, state) for name in named for state in states]
    first = max(1, min(limit + 1, _READ_FIRST // max(len(streams), 1)))
    steps = [_stream(connection, name, state, wanted, place, first) for name, state in streams]
    return heapq.merge(*steps, key=at_of, reverse=True)


def _stream(
    connection: apsw.Connection,
    name: tuple[str, str],
    state: int,
    wanted: DeliverySearch,
    place: Place | None,
    chunk: int,
) -> Iterator[Step]:
    since, until = bounds(wanted.since, wanted.until)
    if place is not None:
        until = min(until, place[0] if name[1] < place[1] else place[0] - 1)
    names = {**_values(wanted), "company": name[0], "integration": name[1], "state": state, "since": since}
    while True:
        found = connection.execute(QUERIES["deliveries_looked_through"], {**names, "until": until, "limit": chunk})
        [(count, last, rows)] = found
        yield from _wanted(connection, wanted, rows)
        if count < chunk:
            return
        yield (last, name[1]), None
        until, chunk = last - 1, min(4 * chunk, _MOST)


def _walk(
    connection: apsw.Connection,
    company: str | None,
    wanted: DeliverySearch,
    place: Place | None,
    limit: int,
) -> Iterator[Step]:
    since, until = bounds(wanted.since, wanted.until)
    at = (min(until, _HIGHEST - 1) + 1, "")
    if place is not None:
        at = min(at, place)
    states = msgspec.json.encode(NUMBERS[wanted.state]).decode()
    names = {**_values(wanted), "company": company, "integration": wanted.integration, "states": states, "since": since}
    chunk = limit + 1
    while True:
        found = connection.execute(QUERIES["deliveries_walked"], {**names, "seq": at[0], "name": at[1], "limit": chunk})
        [(count, last, rows)] = found
        yield from _wanted(connection, wanted, rows)
        if count < chunk:
            return
        seq, integration = msgspec.json.decode(last, type=tuple[str, str])
        at = int(seq), integration
        yield at, None
        chunk = min(4 * chunk, _MOST)


def _of_call(
    connection: apsw.Connection,
    open_streams: ExitStack,
    company: str | None,
    wanted: DeliverySearch,
    place: Place | None,
) -> Iterator[Step]:
    filtered = DeliveryFilter(
        state=wanted.state,
        integration=wanted.integration,
        call=wanted.call,
        type=wanted.type,
        since=wanted.since,
        until=wanted.until,
    )
    for number, row in enumerate(of_call(connection, open_streams, company, filtered, place), 1):
        if place is not None and place_of(row) >= place:
            continue
        if (
            wanted.status in {None, row[10]}
            and wanted.error in {None, row[11]}
            and (wanted.text is None or wanted.text.is_in(_data(connection, row[2])))
        ):
            yield place_of(row), row
        if not number % _OF_CALL_AT_ONCE:
            yield place_of(row), None


def _wanted(connection: apsw.Connection, wanted: DeliverySearch, rows: str) -> Iterator[Step]:
    """The rows of a chunk, newest first, as far as the text is really in them."""
    found: list[Row] = msgspec.json.decode(rows, type=list[tuple[Any, ...]])
    for row in sorted(found, key=place_of, reverse=True):
        if wanted.text is None or wanted.text.is_in(_data(connection, row[2])):
            yield place_of(row), row


def _data(connection: apsw.Connection, seq: int) -> bytes:
    data: bytes | None = connection.execute(QUERIES["data_of_event"], (seq,)).get
    return data or b""


def _values(wanted: DeliverySearch) -> dict[str, apsw.SQLiteValue]:
    return {
        "type": wanted.type,
        "status": wanted.status,
        "error": wanted.error,
        **text_values(wanted.text),
    }


def text_values(text: Search | None) -> dict[str, apsw.SQLiteValue]:
    """What a statement compares with an event's data before the text is looked for in its fields."""
    if text is None or text.digits:
        return {"digits": None if text is None else text.ending.encode(), "letters": None}
    return {"digits": None, "letters": text.letters}


def at_of(step: Step) -> Place:
    return step[0]
