"""`POST /v1/events` and `/v1/events/batch`: the way in for events of any system.

A raw ASGI route, for it is the hot path: nothing of a request is read twice, and its body only up to the limit. The
reply leaves after the ledger's commit; a client that goes away meanwhile loses nothing of what was committed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from litestar.enums import ScopeType
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from ringpost.intake.accept import BATCH_EVENTS, BATCH_LIMIT, EVENT_LIMIT, Answer
from ringpost.model.event import CALL_START
from ringpost.wire.catalog import EVENT_CATALOG

from .answers import refusal_headers
from .body import header, read_body
from .event_shapes import AcceptedBatch, AcceptedEvent, BatchSent, EventSent
from .operation import Operation
from .presented import caller_of
from .query import read_query
from .services import Services

_TAG: Final = "Events"
_EVENT: Final = {key: EVENT_CATALOG[CALL_START].example[key] for key in ("id", "pbx", "time", "type", "data")}
_OF_A_CALL: Final = (
    "call_already_started", "call_not_started", "call_already_ended", "call_of_source", "unknown_event_type",
)  # fmt: skip

ACCEPT_EVENT: Final = Operation(
    method="POST", path="/v1/events", id="acceptEvent", tag=_TAG, right="send", status=202, idempotent=True,
    summary="Send an event", takes=EventSent, answers=AcceptedEvent, example=_EVENT, refusals=_OF_A_CALL,
    about=f"Up to {EVENT_LIMIT} bytes. The answer comes when the event and all its deliveries are durable. `company` "
    "is for an operator's key; `time` is now where it is left out; the call's `id` gets the company in front of it.",
)  # fmt: skip
ACCEPT_BATCH: Final = Operation(
    method="POST", path="/v1/events/batch", id="acceptBatch", tag=_TAG, right="send", idempotent=True,
    summary="Send many events", takes=BatchSent, answers=AcceptedBatch, example={"events": [_EVENT]},
    refusals=("too_many_events",),
    about=f"Up to {BATCH_EVENTS} events in {BATCH_LIMIT} bytes; each is accepted or refused by itself.",
)  # fmt: skip


class Accept(Protocol):
    """What the intake does with a body."""

    def __call__(
        self, body: bytes, company_of: Callable[[str | None], str], idempotency_key: str | None = None
    ) -> Awaitable[Answer]: ...


def event_routes(services: Services) -> list[ASGIRouteHandler]:
    """Both routes."""
    return [
        _route(ACCEPT_EVENT, services, services.intake.accept_event, EVENT_LIMIT),
        _route(ACCEPT_BATCH, services, services.intake.accept_batch, BATCH_LIMIT),
    ]


def _route(operation: Operation, services: Services, accept: Accept, limit: int) -> ASGIRouteHandler:
    async def take(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] != operation.method:
            raise MethodNotAllowedException(headers={"allow": operation.method})
        headers = scope["headers"]
        caller = caller_of(headers, services.keys)
        caller.require("send")
        if scope["query_string"]:
            read_query(scope["query_string"], operation.query)
        body = await read_body(headers, receive, limit)
        answer = await accept(body, caller.company_for, header(headers, b"idempotency-key"))
        await _reply(send, answer)

    return ASGIRouteHandler(operation.path, name=operation.id, copy_scope=False)(take)


async def _reply(send: Send, answer: Answer) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(answer.body)),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    headers += [(name.encode(), value.encode()) for name, value in refusal_headers(answer.status).items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
