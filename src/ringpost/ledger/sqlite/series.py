"""Curves in the file. Functions of a connection; those that write are called in the writer's thread and transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import apsw
import msgspec

from ringpost.model.point import Point

from .sql import QUERIES, Many

_ADD_POINTS: Final = Many(QUERIES["add_points"])
_ROLLED_UP_AT_ONCE: Final = 20  # others wait meanwhile


def add(connection: apsw.Connection, points: Sequence[Point]) -> None:
    values: list[apsw.SQLiteValue] = []
    for p in points:
        values += (p.company, p.integration, p.time, p.span, p.calls, p.events, p.delivered, p.failed, p.exhausted)
        values += p.latencies
    _ADD_POINTS.run(connection, values)


def points(
    connection: apsw.Connection, company: str, integration: str, step: int, since: int, until: int
) -> list[Point]:
    names = {"company": company, "integration": integration, "step": step, "since": since, "until": until}
    found = msgspec.json.decode(connection.execute(QUERIES["points"], names).get, type=list[tuple[int, ...]])
    return [
        Point(
            company=company,
            integration=integration,
            span=step,
            time=time,
            calls=calls,
            events=events,
            delivered=delivered,
            failed=failed,
            exhausted=exhausted,
            latencies=tuple(latencies),
        )
        for time, calls, events, delivered, failed, exhausted, *latencies in sorted(found)
    ]


def roll_up(
    connection: apsw.Connection, after: tuple[str, str], hours_before: int, forget_before: int
) -> tuple[str, str] | None:
    """See `views.Views.roll_up_points`."""
    if after == ("", ""):
        _roll_up_one(connection, after, hours_before, forget_before)
    for _ in range(_ROLLED_UP_AT_ONCE):
        found: tuple[str, str] | None = connection.execute(
            QUERIES["next_series"], {"company": after[0], "integration": after[1]}
        ).fetchone()
        if found is None:
            return None
        after = found
        _roll_up_one(connection, after, hours_before, forget_before)
    return after


def _roll_up_one(connection: apsw.Connection, name: tuple[str, str], hours_before: int, forget_before: int) -> None:
    company, integration = name
    connection.execute(
        QUERIES["forget_points"], {"company": company, "integration": integration, "before": forget_before}
    )
    names = {"company": company, "integration": integration, "before": hours_before}
    connection.execute(QUERIES["roll_up_points"], names)
    connection.execute(QUERIES["forget_rolled_up"], names)
