"""The network between Ringpost and a PBX, which a test can cut: a TCP proxy on a port of its own.

`cut` closes what stands and refuses what comes; `swallow` leaves what stands open and passes nothing on (half-open, as
when a firewall forgets a connection), while a new connection gets through; `mend` is good again. Lives on the event
loop of its test.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final, Self

from tests.real.softphone import Address

REACH_SECONDS: Final = 60  # a silent PBX is given up after 15 s


class Wire:
    def __init__(self, pbx: Address) -> None:
        self._pbx = pbx
        self._server: asyncio.Server | None = None
        self._swallowed: set[asyncio.StreamWriter] = set()
        self._ends: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._news = asyncio.Condition()
        self.port = 0
        self.connections = 0

    async def __aenter__(self) -> Self:
        await self.mend()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cut()

    async def mend(self) -> None:
        """Take connections and pass everything on, at the same port as before."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for end in self._ends:
            end.transport.abort()
        if self._tasks:
            await asyncio.wait(set(self._tasks))

    async def reached(self, count: int) -> None:
        """Until so many connections have come."""
        async with asyncio.timeout(REACH_SECONDS), self._news:
            await self._news.wait_for(lambda: self.connections >= count)

    def swallow(self) -> None:
        self._swallowed |= self._ends

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        async with self._news:
            self.connections += 1
            self._news.notify_all()
        ends = [writer]
        self._ends.add(writer)
        try:
            there, back = await asyncio.open_connection(*self._pbx)
            ends.append(back)
            self._ends.add(back)
            await asyncio.gather(self._pass_on(reader, back), self._pass_on(there, writer))
        except OSError:
            pass  # the PBX is away, as it may be
        finally:
            for end in ends:
                end.transport.abort()
            self._ends.difference_update(ends)
            self._tasks.discard(task)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Raises ConnectionError when this side is closed: the other is closed with it."""
        while data := await reader.read(65_536):
            if writer not in self._swallowed:
                writer.write(data)
                await writer.drain()
        raise ConnectionResetError
