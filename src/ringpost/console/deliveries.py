"""The screens of deliveries: the tabs and their search, one delivery with its attempts, and delivering again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ringpost.api.operation import Asked, Sent
from ringpost.api.query import CALL, CURSOR, INTEGRATION, LIMIT, SINCE, STATE, TYPE, UNTIL, Parameter, Query
from ringpost.api.replay_shapes import ReplayRequest
from ringpost.api.replays import begin_replay
from ringpost.errors import RingpostError
from ringpost.ledger.views import COUNT_LIMIT, Count, DeliverySearch
from ringpost.model.delivery import Attempt, Delivery, parse_delivery_id
from ringpost.model.event import EVENT_TYPES
from ringpost.model.outcome import FAILURES
from ringpost.model.search import search_for
from ringpost.transports.shown import fields_shown
from ringpost.wire.body import body_of
from ringpost.work.selection import Ended

from .calls import mark_of
from .screen import Action, Go, Screen, View, Visit

TABS: Final = ("pending", "failing", "exhausted", "delivered")
SEARCH: Final = Parameter(name="q", meaning="A number or a name.")
STATUS: Final = Parameter(
    name="status", meaning="The receiver's status at the last attempt.", kind="number", low=100, high=999
)
_FILTERS: Final = (SEARCH, INTEGRATION, CALL, TYPE, STATUS, SINCE, UNTIL)


_KINDS: Final = {"delivered": "good", "failing": "warn", "exhausted": "bad"}


class Tab(Struct, frozen=True, kw_only=True):
    """count: as it is shown, empty where nothing was counted."""

    word: str
    to: str
    is_open: bool
    count: str


class DeliveryRow(Struct, frozen=True, kw_only=True):
    """word, kind: its state and the kind of the badge; reason: why the last attempt failed, in words."""

    delivery: Delivery
    integration: str
    word: str
    kind: str
    reason: str


class DeliveryList(Struct, frozen=True, kw_only=True):
    """The page. state: the tab; looked_to: the search came so far (ms); replayable: all that match may be asked for
    again at once."""

    rows: Sequence[DeliveryRow]
    next: str | None
    looked_to: int | None
    is_first: bool
    is_filtered: bool
    state: str | None
    tabs: Sequence[Tab]
    wanted: Mapping[str, str]
    integrations: Sequence[tuple[str, str]]
    replayable: bool
    types: Sequence[str] = EVENT_TYPES


class AttemptShown(Struct, frozen=True, kw_only=True):
    """sent: the headers or attributes, None for what is not shown."""

    attempt: Attempt
    reason: str
    sent: Sequence[tuple[str, str | None]]


class DeliveryPage(Struct, frozen=True, kw_only=True):
    row: DeliveryRow
    body: str
    attempts: Sequence[AttemptShown]


async def show_deliveries(visit: Visit) -> View:
    query, state = visit.query, visit.query.text("state")
    wanted = DeliverySearch(
        state=state,  # type: ignore[arg-type]  # the query took one of them alone
        integration=query.text("integration"),
        call=query.text("call"),
        type=query.text("type"),
        status=query.number("status"),
        since=query.number("since"),
        until=query.number("until"),
        text=search_for(query.text("q") or ""),
    )
    found = await visit.services.ledger.find_deliveries(
        visit.companies, wanted, cursor=query.text("cursor"), limit=query.number("limit") or LIMIT.low
    )
    names = _names(visit)
    only_of_replays = not (wanted.text or wanted.status)
    return View(
        "deliveries.html",
        DeliveryList(
            rows=[_row(delivery, names) for delivery in found.items],
            next=found.next,
            looked_to=found.looked_to,
            is_first=query.text("cursor") is None,
            is_filtered=replace(wanted, state=None) != DeliverySearch(),
            state=state,
            tabs=await _tabs(visit, state),
            wanted={one.name: query.given.get(one.name, "") for one in _FILTERS},
            integrations=list(names.items()),
            replayable=only_of_replays and state in {None, "exhausted", "delivered"} and visit.companies is not None,
        ),
    )


async def _tabs(visit: Visit, state: str | None) -> list[Tab]:
    """With counts where one company is looked at: they are of the integration and the time that are filtered by."""
    kept = {name: value for name, value in visit.query.given.items() if name not in {"state", "cursor", "company"}}
    counts: Mapping[str, Count] = {}
    if visit.companies is not None:
        query = visit.query
        counted = await visit.services.ledger.count_deliveries(
            visit.companies,
            integration=query.text("integration"),
            since=query.number("since"),
            until=query.number("until"),
        )
        counts = {tab: getattr(counted, tab) for tab in ("all", *TABS)}
    return [
        Tab(
            word=tab,
            to=visit.url("/deliveries", **{**kept, "state": None if tab == "all" else tab}),
            is_open=(state or "all") == tab,
            count=_counted(counts.get(tab)),
        )
        for tab in ("all", *TABS)
    ]


def _counted(count: Count | None) -> str:
    if count is None:
        return ""
    return f"{count.count:,}{'+' if count.more or count.count > COUNT_LIMIT else ''}"


def _names(visit: Visit) -> dict[str, str]:
    """The names of the integrations that the visitor may see, by their ids; the id where one has no name."""
    installed = visit.services.registry.all()
    return {one.id: one.name or one.id for one in installed if visit.companies in {None, one.company}}


def _reason(attempt: Attempt | Delivery) -> str:
    """Why it failed, in words; empty for a success."""
    if attempt.error is None:
        return ""
    detail = attempt.detail if isinstance(attempt, Attempt) else None
    return detail or FAILURES.get(attempt.error, attempt.error)


def _row(delivery: Delivery, names: Mapping[str, str]) -> DeliveryRow:
    word = mark_of(delivery)
    return DeliveryRow(
        delivery=delivery,
        integration=names.get(delivery.integration, delivery.integration),
        word=word,
        kind=_KINDS.get(word, "plain"),
        reason=_reason(delivery),
    )


async def show_delivery(visit: Visit) -> View:
    parsed = parse_delivery_id(visit.path["id"])
    whole = None if parsed is None else await visit.services.ledger.whole_delivery(visit.company, *parsed)
    if whole is None or whole.event is None:
        raise RingpostError("delivery_not_found")
    event, installed = whole.event, visit.services.registry.installed(whole.delivery.integration)
    transmission = installed[0].type if installed is not None else "webhook"
    custom = [name for name, _ in installed[1].headers] if installed is not None else []
    return View(
        "delivery.html",
        DeliveryPage(
            row=_row(whole.delivery, _names(visit)),
            body=body_of(event, whole.delivery.integration).decode(),
            attempts=[
                AttemptShown(
                    attempt=attempt,
                    reason=_reason(attempt),
                    sent=fields_shown(transmission, event, attempt, custom),
                )
                for attempt in whole.attempts
            ],
        ),
    )


async def replay_delivery(visit: Visit) -> Go:
    """Once more, with the same webhook-id."""
    parsed = parse_delivery_id(visit.path["id"])
    if parsed is None:
        raise RingpostError("delivery_not_found")
    services = visit.services
    owed = await services.ledger.replay(visit.company, *parsed, services.now())
    services.dispatcher_replayed(owed)
    return Go(visit.url(f"/deliveries/{visit.path['id']}"), "It goes out once more, with the same webhook-id.")


async def count_again(visit: Visit) -> View:
    """How many a replay of all that match would deliver, before it is begun."""
    counted = await begin_replay(visit.services, _asked(visit, dry_run=True))
    return View("deliveries_again.html", {"counted": _read_counted(counted), "form": visit.form})


async def begin_again(visit: Visit) -> Go:
    await begin_replay(visit.services, _asked(visit, dry_run=False))
    return Go(visit.url("/deliveries"), "They go out again, call by call, at the pace of their receivers.")


def _asked(visit: Visit, *, dry_run: bool) -> Asked:
    form = visit.form
    body = ReplayRequest(
        company=visit.company,
        integration=form.get("integration") or None,
        call=form.get("call") or None,
        type=form.get("type") or None,
        state=cast("Ended", form.get("state") or "ended"),
        since=int(form["since"]) if form.get("since", "").isdigit() else None,
        until=int(form["until"]) if form.get("until", "").isdigit() else None,
        dry_run=dry_run,
    )
    return Asked(caller=visit.caller, path={}, query=Query({}), body=body)


class _Counted(Struct, frozen=True, rename="camel"):
    ended: int
    complete: bool


class _Answer(Struct, frozen=True):
    result: _Counted


def _read_counted(counted: object) -> _Counted:
    """What the API's own reply says."""
    return msgspec.json.decode(cast("Sent", counted).body, type=_Answer).result


def delivery_screens() -> list[Screen | Action]:
    listed = Screen(
        path="/deliveries",
        title="Deliveries",
        nav="Deliveries",
        letter="d",
        show=show_deliveries,
        query=(STATE, *_FILTERS, CURSOR, LIMIT),
    )
    one = Screen(path="/deliveries/{id}", title="Delivery", show=show_delivery)
    return [
        listed,
        one,
        Action(path="/deliveries/{id}/replay", do=replay_delivery, again=one),
        Action(path="/deliveries/count", do=count_again, again=listed),
        Action(path="/deliveries/replay", do=begin_again, again=listed),
    ]
