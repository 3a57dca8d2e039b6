"""The operations on the service itself: is it up, is it ready, what it counts, what it knows, whose key this is.

Health and readiness are the only ones that need no key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from ringpost.access.keys import RIGHTS
from ringpost.errors import ERRORS, RingpostError
from ringpost.ledger.ledger import Ledger
from ringpost.telemetry.metrics import CONTENT_TYPE
from ringpost.wire.catalog import EVENT_CATALOG
from ringpost.wire.notices import NOTICE_CATALOG

from .operation import JSON, Asked, Listed, OpenRoute, Operation, Route, Sent
from .services import Services
from .shapes import ErrorShown, EventTypeShown, WhoAmI

_TAG: Final = "Service"
_CHECK_SECONDS: Final = 2  # who asks for readiness has a limit of its own, often 5 s


async def health(_: Services) -> str:
    return "ok"


class _Readiness:
    """Checks the ledger: anyone may ask, so those who ask while a check is under way share it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._checking: asyncio.Task[None] | None = None

    async def __call__(self, services: Services) -> str:
        if not services.ready():
            raise RingpostError("not_ready")
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self._ledger.check(), name="readiness")
        done, _ = await asyncio.wait({self._checking}, timeout=_CHECK_SECONDS)
        if not done:
            raise RingpostError("not_ready", "The ledger has not taken a write for too long. See the service's log.")
        self._checking.result()
        return "ready"


async def metrics(services: Services, _: Asked) -> Sent:
    services.refresh_metrics()
    return Sent(200, services.metrics.render(), CONTENT_TYPE)


async def event_types(_: Services, __: Asked) -> Listed:
    return Listed(
        [
            EventTypeShown(
                type=kind.type,
                summary=kind.summary,
                description=kind.description,
                schema=kind.schema,
                example=kind.example,
            )
            for kind in (*EVENT_CATALOG.values(), *NOTICE_CATALOG.values())
        ]
    )


async def errors(_: Services, __: Asked) -> Listed:
    return Listed(
        [
            ErrorShown(code=code, status=kind.status, meaning=kind.meaning, help=kind.help)
            for code, kind in ERRORS.items()
        ]
    )


async def who_am_i(_: Services, asked: Asked) -> WhoAmI:
    caller = asked.caller
    return WhoAmI(key_id=caller.key_id, company=caller.company, role=caller.role, rights=sorted(RIGHTS[caller.role]))


def open_routes(services: Services) -> list[OpenRoute]:
    """The operations that need no key."""
    return [
        OpenRoute(
            Operation(
                method="GET", path="/healthz", id="health", tag=_TAG, answers=str, is_open=True,
                summary="Is the service up", about="Answers `ok` as long as the process serves requests.",
            ),
            health,
        ),
        OpenRoute(
            Operation(
                method="GET", path="/readyz", id="ready", tag=_TAG, answers=str, is_open=True,
                summary="Is the service ready", refusals=("not_ready", "ledger_full", "ledger_unavailable"),
                about="Answers `ready` when events are taken and the ledger can be written.",
            ),
            _Readiness(services.ledger),
        ),
    ]  # fmt: skip


def service_routes(document: Callable[[], bytes]) -> list[Route]:
    """The others; document: makes the OpenAPI document, as JSON."""

    async def openapi(_: Services, __: Asked) -> Sent:
        return Sent(200, document())

    return [*SERVICE_ROUTES, Route(OPENAPI, openapi)]


OPENAPI: Final = Operation(
    method="GET", path="/v1/openapi.json", id="openapi", tag=_TAG, answers=dict[str, Any], is_bare=True,
    summary="This document", media_type=JSON,
)  # fmt: skip
SERVICE_ROUTES: Final = (
    Route(
        Operation(
            method="GET", path="/metrics", id="metrics", tag=_TAG, right="operate", answers=str, is_bare=True,
            summary="Metrics for Prometheus", media_type=CONTENT_TYPE,
            about="Needs an operator's key; in Prometheus: `authorization: {credentials_file: …}`.",
        ),
        metrics,
    ),
    Route(
        Operation(
            method="GET", path="/v1/event-types", id="listEventTypes", tag=_TAG, answers=EventTypeShown, is_list=True,
            summary="List event types with schema and example",
        ),
        event_types,
    ),
    Route(
        Operation(
            method="GET", path="/v1/errors", id="listErrors", tag=_TAG, answers=ErrorShown, is_list=True,
            summary="List error codes",
        ),
        errors,
    ),
    Route(
        Operation(method="GET", path="/v1/whoami", id="whoAmI", tag=_TAG, answers=WhoAmI, summary="Whose key this is"),
        who_am_i,
    ),
)  # fmt: skip
