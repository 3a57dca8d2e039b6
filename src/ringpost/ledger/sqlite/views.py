"""What the console's screens read from the file: `ledger.views.Views`, as a part of the SQLite ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, cast

import apsw

from ringpost.ledger.views import (
    COUNT_LIMIT,
    WITHIN_MS,
    Backlog,
    CallSearch,
    Count,
    Counts,
    DeliverySearch,
    Found,
    WholeCall,
    WholeDelivery,
    WholeEvent,
)
from ringpost.model.call_line import CallLine
from ringpost.model.delivery import Attempt, Delivery
from ringpost.model.point import Point

from . import call_search, finding, lists, series
from .jobs import Change
from .readers import Readers
from .rows import to_attempt, to_call, to_delivery, to_event
from .sql import QUERIES
from .writer import Writer

_POINTS_AT_ONCE: Final = 500  # others' commits wait meanwhile


class SqliteViews:
    _readers: Readers  # for what people ask
    _writer: Writer

    async def find_calls(
        self, company: str | None, wanted: CallSearch, *, cursor: str | None, limit: int, within_ms: int = WITHIN_MS
    ) -> Found[CallLine]:
        read = partial(
            call_search.find, company=company, wanted=wanted, cursor=cursor, limit=limit, within_ms=within_ms
        )
        return await self._readers.read(read)

    async def find_deliveries(
        self, company: str | None, wanted: DeliverySearch, *, cursor: str | None, limit: int, within_ms: int = WITHIN_MS
    ) -> Found[Delivery]:
        read = partial(finding.find, company=company, wanted=wanted, cursor=cursor, limit=limit, within_ms=within_ms)
        return await self._readers.read(read)

    async def count_deliveries(
        self,
        company: str,
        *,
        integration: str | None = None,
        since: int | None = None,
        until: int | None = None,
        limit: int = COUNT_LIMIT,
    ) -> Counts:
        read = partial(finding.count, company=company, integration=integration, since=since, until=until, limit=limit)
        return await self._readers.read(read)

    async def backlogs(
        self, integrations: Sequence[tuple[str, str]], limit: int = COUNT_LIMIT
    ) -> Mapping[tuple[str, str], Backlog]:
        return await self._readers.read(partial(finding.backlogs, names=integrations, limit=limit))

    async def count_open_calls(self, company: str | None, limit: int = COUNT_LIMIT) -> Count:
        return await self._readers.read(partial(finding.count_open_calls, company=company, limit=limit))

    async def whole_call(self, company: str, call: str, *, cursor: str | None, limit: int) -> WholeCall | None:
        return await self._readers.read(partial(_whole_call, company=company, call=call, cursor=cursor, limit=limit))

    async def whole_delivery(self, company: str, seq: int, integration: str) -> WholeDelivery | None:
        return await self._readers.read(partial(_whole_delivery, company=company, seq=seq, integration=integration))

    async def add_points(self, points: Sequence[Point]) -> None:
        for start in range(0, len(points), _POINTS_AT_ONCE):
            await self._writer.submit(Change(partial(series.add, points=points[start : start + _POINTS_AT_ONCE])))

    async def points(self, company: str, integration: str, *, step: int, since: int, until: int) -> list[Point]:
        read = partial(series.points, company=company, integration=integration, step=step, since=since, until=until)
        return await self._readers.read(read)

    async def points_of_each(
        self, integrations: Sequence[tuple[str, str]], *, step: int, since: int, until: int
    ) -> Mapping[tuple[str, str], list[Point]]:
        def read(connection: apsw.Connection) -> dict[tuple[str, str], list[Point]]:
            return {
                (company, integration): series.points(connection, company, integration, step, since, until)
                for company, integration in integrations
            }

        return await self._readers.read(read)

    async def roll_up_points(
        self, after: tuple[str, str], hours_before: int, forget_before: int
    ) -> tuple[str, str] | None:
        run = partial(series.roll_up, after=after, hours_before=hours_before, forget_before=forget_before)
        return cast("tuple[str, str] | None", await self._writer.submit(Change(run)))


def _whole_call(
    connection: apsw.Connection, company: str, call: str, cursor: str | None, limit: int
) -> WholeCall | None:
    row = connection.execute(QUERIES["call"], (company, call)).fetchone()
    if row is None:
        return None
    page = lists.events(connection, company, call, cursor, limit)
    of = lists.of_seqs(company, [event.seq for event in page.items])
    attempts: dict[tuple[int, str], list[Attempt]] = defaultdict(list)
    for attempt in map(to_attempt, connection.execute(QUERIES["attempts_of_events"], of)):
        attempts[attempt.seq, attempt.integration].append(attempt)
    deliveries: dict[int, list[tuple[Delivery, list[Attempt]]]] = defaultdict(list)
    for delivery in map(to_delivery, connection.execute(QUERIES["deliveries_of_events"], of)):
        deliveries[delivery.seq].append((delivery, attempts[delivery.seq, delivery.integration]))
    before = None
    if page.items:
        before = connection.execute(QUERIES["event_before"], (company, page.items[0].seq)).fetchone()
    return WholeCall(
        to_call(row),
        [WholeEvent(event, deliveries[event.seq]) for event in page.items],
        page.next,
        None if before is None else to_event(before),
    )


def _whole_delivery(connection: apsw.Connection, company: str, seq: int, integration: str) -> WholeDelivery | None:
    of = (company, seq, integration)
    delivery = connection.execute(QUERIES["delivery"], of).fetchone()
    if delivery is None:
        return None
    event = connection.execute(QUERIES["event"], (company, seq)).fetchone()
    return WholeDelivery(
        to_delivery(delivery),
        None if event is None else to_event(event),
        [to_attempt(row) for row in connection.execute(QUERIES["attempts"], of)],
    )
