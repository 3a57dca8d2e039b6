"""The inbox's page: what arrived, live; and the address where deliveries to it arrive. Of the demo alone."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Mapping
from typing import Any

from litestar import Request, Response, post
from litestar.response import ServerSentEvent, ServerSentEventMessage
from litestar.types import ControllerRouterHandler

from ringpost.api.query import Parameter
from ringpost.errors import RingpostError

from .inbox import BODY_LIMIT, Inbox, Received
from .pages import render
from .screen import Screen, View, Visit
from .summary import summarise

_AFTER = Parameter(name="after", meaning="The last one that was seen.", kind="number")


def inbox_screens(inbox: Inbox, next_steps: Mapping[str, str]) -> list[Screen]:
    """The inbox for a person. next_steps: what the page tells to do next."""

    async def show(_: Visit) -> View:
        rows = [_row(received) for received in inbox.latest()]
        last = inbox.latest()[0].number if rows else 0
        return View("inbox.html", {"rows": rows, "last": last, "steps": next_steps})

    async def stream(visit: Visit) -> Response[Any]:
        seen = visit.last_event
        after = int(seen[:15]) if seen.isascii() and seen.isdigit() else visit.query.number("after") or 0
        return ServerSentEvent(_messages(inbox, after))

    return [
        Screen(path="/inbox", title="Inbox of the demo", nav="Inbox", letter="x", right="operate", show=show),
        Screen(path="/inbox/stream", title="Inbox", right="operate", show=stream, query=(_AFTER,)),
    ]


def inbox_receiver(inbox: Inbox) -> ControllerRouterHandler:
    """Where deliveries to the inbox arrive."""

    @post("/inbox/{token:str}", status_code=204, include_in_schema=False)
    async def receive(request: Request[Any, Any, Any]) -> None:
        token: str = request.path_params["token"]
        if not hmac.compare_digest(token.encode(), inbox.token.encode()):
            raise RingpostError("not_found")
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_LIMIT:
                raise RingpostError("body_too_large")
        inbox.receive(dict(request.headers), bytes(body))

    return receive


async def _messages(inbox: Inbox, after: int) -> AsyncIterator[ServerSentEventMessage]:
    async for received in inbox.follow(after):
        html = render("row.html", row=_row(received))
        yield ServerSentEventMessage(data=html, id=received.number, event="received")


def _row(received: Received) -> dict[str, object]:
    return {"received": received, "summary": summarise(received.event)}
