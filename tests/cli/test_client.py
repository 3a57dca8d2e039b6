"""The commands' client: a service that breaks off in an answer is told as one that does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from ringpost.cli.client import Client, Service
from ringpost.errors import RingpostError

CUT = {
    "an answer": b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
    "a chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n40\r\ndata: {",
    "its first line": b"HTTP/x\r\n\r\n",
    "nothing": b"",
}
STREAMED = [where for where in CUT if where != "an answer"]  # a stream has no length that it could fall short of


def follow(client: Client) -> None:
    for _ in client.stream("/v1/events/stream"):
        pass


def ask(client: Client) -> None:
    client.request("GET", "/v1/whoami")


@pytest.mark.parametrize(("act", "where"), [(ask, where) for where in CUT] + [(follow, where) for where in STREAMED])
async def test_an_answer_that_breaks_off_is_an_error_with_a_code(act: Callable[[Client], None], where: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(CUT[where])
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        client = Client(Service(f"http://127.0.0.1:{port}", "key"))
        with pytest.raises(RingpostError) as refused:
            await asyncio.to_thread(act, client)
    assert refused.value.code == "service_unreachable"
