"""Serving HTTP: a listening socket of our own, so that a taken port is told plainly, and uvicorn in our loop.

`HttpServer.start` returns when requests are taken; `stop` refuses new ones and lets those under way finish. Signals
are the command line's business, not the server's.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator
from typing import Any, Final

import uvicorn

from ringpost.errors import RingpostError

_BACKLOG: Final = 2048
_FINISH_SECONDS: Final = 5
_HEADER_BYTES: Final = 32_768  # of a request's line and headers


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
    """uvicorn without signal handlers, which tells when it takes requests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.taking = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.taking.set()


class HttpServer:
    """Serves one ASGI application on one socket."""

    def __init__(self, app: Any, listening: socket.socket) -> None:
        self._listening = listening
        self._server = _Server(
            uvicorn.Config(
                app,
                http="httptools",
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
                h11_max_incomplete_event_size=_HEADER_BYTES,
                timeout_graceful_shutdown=_FINISH_SECONDS,
            )
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._server.serve([self._listening]), name="http")
        taking = asyncio.create_task(self._server.taking.wait())
        await asyncio.wait({self._task, taking}, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            taking.cancel()
            self._task.result()

    async def stop(self) -> None:
        self._server.should_exit = True
        if self._task is not None:
            await self._task
        self._listening.close()
