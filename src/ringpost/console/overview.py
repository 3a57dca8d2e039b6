"""The first page: how everything is now, and the curves of the last hour, day or week; first steps while there are any.

Each figure leads to the list that explains it. What is shown is of the visitor's company, or, to an operator who chose
none, of the whole service. What was counted is kept each minute, so the newest point is a minute old at the most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from litestar import Response
from msgspec import Struct

from ringpost.api.query import Parameter
from ringpost.ledger.views import Backlog, CallSearch, Count, DeliverySearch
from ringpost.model.integration import Integration
from ringpost.model.point import HOUR, LATENCIES, MINUTE, QUARTER, Point, percentile

from .pages import HEADERS, lasted
from .screen import Screen, View, Visit

LOOKED_AT: Final = 300  # integrations whose backlog is looked at; those that fail come first
COUNTED: Final = 1_000  # deliveries of each
_NOW_MINUTES: Final = 5  # that a rate of now is the mean of
_ROWS: Final = 12  # of the table that says what the curves show
# A range's length, and what one point of its curves is about (ms).
RANGES: Final[dict[str, tuple[int, int]]] = {
    "hour": (HOUR, MINUTE),
    "day": (24 * HOUR, QUARTER),
    "week": (7 * 24 * HOUR, HOUR),
}
_LAST: Final = Parameter(name="last", meaning="The range of the curves.", choices=tuple(RANGES), default="hour")


class Figure(Struct, frozen=True, kw_only=True):
    """One number of now. kind: good, warn, bad or plain; to: the list that explains it; hint: what stands below."""

    name: str
    value: str
    kind: str = "plain"
    to: str
    hint: str = ""


class StepToTake(Struct, frozen=True, kw_only=True):
    """One of the first steps. to: where it is done, empty for who may not."""

    text: str
    to: str
    is_done: bool


class Curves(Struct, frozen=True, kw_only=True):
    """Each list has a number for each time (s). calls, delivered, failed: a minute; p50, p99: ms, None where nothing
    was delivered."""

    times: list[int]
    calls: list[float]
    delivered: list[float]
    failed: list[float]
    p50: list[int | None]
    p99: list[int | None]


class CurveRow(Struct, frozen=True, kw_only=True):
    """A part of the range, in numbers. until: ms; half, most: that 50 and 99 % of deliveries took, in words."""

    since: int
    until: int
    calls: int
    delivered: int
    failed: int
    exhausted: int
    half: str
    most: str


class Overview(Struct, frozen=True, kw_only=True):
    """The page. steps: none once all are done; words: each chart in words; looked_at: integrations, where there are
    more than that."""

    figures: Sequence[Figure]
    steps: Sequence[StepToTake]
    rows: Sequence[CurveRow]
    words: Mapping[str, str]
    last: str
    looked_at: int | None
    ranges: Sequence[str] = tuple(RANGES)


async def show_overview(visit: Visit) -> View:
    last = visit.query.text("last") or "hour"
    since, until, step = _span(last, visit.services.now())
    points = await _points(visit, since, until, step)
    now = await _points(visit, *_span_of_now(visit.services.now()), MINUTE)
    installed = [one for one in visit.services.registry.all() if visit.companies in {None, one.company}]
    backlogs = await _backlogs(visit, installed)
    total = _total(points)
    page = Overview(
        figures=[*await _figures(visit, now, backlogs), *_troubles(visit, last, total, installed, backlogs)],
        steps=await _steps(visit, installed, total),
        rows=_rows(points, since, until),
        words=_words(last, total),
        last=last,
        looked_at=LOOKED_AT if len(installed) > LOOKED_AT else None,
    )
    return View("overview.html", page)


async def show_curves(visit: Visit) -> Response[bytes]:
    """The numbers of the charts, for the page's script."""
    since, until, step = _span(visit.query.text("last") or "hour", visit.services.now())
    points = await _points(visit, since, until, step)
    body = msgspec.json.encode(curves_of(points, since, until, step, visit.services.now()))
    return Response(body, media_type="application/json", headers=dict(HEADERS))


def curves_of(points: Sequence[Point], since: int, until: int, step: int, now: int) -> Curves:
    """A number for every span, also where nothing happened; of one that goes on, a minute of what passed. All in ms."""
    found = {point.time: point for point in points}
    times = range(since, until, step)
    spans = [found.get(time, Point(company="", integration="", span=step, time=time)) for time in times]
    minutes = [max(1.0, min(step, now - time) / MINUTE) for time in times]
    return Curves(
        times=[time // 1_000 for time in times],
        calls=[round(one.calls / span, 2) for one, span in zip(spans, minutes, strict=True)],
        delivered=[round(one.delivered / span, 2) for one, span in zip(spans, minutes, strict=True)],
        failed=[round(one.failed / span, 2) for one, span in zip(spans, minutes, strict=True)],
        p50=[percentile(one.latencies, 0.5) for one in spans],
        p99=[percentile(one.latencies, 0.99) for one in spans],
    )


def _span(last: str, now: int) -> tuple[int, int, int]:
    """From, until, step (ms). The span that is begun is in it, save a minute, of which nothing is kept yet."""
    length, step = RANGES[last]
    until = (now // step + (step > MINUTE)) * step
    return until - length, until, step


def _span_of_now(now: int) -> tuple[int, int]:
    """The last whole minutes."""
    until = now // MINUTE * MINUTE
    return until - _NOW_MINUTES * MINUTE, until


async def _points(visit: Visit, since: int, until: int, step: int) -> list[Point]:
    return await visit.services.ledger.points(visit.companies or "", "", step=step, since=since, until=until)


async def _backlogs(visit: Visit, installed: Sequence[Integration]) -> Mapping[tuple[str, str], Backlog]:
    failing = {(one.company, one.integration) for one in await visit.services.ledger.failings()}
    names = sorted(((one.company, one.id) for one in installed), key=lambda name: name not in failing)
    return await visit.services.ledger.backlogs(names[:LOOKED_AT], COUNTED)


async def _figures(visit: Visit, now: Sequence[Point], backlogs: Mapping[tuple[str, str], Backlog]) -> list[Figure]:
    total = _total(now)
    going_on = await visit.services.ledger.count_open_calls(visit.companies, COUNTED)
    pending = _sum([one.pending for one in backlogs.values()], is_part=len(backlogs) == LOOKED_AT)
    failing = _sum([one.failing for one in backlogs.values()])
    oldest = min((one.oldest for one in backlogs.values() if one.oldest is not None), default=None)
    age = None if oldest is None else max(0, visit.services.now() - oldest)
    kind = "warn" if failing.count else "plain"
    return [
        Figure(name="Calls now", value=_counted(going_on), to=visit.url("/calls", open="true")),
        Figure(name="Calls a minute", value=_rate(total.calls), to=visit.url("/calls", last="hour"), hint=_OF_NOW),
        Figure(
            name="Deliveries a minute",
            value=_rate(total.delivered),
            to=visit.url("/deliveries", state="delivered", last="hour"),
            hint=_OF_NOW,
        ),
        Figure(
            name="Pending",
            value=_counted(pending),
            kind=kind,
            to=visit.url("/deliveries", state="pending"),
            hint=f"{_counted(failing)} failing" if failing.count else "none failing",
        ),
        Figure(
            name="Oldest pending",
            value="none" if age is None else lasted(age),
            kind=kind,
            to=visit.url("/deliveries", state="pending"),
            hint="" if age is None else "since it was accepted",
        ),
    ]


def _troubles(
    visit: Visit,
    last: str,
    total: Point,
    installed: Sequence[Integration],
    backlogs: Mapping[tuple[str, str], Backlog],
) -> list[Figure]:
    paused = sum(one.state == "paused" for one in installed)
    failing = sum(one.state != "paused" and _fails(backlogs.get((one.company, one.id))) for one in installed)
    pbxs = [one for one in visit.services.pbxs() if visit.companies in {None, one.company}]
    connected = sum(one.status.connected_since is not None for one in pbxs)
    troubles = [f"{count} {word}" for count, word in ((failing, "failing"), (paused, "paused")) if count]
    return [
        Figure(
            name="Failed attempts",
            value=f"{total.failed:,}",
            kind="warn" if total.failed else "good",
            to=visit.url("/integrations"),
            hint=f"in the last {last}",
        ),
        Figure(
            name="Exhausted",
            value=f"{total.exhausted:,}",
            kind="bad" if total.exhausted else "good",
            to=visit.url("/deliveries", state="exhausted", last=last),
            hint=f"in the last {last}",
        ),
        Figure(
            name="Integrations",
            value=f"{len(installed):,}",
            kind="warn" if troubles else "plain",
            to=visit.url("/integrations"),
            hint=", ".join(troubles) or ("all well" if installed else "none is installed"),
        ),
        Figure(
            name="PBXs",
            value=f"{connected} of {len(pbxs)}" if pbxs else "0",
            kind="bad" if connected < len(pbxs) else "plain",
            to=visit.url("/pbxs"),
            hint="connected" if pbxs else "none is listened to",
        ),
    ]


async def _steps(visit: Visit, installed: Sequence[Integration], total: Point) -> list[StepToTake]:
    ledger, company = visit.services.ledger, visit.companies
    has_calls = bool((await ledger.find_calls(company, CallSearch(), cursor=None, limit=1)).items)
    delivered = DeliverySearch(state="delivered")
    has_delivered = total.delivered > 0 or (
        has_calls and bool((await ledger.find_deliveries(company, delivered, cursor=None, limit=1)).items)
    )
    if installed and has_calls and has_delivered:
        return []
    may, first = visit.may("change"), next(iter(installed), None)
    test = visit.url("/integrations" if first is None else f"/integrations/{first.id}")
    return [
        StepToTake(
            text="Install an integration: a webhook or an AWS SQS queue that call events go to.",
            to=visit.url("/integrations/install") if may else "",
            is_done=bool(installed),
        ),
        StepToTake(
            text="Connect a PBX, or send the integration a test call.",
            to=(visit.url("/add-pbx") if visit.may("operate") and not installed else test) if may else "",
            is_done=has_calls,
        ),
        StepToTake(
            text="Watch its events arrive at the receiver, with what it answered.",
            to=visit.url("/deliveries"),
            is_done=has_delivered,
        ),
    ]


def _rows(points: Sequence[Point], since: int, until: int) -> list[CurveRow]:
    """The range in so many parts, newest first."""
    length = (until - since) // _ROWS
    rows = []
    for start in range(since, until, length):
        part = _total([one for one in points if start <= one.time < start + length])
        half, most = percentile(part.latencies, 0.5), percentile(part.latencies, 0.99)
        rows.append(
            CurveRow(
                since=start,
                until=min(start + length, until),
                calls=part.calls,
                delivered=part.delivered,
                failed=part.failed,
                exhausted=part.exhausted,
                half=_ms(half),
                most=_ms(most),
            )
        )
    return rows[::-1]


def _words(last: str, total: Point) -> dict[str, str]:
    half, most = percentile(total.latencies, 0.5), percentile(total.latencies, 0.99)
    took = f"Half took up to {_ms(half)}, 99 % up to {_ms(most)}." if half is not None else "Nothing was delivered."
    return {
        "rates": f"Last {last}: calls that began: {total.calls:,}; deliveries: {total.delivered:,}.",
        "failures": f"Last {last}: attempts that failed: {total.failed:,}; exhausted deliveries: {total.exhausted:,}.",
        "latency": f"Last {last}, from accepted to delivered. {took}",
    }


def _total(points: Sequence[Point]) -> Point:
    sums = [sum(one.latencies[place] for one in points) for place in range(len(LATENCIES) + 1)]
    return Point(
        company="",
        integration="",
        span=0,
        time=0,
        calls=sum(one.calls for one in points),
        delivered=sum(one.delivered for one in points),
        failed=sum(one.failed for one in points),
        exhausted=sum(one.exhausted for one in points),
        latencies=tuple(sums),
    )


def _fails(backlog: Backlog | None) -> bool:
    return backlog is not None and backlog.failing.count > 0


def _sum(counts: Sequence[Count], *, is_part: bool = False) -> Count:
    return Count(sum(one.count for one in counts), more=is_part or any(one.more for one in counts))


def _counted(count: Count) -> str:
    return f"{count.count:,}{'+' if count.more else ''}"


_OF_NOW: Final = f"mean of {_NOW_MINUTES} minutes"


def _rate(total: int) -> str:
    rate = total / _NOW_MINUTES
    return f"{rate:,.0f}" if rate >= 10 or rate == int(rate) else f"{rate:.1f}"


def _ms(ms: int | None) -> str:
    if ms is None:
        return ""
    return f"{ms} ms" if ms < 1_000 else lasted(ms)


def overview_screens() -> list[Screen]:
    query = (_LAST,)
    return [
        Screen(path="/overview", title="Overview", nav="Overview", letter="o", show=show_overview, query=query),
        Screen(path="/overview/curves", title="Curves", show=show_curves, query=query),
    ]
