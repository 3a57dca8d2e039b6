"""The operation on PBXs: how each that is listened to stands at the moment."""

from __future__ import annotations

from typing import Literal

from ringpost.sources.standing import PbxStanding

from .operation import Asked, Listed, Operation, Route
from .query import COMPANY
from .services import Services
from .shapes import Shape


class PbxShown(Shape, frozen=True, kw_only=True):
    """A PBX that is listened to. connecting: since the start, without an answer yet; calls: that go on; seen: begun
    since Ringpost started; ended, begun: calls that a snapshot made up for after an interruption; waiting: events that
    the ledger has not taken yet; lost: those that it will not take; dropped: messages that could not be read; attempts:
    connections tried in vain since the last that stood; error: a code of `GET /v1/errors`, and message the same in
    words. What is not known is null."""

    company: str
    serial: str
    address: str | None
    state: Literal["connected", "connecting", "not connected"]
    connected_since: int | None
    last_event: int | None
    version: str | None
    calls: int
    seen: int
    ended: int
    begun: int
    waiting: int
    lost: int
    dropped: int
    attempts: int
    error: str | None
    message: str | None


async def list_pbxs(services: Services, asked: Asked) -> Listed:
    company = asked.companies
    return Listed([_shown(one) for one in services.pbxs() if company in {None, one.company}])


def _shown(standing: PbxStanding) -> PbxShown:
    status = standing.status
    return PbxShown(
        company=standing.company,
        serial=standing.serial,
        address=standing.address or None,
        state=standing.state,
        connected_since=status.connected_since,
        last_event=status.heard,
        version=status.version,
        calls=standing.calls,
        seen=standing.seen,
        ended=standing.ended,
        begun=standing.begun,
        waiting=standing.waiting,
        lost=standing.lost,
        dropped=status.dropped,
        attempts=status.attempts,
        error=status.error,
        message=status.message,
    )


def pbx_routes() -> list[Route]:
    """All operations on PBXs."""
    return [
        Route(
            Operation(
                method="GET", path="/v1/pbxs", id="listPbxs", tag="PBXs", right="read", answers=PbxShown, is_list=True,
                summary="List the PBXs that are listened to", query=(COMPANY,),
                about="Which those are stands in the settings' file (`[[pbx]]`). One that is lost for longer is told "
                "by a notice as well.",
            ),
            list_pbxs,
        ),
    ]  # fmt: skip
