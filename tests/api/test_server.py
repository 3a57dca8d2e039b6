"""The server on real sockets: what a client may take before anyone knows it, and how the server stops.

Nothing here measures time: deadlines are short where one is to pass, and long where none is.
"""

from __future__ import annotations

import asyncio
import json
import logging
import resource
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from litestar.types import Receive, Scope, Send

from ringpost.api.arrival import Limits
from ringpost.api.connections import raise_descriptor_limit
from ringpost.api.server import HttpServer, listen

HEAD = b"POST /x HTTP/1.1\r\nhost: x\r\n"
WHOLE = HEAD + b"content-length: 2\r\n\r\nab"
LONG = 600.0
PATIENT = Limits(
    head_seconds=LONG, idle_seconds=LONG, pause_seconds=LONG, body_seconds=LONG, linger_seconds=LONG, connections=100
)


class App:
    """Reads the body and answers how long it is, once it may; after that it is told what else came."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.reached = asyncio.Event()
        self.ended = asyncio.Event()
        self.reads = True
        self.gone = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._answer(receive, send)
        finally:
            self.ended.set()

    async def _answer(self, receive: Receive, send: Send) -> None:
        size, more = 0, self.reads
        self.reached.set()
        while more:
            message = await receive()
            if message["type"] != "http.request":
                self.gone += 1
                return
            size += len(message["body"])
            more = message["more_body"]
        await self.may_answer.wait()
        body = b"%d" % size
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def reply(self) -> tuple[int, bytes]:
        """Status and body of the next reply."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return int(head.split(b" ", 2)[1]), await self.reader.readexactly(length)

    async def refusal(self) -> tuple[int, str]:
        """Status and code of a refusal, after which nothing comes."""
        status, body = await self.reply()
        assert await self.end() == b""
        return status, json.loads(body)["error"]["code"]

    async def end(self) -> bytes:
        """What comes until the server closes."""
        try:
            return await self.reader.read()
        except ConnectionResetError:
            return b""


Connect = Callable[[], Awaitable[Client]]


class Served:
    def __init__(self, app: App, server: HttpServer, port: int) -> None:
        self.app, self.server, self.port = app, server, port
        self.clients: list[Client] = []
        self._stopped = False

    async def connect(self) -> Client:
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port))
        self.clients.append(client)
        return client

    async def stop(self) -> None:
        if not self._stopped:
            self._stopped = True
            await self.server.stop()


@asynccontextmanager
async def serving(limits: Limits = PATIENT, **more: Any) -> AsyncIterator[Served]:
    listening = listen("127.0.0.1", 0)
    app = App()
    port = listening.getsockname()[1]
    served = Served(app, HttpServer(app, listening, limits=limits, look_seconds=0.02, **more), port)
    await served.server.start()
    try:
        async with asyncio.timeout(60):
            yield served
    finally:
        app.may_answer.set()
        for client in served.clients:
            client.writer.transport.abort()
        await served.stop()
        await asyncio.sleep(0)  # transports close their sockets in the next turn


def patient(**changed: Any) -> Limits:
    return Limits(**{name: getattr(PATIENT, name) for name in Limits.__struct_fields__} | changed)


# --- size ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "kind",
    [b"x: " + b"y" * 100 + b"\r\n", b"y" * 10_000],
    ids=["many headers", "one that does not end"],
)
async def test_an_endless_head_is_refused_before_much_of_it_was_read(kind: bytes) -> None:
    async with serving() as served:
        client = await served.connect()
        client.send(HEAD + b"x: ")
        refused = asyncio.create_task(client.refusal())
        sent = 0
        while not refused.done() and sent < 50_000_000:
            client.send(kind)
            sent += len(kind)
            try:
                await client.writer.drain()
            except ConnectionError:
                break
            await asyncio.sleep(0)
        assert sent < 20_000_000  # what the sockets' buffers hold, and what is discarded before the connection is cut
        assert await refused == (431, "headers_too_large")
        assert not served.app.reached.is_set()


async def test_a_head_up_to_the_limit_is_taken_and_a_larger_one_is_not_even_in_one_piece() -> None:
    async with serving(patient(head_bytes=2_000)) as served:
        client = await served.connect()
        client.send(HEAD + b"x: " + b"y" * 1_900 + b"\r\n\r\n")
        assert await client.reply() == (200, b"0")
        client.send(HEAD + b"x: " + b"y" * 2_000 + b"\r\n\r\n")
        assert await client.refusal() == (431, "headers_too_large")


async def test_a_large_body_is_no_large_head() -> None:
    async with serving(patient(head_bytes=2_000)) as served:
        client = await served.connect()
        for _ in range(3):
            client.send(HEAD + b"content-length: 900000\r\n\r\n" + b"x" * 900_000)
            assert await client.reply() == (200, b"900000")
        client.send((HEAD + b"content-length: 1500\r\n\r\n" + b"x" * 1_500) * 20 + HEAD)
        for _ in range(20):
            assert await client.reply() == (200, b"1500")


async def test_endless_trailers_are_refused() -> None:
    async with serving(patient(head_bytes=2_000)) as served:
        client = await served.connect()
        client.send(HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n")
        await served.app.reached.wait()
        client.send(b"x: " + b"y" * 3_000)
        assert await client.refusal() == (431, "headers_too_large")
        await served.app.ended.wait()
        assert served.app.gone == 1


# --- time ------------------------------------------------------------------------------------------------------------
async def test_half_a_head_is_refused_in_time() -> None:
    async with serving(patient(head_seconds=0.1)) as served:
        client = await served.connect()
        client.send(HEAD)
        assert await client.refusal() == (408, "request_too_slow")


async def test_a_connection_that_says_nothing_is_closed() -> None:
    async with serving(patient(head_seconds=0.1)) as served:
        client = await served.connect()
        assert await client.end() == b""


async def test_an_idle_connection_is_closed() -> None:
    async with serving(patient(idle_seconds=0.1)) as served:
        client = await served.connect()
        client.send(WHOLE)
        assert await client.reply() == (200, b"2")
        assert await client.end() == b""


async def test_a_body_that_stops_is_refused_in_time_and_its_request_ends() -> None:
    async with serving(patient(pause_seconds=0.1)) as served:
        client = await served.connect()
        client.send(HEAD + b"content-length: 9000000\r\n\r\n" + b"x" * 700_000)
        assert await client.refusal() == (408, "request_too_slow")
        await served.app.ended.wait()
        assert served.app.gone == 1


async def test_a_body_that_drips_is_refused_in_time() -> None:
    async with serving(patient(body_seconds=0.2)) as served:
        client = await served.connect()
        client.send(HEAD + b"content-length: 9000000\r\n\r\n")
        refused = asyncio.create_task(client.refusal())
        while not refused.done():
            client.send(b"x")
            await asyncio.wait({refused}, timeout=0.01)
        assert await refused == (408, "request_too_slow")


async def test_a_request_that_is_whole_has_all_the_time_it_needs() -> None:
    limits = Limits(head_seconds=0.05, idle_seconds=LONG, pause_seconds=0.05, body_seconds=0.05, connections=9)
    async with serving(limits) as served:
        served.app.may_answer.clear()
        client = await served.connect()
        client.send(WHOLE)
        await served.app.reached.wait()
        other = await served.connect()
        assert await other.end() == b""  # the deadlines passed meanwhile
        served.app.may_answer.set()
        assert await client.reply() == (200, b"2")


async def test_a_request_answered_before_its_body_came_does_not_hold_the_connection() -> None:
    async with serving(patient(pause_seconds=0.1)) as served:
        served.app.reads = False
        client = await served.connect()
        client.send(HEAD + b"content-length: 10\r\n\r\nabc")
        assert await client.reply() == (200, b"0")
        assert await client.end() == b""


# --- how many --------------------------------------------------------------------------------------------------------
async def test_the_connection_idle_for_longest_makes_room_for_a_new_one() -> None:
    async with serving(patient(connections=3)) as served:
        clients = [await served.connect() for _ in range(3)]
        for client in clients:
            client.send(WHOLE)
            assert await client.reply() == (200, b"2")
        clients[0].send(WHOLE)
        assert await clients[0].reply() == (200, b"2")
        fresh = await served.connect()
        fresh.send(WHOLE)
        assert await fresh.reply() == (200, b"2")
        assert await clients[1].end() == b""
        for client in (clients[0], clients[2]):
            client.send(WHOLE)
            assert await client.reply() == (200, b"2")


async def test_a_connection_too_many_is_refused_where_all_others_are_at_work() -> None:
    async with serving(patient(connections=2, linger_seconds=0.05)) as served:
        half = await served.connect()
        half.send(HEAD)
        served.app.may_answer.clear()
        working = await served.connect()
        working.send(WHOLE)
        await served.app.reached.wait()
        refused = await served.connect()
        refused.send(WHOLE)
        assert await refused.refusal() == (503, "overloaded")
        served.app.may_answer.set()
        assert await working.reply() == (200, b"2")
        half.send(b"\r\n")
        assert await half.reply() == (200, b"0")


async def test_silent_connections_never_keep_others_out() -> None:
    async with serving(patient(connections=5)) as served:
        for _ in range(30):
            await served.connect()
        client = await served.connect()
        client.send(WHOLE)
        assert await client.reply() == (200, b"2")


def test_the_process_may_open_as_many_files_as_it_is_allowed_to() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, before[1]), before[1]))
        assert raise_descriptor_limit() == before[1] or before[1] == resource.RLIM_INFINITY
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


# --- stopping --------------------------------------------------------------------------------------------------------
async def test_a_stop_waits_for_no_idle_and_no_half_sent_request(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        async with serving(finish_seconds=LONG) as served:
            silent, idle, head, body = [await served.connect() for _ in range(4)]
            idle.send(WHOLE)
            assert await idle.reply() == (200, b"2")
            served.app.reached.clear()
            head.send(HEAD)
            body.send(HEAD + b"content-length: 9\r\n\r\nabc")
            await served.app.reached.wait()
            await served.stop()
            for client in (silent, idle, head, body):
                assert await client.end() == b""
            assert served.app.gone == 1
    assert caplog.records == []


async def test_a_stop_waits_for_a_request_under_way() -> None:
    async with serving(finish_seconds=LONG) as served:
        served.app.may_answer.clear()
        client = await served.connect()
        client.send(WHOLE)
        await served.app.reached.wait()
        stopping = asyncio.create_task(served.stop())
        while not served.server.is_stopping:  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0.01)
        served.app.may_answer.set()
        assert await client.reply() == (200, b"2")
        assert await client.end() == b""
        await stopping


async def test_a_request_that_does_not_end_is_cut_off_without_a_fault(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        async with serving(finish_seconds=0.05) as served:
            served.app.may_answer.clear()
            client = await served.connect()
            client.send(WHOLE)
            await served.app.reached.wait()
            await served.stop()
            assert served.app.ended.is_set()
            assert await client.end() == b""
    assert caplog.records == []
