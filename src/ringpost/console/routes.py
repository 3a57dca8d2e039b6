"""The console's addresses: sign-in by a one-time link, and the inbox (receiving, page, live stream)."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from litestar import Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.response import Redirect, ServerSentEvent, ServerSentEventMessage
from litestar.types import ControllerRouterHandler

from ringpost.access.sessions import ABSOLUTE_MS, Sessions
from ringpost.errors import RingpostError

from .inbox import BODY_LIMIT, Inbox, Received
from .pages import page, render, static_file
from .summary import summarise

COOKIE: Final = "ringpost_session"


def sign_in_routes(sessions: Sessions) -> list[ControllerRouterHandler]:
    """Signing in, and the files that every page loads."""

    @get("/login/{token:str}", include_in_schema=False)
    async def login(token: str, request: Request[Any, Any, Any]) -> Response[str]:
        session = sessions.redeem(token)
        if session is None and sessions.caller(request.cookies.get(COOKIE)) is not None:
            return Response("", status_code=303, headers={"location": "/inbox"})
        if session is None:
            return page("sign_in.html", status=401, reason="That link was used already, or is too old.")
        cookie = Cookie(COOKIE, value=session, max_age=ABSOLUTE_MS // 1000, httponly=True, samesite="lax")
        headers = {"location": "/inbox", "cache-control": "no-store"}
        return Response("", status_code=303, headers=headers, cookies=[cookie])

    @get("/", include_in_schema=False)
    async def home() -> Redirect:
        return Redirect("/inbox")

    @get("/static/{name:str}", include_in_schema=False)
    async def static(name: str) -> Response[bytes]:
        return static_file(name)

    return [login, home, static]


def inbox_page_routes(inbox: Inbox, sessions: Sessions, next_steps: Mapping[str, str]) -> list[ControllerRouterHandler]:
    """The inbox for a person who is signed in. next_steps: what the page tells to do next."""

    def signed_in(request: Request[Any, Any, Any]) -> bool:
        return sessions.caller(request.cookies.get(COOKIE)) is not None

    @get("/inbox", include_in_schema=False)
    async def show(request: Request[Any, Any, Any]) -> Response[str]:
        if not signed_in(request):
            return page("sign_in.html", status=401, reason="You are not signed in.")
        rows = [_row(received) for received in inbox.latest()]
        last = inbox.latest()[0].number if rows else 0
        return page("inbox.html", rows=rows, last=last, steps=next_steps)

    @get("/inbox/stream", include_in_schema=False)
    async def stream(request: Request[Any, Any, Any], after: int = 0) -> Response[Any]:
        if not signed_in(request):
            return page("sign_in.html", status=401, reason="You are not signed in.")
        seen = request.headers.get("last-event-id", "")
        return ServerSentEvent(_messages(inbox, int(seen) if seen.isdecimal() else after))

    return [show, stream]


def inbox_receiver(inbox: Inbox) -> ControllerRouterHandler:
    """Where deliveries to the inbox arrive."""

    @post("/inbox/{token:str}", status_code=204, include_in_schema=False)
    async def receive(token: str, request: Request[Any, Any, Any]) -> None:
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
