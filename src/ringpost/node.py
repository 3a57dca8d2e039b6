"""One node: builds every part of the service, starts it, and takes it down again in an order that loses nothing.

`serve`, `demo`, the tests and the benchmarks all run this and nothing else. Start: ledger, what is installed, what is
owed, then the door (HTTP) and the sources. Stop: from that moment no attempt is begun; the door and the sources close,
what is under way is finished, then the ledger closes; whatever was not finished is durable and goes on at the next
start.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable, Collection, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Final, NamedTuple

import structlog
from litestar.types import ControllerRouterHandler

from ringpost import __version__
from ringpost.access.guesses import Guesses
from ringpost.access.keys import Caller, Keys
from ringpost.access.sealing import Vault, open_vault
from ringpost.access.sessions import LINK_CALLER, Sessions
from ringpost.access.users import Users, is_user
from ringpost.api.app import build_app
from ringpost.api.following import Following
from ringpost.api.server import HttpServer, listen
from ringpost.api.services import Services
from ringpost.calls.events import CallEvent
from ringpost.calls.machine import CallMachine
from ringpost.calls.parties import EMERGENCY
from ringpost.clock import wall_clock
from ringpost.console.console import Console
from ringpost.console.live import INTEGRATION, PBX, WORK
from ringpost.directory.registry import Directories
from ringpost.dispatch.dispatcher import Dispatcher
from ringpost.errors import RingpostError
from ringpost.intake.accept import Intake
from ringpost.intake.bulletin import Bulletin, log_notice
from ringpost.integrations.registry import Registry
from ringpost.ledger.ledger import Accepted, Ledger, Result, Verdict
from ringpost.ledger.open import open_ledger
from ringpost.model.delivery import Owed
from ringpost.model.notice import Notice
from ringpost.model.work import ERASURE, REPLAY, Work
from ringpost.settings import Settings
from ringpost.sources.asterisk.client import AsteriskSource
from ringpost.sources.feed import Feed
from ringpost.sources.left import end_left_calls
from ringpost.sources.source import Source
from ringpost.sources.standing import PbxStanding
from ringpost.sources.watch import Watch
from ringpost.sources.watching import keep_watch, lost_since
from ringpost.telemetry.metrics import Metrics
from ringpost.telemetry.series import Series
from ringpost.transports.sqs import SqsTransport
from ringpost.transports.transport import Transport
from ringpost.transports.webhook import WebhookTransport
from ringpost.upkeep.curves import Curves
from ringpost.upkeep.disk import DiskWatch
from ringpost.upkeep.erasure import Erasures
from ringpost.upkeep.forgetting import Forgetting
from ringpost.upkeep.retention import Retention
from ringpost.upkeep.space import SpaceWatch
from ringpost.work.replay import Replays
from ringpost.work.runner import Works

_LAST_NOTICES_MS: Final = 1_000  # left to the ledger for the last notices where the drain took all the time

_log = structlog.get_logger("ringpost.node")


class _Numbered(NamedTuple):
    """The machine of one PBX, and the trunks that the settings name for it."""

    machine: CallMachine
    trunks: tuple[str, ...]


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
        self.users = Users(ledger, now)
        self.sessions = Sessions(now, self._is_good)
        self.transports: dict[str, Transport] = {"webhook": WebhookTransport(settings), "sqs": SqsTransport(settings)}
        self.registry = Registry(
            ledger, vault, settings, now, on_change=self._integration_changed, told=self._notice_told
        )
        self.intake = Intake(ledger, self.registry.of, self.metrics, now)
        self.following = Following(ledger)
        self.bulletin = Bulletin(self.intake.accept_notices)
        self.dispatcher = Dispatcher(
            ledger,
            self.registry.installed,
            self.transports,
            settings,
            now=now,
            jitter=jitter,
            metrics=self.metrics,
            tell=self.bulletin.tell,
            pause=self.registry.pause_unfit,
            recorded=self._recorded,
        )
        retention = Retention(
            now(),
            events_days=settings.keep_events_days,
            attempts_days=settings.keep_attempts_days,
            notices_days=settings.keep_notices_days,
        )
        self.forgetting = Forgetting(ledger, retention, now, self.metrics)
        self.series = Series()
        self.curves = Curves(ledger, self.series, now)
        self.disk = DiskWatch(
            ledger, settings.ledger_path, SpaceWatch(settings.ledger_free_mb), self.bulletin.tell, now, self.metrics
        )
        self.replays = Replays(ledger, self.registry.installed, self._replayed, self.dispatcher.has_room, now, jitter)
        self.directories = Directories(ledger, now, on_change=self._renumber)
        self.erasures = Erasures(ledger, self.dispatcher.forget, now, jitter)
        self.works = Works(
            ledger, {REPLAY: self.replays.step, ERASURE: self.erasures.step}, now, on_change=self._work_changed
        )
        self.services = Services(
            ledger=ledger,
            intake=self.intake,
            registry=self.registry,
            keys=self.keys,
            users=self.users,
            sessions=self.sessions,
            guesses=Guesses(now),
            metrics=self.metrics,
            settings=settings,
            dispatcher_replayed=self._replayed,
            refresh_metrics=self._refresh_metrics,
            ready=lambda: self._is_ready,
            now=now,
            seal=vault.seal,
            unseal=vault.open,
            works=self.works,
            replays=self.replays,
            erasures=self.erasures,
            url=lambda: self.url,
            directories=self.directories,
            pbxs=self._standings,
            following=self.following,
        )
        self.console = Console(self.services, settings.public_url)
        self.url = self.local_url = ""
        self._jitter = jitter
        self._feeds: dict[tuple[str, str], Feed] = {}
        self._numbered: dict[tuple[str, str], _Numbered] = {}
        self._watching: list[asyncio.Task[None]] = []
        self._is_ready = False
        self._stop_by = 0.0  # of the loop's clock: what is under way may go on until then
        self._parts = AsyncExitStack()  # how what was started is stopped, the last one first

    async def start(
        self,
        listening: socket.socket,
        routes: Sequence[ControllerRouterHandler],
        later: Collection[tuple[str, str]],
    ) -> None:
        """Load what is installed and owed, then open the door. If anything fails, nothing is left running."""
        self.ledger.hand_over_to(self._committed)
        async with AsyncExitStack() as parts:
            parts.push_async_callback(self.ledger.close)
            parts.push_async_callback(self.curves.stop)
            parts.push_async_callback(self._stop_telling)
            for transport in self.transports.values():
                parts.push_async_callback(transport.close)
            await self.keys.load()
            await self.users.load()
            parts.push_async_callback(self.registry.close)
            await self.registry.load()
            parts.push_async_callback(self.directories.close)
            await self.directories.load()
            parts.push_async_callback(self._stop_dispatching)
            await self.dispatcher.start()
            parts.push_async_callback(self._stop_working)
            await self.works.start()
            parts.push_async_callback(self.forgetting.stop)
            self.forgetting.start()
            self.curves.start()
            parts.push_async_callback(self.disk.stop)
            self.disk.start()
            extra_routes = [*self.console.routes(), *routes]
            app = build_app(self.services, extra_routes=extra_routes, refusal_page=self.console.unknown)
            server = HttpServer(app, listening)
            parts.push_async_callback(server.stop)
            parts.callback(self.console.live.close)
            parts.callback(self.following.close)
            await server.start()
            parts.push_async_callback(self._stop_listening)
            for pbx in self.settings.pbx:
                learn = partial(self.directories.learn, pbx.company)
                source = AsteriskSource(pbx, now=self.now, jitter=self._jitter, learn=learn)
                await self.listen_to(pbx.company, pbx.serial, source, pbx.trunks)
            listened_to = {*later, *((pbx.company, pbx.serial) for pbx in self.settings.pbx)}
            ending = asyncio.create_task(self._end_left_calls(listened_to), name="end left calls")
            parts.push_async_callback(_end, ending)
            self._parts = parts.pop_all()
        self._is_ready = True
        _log.info("started", version=__version__, url=self.url, integrations=len(self.registry.all()))

    async def listen_to(self, company: str, serial: str, source: Source, trunks: Sequence[str] = ()) -> None:
        """Take the calls of a PBX from this source, from now on."""
        registered = await self.ledger.register_pbx(company, serial, self.now())
        machine = CallMachine(
            company=company,
            pbx=serial,
            short=registered.short,
            describe=lambda data: self.directories.of(company).described(data),
            hold=self.settings.start_hold_ms,
            coalesce=self.settings.coalesce_ms,
        )

        async def accept(events: Sequence[CallEvent]) -> Sequence[Verdict]:
            return await self.intake.accept_calls(company, serial, events, extra_keys=self.settings.extra_keys)

        self._numbered[company, serial] = _Numbered(machine, tuple(trunks))
        self._renumber(company)
        feed = Feed(source, machine, accept, now=self.now, jitter=self._jitter)
        feed.start(await self.ledger.open_calls(company, serial))
        self._feeds[company, serial] = feed
        known = await lost_since(self.ledger, company, serial)
        watch = Watch(
            company,
            serial,
            lost_after=self.settings.pbx_lost_after_ms,
            end_after=self.settings.end_lost_calls_after_ms,
            now=self.now(),
            lost_since=known,
        )
        watching = keep_watch(
            watch,
            source.status,
            self.bulletin.tell,
            self.now,
            end_calls=feed.end_calls,
            changed=partial(self.console.live.tell, PBX, company, serial),
        )
        self._watching.append(asyncio.create_task(watching, name=f"watch {company}/{serial}"))

    async def _end_left_calls(self, listened_to: Collection[tuple[str, str]]) -> None:
        """End the calls of PBXs that are no longer in the settings: nobody else would."""
        accept = partial(self.intake.accept_calls, extra_keys=self.settings.extra_keys)
        try:
            await end_left_calls(self.ledger, listened_to, accept, self.now)
        except RingpostError as error:
            _log.error("left_calls_not_ended", code=error.code)

    async def wait_in_step(self) -> None:
        """Until every PBX is connected and its calls are known."""
        for feed in self._feeds.values():
            await feed.wait_in_step()

    async def stop(self) -> None:
        """Begin nothing more, close the door, finish what is under way within its limit, and let the ledger go."""
        self._is_ready = False
        self.dispatcher.hold()
        self._stop_by = asyncio.get_running_loop().time() + self.settings.drain_ms / 1_000
        await self._parts.aclose()
        _log.info("stopped")

    def _time_left(self) -> int:
        """How long what is under way may still go on (ms)."""
        return max(0, round((self._stop_by - asyncio.get_running_loop().time()) * 1_000))

    async def _stop_listening(self) -> None:
        await asyncio.gather(*map(_end, self._watching))
        within = self._time_left()
        ended = await asyncio.gather(*(feed.stop(within) for feed in self._feeds.values()), return_exceptions=True)
        for (company, serial), feed, failure in zip(self._feeds, self._feeds.values(), ended, strict=True):
            left = feed.statistics().backlog
            if left or failure is not None:
                # The ledger did not take them in time: their calls are open in it, and end at the next start.
                _log.error("events_left", company=company, pbx=serial, events=left, failure=type(failure).__name__)

    async def _stop_working(self) -> None:
        await self.works.close(self._time_left())

    async def _stop_dispatching(self) -> None:
        await self.dispatcher.drain(self._time_left())
        await self.dispatcher.close()

    async def _stop_telling(self) -> None:
        await self.bulletin.close(max(self._time_left(), _LAST_NOTICES_MS))

    def _renumber(self, company: str) -> None:
        """A company's machines take the numbering of its directory, and the trunks of the settings beside it."""
        for (of, _), numbered in self._numbered.items():
            if of == company:
                directory = self.directories.of(company)
                trunks = (*numbered.trunks, *directory.trunks)
                numbered.machine.renumber(trunks, (*EMERGENCY, *directory.emergency), directory.extensions)

    def _notice_told(self, notice: Notice) -> None:
        log_notice(notice)
        self.metrics.events_accepted.labels(notice.type).inc()

    def _committed(self, accepted: Sequence[Accepted]) -> None:
        self.dispatcher.committed(accepted)
        self.series.accepted((event for event, _ in accepted), self.now())
        self.console.live.committed(accepted)
        self.following.committed(accepted)

    def _replayed(self, owed: Owed) -> None:
        self.dispatcher.replayed(owed)
        self.following.replayed(owed)

    def _recorded(self, results: Sequence[Result]) -> None:
        self.series.attempted(((result.attempt, result.state) for result in results), self.now())
        self.console.live.recorded(results)

    def _integration_changed(self, integration: str) -> None:
        self.dispatcher.changed(integration)
        installed = self.registry.installed(integration)
        # One that was deleted belongs to no company any more: every page looks anew, and learns no id.
        about = (installed[0].company, integration) if installed else ("", "")
        self.console.live.tell(INTEGRATION, *about)

    def _work_changed(self, work: Work) -> None:
        self.console.live.tell(WORK, work.company, work.id)

    def _is_good(self, caller: Caller) -> bool:
        """Whether who signed in may stay."""
        if caller == LINK_CALLER:
            return True
        return self.users.is_good(caller) if is_user(caller) else self.keys.is_good(caller)

    def _standings(self) -> list[PbxStanding]:
        addresses = {(pbx.company, pbx.serial): pbx.address for pbx in self.settings.pbx}
        return [
            _standing(company, serial, addresses.get((company, serial), ""), feed)
            for (company, serial), feed in self._feeds.items()
        ]

    def _refresh_metrics(self) -> None:
        dispatching = self.dispatcher.statistics()
        lanes = dispatching.lanes
        self.metrics.deliveries_owed.set(dispatching.owed)
        self.metrics.lanes_waiting.set(lanes.lanes)
        self.metrics.attempts_under_way.set(lanes.under_way)
        for (company, serial), feed in self._feeds.items():
            pbx, calls = f"{company}/{serial}", feed.machine.statistics()
            self.metrics.source_connected.labels(pbx).set(feed.source.status().connected_since is not None)
            self.metrics.calls_open.labels(pbx).set(calls.open)
            self.metrics.calls_reconciled.labels(pbx).set(calls.reconciled + calls.resumed)
            self.metrics.calls_unheard.labels(pbx).set(calls.unheard)
            told = feed.statistics()
            self.metrics.source_backlog.labels(pbx).set(told.backlog)
            self.metrics.source_events_lost.labels(pbx).set(told.lost + told.refused)
        ledger = self.ledger.statistics()
        self.metrics.commits.set(ledger.commits)
        self.metrics.commit_seconds.set(ledger.commit_seconds)
        self.metrics.commit_failures.set(ledger.failures)


async def start_node(
    settings: Settings,
    *,
    routes_of: Callable[[Node], Sequence[ControllerRouterHandler]] = lambda _: (),
    listening: socket.socket | None = None,
    later: Collection[tuple[str, str]] = (),
    now: Callable[[], int] = wall_clock,
    jitter: Callable[[], float] = random.random,
) -> Node:
    """A node that is up: what is owed is being delivered, and requests are taken.

    routes_of: further addresses to serve; listening: a socket to serve on instead of the settings' host and port;
    later: PBXs (company, serial) beside those of the settings that `listen_to` will be called for.
    Raises `port_taken`, `ledger_…`, `sealing_key_invalid`; then nothing is left running.
    """
    open_door = listening or listen(settings.host, settings.port)
    try:
        ledger = await open_ledger(settings.ledger_path, now=now)
        try:
            node = Node(settings, ledger, await _vault_of(ledger, settings), now, jitter)
            node.local_url = _url_of(open_door)
            node.url = settings.public_url or node.local_url
            await node.start(open_door, routes_of(node), later)
        except BaseException:
            await ledger.close()
            raise
    except BaseException:
        open_door.close()
        raise
    return node


def _standing(company: str, serial: str, address: str, feed: Feed) -> PbxStanding:
    calls, told = feed.machine.statistics(), feed.statistics()
    return PbxStanding(
        company=company,
        serial=serial,
        address=address,
        status=feed.source.status(),
        calls=calls.open,
        seen=calls.started,
        ended=calls.reconciled,
        begun=calls.resumed,
        waiting=told.backlog,
        lost=told.lost + told.refused,
    )


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


async def _vault_of(ledger: Ledger, settings: Settings) -> Vault:
    """The vault of this ledger. A new key is made only where nothing is sealed yet: beside secrets that it does not
    open it would hide that the right one is missing."""
    path = settings.sealing_key_path
    if not path.exists() and await ledger.integrations():
        raise RingpostError(
            "sealing_key_invalid",
            f"The sealing key {path} is missing, and the ledger has secrets sealed with it. Restore it.",
        )
    return open_vault(path, make=True)


def _url_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - read, not bound
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
