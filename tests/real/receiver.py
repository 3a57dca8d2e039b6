"""A real HTTP/1.1 receiver for tests: a server on its own port that keeps every request and answers as told.

    receiver.script(Answer(503), Answer(200, delay_ms=50))    # the next two; then `receiver.answer` again (200)
    requests = await receiver.wait_for(3)                     # or: wait_for(lambda requests: …)
    assert [request.body for request in requests] == …

Lives on the event loop of its test. Requests are kept in the order in which they were complete. It can be stopped and
started again on the same port, and speaks TLS if it is given a context.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus


@dataclass(frozen=True)
class Request:
    """at: seconds on the monotonic clock; connection: from 1, which connection it came on; headers as they came."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    at: float
    connection: int

    def header(self, name: str) -> str | None:
        """A header's only value, None if it is absent; the name in any case."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None


@dataclass(frozen=True)
class Answer:
    """hang: no answer until `receiver.release()`; cut: the connection closes instead; raw: these bytes, then closes."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    delay_ms: int = 0
    hang: bool = False
    cut: bool = False
    raw: bytes | None = None


Answering = Callable[[Request], Answer]


class Receiver:
    def __init__(self, answer: Answer | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer or Answer()
        self.answer_by: Answering | None = None  # decides by the request, where no script is left
        self.requests: list[Request] = []
        self.open_connections = 0
        self.connections = 0
        self.under_way = 0
        self.most_under_way = 0
        self.port = 0
        self._script: deque[Answer] = deque()
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._news = asyncio.Condition()
        self._released = asyncio.Event()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/hook"

    async def start(self) -> None:
        """Listen; again on the same port if it listened before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every connection, in the middle of whatever they do."""
        if self._server is not None:
            self._server.close()
            serving = list(self._serving)
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)
            await self._server.wait_closed()
            self._server = None

    def script(self, *answers: Answer) -> None:
        """The answers to the next requests, in this order; after them `answer_by` or `answer` holds again."""
        self._script.extend(answers)

    def release(self) -> None:
        """Let every request that hangs, now or later, have its answer."""
        self._released.set()

    async def wait_for(
        self, wanted: int | Callable[[Sequence[Request]], bool], *, timeout: float = 10
    ) -> Sequence[Request]:
        """All requests, as soon as there are that many, or as the condition holds."""

        def there() -> bool:
            return len(self.requests) >= wanted if isinstance(wanted, int) else wanted(self.requests)

        try:
            async with asyncio.timeout(timeout), self._news:
                await self._news.wait_for(there)
        except TimeoutError:
            raise AssertionError(f"after {timeout} s there are only {len(self.requests)}: {self.requests}") from None
        return self.requests

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        self.connections += 1
        self.open_connections += 1
        number = self.connections
        try:
            while (request := await _read_request(reader, number)) is not None:
                self.under_way += 1
                self.most_under_way = max(self.most_under_way, self.under_way)
                try:
                    if not await self._reply(request, reader, writer):
                        break
                finally:
                    self.under_way -= 1
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # the sender went away
        finally:
            self._serving.discard(task)
            self.open_connections -= 1
            if task.cancelling():
                writer.transport.abort()
            else:
                writer.close()
            async with self._news:
                self._news.notify_all()

    async def _reply(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer; whether the connection stays open."""
        async with self._news:
            self.requests.append(request)
            self._news.notify_all()
        answer = self._next_answer(request)
        if not await self._pause(answer, reader) or answer.cut:
            return False
        writer.write(_reply_bytes(answer) if answer.raw is None else answer.raw)
        await writer.drain()
        return answer.raw is None and (request.header("connection") or "").lower() != "close"

    async def _pause(self, answer: Answer, reader: asyncio.StreamReader) -> bool:
        """The delay that the answer asks for; false if the sender gave up meanwhile (senders here never pipeline)."""
        if not answer.delay_ms and not answer.hang:
            return True
        pause = asyncio.create_task(self._released.wait() if answer.hang else asyncio.sleep(answer.delay_ms / 1000))
        given_up = asyncio.create_task(reader.read(1))
        try:
            await asyncio.wait({pause, given_up}, return_when=asyncio.FIRST_COMPLETED)
            return pause.done()
        finally:
            pause.cancel()
            given_up.cancel()
            await asyncio.gather(pause, given_up, return_exceptions=True)

    def _next_answer(self, request: Request) -> Answer:
        if self._script:
            return self._script.popleft()
        return self.answer_by(request) if self.answer_by else self.answer


async def _read_request(reader: asyncio.StreamReader, connection: int) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *lines = head[:-4].split("\r\n")
    method, path, _version = first.split(" ")
    headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    request = Request(method, path, headers, b"", 0, connection)
    if (request.header("transfer-encoding") or "").lower() == "chunked":
        body = await _read_chunks(reader)
    else:
        body = await reader.readexactly(int(request.header("content-length") or 0))
    return Request(method, path, headers, body, time.monotonic(), connection)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    """A chunked body (RFC 9112, section 7.1), without trailers."""
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body


def _reply_bytes(answer: Answer) -> bytes:
    phrase = HTTPStatus(answer.status).phrase if answer.status in set(HTTPStatus) else ""
    lines = [f"HTTP/1.1 {answer.status} {phrase}", *(f"{name}: {value}" for name, value in answer.headers)]
    if answer.status >= 200 and answer.status not in {204, 304}:
        lines.append(f"content-length: {len(answer.body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + answer.body
