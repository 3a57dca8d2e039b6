"""What is pending, as the dispatcher reads it: how much there is, and page by page.

Functions of a connection, called in a reader's thread.

A page costs about as many rows as it has, however long the backlog is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apsw

from ringpost.model.delivery import Owed

from .sql import QUERIES


def owing(connection: apsw.Connection) -> list[tuple[str, str, int]]:
    """Counting looks at each pending delivery, in one index."""
    found = []
    company = integration = ""
    while following := next_integration(connection, company, integration):
        company, integration = following
        count = connection.execute(QUERIES["owed_count"], {"company": company, "integration": integration}).get
        if count:
            found.append((company, integration, count))
    return found


def next_integration(connection: apsw.Connection, company: str, integration: str) -> tuple[str, str] | None:
    """The one after a (company, integration), among those that were ever owed something."""
    names = {"company": company, "integration": integration}
    found: tuple[str, str] | None = connection.execute(QUERIES["next_integration"], names).fetchone()
    return found


def owed(connection: apsw.Connection, company: str, integration: str, after: int, limit: int) -> list[Owed]:
    names = {"company": company, "integration": integration, "after": after, "limit": limit}
    rows = connection.execute(QUERIES["owed"], names)
    return _read(rows, company, integration)


def owed_in_lanes(
    connection: apsw.Connection, company: str, integration: str, calls: Sequence[str], limit: int
) -> list[Owed]:
    found: list[Owed] = []
    for call in calls:
        names = {"company": company, "integration": integration, "call": call, "limit": limit}
        is_call = connection.execute(QUERIES["is_call"], names).get
        query = "owed_in_lane" if is_call else "owed_in_lane_of_notices"
        found += _read(connection.execute(QUERIES[query], names), company, integration)
    return found


def _read(rows: apsw.Cursor, company: str, integration: str) -> list[Owed]:
    """The names are the caller's own objects, and each call's is kept once: a backlog is held in memory."""
    calls: dict[str, str] = {}
    return [_to_owed(row, company, integration, calls) for row in rows]


def _to_owed(row: tuple[Any, ...], company: str, integration: str, calls: dict[str, str]) -> Owed:
    call, seq, attempts, due, replay, earlier = row
    return Owed(
        company=company,
        integration=integration,
        call=calls.setdefault(call, call),
        seq=seq,
        attempts=attempts,
        due=due,
        replay=replay,
        earlier=earlier,
    )
