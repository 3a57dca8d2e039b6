"""The operations on replays: delivering many again, by filter, by call, or to an integration since a time.

A replay is work that takes a while: it is begun here, goes on over restarts, and can be looked at and cancelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ringpost.errors import RingpostError
from ringpost.intake.once import Keep
from ringpost.ledger.ledger import Remember
from ringpost.model.integration import Integration
from ringpost.model.work import REPLAY, parse_work_id
from ringpost.work.replay import Plan
from ringpost.work.selection import Selection, check_selection

from .operation import Asked, Listed, Operation, Route, Sent
from .query import COMPANY, CURSOR, LIMIT
from .replay_shapes import ReplayCounted, ReplayRequest, ReplayShown, in_body, show_plan, show_replay
from .services import Services

_TAG: Final = "Replays"
_ACCEPTED: Final = 202
_EXAMPLE: Final = {"state": "exhausted", "since": 1_693_389_850_810, "dryRun": True}


async def begin_replay(services: Services, asked: Asked) -> ReplayCounted | Sent:
    company, request = asked.caller.company_for(asked.body.company), asked.body
    selection = _selection(request)
    if request.dry_run:
        return Sent(200, in_body(show_plan(await _plan(services, company, selection))))
    if asked.idempotency_key is None:
        return await _begin(services, company, selection, None)

    async def work(keep: Keep) -> Sent:
        return await _begin(services, company, selection, keep)

    return await services.intake.once.do(
        company,
        asked.idempotency_key,
        b"POST /v1/replays\n" + asked.raw,  # the same key on another operation is another request
        recall=lambda kept: Sent(_ACCEPTED, kept),
        work=work,
    )


async def _begin(services: Services, company: str, selection: Selection, keep: Keep | None) -> Sent:
    plan = await _plan(services, company, selection)
    if plan.is_whole and not plan.ended and not plan.never_owed:
        raise RingpostError("nothing_to_replay")
    work = services.replays.work(company, selection, plan)
    body = in_body(show_replay(work))
    remember: Remember | None = keep(lambda _: body) if keep is not None else None
    await services.works.begin(work, remember)
    return Sent(_ACCEPTED, body)


def _selection(request: ReplayRequest) -> Selection:
    return check_selection(
        integration=request.integration,
        call=request.call,
        state=request.state,
        type_=request.type,
        since=request.since,
        until=request.until,
        never_owed=request.never_owed,
    )


async def _plan(services: Services, company: str, selection: Selection) -> Plan:
    if selection.call is not None and await services.ledger.call(company, selection.call) is None:
        raise RingpostError("call_not_found", field="call")
    return await services.replays.plan(company, selection, await _integrations(services, company, selection))


async def _integrations(services: Services, company: str, selection: Selection) -> Sequence[Integration]:
    """To whom. Raises `integration_not_found`, `integration_deleted`."""
    if selection.integration is None:
        return services.registry.of(company)
    installed = services.registry.installed(selection.integration)
    if installed is not None and installed[0].company == company:
        return [installed[0]]
    was_deleted = await services.ledger.was_deleted(company, selection.integration)
    raise RingpostError("integration_deleted" if was_deleted else "integration_not_found", field="integration")


async def list_replays(services: Services, asked: Asked) -> Listed:
    page = await services.ledger.works(
        asked.companies, REPLAY, cursor=asked.query.text("cursor"), limit=asked.query.number("limit") or LIMIT.low
    )
    return Listed([show_replay(work) for work in page.items], page.next)


async def show(services: Services, asked: Asked) -> ReplayShown:
    work = await services.ledger.work(asked.companies, _replay_id(asked))
    if work is None:
        raise RingpostError("work_not_found")
    return show_replay(work)


async def cancel(services: Services, asked: Asked) -> ReplayShown:
    return show_replay(await services.works.cancel(asked.companies, _replay_id(asked)))


def _replay_id(asked: Asked) -> str:
    """The id in the address, where it is one of a replay. Raises `work_not_found`."""
    parsed = parse_work_id(asked.path["id"])
    if parsed is None or parsed[0] != REPLAY:
        raise RingpostError("work_not_found")
    return asked.path["id"]


def replay_routes() -> list[Route]:
    """All operations on replays."""
    return [
        Route(
            Operation(
                method="POST", path="/v1/replays", id="beginReplay", tag=_TAG, right="change", takes=ReplayRequest,
                summary="Deliver many again", answers=ReplayShown, status=_ACCEPTED, also=(200, ReplayCounted),
                idempotent=True, example=_EXAMPLE, refusals=(
                    "integration_not_found", "integration_deleted", "call_not_found", "unknown_event_type",
                    "nothing_to_replay",
                ),
                about="By filter, by call, or to an integration since a time, also what it was never owed. Events of a "
                "call go in their order. What is pending is left alone; what a paused integration gets waits until it "
                "resumes. With `dryRun` it answers 200 with how many there are, and does nothing.",
            ),
            begin_replay,
        ),
        Route(
            Operation(
                method="GET", path="/v1/replays", id="listReplays", tag=_TAG, right="read", answers=ReplayShown,
                is_list=True, summary="List replays, newest first", query=(COMPANY, CURSOR, LIMIT),
                refusals=("cursor_invalid",),
            ),
            list_replays,
        ),
        Route(
            Operation(
                method="GET", path="/v1/replays/{id}", id="showReplay", tag=_TAG, right="read", answers=ReplayShown,
                summary="Show how far a replay is", query=(COMPANY,), refusals=("work_not_found",),
            ),
            show,
        ),
        Route(
            Operation(
                method="POST", path="/v1/replays/{id}/cancel", id="cancelReplay", tag=_TAG, right="change",
                answers=ReplayShown, summary="Cancel a replay", query=(COMPANY,), refusals=("work_not_found",),
                about="What it handed over already goes out; one that ended stays as it is.",
            ),
            cancel,
        ),
    ]  # fmt: skip
