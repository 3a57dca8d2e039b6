"""Counts what happens, minute by minute, for the curves of the console. Pure.

Fed by a node after each commit, with the time (ms); taken and kept in the ledger about once a minute. What was counted
since then is lost if the process dies: curves, not the record. Memory is bounded, whatever number of integrations.
Counting finds one row and no more: what a company and the service come to is added up when it is taken.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import islice
from typing import Final

from ringpost.model.delivery import Attempt, DeliveryState
from ringpost.model.event import CALL_START, Event, accepted_at
from ringpost.model.point import LATENCIES, MINUTE, QUARTER, Point

ROWS_LIMIT: Final = 50_000  # beyond, what is new counts for its company and the service alone, or for the service
_CALLS, _EVENTS, _DELIVERED, _FAILED, _EXHAUSTED, _LATENCIES = range(6)
_WIDTH: Final = _LATENCIES + len(LATENCIES) + 1

_Key = tuple[str, str, int]  # company, integration, when the span begins
_Rows = dict[_Key, list[int]]


class Series:
    """What was counted and not taken yet."""

    def __init__(self) -> None:
        self._rows: _Rows = {}  # by the minute, each thing in one row alone
        self._put_back: _Rows = {}  # by the span of the point

    def __len__(self) -> int:
        return len(self._rows) + len(self._put_back)

    def accepted(self, events: Iterable[Event], now: int) -> None:
        """Events were accepted."""
        minute = now - now % MINUTE
        rows = self._rows
        for event in events:
            row = rows.get((event.company, "", minute)) or self._new_row(event.company, "", minute)
            row[_EVENTS] += 1
            if event.type == CALL_START:
                row[_CALLS] += 1

    def attempted(self, attempts: Iterable[tuple[Attempt, DeliveryState]], now: int) -> None:
        """Attempts were made, each with what then was the state of its delivery."""
        minute = now - now % MINUTE
        rows = self._rows
        for attempt, state in attempts:
            key = (attempt.company, attempt.integration, minute)
            row = rows.get(key) or self._new_row(*key)
            if attempt.error is not None:
                row[_FAILED] += 1
            if state == "exhausted":
                row[_EXHAUSTED] += 1
            elif state == "delivered":
                row[_DELIVERED] += 1
                if not attempt.replay:
                    latency = attempt.time + attempt.duration - accepted_at(attempt.seq)
                    row[_LATENCIES + bisect_left(LATENCIES, latency)] += 1

    def take(self, limit: int) -> list[Point]:
        """What was counted and not taken yet, of so many rows at most; none where that is nothing. The points of a
        company may come in several parts."""
        rows = dict(islice(self._rows.items(), limit))
        for taken in rows:
            del self._rows[taken]
        spans, self._put_back = self._put_back, {}
        for (company, integration, minute), row in rows.items():
            keys = {("", "", minute), (company, "", minute), (company, integration, minute)}
            for key in keys:
                _add(spans, (*key[:2], minute - minute % QUARTER) if key[1] else key, row)
        return [
            Point(
                company=company,
                integration=integration,
                span=QUARTER if integration else MINUTE,
                time=time,
                calls=row[_CALLS],
                events=row[_EVENTS],
                delivered=row[_DELIVERED],
                failed=row[_FAILED],
                exhausted=row[_EXHAUSTED],
                latencies=tuple(row[_LATENCIES:]),
            )
            for (company, integration, time), row in spans.items()
            if any(row)
        ]

    def put_back(self, points: Iterable[Point]) -> None:
        """Points that were taken could not be kept: they are taken with what comes, as far as there is room."""
        for point in points:
            key = (point.company, point.integration, point.time)
            if not point.company or key in self._put_back or len(self) < ROWS_LIMIT:
                row = [point.calls, point.events, point.delivered, point.failed, point.exhausted, *point.latencies]
                _add(self._put_back, key, row)

    def _new_row(self, company: str, integration: str, minute: int) -> list[int]:
        key = (company, integration, minute)
        if len(self) >= ROWS_LIMIT:
            key = (company, "", minute) if (company, "", minute) in self._rows else ("", "", minute)
        return self._rows.setdefault(key, [0] * _WIDTH)


def _add(rows: _Rows, key: _Key, values: Iterable[int]) -> None:
    row = rows.get(key)
    if row is None:
        rows[key] = list(values)
        return
    for place, value in enumerate(values):
        if value:
            row[place] += value
