"""Counts what happens, minute by minute, for the curves of the console. Pure.

Fed by a node after each commit, with the time (ms); taken and kept in the ledger about once a minute. What was counted
since then is lost if the process dies: curves, not the record. Memory is bounded, whatever number of integrations.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

from ringpost.model.delivery import Attempt, DeliveryState
from ringpost.model.event import CALL_START, Event, accepted_at
from ringpost.model.point import LATENCIES, MINUTE, QUARTER, Point

ROWS_LIMIT: Final = 50_000  # beyond, what is new counts for its company and the service alone, or for the service
_CALLS, _EVENTS, _DELIVERED, _FAILED, _EXHAUSTED, _LATENCIES = range(6)
_WIDTH: Final = _LATENCIES + len(LATENCIES) + 1

_Key = tuple[str, str, int]


class Series:
    """What was counted and not taken yet."""

    def __init__(self) -> None:
        self._rows: dict[_Key, list[int]] = {}  # by company, integration and the beginning of the span

    def __len__(self) -> int:
        return len(self._rows)

    def accepted(self, events: Iterable[Event], now: int) -> None:
        """Events were accepted."""
        minute = now - now % MINUTE
        for event in events:
            rows = (self._row(event.company, "", minute), self._row("", "", minute))
            for row in rows:
                row[_EVENTS] += 1
                if event.type == CALL_START:
                    row[_CALLS] += 1

    def attempted(self, attempts: Iterable[tuple[Attempt, DeliveryState]], now: int) -> None:
        """Attempts were made, each with what then was the state of its delivery."""
        minute, quarter = now - now % MINUTE, now - now % QUARTER
        for attempt, state in attempts:
            rows = (
                self._row(attempt.company, attempt.integration, quarter),
                self._row(attempt.company, "", minute),
                self._row("", "", minute),
            )
            for row in rows:
                row[_FAILED] += attempt.error is not None
                row[_EXHAUSTED] += state == "exhausted"
                row[_DELIVERED] += state == "delivered"
            if state == "delivered" and not attempt.replay:
                latency = attempt.time + attempt.duration - accepted_at(attempt.seq)
                place = _LATENCIES + bisect_left(LATENCIES, latency)
                for row in rows:
                    row[place] += 1

    def take(self) -> list[Point]:
        """All that was counted since it was taken last."""
        rows, self._rows = self._rows, {}
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
            for (company, integration, time), row in rows.items()
            if any(row)
        ]

    def put_back(self, points: Iterable[Point]) -> None:
        """Points that were taken could not be kept: they count with what comes."""
        for point in points:
            row = self._row(point.company, point.integration, point.time)
            values = (point.calls, point.events, point.delivered, point.failed, point.exhausted, *point.latencies)
            for place, value in enumerate(values):
                row[place] += value

    def _row(self, company: str, integration: str, time: int) -> list[int]:
        key = (company, integration, time)
        row = self._rows.get(key)
        if row is None:
            row = [0] * _WIDTH
            if not company or len(self._rows) < ROWS_LIMIT:
                self._rows[key] = row
        return row
