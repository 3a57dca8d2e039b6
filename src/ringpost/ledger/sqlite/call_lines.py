"""Calls as lines of a list, by their numbers (the seq of each call:start). Functions of a connection, called in a
reader's thread; each takes few steps of SQLite, however many calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import apsw
import msgspec

from ringpost.ledger.views import CallSearch
from ringpost.model.call_line import MARKS, CallLine, Mark, call_line
from ringpost.model.search import Search

from .finding import text_values
from .rows import to_call
from .sql import QUERIES

_EVENTS_MARKED: Final = 200  # of a call
Marks = Mapping[int, Mapping[str, Mark]]
_Numbered = tuple[str, str, int]
_Marked = tuple[int, str, int, int | None]


def numbers_of(connection: apsw.Connection, calls: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The numbers of these (company, call), as far as there are such calls."""
    found = connection.execute(QUERIES["numbers_of_calls"], {"calls": msgspec.json.encode(calls).decode()}).get
    return {(company, call): number for company, call, number in msgspec.json.decode(found, type=list[_Numbered])}


def fitting(connection: apsw.Connection, numbers: Sequence[int], wanted: CallSearch) -> list[int]:
    """Those of the calls that say what is wanted: the direction, the text."""
    left = numbers if wanted.direction is None else _going(connection, numbers, wanted.direction)
    return list(left if wanted.text is None else _saying(connection, left, wanted.text))


def _saying(connection: apsw.Connection, numbers: Sequence[int], text: Search) -> list[int]:
    """Those of the calls whose first or newest event has the text."""
    found = connection.execute(QUERIES["calls_saying"], {"firsts": _json(numbers), **text_values(text)})
    told = {number for number, first, latest in found if text.is_in(latest) or text.is_in(first)}
    return [number for number in numbers if number in told]


def _going(connection: apsw.Connection, numbers: Sequence[int], direction: str) -> list[int]:
    """Those of the calls that go this way, as their newest event says."""
    written = f'"direction":{_json(direction)}'  # a quote within a string is escaped, so it is found as a key alone
    found = connection.execute(QUERIES["calls_going"], {"firsts": _json(numbers), "written": written}).get
    told = set(msgspec.json.decode(found, type=list[int]))
    return [number for number in numbers if number in told]


def marks_of(connection: apsw.Connection, numbers: Sequence[int]) -> Marks:
    """How the deliveries of each call fared, by integration."""
    return {
        number: {name: mark for name, (mark, _) in of.items()}
        for number, of in newest_in(connection, numbers, None).items()
    }


def newest_in(
    connection: apsw.Connection, numbers: Sequence[int], state: int | None
) -> dict[int, dict[str, tuple[Mark, int | None]]]:
    """The same, each with the seq of the newest delivery in a state."""
    names = {"firsts": _json(numbers), "limit": _EVENTS_MARKED, "state": state}
    found = connection.execute(QUERIES["marks_of_calls"], names).get
    marks: dict[int, dict[str, tuple[Mark, int | None]]] = {}
    for number, integration, rank, newest in msgspec.json.decode(found, type=list[_Marked]):
        marks.setdefault(number, {})[integration] = (MARKS[rank], newest)
    return marks


def lines_of(connection: apsw.Connection, numbers: Sequence[int], marks: Marks) -> list[CallLine]:
    """In the order of the numbers."""
    rows = connection.execute(QUERIES["calls_of_numbers"], {"firsts": _json(numbers)})
    found = {row[0]: call_line(to_call(row), marks.get(row[0], {})) for row in rows}
    return [found[number] for number in numbers if number in found]


def _json(value: Sequence[int] | str) -> str:
    return msgspec.json.encode(value).decode()
