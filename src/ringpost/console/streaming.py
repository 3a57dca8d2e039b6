"""The stream of changes that a page follows: server-sent events (WHATWG HTML, 9.2), resumable by Last-Event-ID."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import msgspec
from litestar import Response
from litestar.response import ServerSentEvent, ServerSentEventMessage

from ringpost.api.query import Parameter

from .live import Live, Told
from .screen import Screen, Visit

AFTER: Final = Parameter(name="after", meaning="The last message that was seen, where no Last-Event-ID says it.")
LIVE_PATH: Final = "/live"
_QUIET_SECONDS: Final = 15.0  # after which a comment is sent, so that nothing between takes the stream for dead


def live_screen(live: Callable[[], Live]) -> Screen:
    """The one stream of the console. live: the changes that it tells."""

    async def show(visit: Visit) -> Response[Any]:
        last = visit.last_event or visit.query.text("after") or ""
        followed = live().follow(visit.companies, last, visit.caller.key_id)
        first = await anext(followed)  # what is refused is refused before anything is sent
        return ServerSentEvent(_messages(first, followed, visit))

    return Screen(path=LIVE_PATH, title="Live", show=show, query=(AFTER,))


async def _messages(first: Told, followed: AsyncIterator[Told], visit: Visit) -> AsyncIterator[ServerSentEventMessage]:
    yield _message(first)
    is_still_in = _is_still_in(visit)
    coming = asyncio.ensure_future(anext(followed))
    try:
        while True:
            await asyncio.wait({coming}, timeout=_QUIET_SECONDS)
            if not is_still_in():
                return
            if not coming.done():
                yield ServerSentEventMessage(comment="quiet", data=None)
                continue
            try:
                told = coming.result()
            except StopAsyncIteration:
                return
            yield _message(told)
            coming = asyncio.ensure_future(anext(followed))
    finally:
        coming.cancel()


def _message(told: Told) -> ServerSentEventMessage:
    return ServerSentEventMessage(data=msgspec.json.encode(told.change).decode(), id=told.id, event="change")


def _is_still_in(visit: Visit) -> Callable[[], bool]:
    """Whether the session goes on: a stream outlives no sign-out. Following alone does not keep it from being idle."""
    return lambda: visit.services.sessions.goes_on(visit.session)
