"""A door for receivers that do harm, and one connection of theirs. What they do is in `hostile_kinds`.

`attacking` opens the door of one kind on a port of its own; `Attacker.sent` tells how much a sender let it send. It
lives on the event loop of its test, and does not end before every sender is gone.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

STALL_MS: Final = 300  # how long an attempt may take where time is what ends it
AMPLE_MS: Final = 20_000  # and where something else does
_BUFFER: Final = 8_192  # bytes; small, so that what was sent is close to what was read
_DRIP_SECONDS: Final = 0.01


class Peer:
    """One connection that the attacker took. sent: bytes that the network took from it; requests: those that were read
    whole; over: the test has seen enough; trap: a port of this machine that no sender may be lured to."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, over: asyncio.Event, trap: int
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.over = over
        self.trap = trap
        self.sent = 0
        self.requests: list[bytes] = []
        writer.transport.set_write_buffer_limits(high=1)

    async def request(self) -> bytes:
        """A whole request: head and body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        self.requests.append(head + await self.reader.readexactly(length))
        return self.requests[-1]

    async def send(self, data: bytes) -> None:
        if self.writer.transport.is_closing():
            raise ConnectionResetError  # uvloop would raise a RuntimeError
        self.writer.write(data)
        await self.writer.drain()
        self.sent += len(data)

    async def flood(self, part: bytes) -> None:
        while True:
            await self.send(part)

    async def drip(self, part: bytes) -> None:
        while True:
            for byte in part:
                await self.send(bytes([byte]))
                await asyncio.sleep(_DRIP_SECONDS)

    async def stall(self) -> None:
        """Say nothing more, until the sender goes."""
        while await self.reader.read(65_536):
            pass

    def send_below_tls(self, data: bytes) -> None:
        """Write past TLS, where there is any."""
        os.write(self.writer.get_extra_info("socket").fileno(), data)

    def reset(self) -> None:
        """Close with RST in place of FIN."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def cut(self) -> None:
        """Close with FIN, and under TLS without a goodbye (close_notify)."""
        with socket.socket(fileno=os.dup(self.writer.get_extra_info("socket").fileno())) as raw:
            raw.shutdown(socket.SHUT_RDWR)


Act = Callable[[Peer], Awaitable[None]]


@dataclass(frozen=True)
class Kind:
    """One way to do harm.

    errors: the codes that an attempt may end with, None for a success; status: what the outcome must have, where that
    is certain; waits: what may be made of its Retry-After (ms); act: None where no connection is taken; body: bytes of
    the event's data; secure: the URL is https, and context makes the door's side of it, where TLS is spoken at all.
    """

    name: str
    errors: tuple[str | None, ...]
    act: Act | None
    status: int | None = None
    waits: tuple[int | None, ...] = (None,)
    body: int = 2
    secure: bool = False
    context: Callable[[], ssl.SSLContext] | None = None

    @property
    def timeout_ms(self) -> int:
        return STALL_MS if "timeout" in self.errors else AMPLE_MS


@dataclass
class Attacker:
    """port: where senders connect to; trap: what `Peer.trap` is; peers: the connections that were taken."""

    secure: bool
    port: int
    trap: int = 0
    peers: list[Peer] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"https://hooks.example:{self.port}/in" if self.secure else f"http://127.0.0.1:{self.port}/in"

    @property
    def sent(self) -> int:
        """The most that one connection let it send (bytes)."""
        return max((peer.sent for peer in self.peers), default=0)


@asynccontextmanager
async def attacking(kind: Kind, *, trap: int = 0) -> AsyncIterator[Attacker]:
    """Open the door. At the end every connection must be gone: this waits for it, and fails if a sender stays."""
    if kind.act is None:
        with _listening(backlog=0) as listening, _crowd(listening.getsockname()):
            yield Attacker(kind.secure, listening.getsockname()[1])
        return
    with _listening(backlog=100) as listening:
        attacker = Attacker(kind.secure, listening.getsockname()[1], trap)
        serving: set[asyncio.Task[None]] = set()
        context = kind.context() if kind.context else None
        server = await asyncio.start_server(_taking(attacker, kind.act, serving), sock=listening, ssl=context)
        try:
            yield attacker
        finally:
            attacker.over.set()
            server.close()
            async with asyncio.timeout(20):
                while serving:
                    await asyncio.gather(*serving)
                await server.wait_closed()


def _taking(
    attacker: Attacker, act: Act, serving: set[asyncio.Task[None]]
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        task.add_done_callback(serving.discard)
        peer = Peer(reader, writer, attacker.over, attacker.trap)
        attacker.peers.append(peer)
        try:
            await act(peer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the sender went, which is what most of this is about
        finally:
            if attacker.secure:
                writer.transport.abort()  # a close would wait for the other side's goodbye
            writer.close()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(5):  # a task that ends late would keep a failed test from ending at all
                    await writer.wait_closed()

    return take


@contextmanager
def _listening(backlog: int) -> Iterator[socket.socket]:
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        listening.bind(("127.0.0.1", 0))
        listening.listen(backlog)
        yield listening


@contextmanager
def _crowd(address: tuple[str, int]) -> Iterator[None]:
    """Connections that fill the queue of a listener that takes none."""
    waiting = [socket.socket() for _ in range(8)]
    try:
        for one in waiting:
            one.setblocking(False)
            assert one.connect_ex(address) in {0, errno.EINPROGRESS}
        yield
    finally:
        for one in waiting:
            one.close()
