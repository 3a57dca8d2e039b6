"""Finding calls, newest first. Functions of a connection, called in a reader's thread.

There is no index of numbers and names: it would cost each call several pages at the time that it is accepted, and would
be one more place that holds who called whom. A search reads calls back from the newest, a chunk at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import perf_counter
from typing import Final

import apsw
import msgspec

from ringpost.ledger.views import CallSearch, Found
from ringpost.model.call_line import CallLine, Mark
from ringpost.model.event import accepted_at

from .call_lines import fitting, lines_of, marks_of
from .call_marks import find_marked
from .cursors import read_cursor, write_cursor
from .lists import bounds
from .sql import QUERIES

_FIRST: Final = 100  # calls in a chunk
_MOST: Final = 800


def find(
    connection: apsw.Connection, company: str | None, wanted: CallSearch, cursor: str | None, limit: int, within_ms: int
) -> Found[CallLine]:
    """See `views.Views.find_calls`."""
    by = perf_counter() + within_ms / 1_000
    place = read_cursor("calls", cursor)
    if place is None and company is not None and wanted.text is not None:
        named = _named(connection, company, wanted.text.text)
        if named is not None:
            return Found(lines_of(connection, [named], marks_of(connection, [named])), None)
    if wanted.mark not in {None, "delivered"} and not wanted.open_only:
        by_marks = find_marked(connection, company, wanted, place, limit, by)
        if by_marks is not None:
            return by_marks
    since, until = bounds(wanted.since, wanted.until)
    until = until if place is None else min(until, place[0] - 1)
    filters = (wanted.integration, wanted.mark, wanted.text, wanted.direction)
    is_plain = all(one is None for one in filters)
    chunk = limit + 1 if is_plain else _FIRST
    kept: list[int] = []
    marks: dict[int, Mapping[str, Mark]] = {}
    while True:
        numbers = _numbers(connection, company, wanted.open_only, since, until, chunk)
        told = fitting(connection, numbers, wanted)
        found = marks_of(connection, told[:limit] if is_plain else told)
        kept += [number for number in told if _is_wanted(found.get(number, {}), wanted)]
        marks |= found
        is_last = len(numbers) < chunk
        if len(kept) > limit or is_last or perf_counter() > by:
            break
        until, chunk = numbers[-1] - 1, min(2 * chunk, _MOST)
    shown = kept[:limit]
    items = lines_of(connection, shown, marks)
    if len(kept) > limit:
        return Found(items, write_cursor("calls", shown[-1]))
    return Found(items, None) if is_last else Found(items, write_cursor("calls", numbers[-1]), accepted_at(numbers[-1]))


def _named(connection: apsw.Connection, company: str, text: str) -> int | None:
    """The call of this id; its company's name may be left out where what is left is clearly an id (it has a dot)."""
    for call in (text, f"{company}_{text}") if "." in text else (text,):
        found = connection.execute(QUERIES["number_of_call"], {"company": company, "call": call}).fetchone()
        if found is not None:
            return int(found[0])
    return None


def _numbers(
    connection: apsw.Connection, company: str | None, open_only: bool, since: int, until: int, limit: int
) -> list[int]:
    query = "call_numbers" + ("_going_on" if open_only else "") + ("_of_all" if company is None else "")
    names = {"company": company, "since": since, "until": until, "limit": limit}
    found = connection.execute(QUERIES[query], names).get
    return sorted(msgspec.json.decode(found, type=list[int]), reverse=True)


def _is_wanted(marks: Mapping[str, Mark], wanted: CallSearch) -> bool:
    if wanted.integration is not None:
        mark = marks.get(wanted.integration)
        return mark is not None and wanted.mark in {None, mark}
    return wanted.mark is None or wanted.mark in marks.values()
