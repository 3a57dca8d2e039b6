"""What two bad receivers cost the good ones: one that accepts and never answers, one that answers a byte a second.

The latency from acceptance to each of 98 healthy integrations, at a steady rate, without the two and with them, in
turns. All receivers and the loader are in this one process, so that one clock times all.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
from collections.abc import AsyncIterator, Callable
from typing import Final, NamedTuple, cast

import uvloop

from .latency import Receiver, Times, percentiles, send_steadily
from .programs import Service

HEALTHY: Final = 98
PER_SECOND: Final = 5.0  # events; each goes to all integrations
_DRIP: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


class Figures(NamedTuple):
    """In ms, from an event's acceptance to its receiver having it. missing: deliveries that did not arrive in time."""

    p50: float
    p99: float
    most: float
    missing: int


class _One(Receiver):
    """A healthy receiver among others: by the path of its URL."""

    def on_url(self, url: bytes) -> None:
        self._path = url.decode()

    def took(self, call: str, at: float) -> None:
        self._times.received.setdefault(f"{self._path} {call}", at)


class _Dead(asyncio.Protocol):
    """Takes whatever comes, and is silent."""


class _Dripping(asyncio.Protocol):
    """Answers each connection's first request, a byte a second."""

    def __init__(self) -> None:
        self._left = list(_DRIP)
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, _data: bytes) -> None:
        if self._timer is None:
            self._drip()

    def connection_lost(self, _error: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _drip(self) -> None:
        if self._left and not self._transport.is_closing():
            self._transport.write(bytes([self._left.pop(0)]))
            self._timer = asyncio.get_running_loop().call_later(1, self._drip)


def measure_isolation(service: Service, *, rounds: int, seconds: float) -> None:
    """Measure and print."""
    found = uvloop.run(_measure(service, rounds, seconds))
    print(
        f"\n{HEALTHY} healthy integrations, {PER_SECOND:g} events/s to each, {rounds} rounds of {seconds:g} s in turns"
    )
    print(f"{'accepted → received, median of the rounds':44}{'p50':>10}{'p99':>10}{'max':>10}{'missing':>10}")
    medians = {}
    for name, figures in found.items():
        medians[name] = [statistics.median(values) for values in zip(*figures, strict=True)]
        p50, p99, most, _ = medians[name]
        missing = sum(one.missing for one in figures)
        print(f"{name:44}{p50:>7.1f} ms{p99:>7.1f} ms{most:>7.1f} ms{missing:>10}")
    ratios = [bad / good for bad, good in zip(*list(medians.values())[::-1], strict=True) if good]
    print(f"{'ratio':44}" + "".join(f"{ratio:>10.2f}" for ratio in ratios[:3]))


async def _measure(service: Service, rounds: int, seconds: float) -> dict[str, list[Figures]]:
    found: dict[str, list[Figures]] = {"without the two": [], "with one dead and one dripping": []}
    times = Times()
    async with _listening(lambda: _One(times)) as url, _listening(_Dead) as dead, _listening(_Dripping) as dripping:
        for number in range(HEALTHY):
            await asyncio.to_thread(service.install, f"{url}/{number}")
        await _round(service, times, 2, "warm")
        for number in range(rounds):
            for name, figures in found.items():
                bad = [dead, dripping] if figures is found["with one dead and one dripping"] else []
                installed = [await asyncio.to_thread(service.install, one) for one in bad]
                figures.append(await _round(service, times, seconds, f"{name[:5]}{number}"))
                for integration in installed:
                    await asyncio.to_thread(service.delete, integration)
                print(f"round {number + 1}, {name}: p50 {figures[-1].p50:.1f} ms, p99 {figures[-1].p99:.1f} ms")
    return found


async def _round(service: Service, times: Times, seconds: float, prefix: str) -> Figures:
    for kept in (times.sent, times.accepted, times.received):
        kept.clear()
    await send_steadily(service, times, PER_SECOND, seconds, prefix.replace(" ", ""), each=HEALTHY)
    took = [max(at - times.accepted[key.partition(" ")[2]], 0) for key, at in times.received.items()]
    return Figures(*percentiles(took), max(took) * 1e3, len(times.accepted) * HEALTHY - len(took))


@contextlib.asynccontextmanager
async def _listening(protocol: Callable[[], asyncio.Protocol]) -> AsyncIterator[str]:
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
