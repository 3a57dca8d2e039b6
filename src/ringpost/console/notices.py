"""The screen of notices: what an operator or a company must know, newest first. The pattern of a list."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from ringpost.api.query import CURSOR, LIMIT, NOTICE_TYPE, SINCE, UNTIL
from ringpost.model.event import Event
from ringpost.model.notice import (
    EXHAUSTED,
    FAILING,
    LEDGER_NEARLY_FULL,
    NOTICE_TYPES,
    PAUSED,
    PBX_LOST,
    SERVICE_PBX,
    NoticeData,
)

from .screen import Screen, View, Visit

_WORDS = {notice_type: notice_type.removeprefix("notice:").replace("-", " ") for notice_type in NOTICE_TYPES}
_KINDS = {EXHAUSTED: "bad", PAUSED: "bad", PBX_LOST: "bad", LEDGER_NEARLY_FULL: "warn", FAILING: "warn"}


class NoticeRow(Struct, frozen=True, kw_only=True):
    """One notice as it is shown. kind: of its badge; about: the integration or the PBX."""

    id: str
    kind: str
    word: str
    time: int
    company: str
    about: str
    text: str


class NoticeList(Struct, frozen=True, kw_only=True):
    """The page. is_first: the newest are on it, so it is live; types: of the filter, with their words."""

    rows: Sequence[NoticeRow]
    next: str | None
    is_first: bool
    is_filtered: bool
    type: str | None
    types: Sequence[tuple[str, str]] = tuple(_WORDS.items())


async def show_notices(visit: Visit) -> View:
    query = visit.query
    page = await visit.services.ledger.notices(
        visit.companies,
        type=query.text("type"),
        since=query.number("since"),
        until=query.number("until"),
        cursor=query.text("cursor"),
        limit=query.number("limit") or LIMIT.low,
    )
    wanted = (query.text("type"), query.number("since"), query.number("until"))
    return View(
        "notices.html",
        NoticeList(
            rows=[_row(notice) for notice in page.items],
            next=page.next,
            is_first=query.text("cursor") is None,
            is_filtered=any(one is not None for one in wanted),
            type=query.text("type"),
        ),
    )


def _row(notice: Event) -> NoticeRow:
    data = msgspec.json.decode(notice.data, type=NoticeData)
    about = data.integration or data.pbx or ("" if notice.pbx == SERVICE_PBX else notice.pbx)
    return NoticeRow(
        id=notice.id,
        kind=_KINDS.get(notice.type, "good"),
        word=_WORDS.get(notice.type, notice.type),
        time=notice.time,
        company=notice.company,
        about=about,
        text=data.message,
    )


def notice_screens() -> list[Screen]:
    return [
        Screen(
            path="/notices",
            title="Notices",
            nav="Notices",
            letter="n",
            show=show_notices,
            query=(NOTICE_TYPE, SINCE, UNTIL, CURSOR, LIMIT),
        )
    ]
