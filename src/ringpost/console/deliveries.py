"""The list of deliveries: tabs with counts, search, and rows that can be chosen to go out again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from litestar import Response
from msgspec import Struct

from ringpost.api.query import CURSOR
from ringpost.ledger.views import COUNT_LIMIT, Count
from ringpost.model.call_line import PartyLine, parties
from ringpost.model.delivery import Delivery
from ringpost.model.event import EVENT_TYPES, Event

from .calls import KINDS, mark_of, options_of
from .delivery_search import PARAMETERS, ROWS, Asked, asked_for
from .frame import with_the_only_company
from .reasons import Reason, reason_of
from .screen import Screen, View, Visit
from .span import SPANS

TABS: Final = ("all", "pending", "failing", "exhausted", "delivered")
_NOBODY: Final = PartyLine()
_SOON: Final = 12 * 3_600_000  # ms


class Tab(Struct, frozen=True, kw_only=True):
    """count: as it is shown, empty where nothing was counted."""

    word: str
    to: str
    is_open: bool
    count: str


class DeliveryRow(Struct, frozen=True, kw_only=True):
    """word, kind: its state and the kind of the badge; reason: why the last attempt failed; has_call: it is of no
    notice; can_go: it can go out again; caller, callee: as its event has them."""

    delivery: Delivery
    integration: str
    word: str
    kind: str
    reason: Reason | None
    has_call: bool
    can_go: bool
    caller: PartyLine = _NOBODY
    callee: PartyLine = _NOBODY


class DeliveryList(Struct, frozen=True, kw_only=True):
    """The page. looked_to: the search came so far (ms); matching: how many match, in words; soon: next tries
    until then (ms) are shown without their date."""

    rows: Sequence[DeliveryRow]
    next: str | None
    looked_to: int | None
    is_first: bool
    asked: Asked
    tabs: Sequence[Tab]
    matching: str
    soon: int
    options: Sequence[tuple[str, str]]
    types: Sequence[str] = EVENT_TYPES
    spans: Sequence[str] = tuple(SPANS)


async def show_deliveries(visit: Visit) -> View | Response[str]:
    elsewhere = await with_the_only_company(visit)
    if elsewhere is not None:
        return elsewhere
    query, ledger, asked = visit.query, visit.services.ledger, await asked_for(visit)
    found = await ledger.find_deliveries(
        visit.companies, asked.search, cursor=query.text("cursor"), limit=query.number("limit") or ROWS.high
    )
    names, events = names_of(visit), await _events(visit, found.items)
    counts = await _counts(visit, asked)
    return View(
        "deliveries.html",
        DeliveryList(
            rows=[row_of(one, names, events.get((one.company, one.seq))) for one in found.items],
            next=found.next,
            looked_to=found.looked_to,
            is_first=query.text("cursor") is None,
            asked=asked,
            tabs=_tabs(visit, counts),
            matching=_matching(asked, counts),
            soon=visit.services.now() + _SOON,
            options=options_of(visit),
        ),
    )


def names_of(visit: Visit) -> dict[str, str]:
    """The names of the integrations that the visitor may see, by their ids; the id where one has no name."""
    installed = visit.services.registry.all()
    return {one.id: one.name or one.id for one in installed if visit.companies in {None, one.company}}


def row_of(delivery: Delivery, names: Mapping[str, str], event: Event | None) -> DeliveryRow:
    word = mark_of(delivery)
    caller, callee = (_NOBODY, _NOBODY) if event is None else parties(event.data)
    return DeliveryRow(
        delivery=delivery,
        integration=names.get(delivery.integration, delivery.integration),
        word=word,
        kind=KINDS.get(word, "plain"),
        reason=reason_of(delivery.error, status=delivery.status),
        has_call=delivery.type in EVENT_TYPES,
        can_go=delivery.state != "pending" and delivery.integration in names,
        caller=caller,
        callee=callee,
    )


async def _events(visit: Visit, deliveries: Sequence[Delivery]) -> dict[tuple[str, int], Event]:
    """The events that these deliveries bring, by company and number."""
    seqs: dict[str, set[int]] = defaultdict(set)
    for one in deliveries:
        seqs[one.company].add(one.seq)
    found: dict[tuple[str, int], Event] = {}
    for company, of_company in seqs.items():
        bodies = await visit.services.ledger.bodies(company, sorted(of_company))
        found |= {(company, seq): event for seq, event in bodies.items()}
    return found


async def _counts(visit: Visit, asked: Asked) -> Mapping[str, Count]:
    """By tab, where one company is looked at; none where more is filtered by than the ledger counts by, as a number
    beside a tab has to be what the tab then lists."""
    search = asked.search
    is_narrower = not (search.call is None and search.type is None and search.status is None and search.text is None)
    if visit.companies is None or is_narrower:
        return {}
    counted = await visit.services.ledger.count_deliveries(
        visit.companies, integration=search.integration, since=search.since, until=search.until
    )
    return msgspec.structs.asdict(counted)


def _tabs(visit: Visit, counts: Mapping[str, Count]) -> list[Tab]:
    kept = {name: value for name, value in visit.query.given.items() if name not in {"state", "cursor", "company"}}
    state = visit.query.text("state") or "all"
    words = TABS if state in TABS else (*TABS, state)
    return [
        Tab(
            word=word,
            to=visit.url("/deliveries", **{**kept, "state": None if word == "all" else word}),
            is_open=state == word,
            count=_counted(counts.get(word)),
        )
        for word in words
    ]


def _matching(asked: Asked, counts: Mapping[str, Count]) -> str:
    """How many can go out again at once, as far as it was counted: `1,234`, `10,000+`; empty where it was not."""
    search = asked.search
    if not counts:
        return ""
    of = [counts[search.state]] if search.state else [counts[word] for word in ("delivered", "exhausted", "cancelled")]
    return _counted(Count(sum(one.count for one in of), more=any(one.more for one in of)))


def _counted(count: Count | None) -> str:
    if count is None:
        return ""
    return f"{count.count:,}{'+' if count.more or count.count > COUNT_LIMIT else ''}"


LISTED: Final = Screen(
    path="/deliveries",
    title="Deliveries",
    nav="Deliveries",
    letter="d",
    also=("/replays",),
    show=show_deliveries,
    query=(*PARAMETERS, CURSOR, ROWS),
)
