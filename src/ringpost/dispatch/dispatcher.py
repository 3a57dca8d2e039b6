"""The dispatcher: attempts what is owed, and has the ledger record how it went.

The thin shell around the lanes (with their breakers and fair shares), the backlog, the retry policy and the five-day
rule: it holds the only timer, the tasks and the clock; what to start and when to try again is decided there. Promises:
the deliveries of a lane go in event order; what an attempt came to is recorded; nothing owed is lost, for the ledger
has it; memory is bounded, however much is owed. All methods are called in the event loop that `start` ran in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from time import perf_counter
from typing import Any, Final, assert_never

import msgspec
import structlog
from msgspec import Struct

from ringpost.ledger.ledger import Ledger, Result
from ringpost.model.delivery import Owed
from ringpost.model.event import Event
from ringpost.model.integration import Credentials, Integration
from ringpost.model.notice import Notice
from ringpost.model.outcome import Outcome
from ringpost.settings import Settings
from ringpost.telemetry.metrics import Metrics
from ringpost.transports.transport import Sending, Transport

from .aftermath import Aftermath, Pause
from .backlog import Backlog, Read, ReadLanes, ReadOn
from .bodies import Bodies
from .conclusion import conclude
from .faults import code_of, frames_of
from .fitness import Fitness
from .gate import Gate, Go, Gone, Installed, Paused
from .lanes import Lanes
from .recorder import Recorder
from .share import LaneStatistics

BODY_BYTES: Final = 67_108_864  # 64 MiB of events from memory; more is read from the ledger
UNREADABLE_WAIT: Final = 1_000  # ms until a delivery whose event could not be read is taken up again
RECORD_WAIT: Final = 2.0  # seconds that a drain leaves the ledger for the last results
_LONGEST_TIMER: Final = 60_000  # ms: a wall clock that was set forward is noticed within this time

_log = structlog.get_logger("ringpost.dispatch")


class DispatcherStatistics(Struct, frozen=True, kw_only=True):
    """Now: deliveries that are owed, what of them the lanes hold, results that are not recorded yet, and events kept in
    memory with their bytes."""

    owed: int
    lanes: LaneStatistics
    unrecorded: int
    bodies: int
    body_bytes: int


class Dispatcher:
    """One node's dispatcher.

    installed: see `Gate`; transports: by transmission type, closed by who made them; now: the wall clock (ms); jitter:
    chance, from 0 up to but not including 1; tell: takes notices; pause: makes it durable that an unfit integration is
    paused.
    """

    def __init__(
        self,
        ledger: Ledger,
        installed: Installed,
        transports: Mapping[str, Transport],
        settings: Settings,
        *,
        now: Callable[[], int],
        jitter: Callable[[], float],
        metrics: Metrics,
        tell: Callable[[Notice], None],
        pause: Pause,
        recorded: Callable[[Sequence[Result]], None] | None = None,
    ) -> None:
        """recorded: takes the results of attempts once they are recorded."""
        self._ledger = ledger
        self._gate = Gate(installed)
        self._transports = transports
        self._delays_ms = settings.retry_delays_ms
        self._now = now
        self._jitter = jitter
        self._metrics = metrics
        self._lanes = Lanes(settings.connections_per_integration, settings.connections)
        self._backlog = Backlog(self._lanes, settings.deliveries_in_memory)
        metrics.breakers_open.set_function(lambda: self._lanes.statistics().breakers_open)
        self._bodies = Bodies(BODY_BYTES)
        self._recorder = Recorder(ledger, self._look_soon, recorded)
        self._aftermath = Aftermath(
            Fitness(settings.pause_after_ms), self._gate, self._lanes, self._recorder, self._run, now, tell, pause
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_loaded = self._came = False  # what is owed was counted; something came while it was
        self._is_starting = False  # attempts may be begun: it is loaded, and not held
        self._is_looking = False
        self._idle = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0

    # --- what happens elsewhere ------------------------------------------------------------------------------------
    async def start(self) -> None:
        """Learn how much is owed, then begin: it is read as there is room. Raises what the ledger raises."""
        failings = await self._ledger.failings()
        self._aftermath.load(failings)
        owing = await self._ledger.owing()
        while self._came:
            self._came = False
            owing = await self._ledger.owing()
        self._is_loaded = True
        for company, integration, count in owing:
            if isinstance(self._gate.ask(integration), Paused):
                self._lanes.pause(integration)
            self._backlog.load(company, integration, count)
        self._is_starting = True
        self._look_soon()

    def committed(self, events: Sequence[tuple[Event, tuple[str, ...]]]) -> None:
        """Take events right after their commit, each with the ids of the integrations that it is owed to."""
        if not self._is_loaded:
            self._came = True  # so they are counted, and read with all the rest
            return
        now = self._now()
        for event, integrations in events:
            takers = 0
            for integration in integrations:
                owed = Owed(company=event.company, integration=integration, call=event.call, seq=event.seq)
                takers += self._backlog.committed(owed, now)
            if takers:
                self._bodies.put(event, takers)
        self._look_soon()

    def replayed(self, owed: Owed) -> None:
        """Take a delivery that the ledger made pending again."""
        self._backlog.replayed(owed, self._now())
        self._look_soon()

    def has_room(self, integration: str) -> bool:
        """Whether many deliveries may be replayed to this integration now."""
        return self._backlog.has_room(integration)

    def forget(self, integration: str, call: str, count: int) -> None:
        """So many pending deliveries of a lane were taken out of the ledger: send none of them."""
        for owed in self._lanes.drop_lane(integration, call):
            self._bodies.take(owed.seq)
        self._backlog.forget(integration, call, count)
        self._look_soon()

    def changed(self, integration: str) -> None:
        """An integration was installed, edited, paused, resumed or deleted: look at it anew."""
        match self._gate.ask(integration):
            case Go():
                if not self._aftermath.is_pausing(integration):
                    self._lanes.resume(integration, self._now())
                    self._backlog.resumed(integration)
            case Paused(company):
                self._lanes.pause(integration)
                self._aftermath.paused(company, integration)
            case Gone():
                self._drop(integration)
            case never:
                assert_never(never)
        self._look_soon()

    def wake(self) -> None:
        """Look for what is due: called by the timer, and by who moved the clock."""
        self._stop_timer()
        self._look_soon()

    # --- stopping and looking in -----------------------------------------------------------------------------------
    def hold(self) -> None:
        """Begin nothing more; what is under way goes on, and what comes stays owed."""
        self._is_starting = False
        self._stop_timer()

    async def drain(self, limit_ms: int) -> None:
        """Begin nothing more; wait for the attempts under way, so long at most (ms), then until they are recorded."""
        self.hold()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=limit_ms / 1_000)
        if not await self._recorder.wait_recorded(RECORD_WAIT) or self._tasks:
            _log.warning("drain_incomplete", under_way=len(self._tasks), unrecorded=len(self._recorder))

    async def close(self) -> None:
        """Give up what is still under way: it stays owed, and is attempted again after the next start."""
        self.hold()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(set(self._tasks))
        await self._recorder.close()
        self._idle.set()

    async def wait_idle(self) -> None:
        """Wait until nothing is under way, unrecorded or due: what is left waits for its time, or is paused."""
        await self._idle.wait()

    def statistics(self) -> DispatcherStatistics:
        return DispatcherStatistics(
            owed=self._backlog.owed,
            lanes=self._lanes.statistics(),
            unrecorded=len(self._recorder),
            bodies=len(self._bodies),
            body_bytes=self._bodies.bytes,
        )

    # --- starting what is due --------------------------------------------------------------------------------------
    def _look_soon(self) -> None:
        """Look once in the loop's next turn, however many ask for it in this one."""
        self._idle.clear()
        if not self._is_looking:
            self._is_looking = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        self._is_looking = False
        if self._is_starting and not self._recorder.is_full:
            self._aftermath.tell_due()
            for read in self._backlog.reads(self._now()):
                self._run(self._read(read))
            unread: dict[str, list[Owed]] = {}
            for command in self._lanes.poll(self._now()):
                event = self._bodies.take(command.owed.seq)
                if event is None:
                    unread.setdefault(command.owed.company, []).append(command.owed)
                else:
                    self._run(self._attempt(command.owed, event))
            for company, owed in unread.items():
                self._run(self._read_and_attempt(company, owed))
            self._set_timer()
        if self._is_starting and not self._tasks and self._recorder.is_at_rest and self._backlog.is_at_rest:
            self._idle.set()

    def _set_timer(self) -> None:
        times = (self._lanes.wake_at(), self._backlog.wake_at(), self._aftermath.wake_at())
        wake_at = min((at for at in times if at is not None), default=None)
        if self._timer is not None and wake_at == self._timer_at:
            return
        self._stop_timer()
        if wake_at is not None:
            wait = min(max(wake_at - self._now(), 0), _LONGEST_TIMER)
            self._timer, self._timer_at = asyncio.get_running_loop().call_later(wait / 1_000, self.wake), wake_at

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._look_soon()
        if not task.cancelled():
            task.result()  # a fault of the dispatcher itself goes to the loop's exception handler

    # --- reading the ledger ----------------------------------------------------------------------------------------
    async def _read(self, read: Read) -> None:
        """Bring a part of a backlog into memory."""
        try:
            await self._recorder.wait_for_these()
            match read:
                case ReadOn():
                    page = await self._ledger.owed(read.company, read.integration, read.after, read.limit)
                    self._backlog.read_on(read, page, self._now())
                case ReadLanes():
                    found = await self._ledger.owed_in_lanes(read.company, read.integration, read.calls, read.limit)
                    self._backlog.read_lanes(read, found, self._now())
                case never:
                    assert_never(never)
        except Exception as failure:  # noqa: BLE001 - whatever went wrong in the ledger, it is tried again
            _log.warning("backlog_not_read", integration=read.integration, code=code_of(failure))
            self._backlog.failed(read, self._now())

    async def _read_and_attempt(self, company: str, owed: Sequence[Owed]) -> None:
        try:
            events = await self._ledger.bodies(company, [one.seq for one in owed])
        except Exception as failure:  # noqa: BLE001 - whatever went wrong in the ledger, the lanes must go on
            _log.warning("events_not_read", company=company, deliveries=len(owed), code=code_of(failure))
            for one in owed:
                self._put_back(one)
            return
        if not self._is_starting:  # held meanwhile: they stay owed
            return
        for one in owed:
            event = events.get(one.seq)
            if event is not None:
                self._run(self._attempt(one, event))
            else:
                if self._lanes.is_under_way(one):
                    _log.error("event_missing", delivery=one.id, company=company)
                self._finish(one, None)

    # --- one attempt -----------------------------------------------------------------------------------------------
    async def _attempt(self, owed: Owed, event: Event) -> None:
        try:
            await self._pass_gate(owed, event)
        except Exception as failure:  # noqa: BLE001 - a fault of ours must not leave the lane standing
            _log.error("attempt_failed", delivery=owed.id, failure=type(failure).__name__, frames=frames_of(failure))
            if self._lanes.is_under_way(owed):
                self._put_back(owed)

    async def _pass_gate(self, owed: Owed, event: Event) -> None:
        if not self._lanes.is_under_way(owed):  # it was taken out of the ledger while its event was read
            self._finish(owed, None)
            return
        match self._gate.ask(owed.integration):
            case Go(integration, credentials):
                await self._make(owed, event, integration, credentials)
            case Paused():
                self._lanes.pause(owed.integration)
                self._finish(owed, owed)
            case Gone():
                self._drop(owed.integration)
                self._finish(owed, None)
            case never:
                assert_never(never)

    def _put_back(self, owed: Owed) -> None:
        """Nothing was attempted in the end: take it up again a little later."""
        self._finish(owed, msgspec.structs.replace(owed, due=self._now() + UNREADABLE_WAIT))

    def _finish(self, owed: Owed, again: Owed | None, outcome: Outcome | None = None) -> None:
        """Its lane is free again. again: the delivery as it is owed still."""
        now = self._now()
        if again is None and self._lanes.is_under_way(owed):
            self._backlog.ended(owed)
        self._aftermath.breaker(owed, self._lanes.finished(owed, again, now, outcome, self._jitter()))
        self._backlog.moved(owed, now)

    async def _make(self, owed: Owed, event: Event, integration: Integration, credentials: Credentials) -> None:
        began, clock = self._now(), perf_counter()
        sending = Sending(
            integration=integration,
            credentials=credentials,
            event=event,
            delivery=owed.id,
            attempt=owed.attempts + 1,
            replay=owed.replay,
            now=began,
        )
        outcome = await self._send(sending)
        seconds = perf_counter() - clock
        self._metrics.attempt_seconds.labels(integration.type).observe(seconds)
        self._conclude(owed, event, integration, outcome, began, round(seconds * 1_000))

    async def _send(self, sending: Sending) -> Outcome:
        try:
            return await self._transports[sending.integration.type].send(sending)
        except Exception as failure:  # noqa: BLE001 - a fault in one transport must not stop a lane
            failure_name = type(failure).__name__
            _log.error("transport_failed", delivery=sending.delivery, failure=failure_name, frames=frames_of(failure))
            return Outcome(error="internal")

    def _conclude(
        self, owed: Owed, event: Event, integration: Integration, outcome: Outcome, began: int, duration: int
    ) -> None:
        now = self._now()
        conclusion = conclude(
            owed,
            outcome,
            began=began,
            duration=duration,
            now=now,
            delays_ms=self._delays_ms if integration.retry_delays_ms is None else integration.retry_delays_ms,
            jitter=self._jitter(),
        )
        self._finish(owed, conclusion.again, outcome)
        if conclusion.result is None:
            self._aftermath.busy(owed, outcome)
            return
        self._recorder.add(conclusion.result)
        self._aftermath.judge(owed, integration, outcome)
        state = conclusion.result.state
        self._metrics.deliveries.labels("retried" if state == "pending" else state, integration.type).inc()
        if state == "delivered" and not owed.replay:
            self._metrics.delivery_age_seconds.observe(max(now - event.accepted, 0) / 1_000)
        elif state == "exhausted":
            self._aftermath.exhausted(owed, event, integration, outcome)

    def _drop(self, integration: str) -> None:
        self._backlog.drop(integration)
        self._aftermath.dropped(integration)
        for owed in self._lanes.drop(integration):
            self._bodies.take(owed.seq)
