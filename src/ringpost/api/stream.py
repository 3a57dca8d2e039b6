"""`GET /v1/events/stream`: a company's events as they are accepted, as server-sent events (WHATWG HTML, 9.2).

Each message's id is the event's, by which a client goes on later (Last-Event-ID). Its data has the body as a receiver
would get it, with the integration `listen`, which is none; who listens signs it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, Final

import msgspec
from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.response import ServerSentEvent, ServerSentEventMessage

from ringpost.errors import RingpostError
from ringpost.intake.match import check_filter, wants
from ringpost.model.event import decode_seq, next_seq
from ringpost.wire.body import body_of

from .following import Followed
from .operation import Asked, Operation
from .presented import caller_of
from .query import COMPANY, Parameter, read_query
from .services import Services
from .shapes import Shape

LISTENER: Final = "listen"  # what stands for the integration's id
_AFTER: Final = Parameter(name="after", meaning="The id of the last event that was seen (or the header Last-Event-ID).")
_SINCE: Final = Parameter(name="since", meaning="Begin with those accepted at this time (ms) or later.", kind="number")
_FILTER: Final = Parameter(
    name="filter", meaning="Types that are wanted, with commas between them; as an integration's."
)


class StreamedEvent(Shape, frozen=True, kw_only=True):
    """One event. body: the bytes that a receiver is sent, as text; sequence: its number within its call; replay: how
    often its delivery was asked for again, 0 where it is new."""

    id: str
    type: str
    call: str
    sequence: int
    replay: int
    body: str


STREAM: Final = Operation(
    method="GET", path="/v1/events/stream", id="streamEvents", tag="Events", right="read", answers=StreamedEvent,
    is_bare=True, media_type="text/event-stream", summary="Follow a company's events",
    query=(COMPANY, _AFTER, _SINCE, _FILTER), refusals=("unknown_filter",),
    about="Server-sent events, without end: each message has the event's id as its id, and the above as its data. "
    "Without `after` and `since` it begins with the next event. That something is delivered again is told as well, to "
    "those who follow at that moment, with `replay` above 0 and no id of its own.",
)  # fmt: skip


def stream_route(services: Services) -> HTTPRouteHandler:
    """Its route."""

    async def handle(request: Request[Any, Any, Any]) -> Response[Any]:
        caller = caller_of(request.scope["headers"], services.keys)
        caller.require("read")
        query = read_query(request.scope["query_string"], STREAM.query)
        asked = Asked(caller=caller, path={}, query=query)
        wanted = check_filter([one.strip() for one in (query.text("filter") or "*").split(",")])
        after = _after(asked, request.headers.get("last-event-id"), services.now())
        followed = services.following.follow(asked.company, after, caller.key_id)
        await anext(followed)  # what is refused is refused before anything is sent
        messages = _messages(followed, tuple(wanted), lambda: services.keys.is_good(caller))
        return ServerSentEvent(messages, headers={"cache-control": "no-store"})

    return HTTPRouteHandler(STREAM.path, http_method="GET", name=STREAM.id, status_code=200)(handle)


def _after(asked: Asked, last: str | None, now: int) -> int:
    """The number to begin behind. Raises `invalid_value`."""
    named = last or asked.query.text("after")
    if named is not None:
        seq = decode_seq(named[4:]) if named.startswith("evt_") else None
        if seq is None:
            raise RingpostError("invalid_value", "`after` is an event's id, as evt_….", field="after")
        return seq
    since = asked.query.number("since")
    return next_seq(0, now if since is None else since) - 1


async def _messages(
    followed: AsyncGenerator[Followed | None], wanted: tuple[str, ...], is_good: Callable[[], bool]
) -> AsyncIterator[ServerSentEventMessage]:
    """is_good: whether the key may follow still: a stream outlives no revocation."""
    yield ServerSentEventMessage(comment="following", data=None)
    try:
        async for one in followed:
            if not is_good():
                return
            if one is None:
                yield ServerSentEventMessage(comment="quiet", data=None)
            elif wants(wanted, one.event.type):
                yield _message(one)
    finally:
        await followed.aclose()


def _message(followed: Followed) -> ServerSentEventMessage:
    event = followed.event
    shown = StreamedEvent(
        id=event.id,
        type=event.type,
        call=event.call,
        sequence=event.sequence,
        replay=followed.replay,
        body=body_of(event, LISTENER).decode(),
    )
    return ServerSentEventMessage(
        data=msgspec.json.encode(shown).decode(), id=None if followed.replay else event.id, event="event"
    )
