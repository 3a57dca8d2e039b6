"""Replays as the API takes and shows them."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from ringpost.model.work import Work, WorkState
from ringpost.work.replay import Plan
from ringpost.work.selection import Ended, Selection, read_selection

from .shapes import Shape

_LATEST: Final = 253_402_300_799_999  # the end of the year 9999, in ms
_Text = Annotated[str, Meta(min_length=1, max_length=512)]
_Time = Annotated[int, Meta(ge=0, le=_LATEST)]


class ReplayRequest(Struct, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Deliver again what ended and matches all that is given. What goes out keeps its `webhook-id`."""

    company: Annotated[str, Meta(description="The company; an operator's key names it.")] | None = None
    integration: Annotated[_Text, Meta(description="Only to this one; otherwise to all that were owed it.")] | None = (
        None
    )
    call: Annotated[_Text, Meta(description="Only the events of this call.")] | None = None
    state: (
        Annotated[
            Ended,
            Meta(description="How the delivery ended; `ended`: however. By default `exhausted`, with `call` `ended`."),
        ]
        | None
    ) = None
    type: Annotated[_Text, Meta(description="Only events of this type.")] | None = None
    since: Annotated[_Time, Meta(description="Only events accepted at this time (ms) or later.")] | None = None
    until: Annotated[_Time, Meta(description="Only events accepted at this time (ms) or earlier.")] | None = None
    never_owed: Annotated[
        bool,
        Meta(
            description="Also events that the integration was never owed, as it was installed later or had another "
            "filter, and that its filter wants now. Needs `integration` and `since`."
        ),
    ] = False
    dry_run: Annotated[bool, Meta(description="Only count.")] = False


class ReplayCounted(Shape, frozen=True, kw_only=True):
    """What a replay would deliver: deliveries that ended, and events that were never owed. complete: false where there
    are so many that there may be more."""

    ended: int
    never_owed: int
    complete: bool


class ReplayShown(Shape, frozen=True, kw_only=True):
    """A replay. total: how many deliveries it is about, null where there are too many to count; done: how many of them
    were handed over to be delivered; selection: what was asked for; error: the code of what it failed with."""

    id: str
    company: str
    state: WorkState
    total: int | None
    done: int
    selection: Selection
    created: int
    updated: int
    error: str | None


def show_replay(work: Work) -> ReplayShown:
    return ReplayShown(
        id=work.id,
        company=work.company,
        state=work.state,
        total=None if work.total is None else max(work.total, work.done),  # more may have ended since it was counted
        done=work.done,
        selection=read_selection(work.request),
        created=work.created,
        updated=work.updated,
        error=work.error,
    )


def show_plan(plan: Plan) -> ReplayCounted:
    return ReplayCounted(ended=plan.ended, never_owed=plan.never_owed, complete=plan.is_whole)


def in_body(result: Shape) -> bytes:
    """The bytes of an answer."""
    return msgspec.json.encode({"success": True, "result": result})
