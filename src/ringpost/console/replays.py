"""The screens of replays: counting before many go out again, beginning that, how far each is, and cancelling it.

What was chosen row by row goes out at once; all that match a filter is work that takes a while, has a page with its
progress, and goes on over restarts. What is done is what the API does.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, cast

import msgspec
from msgspec import Struct

from ringpost.api.operation import Asked, Sent
from ringpost.api.query import CURSOR, LIMIT, Query
from ringpost.api.replay_shapes import ReplayRequest, ReplayShown, show_replay
from ringpost.api.replays import begin_replay
from ringpost.errors import ERRORS, RingpostError
from ringpost.model.delivery import Owed, parse_delivery_id
from ringpost.model.work import REPLAY, parse_work_id
from ringpost.work.selection import ENDED, Ended

from .deliveries import LISTED, names_of
from .delivery_search import ROWS, asked_for
from .screen import Action, Go, Screen, View, Visit

_PASSED_OVER: Final = {"delivery_pending", "delivery_not_found", "integration_deleted"}
_KINDS: Final = {"running": "plain", "done": "good", "cancelled": "plain", "failed": "bad"}
_STATES: Final[dict[Ended, str]] = {
    "exhausted": "exhausted deliveries",
    "delivered": "delivered deliveries",
    "cancelled": "cancelled deliveries",
    "ended": "all deliveries that ended, delivered ones too",
}


class Counted(Struct, frozen=True, kw_only=True):
    """Before it is begun. count: how many, `more` where there may be more; by: to each integration, where rows were
    chosen; left: of those how many cannot go; what: in words, where a filter was; fields: to begin it with."""

    count: int
    more: bool = False
    by: Sequence[tuple[str, int]] = ()
    left: int = 0
    what: Sequence[tuple[str, str | int]] = ()
    fields: Sequence[tuple[str, str]] = ()
    back: str = ""


class ReplayRow(Struct, frozen=True, kw_only=True):
    """kind: of its badge; what: was asked for, in words, with times in ms; percent: None where it is not known;
    failure: what it failed with, in words."""

    replay: ReplayShown
    kind: str
    what: Sequence[tuple[str, str | int]]
    percent: int | None
    failure: str


# --- counting and beginning ----------------------------------------------------------------------------------------
async def count(visit: Visit) -> View:
    """What of it would go out, before anything does."""
    chosen = _chosen(visit)
    counted = await (_count_chosen(visit, chosen) if chosen else _count_all(visit))
    return View("replay_count.html", counted)


async def begin(visit: Visit) -> Go:
    chosen = _chosen(visit)
    if chosen:
        return await _begin_chosen(visit, chosen)
    sent = cast("Sent", await begin_replay(visit.services, _asked(visit, visit.form, dry_run=False)))
    replay = msgspec.json.decode(sent.body, type=_Begun).result
    return Go(visit.url(f"/replays/{replay.id}"), "They go out again, call by call, at the pace of their receivers.")


def _chosen(visit: Visit) -> list[tuple[int, str]]:
    """The deliveries of the rows, in the order in which they were accepted; none: all that match are meant. Raises
    `invalid_value`, `delivery_not_found`."""
    if visit.form.get("all"):
        return []
    ids = visit.form.get("id", "").split()
    if not ids:
        raise RingpostError("invalid_value", "Choose at least one delivery.", field="id")
    if len(ids) > ROWS.high:
        raise RingpostError("invalid_value", f"Choose up to {ROWS.high}, or all that match.", field="id")
    parsed = {parse_delivery_id(one) for one in ids}
    if None in parsed:
        raise RingpostError("delivery_not_found")
    return sorted(one for one in parsed if one is not None)


async def _count_chosen(visit: Visit, chosen: Sequence[tuple[int, str]]) -> Counted:
    names, ledger, by = names_of(visit), visit.services.ledger, Counter[str]()
    found = await asyncio.gather(*(ledger.delivery(visit.company, *one) for one in chosen))
    for one in found:
        if one is not None and one.state != "pending" and one.integration in names:
            by[names[one.integration]] += 1
    return Counted(
        count=by.total(),
        by=by.most_common(),
        left=len(chosen) - by.total(),
        fields=[("id", one) for one in visit.form["id"].split()],
        back=_back(visit),
    )


async def _count_all(visit: Visit) -> Counted:
    asked = await asked_for(visit)
    if asked.why_not:
        raise RingpostError("invalid_value", asked.why_not)
    sent = cast("Sent", await begin_replay(visit.services, _asked(visit, asked.replays, dry_run=True)))
    found = msgspec.json.decode(sent.body, type=_Count).result
    return Counted(
        count=found.ended,
        more=not found.complete,
        what=_words(asked.replays, names_of(visit)),
        fields=[*asked.replays.items(), ("all", "yes")],
        back=_back(visit),
    )


def _back(visit: Visit) -> str:
    """The list that was come from: its filters are in the address of the form."""
    return visit.url("/deliveries", **visit.query.given)


async def _begin_chosen(visit: Visit, chosen: Sequence[tuple[int, str]]) -> Go:
    """One by one in their order, durable together; those that cannot go are passed over, and told."""
    services, company = visit.services, visit.company
    now = services.now()
    done = await asyncio.gather(*(services.ledger.replay(company, *one, now) for one in chosen), return_exceptions=True)
    owed = [one for one in done if isinstance(one, Owed)]
    for one in owed:
        services.dispatcher_replayed(one)
    for failure in done:
        if isinstance(failure, RingpostError) and failure.code in _PASSED_OVER:
            continue
        if isinstance(failure, BaseException):
            raise failure
    if not owed:
        raise RingpostError("nothing_to_replay", "None of those can go out again: each is pending or has no receiver.")
    left = len(done) - len(owed)
    told = f"{len(owed)} {'goes' if len(owed) == 1 else 'go'} out again, with the same webhook-id."
    return Go(_back(visit), f"{told} {left} could not." if left else told)


def _asked(visit: Visit, form: Mapping[str, str], *, dry_run: bool) -> Asked:
    """As the API is asked. Raises `invalid_value`."""
    state = form.get("state") or "ended"
    if state not in ENDED:
        raise RingpostError("invalid_value", f"`state` is one of {', '.join(ENDED)}.", field="state")
    body = ReplayRequest(
        company=visit.company,
        integration=form.get("integration") or None,
        call=form.get("call") or None,
        type=form.get("type") or None,
        state=state,
        since=_number(form, "since"),
        until=_number(form, "until"),
        dry_run=dry_run,
    )
    return Asked(caller=visit.caller, path={}, query=Query({}), body=body)


def _number(form: Mapping[str, str], name: str) -> int | None:
    """A time (ms). Raises `invalid_value`."""
    text = form.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise RingpostError("invalid_value", f"`{name}` is a time in milliseconds.", field=name)
    return int(text)


class _CountOf(Struct, frozen=True, rename="camel"):
    ended: int
    complete: bool


class _Count(Struct, frozen=True):
    """What the API's own reply says."""

    result: _CountOf


class _Begun(Struct, frozen=True):
    result: ReplayShown


# --- how far they are ----------------------------------------------------------------------------------------------
async def show_replays(visit: Visit) -> View:
    query = visit.query
    page = await visit.services.ledger.works(
        visit.companies, REPLAY, cursor=query.text("cursor"), limit=query.number("limit") or LIMIT.low
    )
    names = names_of(visit)
    rows = [_row(show_replay(work), names) for work in page.items]
    return View("replays.html", {"rows": rows, "next": page.next, "is_first": query.text("cursor") is None})


async def show_one(visit: Visit) -> View:
    work = await visit.services.ledger.work(visit.companies, _id(visit))
    if work is None:
        raise RingpostError("work_not_found")
    return View("replay.html", {"row": _row(show_replay(work), names_of(visit))})


async def cancel(visit: Visit) -> Go:
    work = await visit.services.works.cancel(visit.companies, _id(visit))
    is_cancelled = work.state == "cancelled"
    told = "It is cancelled; what was handed over already goes out." if is_cancelled else "It had ended before."
    return Go(visit.url(f"/replays/{work.id}"), told)


def _id(visit: Visit) -> str:
    """The id in the address, where it is one of a replay. Raises `work_not_found`."""
    parsed = parse_work_id(visit.path["id"])
    if parsed is None or parsed[0] != REPLAY:
        raise RingpostError("work_not_found")
    return visit.path["id"]


def _row(replay: ReplayShown, names: Mapping[str, str]) -> ReplayRow:
    asked = msgspec.structs.asdict(replay.selection)
    percent = None if replay.total is None else 100 * replay.done // replay.total if replay.total else 100
    return ReplayRow(
        replay=replay,
        kind=_KINDS[replay.state],
        what=_words(asked, names),
        percent=percent,
        failure="" if replay.error is None else _failure(replay.error),
    )


def _failure(code: str) -> str:
    kind = ERRORS.get(code)
    return f"It failed with the code {code}." if kind is None else f"{kind.meaning} {kind.help}"


def _words(asked: Mapping[str, object], names: Mapping[str, str]) -> list[tuple[str, str | int]]:
    """What is asked for: a name and a text, or a time (ms)."""
    words: list[tuple[str, str | int]] = [("What", _STATES[cast("Ended", asked.get("state") or "ended")])]
    if asked.get("never_owed"):
        words.append(("Also", "events that the integration was never owed"))
    if asked.get("integration"):
        one = str(asked["integration"])
        words.append(("To", names.get(one, one)))
    words += [(name, str(asked[key])) for name, key in (("Call", "call"), ("Event", "type")) if asked.get(key)]
    times = (("Accepted from", "since"), ("Accepted until", "until"))
    return words + [(name, int(str(asked[key]))) for name, key in times if asked.get(key) is not None]


def replay_screens() -> list[Screen | Action]:
    one = Screen(path="/replays/{id}", title="Replay", show=show_one)
    return [
        Screen(path="/replays", title="Replays", show=show_replays, query=(CURSOR, LIMIT)),
        one,
        Action(path="/replays/count", do=count, again=LISTED),
        Action(path="/replays", do=begin, again=LISTED),
        Action(path="/replays/{id}/cancel", do=cancel, again=one),
    ]
