"""The server's connections: uvicorn's HTTP protocol, with bounds on what a client may take before anyone knows it.

A head that is too large, a request that stops arriving and a connection too many are refused and closed; a client that
takes no reply is cut off. `Connection` is made by uvicorn, `Door` by `server.HttpServer`; all in the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
from http import HTTPStatus
from typing import Any, Final

import msgspec
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from ringpost.errors import RingpostError
from ringpost.intake.accept import error_object

from .answers import refusal_headers
from .arrival import Arrival, Limits, Phase

_DISCARDED: Final = 1_048_576  # bytes that a refused client may still send: closing before it reads loses the reply
_REFUSED_AT_ONCE: Final = 64  # connections too many that are told so; more are closed without a word


def raise_descriptor_limit() -> int:
    """Let this process open as many files and sockets as it is allowed to; how many those are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(ValueError, OSError):  # some systems refuse what they call unlimited
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    return 1 << 20 if soft == resource.RLIM_INFINITY else soft


class _TooLarge(Exception):  # noqa: N818 - only to leave the parser
    pass


class Door:
    """All open connections of one server, and the bounds that they share."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.open: set[Connection] = set()
        self.idle: dict[Connection, None] = {}  # no request has begun; the one that is so for longest comes first
        self.is_stopping = False
        self._emptied = asyncio.Event()

    def came(self, connection: Connection) -> bool:
        """May it stay? Where there are too many, the one that is idle for longest goes."""
        self.open.add(connection)
        if len(self.open) > self.limits.connections and self.idle:
            oldest = next(iter(self.idle))
            self.went(oldest)
            oldest.cut_off()
        if len(self.open) > self.limits.connections:
            return False
        self.idle[connection] = None
        return True

    @property
    def is_crowded(self) -> bool:
        return len(self.open) > self.limits.connections + _REFUSED_AT_ONCE

    def went(self, connection: Connection) -> None:
        self.idle.pop(connection, None)
        self.open.discard(connection)
        if not self.open:
            self._emptied.set()

    def look(self, now: float) -> None:
        """End what has had its time. Called every now and then; now: of the loop's clock."""
        for connection in list(self.open):
            connection.look(now)

    async def wait_empty(self, seconds: float) -> None:
        """Wait until all connections are gone, so long at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.open:
                    self._emptied.clear()
                    await self._emptied.wait()


class Connection(HttpToolsProtocol):
    """One client's connection."""

    def __init__(
        self,
        door: Door,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._door = door
        self._arrival = Arrival(door.limits, self.loop.time())
        self._running: RequestResponseCycle | None = None
        self._discarded: int | None = None  # bytes that came since it was refused
        self._closing_since: float | None = None
        self._unread_since: float | None = None

    # --- asyncio.Protocol ------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._door.came(self):
            return
        if self._door.is_crowded:
            self.cut_off()
        else:
            self._refuse("overloaded")

    def connection_lost(self, exc: Exception | None) -> None:
        self._door.went(self)
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        if self._discarded is not None:
            self._discarded += len(data)
            if self._discarded > _DISCARDED:
                self.cut_off()
            return
        self._door.idle.pop(self, None)
        self._arrival.came(len(data), self.loop.time())
        super().data_received(data)
        if self._arrival.is_too_large:
            self._refuse("headers_too_large")

    def pause_writing(self) -> None:
        self._unread_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._unread_since = None
        super().resume_writing()

    # --- httptools -------------------------------------------------------------------------------------------------
    def on_message_begin(self) -> None:
        self._arrival.began(self.loop.time())
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._field(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._field(len(name) + len(value))
        super().on_header(name, value)

    def _field(self, size: int) -> None:
        self._arrival.field(size)
        if self._arrival.has_too_large_fields:
            raise _TooLarge

    def on_headers_complete(self) -> None:
        self._arrival.head_ended(self.loop.time())
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._arrival.body(len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._arrival.ended()
        super().on_message_complete()
        self._rest()

    # --- uvicorn ---------------------------------------------------------------------------------------------------
    def send_400_response(self, msg: str) -> None:
        if self._arrival.has_too_large_fields:
            self._refuse("headers_too_large")
        else:
            super().send_400_response(msg)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._rest()

    def shutdown(self) -> None:
        """The server stops: what is whole is answered, anything else ends now."""
        running = self._running
        if running is None or running.response_complete:
            self.cut_off()
        elif self._arrival.phase is Phase.WHOLE:
            super().shutdown()
        elif running is self.cycle and self._arrival.phase is Phase.BODY:
            self.cut_off()
        else:  # behind it, half a request came
            running.keep_alive = False

    # --- ending ----------------------------------------------------------------------------------------------------
    def look(self, now: float) -> None:
        """End it where the client has had its time."""
        limits = self._door.limits
        if self.transport.is_closing() or self._discarded is not None:
            self._closing_since = now if self._closing_since is None else self._closing_since
            if now - self._closing_since >= limits.linger_seconds:
                self.cut_off()
        elif self._unread_since is not None and now - self._unread_since >= limits.pause_seconds:
            self.cut_off()
        elif self._arrival.is_late(now, is_held=self.flow.read_paused):
            if self._arrival.phase in {Phase.HEAD, Phase.BODY}:
                self._refuse("request_too_slow")
            else:
                self.transport.close()

    def cut_off(self) -> None:
        """Close at once, whatever is under way; who handles a request is told that the client is gone."""
        self._disconnect()
        self.transport.abort()

    def _disconnect(self) -> None:
        for cycle in (self._running, self.cycle):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()

    def _rest(self) -> None:
        """After a reply or a request: is there anything left to do?"""
        running = self._running
        if running is None or not running.response_complete or self.pipeline or self.transport.is_closing():
            return
        self._arrival.answered(self.loop.time())
        if self._arrival.phase is Phase.IDLE:
            self._door.idle[self] = None

    def _refuse(self, code: str) -> None:
        """Answer what came with an error, if that is possible, and close as soon as the client has read it."""
        if self._discarded is not None:
            return
        running = self._running
        is_free = running is None or running.response_complete
        if self._arrival.phase is Phase.BODY:  # an answer that has begun cannot be taken back
            is_free = running is self.cycle and not self.cycle.response_started
        self._discarded = 0
        self._disconnect()
        self.pipeline.clear()
        if not is_free:
            self.transport.abort()
            return
        self.flow.resume_reading()
        self.transport.write(_refusal(code))
        if self.transport.can_write_eof():
            self.transport.write_eof()


def _refusal(code: str) -> bytes:
    """A whole reply."""
    error = RingpostError(code)
    body = msgspec.json.encode({"success": False, "error": error_object(error)})
    headers = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "cache-control": "no-store",
        **refusal_headers(error.status),
        "connection": "close",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\n{lines}\r\n".encode() + body
