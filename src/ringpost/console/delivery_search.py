"""What the list of deliveries is asked for in its address: the tab, the search, the time. Each view has an address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from ringpost.api.query import CALL, INTEGRATION, STATE, TYPE, Parameter
from ringpost.ledger.ledger import Ledger
from ringpost.ledger.views import DeliverySearch
from ringpost.model.search import search_for
from ringpost.work.selection import ENDED

from .screen import Visit
from .span import TIMES, times_of

SEARCH: Final = Parameter(name="q", meaning="A call's id, a number or a name.")
STATUS: Final = Parameter(
    name="status", meaning="The receiver's status at the last attempt.", kind="number", low=100, high=999
)
ROWS: Final = Parameter(
    name="limit", meaning="How many rows a page has at most.", kind="number", low=1, high=100, default=50
)  # more would be too large a page
FILTERS: Final = (SEARCH, INTEGRATION, CALL, TYPE, STATUS, *TIMES)
PARAMETERS: Final = (STATE, *FILTERS)
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
    since, until = times_of(query, visit.services.now())
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
