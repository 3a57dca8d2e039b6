"""The operation on notices: what an operator or a company must know, newest first."""

from __future__ import annotations

import msgspec

from ringpost.model.event import Event
from ringpost.model.notice import NoticeData

from .operation import Asked, Listed, Operation, Route
from .query import COMPANY, CURSOR, LIMIT, NOTICE_TYPE, SINCE, UNTIL
from .services import Services
from .shapes import Shape


class NoticeShown(Shape, frozen=True, kw_only=True):
    """A notice. event: its id, for `GET /v1/events/{id}`, which tells to whom it was delivered; message: for a person;
    integration, pbx, delivery: what it is about; reason: a stable word; since: ms; count: how many. What is not known
    is null."""

    event: str
    company: str
    type: str
    time: int
    message: str
    integration: str | None
    pbx: str | None
    delivery: str | None
    reason: str | None
    since: int | None
    count: int | None


async def list_notices(services: Services, asked: Asked) -> Listed:
    query = asked.query
    page = await services.ledger.notices(
        asked.companies,
        type=query.text("type"),
        since=query.number("since"),
        until=query.number("until"),
        cursor=query.text("cursor"),
        limit=query.number("limit") or LIMIT.low,
    )
    return Listed([_shown(notice) for notice in page.items], page.next)


def _shown(notice: Event) -> NoticeShown:
    data = msgspec.json.decode(notice.data, type=NoticeData)
    return NoticeShown(
        event=notice.id,
        company=notice.company,
        type=notice.type,
        time=notice.time,
        **msgspec.structs.asdict(data),
    )


def notice_routes() -> list[Route]:
    """All operations on notices."""
    return [
        Route(
            Operation(
                method="GET", path="/v1/notices", id="listNotices", tag="Notices", right="read", answers=NoticeShown,
                is_list=True, summary="List notices, newest first",
                query=(COMPANY, NOTICE_TYPE, SINCE, UNTIL, CURSOR, LIMIT),
                refusals=("cursor_invalid", "unknown_event_type"),
                about="An integration was paused, a delivery exhausted, a PBX lost … An integration whose filter is "
                "`notice:*` gets them as events. Those about the service itself are of the company `ringpost`.",
            ),
            list_notices,
        ),
    ]  # fmt: skip
