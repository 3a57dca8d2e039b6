"""The screens of calls: who called whom and how its events fared; one call's events, what was sent, and replays.

A call is looked up within one company; an operator's links name it. Bodies have a page of their own, so that the page
of a call stays small.
"""

from __future__ import annotations

import shlex
from typing import Final, cast

import msgspec

from ringpost.api.query import CURSOR, INTEGRATION, LIMIT, OPEN, Parameter
from ringpost.errors import RingpostError
from ringpost.ledger.views import CallSearch, Found, WholeCall, WholeEvent
from ringpost.model.call import Call
from ringpost.model.call_line import MARKS, CallLine, Mark, call_line
from ringpost.model.delivery import Attempt, Delivery, parse_delivery_id
from ringpost.model.integration import Integration
from ringpost.model.search import search_for
from ringpost.transports.shown import fields_shown
from ringpost.wire.body import body_of
from ringpost.work.selection import Selection, check_selection

from .reasons import reason_of
from .screen import Action, Go, Screen, View, Visit
from .span import SPANS, TIMES, times_of

KINDS: Final[dict[str, str]] = {"delivered": "good", "waiting": "plain", "failing": "warn", "exhausted": "bad"}
SIGNS: Final[dict[str, str]] = {"delivered": "✓", "waiting": "…", "failing": "!", "exhausted": "✕", "cancelled": "–"}
_EVENTS: Final = 20  # of a call, on a page; fewer where many integrations want each
_DELIVERIES: Final = 100  # of all its events, on a page
_ATTEMPTS: Final = 200
_OF_ONE: Final = 10
_OPTIONS: Final = 100
_SEARCH: Final = Parameter(name="q", meaning="A call's id, a number or a name.")
_MARK: Final = Parameter(name="mark", meaning="How its events fared.", choices=MARKS)
_DIRECTION: Final = Parameter(
    name="direction", meaning="Which way they go.", choices=("INBOUND", "OUTBOUND", "INTERNAL")
)
_EVENT: Final = Parameter(name="event", meaning="An event's id.")
_FILTERS: Final = (_SEARCH, OPEN, *TIMES, _DIRECTION, INTEGRATION, _MARK)


async def show_calls(visit: Visit) -> View:
    query, services = visit.query, visit.services
    typed = (query.text("q") or "").strip()
    since, until = times_of(query, services.now())
    wanted = CallSearch(
        open_only=query.flag("open"),
        since=since,
        until=until,
        direction=query.text("direction"),
        integration=query.text("integration"),
        mark=cast("Mark | None", query.text("mark")),  # one of its choices
        text=search_for(typed),
    )
    by_id = await _by_id(visit, typed)
    found = by_id or await services.ledger.find_calls(
        visit.companies, wanted, cursor=query.text("cursor"), limit=query.number("limit") or LIMIT.low
    )
    installed = [one for one in services.registry.all() if visit.companies in {None, one.company}]
    values = {
        "found": found,
        "is_first": query.text("cursor") is None,
        "is_filtered": any(query.given.get(one.name) for one in _FILTERS),
        "is_by_id": by_id is not None and any(query.given.get(one.name) for one in _FILTERS if one is not _SEARCH),
        "options": options_of(visit),
        "names": {one.id: one.name or one.id for one in installed},
        "marks": MARKS,
        "spans": tuple(SPANS),
        "directions": _DIRECTION.choices,
        "kinds": KINDS,
        "signs": SIGNS,
        "now": services.now(),
    }
    return View("calls.html", values)


async def _by_id(visit: Visit, typed: str) -> Found[CallLine] | None:
    """The call with that id, which begins with its company."""
    company = visit.companies or typed.rpartition("_")[0]
    whole = await visit.services.ledger.whole_call(company, typed, cursor=None, limit=LIMIT.high) if typed else None
    if whole is None:
        return None
    marks: dict[str, Mark] = {}
    for event in whole.events:
        for delivery, _ in event.deliveries:
            marks[delivery.integration] = max(
                marks.get(delivery.integration, MARKS[0]), mark_of(delivery), key=MARKS.index
            )
    return Found([call_line(whole.call, marks)], None)


def options_of(visit: Visit) -> list[tuple[str, str]]:
    """Integrations to choose one from: ids and names. Of very many the chosen one alone: its page has the link."""
    installed = [one for one in visit.services.registry.all() if visit.companies in {None, one.company}]
    if len(installed) > _OPTIONS:
        installed = [one for one in installed if one.id == visit.query.text("integration")]
    return [(one.id, one.name or one.id) for one in installed]


def mark_of(delivery: Delivery) -> Mark:
    """How one delivery fares."""
    if delivery.state != "pending":
        return delivery.state
    return "failing" if delivery.error is not None else "waiting"


async def show_call(visit: Visit) -> View:
    registry = visit.services.registry
    wanting = max(1, len(registry.of(visit.company)))
    whole = await _whole(visit, visit.query.text("cursor"), min(_EVENTS, max(1, _DELIVERIES // wanting)))
    deliveries = sum(len(event.deliveries) for event in whole.events)
    ids = {delivery.integration for event in whole.events for delivery, _ in event.deliveries}
    names = {one: found[0].name or one if (found := registry.installed(one)) else one for one in ids}
    changes: dict[int, list[tuple[str, str, str]]] = {}
    before = None if whole.before is None else _flat(whole.before.data)
    for event in whole.events:
        data = _flat(event.event.data)
        changes[event.event.seq] = _changes(before or {}, data)
        before = data
    values = {
        "whole": whole,
        "line": call_line(whole.call, {}),
        "names": names,
        "changes": changes,
        "mark_of": mark_of,
        "kinds": KINDS,
        "signs": SIGNS,
        "words": _words,
        "now": visit.services.now(),
        "attempts_shown": max(1, min(_OF_ONE, _ATTEMPTS // max(1, deliveries))),
        "is_first": visit.query.text("cursor") is None,
    }
    return View("call.html", values)


async def show_sent(visit: Visit) -> View:
    event, delivery, attempts = await _sent(visit)
    body = body_of(event.event, delivery.integration)
    installed = visit.services.registry.installed(delivery.integration)
    curl = None
    if installed is not None and attempts:
        integration, credentials = installed
        names = [name for name, _ in credentials.headers]
        fields = fields_shown(integration.type, event.event, attempts[-1], names)
        if integration.type == "webhook":
            parts = ["curl -X POST", *(f"-H {shlex.quote(f'{name}: {_shown(name, value)}')}" for name, value in fields)]
            target = integration.url if visit.may("reveal") else "https://RECEIVER"
            curl = " \\\n  ".join([*parts, f"--data-binary {shlex.quote(body.decode())}", shlex.quote(target)])
    pretty = msgspec.json.format(body, indent=2).decode()
    values = {"call": event.event.call, "delivery": delivery, "body": body.decode(), "pretty": pretty, "curl": curl}
    return View("call_sent.html", values)


async def ask_to_replay(visit: Visit) -> View:
    call = (await _whole(visit, None, 1)).call
    event = visit.query.text("event") or visit.form.get("event")
    counts: list[tuple[Integration | None, int]]
    if event:
        counts, is_whole = [(one, 1) for _, one in await _ended(visit, event)], True
    else:
        counts, is_whole = await _ended_of_call(visit, call)
    by = [(one.id, one.name or one.id, count) for one, count in counts if one is not None and count]
    total = sum(count for _, count in counts)
    return View("call_replay.html", {"call": call, "event": event, "by": by, "total": total, "is_whole": is_whole})


async def _ended_of_call(visit: Visit, call: Call) -> tuple[list[tuple[Integration | None, int]], bool]:
    """How many deliveries of it would go out again to each integration, of very many to all (None); and whether all
    were counted."""
    installed = visit.services.registry.of(call.company)
    of_many = len(installed) > _OPTIONS
    each = [(None, installed)] if of_many else [(one, [one]) for one in installed]
    plans = [(one, await visit.services.replays.plan(call.company, _all_of(call, None), to)) for one, to in each]
    return [(one, plan.ended) for one, plan in plans], all(plan.is_whole for _, plan in plans)


async def _ended(visit: Visit, event_id: str) -> list[tuple[Delivery, Integration]]:
    """An event's deliveries that may go out again: they ended, and their integrations are there. Raises
    `event_not_found`."""
    ended = [one for one, _ in (await _event(visit, event_id)).deliveries if one.state != "pending"]
    found = [(one, visit.services.registry.installed(one.integration)) for one in ended]
    return [(one, installed[0]) for one, installed in found if installed is not None]


def _all_of(call: Call, integration: str | None) -> Selection:
    return check_selection(
        integration=integration, call=call.id, state="ended", type_=None, since=None, until=None, never_owed=False
    )


async def replay(visit: Visit) -> Go:
    whole = await _whole(visit, None)
    event_id, integration = visit.form.get("event") or None, visit.form.get("integration") or None
    services, company, call = visit.services, whole.call.company, whole.call.id
    if integration is not None:
        services.registry.get(company, integration)
    back = visit.url(f"/calls/{call}", company=visit.chosen or (company if visit.caller.company is None else None))
    if event_id is None:
        selection = _all_of(whole.call, integration)
        to = [one for one in services.registry.of(company) if integration in {None, one.id}]
        plan = await services.replays.plan(company, selection, to)
        if plan.is_whole and not plan.ended:
            raise RingpostError("nothing_to_replay")
        await services.works.begin(services.replays.work(company, selection, plan), None)
        return Go(back, "The call is being delivered again.")
    count = 0
    for delivery, installed in await _ended(visit, event_id):
        if integration in {None, installed.id}:
            owed = await services.ledger.replay(company, delivery.seq, delivery.integration, services.now())
            services.dispatcher_replayed(owed)
            count += 1
    if not count:
        raise RingpostError("nothing_to_replay")
    return Go(back, f"The event is being delivered again to {count} integration{'' if count == 1 else 's'}.")


async def _whole(visit: Visit, cursor: str | None, limit: int = _EVENTS) -> WholeCall:
    """Raises `call_not_found`, `company_missing`, `company_foreign`."""
    whole = await visit.services.ledger.whole_call(visit.company, visit.path["id"], cursor=cursor, limit=limit)
    if whole is None:
        raise RingpostError("call_not_found")
    return whole


async def _event(visit: Visit, event_id: str) -> WholeEvent:
    """Wherever in the call it is. Raises `event_not_found`."""
    cursor = None
    while True:
        whole = await _whole(visit, cursor)
        for event in whole.events:
            if event.event.id == event_id:
                return event
        if whole.next is None:
            raise RingpostError("event_not_found")
        cursor = whole.next


async def _sent(visit: Visit) -> tuple[WholeEvent, Delivery, list[Attempt]]:
    """Raises `delivery_not_found`."""
    parsed = parse_delivery_id(visit.path["delivery"])
    found = await visit.services.ledger.whole_delivery(visit.company, *parsed) if parsed else None
    if found is None or found.event is None or found.event.call != visit.path["id"]:
        raise RingpostError("delivery_not_found")
    return WholeEvent(found.event, []), found.delivery, found.attempts


def _shown(name: str, value: str | None) -> str:
    return value if value is not None else f"<{name.upper().replace('-', '_')}>"


def _words(attempt: Attempt) -> str:
    reason = reason_of(attempt.error, status=attempt.status, detail=attempt.detail)
    return "" if reason is None else f"{reason.happened} {reason.more}".strip()


def _flat(data: bytes) -> dict[str, str]:
    """Each value of an event's data by its path."""
    flat: dict[str, str] = {}
    for name, value in msgspec.json.decode(data).items():
        inner = value.items() if isinstance(value, dict) else [("", value)]
        flat |= {f"{name}.{key}" if key else name: _text(one) for key, one in inner}
    return flat


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _changes(before: dict[str, str], after: dict[str, str]) -> list[tuple[str, str, str]]:
    """Path, old and new of what differs; empty where there was nothing, which JSON says in several ways."""
    names = [*before, *(name for name in after if name not in before)]
    pairs = [(name, _said(before, name), _said(after, name)) for name in names]
    return [pair for pair in pairs if pair[1] != pair[2]]


def _said(data: dict[str, str], name: str) -> str:
    text = data.get(name, "")
    return "" if text in {"null", "[]"} else text


def call_screens() -> list[Screen | Action]:
    asked = Screen(
        path="/calls/{id}/replay", title="Deliver again", right="change", show=ask_to_replay, query=(_EVENT,)
    )
    return [
        Screen(
            path="/calls", title="Calls", nav="Calls", letter="c", show=show_calls,
            query=(*_FILTERS, CURSOR, LIMIT),
        ),
        Screen(path="/calls/{id}", title="Call", show=show_call, query=(CURSOR,)),
        Screen(path="/calls/{id}/sent/{delivery}", title="As it was sent", show=show_sent),
        asked,
        Action(path="/calls/{id}/replay", do=replay, again=asked),
    ]  # fmt: skip
