"""What the list of deliveries is asked for in its address: the tab, the search, the time. Each view has an address.

Times in an address are exact to the minute and in UTC (a script shows and takes them in the reader's zone), or the last
hour, day or week.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from ringpost.api.query import CALL, INTEGRATION, STATE, TYPE, Parameter, Query
from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger
from ringpost.ledger.views import DeliverySearch
from ringpost.model.search import search_for
from ringpost.work.selection import ENDED

from .calls import SPANS
from .screen import Visit

SEARCH: Final = Parameter(name="q", meaning="A call's id, a number or a name.")
STATUS: Final = Parameter(
    name="status", meaning="The receiver's status at the last attempt.", kind="number", low=100, high=999
)
LAST: Final = Parameter(name="last", meaning="Accepted in the last hour, day or week.", choices=tuple(SPANS))
FROM: Final = Parameter(name="from", meaning="Accepted at this minute or later (UTC).")
TO: Final = Parameter(name="to", meaning="Accepted in this minute or earlier (UTC).")
ROWS: Final = Parameter(
    name="limit", meaning="How many rows a page has at most.", kind="number", low=1, high=100, default=50
)  # more would be too large a page
FILTERS: Final = (SEARCH, INTEGRATION, CALL, TYPE, STATUS, LAST, FROM, TO)
PARAMETERS: Final = (STATE, *FILTERS)
_MINUTE: Final = 60_000  # ms
_NO_BULK: Final = "Single rows can be chosen. All that match can be delivered again at once without"


class Asked(Struct, frozen=True, kw_only=True):
    """What is asked for. replays: the fields of a replay of all that matches; why_not: why there is none, or empty;
    wanted: each filter as it was given, for the form."""

    search: DeliverySearch
    wanted: Mapping[str, str]
    replays: Mapping[str, str]
    why_not: str

    @property
    def is_filtered(self) -> bool:
        return any(self.wanted.values())


async def asked_for(visit: Visit) -> Asked:
    """Raises `invalid_value` for a time that is none."""
    query, typed = visit.query, (visit.query.text("q") or "").strip()
    call = query.text("call") or await _call_named(visit.services.ledger, visit.companies, typed)
    since, until = _times(query, visit.services.now())
    search = DeliverySearch(
        state=query.text("state"),  # type: ignore[arg-type]  # the query took one of them alone
        integration=query.text("integration"),
        call=call,
        type=query.text("type"),
        status=query.number("status"),
        since=since,
        until=until,
        text=None if call is not None and call == typed else search_for(typed),
    )
    return Asked(
        search=search,
        wanted={one.name: query.given.get(one.name, "") for one in FILTERS},
        replays=_replays(search),
        why_not=_why_not(search, visit.companies),
    )


async def _call_named(ledger: Ledger, company: str | None, typed: str) -> str | None:
    """What was typed, where it is a call's id: that begins with its company."""
    named = company or typed.rpartition("_")[0]
    return typed if named and typed and await ledger.call(named, typed) is not None else None


def _times(query: Query, now: int) -> tuple[int | None, int | None]:
    """The first and the last millisecond."""
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


def _replays(search: DeliverySearch) -> dict[str, str]:
    state = search.state if search.state in ENDED else "ended"
    given = {
        "state": state,
        "integration": search.integration,
        "call": search.call,
        "type": search.type,
        "since": search.since,
        "until": search.until,
    }
    return {name: str(value) for name, value in given.items() if value is not None}


def _why_not(search: DeliverySearch, company: str | None) -> str:
    if company is None:
        return "Choose a company to deliver many again."
    if search.state in {"pending", "failing"}:
        return "What is pending goes out by itself."
    beyond = [word for word, is_given in (("a number or name", search.text), ("a status", search.status)) if is_given]
    return f"{_NO_BULK} {' and '.join(beyond)} in the search." if beyond else ""
