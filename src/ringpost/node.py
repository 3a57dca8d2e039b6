"""One node: builds every part of the service, starts it, and takes it down again in an order that loses nothing.

`serve`, `demo`, the tests and the benchmarks all run this and nothing else. Start: ledger, what is installed, what is
owed, then the door (HTTP) and the sources. Stop: the door and the sources first, then the dispatcher finishes what is
under way, then the ledger closes; whatever was not finished is durable and goes on at the next start.
"""

from __future__ import annotations

import asyncio
import random
import socket
import time
from collections.abc import Callable, Sequence

import structlog
from litestar.types import ControllerRouterHandler

from ringpost import __version__
from ringpost.access.keys import Keys
from ringpost.access.sealing import Vault, open_vault
from ringpost.access.sessions import Sessions
from ringpost.api.app import build_app
from ringpost.api.server import HttpServer, listen
from ringpost.api.services import Services
from ringpost.calls.events import CallEvent
from ringpost.calls.machine import CallMachine
from ringpost.dispatch.dispatcher import Dispatcher
from ringpost.intake.accept import Intake
from ringpost.integrations.registry import Registry
from ringpost.ledger.ledger import Ledger, Verdict
from ringpost.ledger.open import open_ledger
from ringpost.settings import Settings
from ringpost.sources.asterisk.client import AsteriskSource
from ringpost.sources.feed import Feed
from ringpost.sources.source import Source
from ringpost.telemetry.metrics import Metrics
from ringpost.transports.sqs import SqsTransport
from ringpost.transports.transport import Transport
from ringpost.transports.webhook import WebhookTransport

_log = structlog.get_logger("ringpost.node")


def wall_clock() -> int:
    """Milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


class Node:
    """The parts of one running Ringpost. Made by `start_node`, ended by `stop`."""

    def __init__(
        self, settings: Settings, ledger: Ledger, vault: Vault, now: Callable[[], int], jitter: Callable[[], float]
    ) -> None:
        self.settings = settings
        self.ledger = ledger
        self.now = now
        self.metrics = Metrics()
        self.keys = Keys(ledger, now)
        self.sessions = Sessions(now)
        self.transports: dict[str, Transport] = {"webhook": WebhookTransport(settings), "sqs": SqsTransport(settings)}
        self.registry = Registry(ledger, vault, settings, now, on_change=self._integration_changed)
        self.dispatcher = Dispatcher(
            ledger, self.registry.installed, self.transports, settings, now=now, jitter=jitter, metrics=self.metrics
        )
        self.intake = Intake(ledger, self.registry.of, self.metrics, now)
        self.services = Services(
            ledger=ledger,
            intake=self.intake,
            registry=self.registry,
            keys=self.keys,
            metrics=self.metrics,
            settings=settings,
            dispatcher_replayed=self.dispatcher.replayed,
            refresh_metrics=self._refresh_metrics,
            ready=lambda: self._is_ready,
            now=now,
            seal=vault.seal,
            unseal=vault.open,
        )
        self.url = self.local_url = ""
        self._jitter = jitter
        self._server: HttpServer | None = None
        self._feeds: dict[tuple[str, str], Feed] = {}
        self._is_ready = False

    async def start(self, listening: socket.socket, routes: Sequence[ControllerRouterHandler]) -> None:
        """Load what is installed and owed, then open the door."""
        self.ledger.hand_over_to(self.dispatcher.committed)
        await self.keys.load()
        await self.registry.load()
        await self.dispatcher.start()
        self._server = HttpServer(build_app(self.services, extra_routes=routes), listening)
        await self._server.start()
        for pbx in self.settings.pbx:
            source = AsteriskSource(pbx, now=self.now, jitter=self._jitter)
            await self.listen_to(pbx.company, pbx.serial, source, pbx.trunks)
        self._is_ready = True
        _log.info("started", version=__version__, url=self.url, integrations=len(self.registry.all()))

    async def listen_to(self, company: str, serial: str, source: Source, trunks: Sequence[str] = ()) -> None:
        """Take the calls of a PBX from this source, from now on."""
        registered = await self.ledger.register_pbx(company, serial, self.now())
        self.intake.reserve(company, serial)
        machine = CallMachine(company=company, pbx=serial, short=registered.short, trunks=trunks)

        async def accept(events: Sequence[CallEvent]) -> Sequence[Verdict]:
            return await self.intake.accept_calls(company, serial, events, extra_keys=self.settings.extra_keys)

        feed = self._feeds[company, serial] = Feed(source, machine, accept, now=self.now, jitter=self._jitter)
        feed.start(await self.ledger.open_calls(company, serial))

    async def wait_in_step(self) -> None:
        """Until every PBX is connected and its calls are known."""
        for feed in self._feeds.values():
            await feed.wait_in_step()

    async def stop(self) -> None:
        """Close the door, finish what is under way within its limit, and let the ledger go."""
        self._is_ready = False
        await asyncio.gather(*(feed.stop(self.settings.drain_ms) for feed in self._feeds.values()))
        if self._server is not None:
            await self._server.stop()
        await self.dispatcher.drain(self.settings.drain_ms)
        await self.dispatcher.close()
        for transport in self.transports.values():
            await transport.close()
        await self.ledger.close()
        _log.info("stopped")

    def _integration_changed(self, integration: str) -> None:
        self.dispatcher.changed(integration)

    def _refresh_metrics(self) -> None:
        lanes = self.dispatcher.statistics().lanes
        self.metrics.deliveries_owed.set(lanes.owed)
        self.metrics.lanes_waiting.set(lanes.lanes)
        self.metrics.attempts_under_way.set(lanes.under_way)
        for (company, serial), feed in self._feeds.items():
            pbx, calls = f"{company}/{serial}", feed.machine.statistics()
            self.metrics.source_connected.labels(pbx).set(feed.source.status().connected_since is not None)
            self.metrics.calls_open.labels(pbx).set(calls.open)
            self.metrics.calls_reconciled.labels(pbx).set(calls.reconciled + calls.resumed)
        ledger = self.ledger.statistics()
        self.metrics.commits.set(ledger.commits)
        self.metrics.commit_seconds.set(ledger.commit_seconds)
        self.metrics.commit_failures.set(ledger.failures)


async def start_node(
    settings: Settings,
    *,
    routes_of: Callable[[Node], Sequence[ControllerRouterHandler]] = lambda _: (),
    listening: socket.socket | None = None,
    now: Callable[[], int] = wall_clock,
    jitter: Callable[[], float] = random.random,
) -> Node:
    """A node that is up: what is owed is being delivered, and requests are taken.

    routes_of: further addresses to serve; listening: a socket to serve on instead of the settings' host and port.
    Raises `port_taken`, `ledger_…`, `sealing_key_invalid`; then nothing is left running.
    """
    open_door = listening or listen(settings.host, settings.port)
    try:
        ledger = await open_ledger(settings.ledger_path, now=now)
        try:
            node = Node(settings, ledger, open_vault(settings.sealing_key_path, make=True), now, jitter)
            node.local_url = _url_of(open_door)
            node.url = settings.public_url or node.local_url
            await node.start(open_door, routes_of(node))
        except BaseException:
            await ledger.close()
            raise
    except BaseException:
        open_door.close()
        raise
    return node


def _url_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - read, not bound
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
