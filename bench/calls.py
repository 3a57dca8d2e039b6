"""A thousand calls at once: a whole node with the simulator as its PBX, in a process of its own, and a receiver.

The simulator's office telephones as in life, only more of it: people talk for half a minute, and a new call begins as
often as it takes to keep so many going on. Each event is one delivery, signed, to a receiver in this process.

Latency is from the event's own `time`, when the call machine told it, to the receiver having the whole POST: so the
ledger's commit is in it. call:start is left out, as its time is the call's beginning, before it was held back. Both
processes read the same clock of this machine; the yardstick is an idle service's latency, at a low rate, of
`./run bench`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

import httptools
import uvloop

from ringpost.cli.running import findable, run
from ringpost.clock import wall_clock
from ringpost.integrations.requests import InstallRequest
from ringpost.node import start_node
from ringpost.settings import load_settings
from ringpost.sources.simulator import KINDS, TRUNK, Pace, Simulator

from .latency import percentiles
from .programs import COMPANY, Service, service

CALLS: Final = 1_000
_PACE: Final = Pace(gap=(12, 36), ring=(1_000, 4_000), patience=(6_000, 10_000), talk=(30_000, 50_000))  # ms
_PHONES: Final = 3_000
_RISE: Final = 60.0  # seconds until as many calls end as begin
_MEASURED: Final = 30.0  # seconds
_SERIAL: Final = "simulator"


class Moment(NamedTuple):
    """cpu: seconds; events: that were received."""

    at: float
    cpu: float
    events: int


def measure_calls(folder: Path) -> None:
    """Measure and print."""
    uvloop.run(_measure(folder))


async def _measure(folder: Path) -> None:
    arrivals = _Arrivals()
    receiver = await asyncio.get_running_loop().create_server(lambda: _Receiver(arrivals), "127.0.0.1", 0)
    port = receiver.sockets[0].getsockname()[1]
    with contextlib.ExitStack() as stack:
        running = await asyncio.to_thread(stack.enter_context, service(folder / "calls", "bench.calls", str(port)))
        open_calls = [await _open_after(running, _RISE / 4) for _ in range(4)]
        print(f"calls open, every {_RISE / 4:.0f} s: {', '.join(f'{count:,.0f}' for count in open_calls)}", flush=True)
        arrivals.latencies.clear()
        before = _moment(running, arrivals)
        open_calls = [await _open_after(running, _MEASURED / 6) for _ in range(6)]
        after = _moment(running, arrivals)
        _print(open_calls, before, after, arrivals, running)
    receiver.close()


async def _open_after(running: Service, seconds: float) -> float:
    await asyncio.sleep(seconds)
    return await asyncio.to_thread(running.count, "ringpost_calls_open")


def _moment(running: Service, arrivals: _Arrivals) -> Moment:
    return Moment(time.monotonic(), running.cpu_seconds(), arrivals.count)


def _print(open_calls: list[float], before: Moment, after: Moment, arrivals: _Arrivals, running: Service) -> None:
    seconds, events = after.at - before.at, after.events - before.events
    cpu = after.cpu - before.cpu
    p50, p99 = percentiles(arrivals.latencies)
    rows = (
        ("calls open, median (least)", f"{statistics.median(open_calls):,.0f} ({min(open_calls):,.0f})"),
        ("call events received", f"{events / seconds:,.0f}/s"),
        ("told → received, p50 / p99 / most", f"{p50:.0f} / {p99:.0f} / {max(arrivals.latencies) * 1e3:.0f} ms"),
        ("events before their turn / again", f"{arrivals.early} / {arrivals.repeated}"),
        ("CPU of the service", f"{cpu / seconds:.1%} of a core, {cpu / events * 1e3:.2f} ms an event"),
        ("memory of the service, now / most", f"{running.memory_now_mb():.0f} / {running.memory_mb():.0f} MB"),
        ("events that waited for the ledger at the end", f"{running.count('ringpost_source_backlog'):.0f}"),
    )
    for name, value in rows:
        print(f"{name:46}{value:>34}")


class _Arrivals:
    """latencies: seconds; early, repeated: events that came before one of their call that is before them, or twice."""

    def __init__(self) -> None:
        self.count = self.early = self.repeated = 0
        self.latencies: list[float] = []
        self._last: dict[str, int] = {}  # a call's sequence number that came last

    def took(self, event: dict[str, Any], sequence: int, at: int) -> None:
        before = self._last.get(event["id"], 0)
        self.early += sequence > before + 1
        self.repeated += sequence <= before
        self._last[event["id"]] = sequence
        self.count += 1
        if event["type"] == "call:end":
            del self._last[event["id"]]
        if event["type"] != "call:start":
            self.latencies.append((at - event["time"]) / 1e3)


class _Receiver(asyncio.Protocol):
    """Answers 204 to each POST and notes how long its event took."""

    def __init__(self, arrivals: _Arrivals) -> None:
        self._arrivals = arrivals
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []
        self._sequence = 0

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
        at, event = wall_clock(), json.loads(b"".join(self._body))
        self._body.clear()
        self._arrivals.took(event, self._sequence, at)
        self._transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


# --- the other process ------------------------------------------------------------------------------------------------
async def _serve(stop: asyncio.Event, port: int) -> None:
    """A node that listens to the simulator and delivers to that port, until it is stopped."""
    node = await start_node(load_settings(None, dict(os.environ)))
    try:
        await node.registry.install(COMPANY, InstallRequest(type="webhook", url=f"http://127.0.0.1:{port}/"))
        office = Simulator(1, now=node.now, kinds=KINDS, pace=_PACE, phones=_PHONES)
        await node.listen_to(COMPANY, _SERIAL, office, trunks=(TRUNK,))
        async with findable(node):
            await stop.wait()
    finally:
        await node.stop()


if __name__ == "__main__":
    run(lambda stop: _serve(stop, int(sys.argv[1])))
