"""Finding calls by how their events fared, where that is rare: by the deliveries in that state, which have an index.

Each call comes where the newest such delivery of it is, so in another order than by its start. Functions of a
connection, called in a reader's thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

import apsw

from ringpost.ledger.views import CallSearch, DeliverySearch, Found
from ringpost.model.call_line import CallLine, Mark
from ringpost.model.event import accepted_at

from .call_lines import fitting, lines_of, newest_in, numbers_of
from .cursors import write_cursor
from .finding import Place, Step, few_integrations, merged, while_time
from .lists import bounds, place_of
from .rows import CANCELLED, EXHAUSTED, FAILING, PENDING, Row

_STATE: Final[Mapping[Mark, int]] = {
    "waiting": PENDING,
    "failing": FAILING,
    "exhausted": EXHAUSTED,
    "cancelled": CANCELLED,
}
_TOGETHER: Final = 64  # deliveries


def find_marked(
    connection: apsw.Connection, company: str | None, wanted: CallSearch, place: Place | None, limit: int, by: float
) -> Found[CallLine] | None:
    """What is found, with a cursor of deliveries; None where there are too many integrations to look at each."""
    named = few_integrations(connection, company, wanted.integration)
    if named is None or wanted.mark is None:
        return None
    state = _STATE[wanted.mark]
    of = DeliverySearch(integration=wanted.integration, since=wanted.since)
    steps = while_time(merged(connection, named, (state,), of, place, limit), by)
    kept: dict[int, tuple[Place, Mapping[str, Mark]]] = {}
    while len(kept) <= limit:
        rows, stopped = _next(steps)
        kept |= _fitting(connection, rows, state, wanted)
        if stopped is not None and len(kept) <= limit:
            return Found(_lines(connection, kept), write_cursor("calls", *stopped), accepted_at(stopped[0]))
        if len(rows) < _TOGETHER:
            break
    shown = dict(islice(kept.items(), limit))
    if len(kept) == len(shown):
        return Found(_lines(connection, shown), None)
    last, _ = list(shown.values())[-1]
    return Found(_lines(connection, shown), write_cursor("calls", *last))


def _next(steps: Iterator[Step]) -> tuple[list[Row], Place | None]:
    """Some more rows, and where it was stopped."""
    rows: list[Row] = []
    for at, row in islice(steps, _TOGETHER):
        if row is None:
            return rows, at
        rows.append(row)
    return rows, None


def _fitting(
    connection: apsw.Connection, rows: Sequence[Row], state: int, wanted: CallSearch
) -> dict[int, tuple[Place, Mapping[str, Mark]]]:
    """The numbers of the calls that are wanted, each where its newest row is, with their marks."""
    calls = list(dict.fromkeys((row[0], row[3]) for row in rows))
    numbers = numbers_of(connection, calls)
    since, until = bounds(wanted.since, wanted.until)
    in_time = [number for number in numbers.values() if since <= number <= until]
    told = set(fitting(connection, in_time, wanted))
    marks = newest_in(connection, list(told), state)
    kept: dict[int, tuple[Place, Mapping[str, Mark]]] = {}
    for row in rows:
        number, at = numbers.get((row[0], row[3])), place_of(row)
        if number in told and at == _newest(marks.get(number, {}), wanted):
            kept[number] = at, {name: mark for name, (mark, _) in marks[number].items()}
    return kept


def _newest(marks: Mapping[str, tuple[Mark, int | None]], wanted: CallSearch) -> Place | None:
    """Where the call belongs in the list: its newest delivery in the state, of the integrations that have the mark."""
    places = [
        (seq, name)
        for name, (mark, seq) in marks.items()
        if mark == wanted.mark and seq is not None and wanted.integration in {None, name}
    ]
    return max(places, default=None)


def _lines(connection: apsw.Connection, kept: Mapping[int, tuple[Place, Mapping[str, Mark]]]) -> list[CallLine]:
    return lines_of(connection, list(kept), {number: marks for number, (_, marks) in kept.items()})
