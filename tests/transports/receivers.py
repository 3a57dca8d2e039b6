"""Receivers on raw sockets for the transports' tests: what they got, and what they answer, byte for byte."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from enum import Enum

from msgspec import Struct

from ringpost.model.event import Event
from ringpost.model.integration import Credentials, Integration, TransmissionType
from ringpost.transports.transport import Sending

NOW = 1_693_389_900_123


class Do(Enum):
    SILENCE = "say nothing more, until the client goes"
    CLOSE = "close the connection"


Answer = Sequence[bytes | Do]


def reply(status: str = "200 OK", body: bytes = b"ok", *headers: str) -> bytes:
    lines = "".join(f"{header}\r\n" for header in (f"Content-Length: {len(body)}", *headers))
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


class Request(Struct, frozen=True, kw_only=True):
    connection: int
    line: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Answers the first request with the first answer and so on; the last is for all that follow."""

    def __init__(self, *answers: Answer | Callable[[Request], Answer]) -> None:
        self.answers = answers or ([reply()],)
        self.requests: list[Request] = []
        self.connections = 0
        self.port = 0
        self.arrived = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def hang_up(self) -> None:
        """Close all connections."""
        for writer in list(self._writers):
            writer.close()

    async def wait_closed(self) -> None:
        """Until every connection that was made is gone."""
        await asyncio.gather(*self._tasks)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        self.connections += 1
        number = self.connections
        try:
            while await self._one(number, reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went
        finally:
            self._writers.discard(writer)
            await closed(writer)

    async def _one(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *lines = head.rstrip("\r\n").split("\r\n")
        headers = {name: value for name, _, value in (text.partition(": ") for text in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        request = Request(connection=number, line=line, headers=headers, body=body)
        self.requests.append(request)
        self.arrived.set()
        answer = self.answers[min(len(self.requests), len(self.answers)) - 1]
        for part in answer(request) if callable(answer) else answer:
            if part is Do.SILENCE:
                await reader.read()
                return False
            if part is Do.CLOSE:
                return False
            assert isinstance(part, bytes)
            writer.write(part)
            await writer.drain()
        return True


async def closed(writer: asyncio.StreamWriter) -> None:
    """Close, and wait until that is done."""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


@asynccontextmanager
async def serving(receiver: Receiver, context: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=context, limit=1 << 20)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        receiver.hang_up()
        await receiver.wait_closed()
        await server.wait_closed()


def make_sending(
    url: str,
    *,
    kind: TransmissionType = "webhook",
    credentials: Credentials | None = None,
    attempt: int = 1,
    replay: int = 0,
    call: str = "it_w118741_1693389850.110",
    delivery: str = "dlv_01h92x8qkz0008qkmnq",
    data: bytes = b'{"status":"RINGING"}',
    integration: str = "8qkmnq",
) -> Sending:
    return Sending(
        integration=Integration(
            company="it_w118741", id=integration, type=kind, name=None, url=url, filter=("*",), state="active",
            created=0, updated=0, sealed=b"",
        ),
        credentials=credentials or Credentials(key="AKIAIOSFODNN7EXAMPLE", secret="wJalrXUtnFEMI/K7MDENG/EXAMPLEKEY"),
        event=Event(
            company="it_w118741", seq=1, call=call, sequence=3, pbx="221100000042", time=1_693_389_850_810,
            type="call:update", accepted=0, data=data,
        ),
        delivery=delivery,
        attempt=attempt,
        replay=replay,
        now=NOW,
    )  # fmt: skip
