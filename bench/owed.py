"""What a million owed deliveries cost: the start, memory, another company's latency, and how fast they go out again.

Each run takes a copy of a ledger of `ledgers.py`. Four receivers are down at first (nothing listens). A start on an
empty ledger, in the same run, is the yardstick.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, Final, NamedTuple, cast

import httptools
import uvloop

from ringpost.clock import wall_clock
from ringpost.integrations.requests import EditRequest, InstallRequest
from ringpost.model.event import NewEvent

from .latency import Latency, measure_latency
from .ledgers import opened, prepared
from .programs import Service, free_port, service

OWED: Final = 1_000_000
_COMPANY: Final = "it_owed"
_INTEGRATIONS: Final = 4
_EACH: Final = 2  # integrations that an event is owed to
_EVENTS_OF_CALL: Final = 2
_AT_ONCE: Final = 2_000  # events in one commit
_DATA: Final = 700  # bytes
_SETTLE: Final = 30.0  # seconds
_DRAINED: Final = 50_000
_PATIENCE: Final = 300.0  # seconds
_LATENCY: Final = (20.0, 10.0)  # events/s, seconds


class Start(NamedTuple):
    """ready: seconds from the process's start; memory: MB when it was ready, after a while, and the most."""

    ready: float
    memory: float
    settled: float
    latency: Latency
    most: float


class Drain(NamedTuple):
    """noticed: seconds until the first delivery came; per_second: from then on; early: events that came before one of
    the same lane that is before them."""

    noticed: float
    per_second: float
    received: int
    early: int
    repeated: int


def measure_owed(folder: Path) -> None:
    """Measure and print."""
    ready_made = prepared(f"owed-{OWED}", f"{OWED:,} owed deliveries", _make)
    with service(folder / "empty") as running:
        empty = _measure_start(running, "empty")
    data, port = folder / "owed" / "data", free_port()
    data.parent.mkdir(parents=True)
    shutil.copytree(ready_made, data)
    asyncio.run(_point_at(data, f"http://127.0.0.1:{port}/"))
    with service(folder / "owed") as running:
        owed = _measure_start(running, "owed")
        drain = uvloop.run(_drain(port))
        _print(empty, owed, drain, running.memory_mb())


def _measure_start(running: Service, prefix: str) -> Start:
    print(f"{prefix}: ready after {running.start_seconds:.2f} s, {running.start_memory_mb:.0f} MB", flush=True)
    time.sleep(_SETTLE)
    settled = running.memory_now_mb()
    per_second, seconds = _LATENCY
    latency = measure_latency(running, per_second=per_second, seconds=seconds, prefix=prefix)
    return Start(running.start_seconds, running.start_memory_mb, settled, latency, running.memory_mb())


def _print(empty: Start, owed: Start, drain: Drain, most: float) -> None:
    print(f"\n{'':44}{'empty ledger':>16}{f'{OWED:,} owed':>18}{'ratio':>10}")
    rows = (
        ("start until ready", "s", empty.ready, owed.ready),
        ("memory when ready", "MB", empty.memory, owed.memory),
        (f"memory after {_SETTLE:.0f} s", "MB", empty.settled, owed.settled),
        ("another company, sent → accepted, p50", "ms", empty.latency.accept_p50, owed.latency.accept_p50),
        ("another company, accepted → received, p50", "ms", empty.latency.receive_p50, owed.latency.receive_p50),
        ("another company, accepted → received, p99", "ms", empty.latency.receive_p99, owed.latency.receive_p99),
        ("most memory until then", "MB", empty.most, owed.most),
    )
    for name, unit, small, large in rows:
        print(f"{name:44}{small:>13.2f} {unit:2}{large:>15.2f} {unit:2}{large / small:>10.2f}")
    for start in (empty, owed):
        if start.latency.received < start.latency.sent:
            print(f"  not received in time: {start.latency.sent - start.latency.received}")
    print(f"{'the receiver is back: first delivery after':44}{'':16}{drain.noticed:>15.2f} s")
    print(f"{f'then, over {drain.received:,} deliveries':44}{'':16}{drain.per_second:>15,.0f} /s")
    print(f"{'out of order / repeated':44}{'':16}{f'{drain.early} / {drain.repeated}':>17}")
    print(f"{'most memory':44}{'':16}{most:>15.0f} MB")


# --- the ledger ------------------------------------------------------------------------------------------------------
async def _make(data: Path) -> None:
    async with opened(data) as (ledger, registry):
        made = [
            (await registry.install(_COMPANY, InstallRequest(type="webhook", url="http://127.0.0.1:9/")))[0].id
            for _ in range(_INTEGRATIONS)
        ]
        calls = OWED // _EACH // _EVENTS_OF_CALL
        step = _AT_ONCE // _EVENTS_OF_CALL
        for first in range(0, calls, step):
            await ledger.commit([event for call in range(first, first + step) for event in _events(call, made)])


def _events(call: int, integrations: Sequence[str]) -> list[NewEvent]:
    """A call's events, owed to two of the integrations."""
    first = call % _INTEGRATIONS
    owed_to = tuple(integrations[(first + n) % _INTEGRATIONS] for n in range(_EACH))
    data = json.dumps({"status": "TALKING", "notes": "x" * (_DATA - 30)}, separators=(",", ":")).encode()
    return [
        NewEvent(
            company=_COMPANY,
            call=f"{_COMPANY}_{call}",
            pbx="api",
            type=kind,
            time=wall_clock(),
            data=data,
            integrations=owed_to,
        )
        for kind in ("call:start", "call:end")
    ]


async def _point_at(data: Path, url: str) -> None:
    """Have all integrations deliver there."""
    async with opened(data) as (_, registry):
        for integration in registry.all():
            await registry.edit(_COMPANY, integration.id, EditRequest(url=url))


# --- the receiver ----------------------------------------------------------------------------------------------------
class _Arrivals:
    def __init__(self) -> None:
        self.count = self.early = self.repeated = 0
        self.first = 0.0
        self.enough = asyncio.Event()
        self._last: dict[tuple[str, str], int] = {}  # sequence that a lane had last

    def took(self, lane: tuple[str, str], sequence: int) -> None:
        before = self._last.get(lane, 0)
        self.early += sequence > before + 1
        self.repeated += sequence <= before
        self._last[lane] = max(sequence, before)
        if not self.count:
            self.first = perf_counter()
        self.count += 1
        if self.count >= _DRAINED:
            self.enough.set()


class _Back(asyncio.Protocol):
    """The receiver that was down: answers 204 and notes the order."""

    def __init__(self, arrivals: _Arrivals) -> None:
        self._arrivals = arrivals
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"x-ringpost-sequence":
            self._sequence = int(value)

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        event: dict[str, Any] = json.loads(b"".join(self._body))
        self._body.clear()
        self._arrivals.took((event["integrationId"], event["id"]), self._sequence)
        self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


async def _drain(port: int) -> Drain:
    """Let the receiver come back, until so many were delivered."""
    arrivals, began = _Arrivals(), perf_counter()
    server = await asyncio.get_running_loop().create_server(lambda: _Back(arrivals), "127.0.0.1", port, backlog=1_000)
    try:
        async with asyncio.timeout(_PATIENCE):
            await arrivals.enough.wait()
    except TimeoutError:
        print(f"Only {arrivals.count} were delivered in {_PATIENCE:.0f} s.")
    took = perf_counter() - arrivals.first
    server.close()
    return Drain(arrivals.first - began, arrivals.count / took, arrivals.count, arrivals.early, arrivals.repeated)
