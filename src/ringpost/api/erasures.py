"""The operations on erasures: taking out all calls of one person, with a report.

An erasure is work that takes a while: it is begun here, goes on over restarts, and can be looked at. Whom it is about
is kept until it ends, and shown to nobody.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

from ringpost.errors import RingpostError
from ringpost.model.work import ERASURE, Work, WorkState, parse_work_id
from ringpost.upkeep.erasure import read_report
from ringpost.upkeep.person import check_person

from .operation import Asked, Listed, Operation, Route
from .query import COMPANY, CURSOR, LIMIT
from .services import Services
from .shapes import Shape

_TAG: Final = "Erasures"
_ADVICE: Final = (
    "Calls that go on were left: erase again when they ended.",
    "Other forms of the same number, such as one without its country code, need an erasure of their own.",
    "Backups that were made before still hold the calls.",
    "What was delivered stays with its receivers.",
    "The directory is left as it is: `ringpost directory remove EXTENSION` takes a person out of it.",
    "Logs and metrics hold no number, name or address of a caller.",
)


class ErasureRequest(Struct, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Erase all calls in whose events this person is: exactly one of phone, email and userId."""

    company: Annotated[str, Meta(description="The company; an operator's key names it.")] | None = None
    phone: (
        Annotated[
            str,
            Meta(
                description="A number or extension, compared by its digits (`+`, a leading 00 and separators are set "
                "aside), at any depth of an event's data and inside longer texts."
            ),
        ]
        | None
    ) = None
    email: Annotated[str, Meta(description="An address, compared as a whole, in any case of letters.")] | None = None
    user_id: Annotated[str, Meta(description="The value of a `userId`, as a whole.")] | None = None
    dry_run: Annotated[bool, Meta(description="Only count; erase nothing.")] = False


class ErasureShown(Shape, frozen=True, kw_only=True):
    """An erasure. looked: events looked at so far; cancelled: deliveries that were pending; stillGoingOn: calls that
    are left since they go on; notCovered: what it does not reach; error: the code of what it failed with."""

    id: str
    company: str
    state: WorkState
    dry_run: bool
    looked: int
    calls: int
    events: int
    deliveries: int
    cancelled: int
    attempts: int
    still_going_on: int
    not_covered: list[str]
    created: int
    updated: int
    error: str | None


def show_erasure(work: Work) -> ErasureShown:
    report = read_report(work)
    return ErasureShown(
        id=work.id,
        company=work.company,
        state=work.state,
        dry_run=report.dry_run,
        looked=work.done,
        calls=report.calls,
        events=report.events,
        deliveries=report.deliveries,
        cancelled=report.cancelled,
        attempts=report.attempts,
        still_going_on=report.still_going_on,
        not_covered=list(_ADVICE),
        created=work.created,
        updated=work.updated,
        error=work.error,
    )


async def begin_erasure(services: Services, asked: Asked) -> ErasureShown:
    request: ErasureRequest = asked.body
    company = asked.caller.company_for(request.company)
    person = check_person(request.phone, request.email, request.user_id)
    work = services.erasures.work(company, person, dry_run=request.dry_run)
    await services.works.begin(work)
    return show_erasure(work)


async def list_erasures(services: Services, asked: Asked) -> Listed:
    page = await services.ledger.works(
        asked.companies, ERASURE, cursor=asked.query.text("cursor"), limit=asked.query.number("limit") or LIMIT.low
    )
    return Listed([show_erasure(work) for work in page.items], page.next)


async def show(services: Services, asked: Asked) -> ErasureShown:
    parsed = parse_work_id(asked.path["id"])
    company = asked.companies
    work = None
    if parsed is not None and parsed[0] == ERASURE:
        work = await services.ledger.work(company, asked.path["id"])
    if work is None:
        raise RingpostError("work_not_found")
    return show_erasure(work)


def erasure_routes() -> list[Route]:
    """All operations on erasures."""
    return [
        Route(
            Operation(
                method="POST", path="/v1/erasures", id="beginErasure", tag=_TAG, right="change", takes=ErasureRequest,
                answers=ErasureShown, status=202, summary="Erase all calls of a person",
                example={"phone": "+39 0461 555 0100", "dryRun": True},
                about="Calls that ended go as a whole: events, deliveries (pending ones are cancelled first) and "
                "attempts, and their bytes are overwritten. It cannot be undone or cancelled: begin with `dryRun`, "
                "which counts what would be erased. `GET /v1/erasures/{id}` tells how far it is, and the report.",
            ),
            begin_erasure,
        ),
        Route(
            Operation(
                method="GET", path="/v1/erasures", id="listErasures", tag=_TAG, right="change", answers=ErasureShown,
                is_list=True, summary="List erasures, newest first", query=(COMPANY, CURSOR, LIMIT),
                refusals=("cursor_invalid",),
            ),
            list_erasures,
        ),
        Route(
            Operation(
                method="GET", path="/v1/erasures/{id}", id="showErasure", tag=_TAG, right="change",
                answers=ErasureShown, summary="Show an erasure and its report", query=(COMPANY,),
                refusals=("work_not_found",),
            ),
            show,
        ),
    ]  # fmt: skip
