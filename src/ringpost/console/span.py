"""The time that a list is of, as an address says it: the last hour, day or week, or exact to the minute. Pure.

Exact times stand in addresses in UTC; a script shows and takes them in the reader's zone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from ringpost.api.query import Parameter, Query
from ringpost.errors import RingpostError

SPANS: Final = {"hour": 3_600_000, "day": 86_400_000, "week": 604_800_000}  # ms
LAST: Final = Parameter(name="last", meaning="Accepted in the last hour, day or week.", choices=tuple(SPANS))
FROM: Final = Parameter(name="from", meaning="Accepted at this minute or later (UTC).")
TO: Final = Parameter(name="to", meaning="Accepted in this minute or earlier (UTC).")
TIMES: Final = (LAST, FROM, TO)
_MINUTE: Final = 60_000  # ms


def times_of(query: Query, now: int) -> tuple[int | None, int | None]:
    """The first and the last millisecond. Raises `invalid_value`."""
    last, since, until = query.text("last"), _time(query, "from"), _time(query, "to")
    if last is not None:
        since = max(since or 0, now - SPANS[last])
    return since, None if until is None else until + _MINUTE - 1


def _time(query: Query, name: str) -> int | None:
    text = query.text(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is not None or at.year < 1970:
        right = f"`{name}` is a date and a time in UTC, such as 2026-11-25T17:10."
        raise RingpostError("invalid_value", right, field=name)
    return int(at.replace(tzinfo=UTC, second=0, microsecond=0).timestamp() * 1_000)
