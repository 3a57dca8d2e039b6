"""The dispatcher: attempts what is owed, and has the ledger record how it went.

The thin shell around the lanes (with their breakers and fair shares) and the retry policy: it holds the only timer, the
tasks and the clock; what to start and when to try again is decided there. Promises: the deliveries of a lane go in
event order; what an attempt came to is recorded; nothing owed is lost, for the ledger has it. All methods are called in
the event loop that `start` ran in.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Coroutine, Mapping, Sequence
from time import perf_counter
from typing import Any, Final, assert_never

import msgspec
import structlog
from msgspec import Struct

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger
from ringpost.model.delivery import Owed
from ringpost.model.event import Event
from ringpost.model.integration import Credentials, Integration
from ringpost.model.outcome import Outcome
from ringpost.settings import Settings
from ringpost.telemetry.metrics import Metrics
from ringpost.transports.transport import Sending, Transport

from .bodies import Bodies
from .breaker import Closed, Opened
from .conclusion import conclude
from .gate import Gate, Go, Gone, Installed, Paused
from .lanes import Lanes, LaneStatistics
from .recorder import Recorder

BODY_BYTES: Final = 67_108_864  # 64 MiB of events from memory; more is read from the ledger
LOAD_PAGE: Final = 5_000  # deliveries a read when starting
UNREADABLE_WAIT: Final = 1_000  # ms until a delivery whose event could not be read is taken up again
RECORD_WAIT: Final = 2.0  # seconds that a drain leaves the ledger for the last results
BUSY_TOLD: Final = 10_000  # ms from one line about a shortage to the next
_LONGEST_TIMER: Final = 60_000  # ms: a wall clock that was set forward is noticed within this time

_log = structlog.get_logger("ringpost.dispatch")


class DispatcherStatistics(Struct, frozen=True, kw_only=True):
    """Now: what the lanes hold, results that are not recorded yet, and events kept in memory with their bytes."""

    lanes: LaneStatistics
    unrecorded: int
    bodies: int
    body_bytes: int


class Dispatcher:
    """One node's dispatcher.

    installed: see `Gate`; transports: by transmission type, closed by who made them; now: the wall clock (ms); jitter:
    chance, from 0 up to but not including 1.
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
    ) -> None:
        self._ledger = ledger
        self._gate = Gate(installed)
        self._transports = transports
        self._delays_ms = settings.retry_delays_ms
        self._now = now
        self._jitter = jitter
        self._metrics = metrics
        self._lanes = Lanes(settings.connections_per_integration, settings.connections)
        metrics.breakers_open.set_function(lambda: self._lanes.statistics().breakers_open)
        self._bodies = Bodies(BODY_BYTES)
        self._recorder = Recorder(ledger, self._look_soon)
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy_told = 0  # ms
        self._is_starting = False  # attempts may be begun: all that is owed was loaded, and no drain began
        self._is_looking = False
        self._idle = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0

    # --- what happens elsewhere ------------------------------------------------------------------------------------
    async def start(self) -> None:
        """Load everything that is owed, then begin. Raises what `ledger.owed` raises."""
        after: tuple[str, str, int] | None = None
        while page := await self._ledger.owed(after, LOAD_PAGE):
            now = self._now()
            for owed in page:
                self._lanes.offer(owed, now)
            after = (page[-1].company, page[-1].integration, page[-1].seq)
        self._is_starting = True
        self._look_soon()

    def committed(self, events: Sequence[tuple[Event, tuple[str, ...]]]) -> None:
        """Take events right after their commit, each with the ids of the integrations that it is owed to."""
        now = self._now()
        for event, integrations in events:
            if integrations:
                self._bodies.put(event, len(integrations))
            for integration in integrations:
                self._lanes.offer(
                    Owed(company=event.company, integration=integration, call=event.call, seq=event.seq), now
                )
        self._look_soon()

    def replayed(self, owed: Owed) -> None:
        """Take a delivery that the ledger made pending again."""
        self._lanes.offer(owed, self._now())
        self._look_soon()

    def changed(self, integration: str) -> None:
        """An integration was installed, edited, paused, resumed or deleted: look at it anew."""
        match self._gate.ask(integration):
            case Go():
                self._lanes.resume(integration, self._now())
            case Paused():
                self._lanes.pause(integration)
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
    async def drain(self, limit_ms: int) -> None:
        """Begin nothing more; wait for the attempts under way, so long at most (ms), then until they are recorded."""
        self._is_starting = False
        self._stop_timer()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=limit_ms / 1_000)
        if not await self._recorder.wait_recorded(RECORD_WAIT) or self._tasks:
            _log.warning("drain_incomplete", under_way=len(self._tasks), unrecorded=len(self._recorder))

    async def close(self) -> None:
        """Give up what is still under way: it stays owed, and is attempted again after the next start."""
        self._is_starting = False
        self._stop_timer()
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
        if self._is_starting and not self._tasks and not self._recorder:
            self._idle.set()

    def _set_timer(self) -> None:
        wake_at = self._lanes.wake_at()
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

    # --- one attempt -----------------------------------------------------------------------------------------------
    async def _read_and_attempt(self, company: str, owed: Sequence[Owed]) -> None:
        try:
            events = await self._ledger.bodies(company, [one.seq for one in owed])
        except Exception as failure:  # noqa: BLE001 - whatever went wrong in the ledger, the lanes must go on
            code = failure.code if isinstance(failure, RingpostError) else type(failure).__name__
            _log.warning("events_not_read", company=company, deliveries=len(owed), code=code)
            now = self._now()
            for one in owed:
                self._lanes.finished(one, msgspec.structs.replace(one, due=now + UNREADABLE_WAIT), now)
            return
        if not self._is_starting:  # a drain began: they stay owed
            return
        for one in owed:
            event = events.get(one.seq)
            if event is None:
                _log.error("event_missing", delivery=one.id, company=company)
                self._lanes.finished(one, None, self._now())
            else:
                self._run(self._attempt(one, event))

    async def _attempt(self, owed: Owed, event: Event) -> None:
        match self._gate.ask(owed.integration):
            case Go(integration, credentials):
                await self._make(owed, event, integration, credentials)
            case Paused():
                self._lanes.pause(owed.integration)
                self._lanes.finished(owed, owed, self._now())
            case Gone():
                self._drop(owed.integration)
                self._lanes.finished(owed, None, self._now())
            case never:
                assert_never(never)

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
        self._conclude(owed, event, outcome, integration.type, began, round(seconds * 1_000))

    async def _send(self, sending: Sending) -> Outcome:
        try:
            return await self._transports[sending.integration.type].send(sending)
        except Exception as failure:  # noqa: BLE001 - a fault in one transport must not stop a lane
            # Neither the failure's text nor its values: a secret may be in them.
            frames = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(failure.__traceback__)]
            _log.error("transport_failed", delivery=sending.delivery, failure=type(failure).__name__, frames=frames)
            return Outcome(error="internal")

    def _conclude(
        self, owed: Owed, event: Event, outcome: Outcome, transmission: str, began: int, duration: int
    ) -> None:
        now = self._now()
        conclusion = conclude(
            owed,
            outcome,
            began=began,
            duration=duration,
            now=now,
            delays_ms=self._delays_ms,
            jitter=self._jitter(),
        )
        self._tell_breaker(owed, self._lanes.finished(owed, conclusion.again, now, outcome, self._jitter()))
        if conclusion.result is None:
            self._tell_busy(owed, outcome)
            return
        self._recorder.add(conclusion.result)
        state = conclusion.result.state
        self._metrics.deliveries.labels("retried" if state == "pending" else state, transmission).inc()
        if state == "delivered" and not owed.replay:
            self._metrics.delivery_age_seconds.observe(max(now - event.accepted, 0) / 1_000)
        elif state == "exhausted":
            _log.warning("delivery_exhausted", delivery=owed.id, company=owed.company, attempts=owed.attempts + 1)

    def _tell_breaker(self, owed: Owed, told: Opened | Closed | None) -> None:
        match told:
            case Opened(error, until):
                wait = until - self._now()
                _log.warning(
                    "breaker_opened", integration=owed.integration, company=owed.company, error=error, wait_ms=wait
                )
            case Closed(after):
                _log.info("breaker_closed", integration=owed.integration, company=owed.company, after_ms=after)
            case None:
                pass
            case never:
                assert_never(never)

    def _tell_busy(self, owed: Owed, outcome: Outcome) -> None:
        """Log it once in a while: a shortage concerns whatever is due."""
        now = self._now()
        if not 0 <= now - self._busy_told < BUSY_TOLD:
            self._busy_told = now
            _log.error("descriptors_short", delivery=owed.id, detail=outcome.detail)

    def _drop(self, integration: str) -> None:
        for owed in self._lanes.drop(integration):
            self._bodies.take(owed.seq)
