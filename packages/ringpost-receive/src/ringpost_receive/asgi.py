"""A receiver as an ASGI application, for any framework that can route to one: `ASGIReceiver(handle, secret=…)`.

FastAPI and Starlette: `app.add_route("/calls", ASGIReceiver(handle, secret=…), methods=["POST"])`. The handler may be
a coroutine function; another one runs in a thread, so it may block.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
from collections.abc import Awaitable, MutableMapping
from typing import Any, Callable, Optional

from .events import Delivery
from .once import BusyError, Store
from .receiver import BODY_LIMIT, BUSY, DONE, KNOWN, ONLY_POST, TOO_LARGE, Answer, Handler, Receiver, refusal
from .verifying import RejectedError, Secrets

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class ASGIReceiver:
    """handler: called with each `Delivery` that is genuine and new."""

    def __init__(
        self, handler: Handler, *, secret: Secrets, store: Optional[Store] = None, untimed: bool = False
    ) -> None:
        self._handler = handler
        self._receiver = Receiver(secret, store=store, untimed=untimed)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise TypeError(f"a receiver takes http, not {scope['type']}")
        answer = await self._answer(scope, receive)
        headers = [*answer.headers, ("content-type", "text/plain"), ("content-length", str(len(answer.body)))]
        encoded = [(name.encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Message, receive: Receive) -> Answer:
        if scope["method"] != "POST":
            return ONLY_POST
        body = await _body(receive)
        if body is None:
            return TOO_LARGE
        try:
            return await self.take(self._receiver.verify(body, scope["headers"]))
        except RejectedError as error:
            return refusal(error)

    async def take(self, delivery: Delivery) -> Answer:
        """Raises what the handler raises."""
        try:
            with self._receiver.handling(delivery) as is_new:
                if is_new:
                    await call(self._handler, delivery)
                return DONE if is_new else KNOWN
        except BusyError:
            return BUSY


async def call(handler: Handler, delivery: Delivery) -> None:
    """A coroutine function on the loop, another one in a thread."""
    if inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(getattr(handler, "__call__", None)):  # noqa: B004
        await handler(delivery)
        return
    context = contextvars.copy_context()
    run = functools.partial(context.run, handler, delivery)
    await asyncio.get_running_loop().run_in_executor(None, run)


async def _body(receive: Receive) -> Optional[bytes]:
    """None where it is too large."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the sender went away before its request ended")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY_LIMIT:
            return None
        if not message.get("more_body"):
            return b"".join(parts)
