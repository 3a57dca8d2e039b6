"""Serving HTTP: a listening socket of our own, so that a taken port is told plainly, and uvicorn in our loop.

`HttpServer.start` returns when requests are taken; `stop` refuses new ones, lets those under way finish and ends all
other connections. Signals are the command line's business, not the server's.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator
from functools import partial
from typing import Any, Final, cast

import uvicorn
from litestar.types import ASGIApp, Receive, Scope, Send
from msgspec.structs import replace

from ringpost.errors import RingpostError

from .arrival import Limits
from .connections import Connection, Door, raise_descriptor_limit

_BACKLOG: Final = 2048
_FINISH_SECONDS: Final = 5.0
_FLUSH_SECONDS: Final = 1.0  # for the last replies to be taken
_LOOK_SECONDS: Final = 0.5  # from one look at the connections to the next


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `port_taken`, or `settings_invalid` for an address that is not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY on these alone
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise RingpostError(
                "port_taken",
                f"Port {port} on {host} is in use by another program. Choose another: --port or RINGPOST_PORT.",
                field="port",
            ) from None
        raise RingpostError(
            "settings_invalid", f"Cannot listen on {host} port {port}: {error.strerror}.", field="host"
        ) from None
    listening.setblocking(False)
    return listening


class _Server(uvicorn.Server):
    """uvicorn without signal handlers, which tells when it takes requests and stops without waiting for the idle."""

    def __init__(self, config: uvicorn.Config, door: Door, finish_seconds: float) -> None:
        super().__init__(config)
        self.taking = asyncio.Event()
        self._door = door
        self._finish_seconds = finish_seconds

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.taking.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for one in sockets or []:
            one.close()
        self._door.is_stopping = True
        for connection in list(self._door.open):
            connection.shutdown()
        tasks = self.server_state.tasks
        if tasks:
            await asyncio.wait(set(tasks), timeout=self._finish_seconds)
        if not tasks:
            await self._door.wait_empty(_FLUSH_SECONDS)
        for connection in list(self._door.open):
            connection.cut_off()
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(set(tasks))
        await self._door.wait_empty(_FLUSH_SECONDS)
        for server in self.servers:
            await server.wait_closed()


class HttpServer:
    """Serves one ASGI application on one socket.

    limits: of clients; by default so many connections that half of the process's descriptors are left for deliveries
    and files. finish_seconds: that requests under way have when it stops; look_seconds: between looks for late ones.
    """

    def __init__(
        self,
        app: ASGIApp,
        listening: socket.socket,
        *,
        limits: Limits | None = None,
        finish_seconds: float = _FINISH_SECONDS,
        look_seconds: float = _LOOK_SECONDS,
    ) -> None:
        self._listening = listening
        self._app = app
        self._look_seconds = look_seconds
        if limits is None:
            limits = Limits()
            limits = replace(limits, connections=min(limits.connections, raise_descriptor_limit() // 2))
        self._door = Door(limits)
        self._server = _Server(
            uvicorn.Config(
                self._handle,
                http=cast("Any", partial(Connection, self._door)),  # uvicorn calls it like a class
                interface="asgi3",
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=max(1, round(limits.idle_seconds)),
            ),
            self._door,
            finish_seconds,
        )
        self._task: asyncio.Task[None] | None = None
        self._look_timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._server.serve([self._listening]), name="http")
        taking = asyncio.create_task(self._server.taking.wait())
        await asyncio.wait({self._task, taking}, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            taking.cancel()
            self._task.result()
        self._look()

    async def stop(self) -> None:
        self._server.should_exit = True
        if self._task is not None:
            await self._task
        if self._look_timer is not None:
            self._look_timer.cancel()
        self._listening.close()

    @property
    def is_stopping(self) -> bool:
        """No new connection is taken any more."""
        return self._door.is_stopping

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._door.look(loop.time())
        self._look_timer = loop.call_later(self._look_seconds, self._look)

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if not self._door.is_stopping:
                raise  # a stop is no fault of a request: uvicorn would log it as one
