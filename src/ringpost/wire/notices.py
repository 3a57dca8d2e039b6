"""Every type of notice with its JSON Schema and an example, for the API reference, OpenAPI's `webhooks` and docs.

Promise: the keys of `data` are those of `ringpost.model.notice`, in the wire's order, all present.
"""

from __future__ import annotations

from typing import Any, Final, cast

import msgspec

from ringpost.model.notice import (
    EXHAUSTED,
    FAILING,
    LEDGER_NEARLY_FULL,
    NOTICE_KEYS,
    PAUSED,
    PBX_BACK,
    PBX_CALLS_ENDED,
    PBX_LOST,
    RESUMED,
    SERVICE_COMPANY,
    SERVICE_PBX,
    Notice,
    NoticeData,
    NoticeType,
)

from . import canonical
from .schema import EventKind, Schema, body_schema, object_of, text, text_or_null

_DATA: Final[dict[str, Schema]] = {
    "message": text("What happened and what to do, for a person."),
    "integration": text_or_null("The id of the integration that it is about."),
    "pbx": text_or_null("The serial of the PBX that it is about."),
    "delivery": text_or_null("The id of the delivery that it is about."),
    "reason": text_or_null("Why, as a stable word."),
    "since": {"type": ["integer", "null"], "minimum": 0, "description": "Since when, in ms since the Unix epoch."},
    "count": {"type": ["integer", "null"], "minimum": 0, "description": "How many."},
}
_TIME: Final = 1693389921613
_COMPANY: Final = "it_w000042"


def _kind(kind: NoticeType, summary: str, description: str, *, of_service: bool = False, **said: Any) -> EventKind:
    company = SERVICE_COMPANY if of_service else _COMPANY
    notice = Notice(company=company, type=kind, time=_TIME, **said)
    data = NoticeData(**{key: getattr(notice, key) for key in NOTICE_KEYS})
    example = canonical.splice(
        call=notice.lane,
        pbx=notice.pbx or SERVICE_PBX,
        time=_TIME,
        company=company,
        type=kind,
        integration="8qkmnq",
        data=canonical.encode(msgspec.to_builtins(data)),
    )
    schema = body_schema(
        kind,
        summary,
        id_is="What the notice is about, the same in all notices about it; no call has this id.",
        pbx_is="The serial of the PBX that it is about, or `ringpost`.",
        data=object_of({key: _DATA[key] for key in NOTICE_KEYS}, NOTICE_KEYS, "What happened."),
    )
    return EventKind(
        type=kind,
        summary=summary,
        description=description,
        schema=schema,
        example=cast("dict[str, Any]", canonical.parse(example)),
    )


_KINDS: Final = (
    _kind(
        FAILING,
        "An integration has only failed for long.",
        "Half of the time is over after which it is paused. `reason` is the error of its last attempt, `since` the "
        "time of its first failure.",
        message="Integration 4f7d2a (CRM) has only failed for 60 hours (last: timeout). If that goes on for 60 hours "
        "it is paused; what it is owed is kept.",
        integration="4f7d2a",
        reason="timeout",
        since=_TIME - 216_000_000,
    ),
    _kind(
        PAUSED,
        "An integration was paused.",
        "What it is owed is kept. `reason`: `asked` (someone asked for it), `gone` (its receiver answered 410 Gone) or "
        "`failing` (it has only failed since `since`).",
        message="Integration 4f7d2a (CRM) was paused, for its receiver answered 410 Gone: it is not wanted there any "
        "more. What it is owed is kept, and goes out in order when it resumes. When the receiver takes events again: "
        "ringpost integrations resume 4f7d2a",
        integration="4f7d2a",
        reason="gone",
        since=_TIME,
    ),
    _kind(
        RESUMED,
        "An integration was resumed.",
        "What it was owed meanwhile goes out now, in order. `reason` and `since` are those of the pause.",
        message="Integration 4f7d2a (CRM) was resumed. What it was owed meanwhile goes out now, in order.",
        integration="4f7d2a",
        reason="gone",
        since=_TIME - 3_600_000,
    ),
    _kind(
        EXHAUSTED,
        "A delivery has used up its tries.",
        "It is kept, and can be replayed. For one integration this is told once in a while: `count` is how many there "
        "were since it was told last, `delivery` the last of them, `reason` the error of its last attempt.",
        message="Integration 4f7d2a (CRM): delivery dlv_1a2b3c4d5e6f74f7d2a is exhausted after 10 attempts. It is "
        "kept; when the receiver works again, replay it.",
        integration="4f7d2a",
        delivery="dlv_1a2b3c4d5e6f74f7d2a",
        reason="status",
        count=1,
    ),
    _kind(
        PBX_LOST,
        "The connection to a PBX was lost.",
        "It was away for longer than a moment; its calls are not seen meanwhile. `reason` is the error code of the "
        "connection, null where none is known, `since` when it was lost.",
        message="PBX 221100000042 is not connected for 10 s. The PBX does not answer on its manager port. Its "
        "calls are not seen meanwhile; it is tried again and again.",
        pbx="221100000042",
        reason="pbx_unreachable",
        since=_TIME - 10_000,
    ),
    _kind(
        PBX_BACK,
        "The connection to a PBX stands again.",
        "It follows a notice that it was lost. Calls that ended meanwhile get their call:end, those that began their "
        "call:start. `since` is when it was lost.",
        message="PBX 221100000042 is connected again, after 94 s. Calls that ended meanwhile get their call:end, those "
        "that began their call:start.",
        pbx="221100000042",
        since=_TIME - 94_000,
    ),
    _kind(
        PBX_CALLS_ENDED,
        "The open calls of a PBX that stays away were ended.",
        "It is not connected for so long (`end_lost_calls_after_ms`) that nobody can tell how they end, so each got "
        "its call:end, with the cause 31 and the flag `reconciled`. `count` is how many, `since` when the connection "
        "was lost, `reason` its error code, null where none is known. A call that still goes on when the PBX is back "
        "starts anew, under another id.",
        message="PBX 221100000042 is not connected for 60 min (end_lost_calls_after_ms). Its open calls were ended "
        "(3), as nobody can tell their end. If they should still go on when the PBX is back, they will start anew.",
        pbx="221100000042",
        reason="pbx_unreachable",
        since=_TIME - 3_600_000,
        count=3,
    ),
    _kind(
        LEDGER_NEARLY_FULL,
        "The disk of the ledger is nearly full.",
        f"It is about the service, so it belongs to the company `{SERVICE_COMPANY}`. When the disk is full, no more "
        "events are accepted until there is space again. `reason` is `space`, `since` since when there is too little.",
        of_service=True,
        message="The ledger's disk has 900 MB left, less than 1024 MB; the ledger takes 4100 MB. When it is full, no "
        "event is accepted. Free space on that disk, or keep events for fewer days (keep_events_days).",
        reason="space",
        since=_TIME,
    ),
)

NOTICE_CATALOG: Final[dict[str, EventKind]] = {kind.type: kind for kind in _KINDS}
"""Every type of notice, by its name."""
