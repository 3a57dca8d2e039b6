"""How long an event takes from its acceptance to its receiver, at a steady rate.

A loader and a receiver in one process, so that one clock times both. The loader is open: it sends on time, however
slow the replies are. Both speak just enough HTTP/1.1 for this, over keep-alive connections.
"""

from __future__ import annotations

import asyncio
import json
import statistics
from time import perf_counter  # the loop's own clock stands still within a turn
from typing import Final, NamedTuple, cast
from urllib.parse import urlsplit

import httptools
import uvloop

from .programs import COMPANY, Service

_CONNECTIONS: Final = 64
_TICK: Final = 0.001  # seconds
PATIENCE: Final = 15.0  # seconds for the last deliveries
_START: Final = len(f'{{"id":"{COMPANY}_')


class Latency(NamedTuple):
    """In ms. accept: from a request to its reply; receive: from that reply to the receiver having the whole POST."""

    sent: int
    received: int
    accept_p50: float
    accept_p99: float
    receive_p50: float
    receive_p99: float


class Times:
    """When each call's event was due to be sent, accepted and received."""

    def __init__(self) -> None:
        self.sent: dict[str, float] = {}
        self.accepted: dict[str, float] = {}
        self.received: dict[str, float] = {}


class Receiver(asyncio.Protocol):
    """Answers 204 to each POST and notes when which call's event was there."""

    def __init__(self, times: Times) -> None:
        self._times = times
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        body = b"".join(self._body)
        self._body.clear()
        self.took(body[_START : body.index(b'"', _START)].decode(), perf_counter())
        self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    def took(self, call: str, at: float) -> None:
        self._times.received.setdefault(call, at)


class _Sender(asyncio.Protocol):
    """One connection of the loader: one request at a time."""

    def __init__(self, times: Times, idle: list[_Sender]) -> None:
        self._times = times
        self._idle = idle
        self._parser = httptools.HttpResponseParser(self)
        self._call = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._idle.append(self)

    def send(self, call: str, request: bytes) -> None:
        self._call = call
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() == 202:
            self._times.accepted[self._call] = perf_counter()
        self._idle.append(self)

    def close(self) -> None:
        self._transport.close()


def measure_latency(service: Service, *, per_second: float, seconds: float, prefix: str) -> Latency:
    """Install a receiver of our own, send at this rate for so long, and wait for all deliveries."""
    return uvloop.run(_measure(service, per_second, seconds, prefix))


async def _measure(service: Service, per_second: float, seconds: float, prefix: str) -> Latency:
    times = Times()
    loop = asyncio.get_running_loop()
    receiver = await loop.create_server(lambda: Receiver(times), "127.0.0.1", 0)
    port = receiver.sockets[0].getsockname()[1]
    integration = await asyncio.to_thread(service.install, f"http://127.0.0.1:{port}/")
    await send_steadily(service, times, per_second, seconds, prefix)
    await asyncio.to_thread(service.delete, integration)
    receiver.close()
    return _conclude(times)


async def send_steadily(
    service: Service, times: Times, per_second: float, seconds: float, prefix: str, *, each: int = 1
) -> None:
    """Send at this rate for so long, and wait until all was answered and received, `each` times an event."""
    host, _, port = urlsplit(service.url).netloc.partition(":")
    idle: list[_Sender] = []
    for _ in range(_CONNECTIONS):
        await asyncio.get_running_loop().create_connection(lambda: _Sender(times, idle), host, int(port))
    senders = list(idle)
    await _send(service, times, idle, per_second, seconds, prefix)
    deadline = perf_counter() + PATIENCE
    while len(idle) < _CONNECTIONS or len(times.received) < len(times.accepted) * each:
        if perf_counter() > deadline:
            break
        await asyncio.sleep(0.01)
    for sender in senders:
        sender.close()


async def _send(
    service: Service, times: Times, idle: list[_Sender], per_second: float, seconds: float, prefix: str
) -> None:
    """One event at each due time, on a free connection; where none is free it goes late, and that counts."""
    began = perf_counter()
    total = int(per_second * seconds)
    number = 0
    while number < total:
        now = perf_counter()
        while number < total and idle and began + number / per_second <= now:
            call = f"{prefix}-{number}"
            times.sent[call] = began + number / per_second
            idle.pop().send(call, _request(service, call))
            number += 1
        await asyncio.sleep(_TICK)


def _request(service: Service, call: str) -> bytes:
    party = {"type": "LOCAL", "phone": "204", "name": "Giulia Bianchi", "email": "giulia.bianchi@example.com"}
    data = {"status": "CONNECTING", "caller": party, "callee": party, "tags": ["vip"], "notes": "x" * 600}
    body = json.dumps({"id": call, "type": "call:start", "data": data}).encode()
    head = (
        f"POST /v1/events HTTP/1.1\r\nhost: {urlsplit(service.url).netloc}\r\ncontent-type: application/json\r\n"
        f"authorization: Bearer {service.key}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _conclude(times: Times) -> Latency:
    accept = [at - times.sent[call] for call, at in times.accepted.items()]
    receive = [max(at - times.accepted[call], 0) for call, at in times.received.items() if call in times.accepted]
    return Latency(len(times.sent), len(times.received), *percentiles(accept), *percentiles(receive))


def percentiles(seconds: list[float]) -> tuple[float, float]:
    """p50 and p99 in ms."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return cuts[49] * 1e3, cuts[98] * 1e3
