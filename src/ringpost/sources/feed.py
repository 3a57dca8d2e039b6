"""The feed of one PBX: what its source says goes through its call machine to the intake.

Promises: the source is never kept waiting (it says something, the machine works at once, the events go to a backlog);
events reach the intake in order, and while the ledger cannot take them they wait and are offered again, none lost; an
end that fails for what it says is told without that, as no call may stay open. A clock that is set back delays nothing.
The backlog is bounded: when it is full, the source is disconnected, as a reader that stops would block the PBX, and
connected again once half is worked off; its snapshot then makes up for the gap. Run from the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

import structlog
from msgspec import Struct, structs

from ringpost.calls.events import CallEvent
from ringpost.calls.machine import CallMachine
from ringpost.calls.observation import Observation, Snapshot
from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Verdict
from ringpost.model.call import Call
from ringpost.model.data import CallData
from ringpost.model.event import CALL_END, CALL_START

from .source import Source

Accept = Callable[[Sequence[CallEvent]], Awaitable[Sequence[Verdict]]]

BACKLOG_LIMIT: Final = 50_000  # events, about 1 KB each
BATCH: Final = 200  # events
FAULTS_LIMIT: Final = 5  # how often one event may fail for a reason that is no refusal and no state of the ledger

_RETRY: Final = (100, 10_000)  # ms
_LONGEST_WAIT: Final = 10_000  # ms; the machine plans nothing further ahead, unless its clock was set back
_HAD_BEFORE: Final = frozenset({"call_already_started", "call_already_ended"})

log = structlog.get_logger()


class FeedStatistics(Struct, frozen=True, kw_only=True):
    """backlog: events that wait now; refused: events that the ledger refused for good, and lost: that could not be
    taken for a fault of ours, since the start; error: the code with which the ledger does not take events now."""

    backlog: int
    refused: int
    lost: int
    error: str | None


class Feed:
    """now: ms since the epoch; jitter: a number from 0 to 1, drawn for every wait."""

    def __init__(
        self,
        source: Source,
        machine: CallMachine,
        accept: Accept,
        *,
        now: Callable[[], int],
        jitter: Callable[[], float],
        backlog_limit: int = BACKLOG_LIMIT,
    ) -> None:
        self.source = source
        self.machine = machine
        self._accept = accept
        self._now = now
        self._jitter = jitter
        self._limit = backlog_limit
        self._backlog: deque[CallEvent] = deque()
        self._filled = asyncio.Event()
        self._full = asyncio.Event()
        self._roomy = asyncio.Event()
        self._drained = asyncio.Event()
        self._in_step = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._due: int | None = None  # what the timer is armed for
        self._tasks: list[asyncio.Task[None]] = []
        self._refused = self._lost = 0
        self._error: str | None = None

    def start(self, open_calls: Iterable[Call] = ()) -> None:
        """Begin. open_calls: those of this PBX that the ledger knows as going on."""
        self.machine.restore(open_calls)
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._offer())]

    async def stop(self, within: int) -> None:
        """Disconnect, tell what is pending, and wait until the backlog is taken, `within` ms at most. Calls that go
        on stay open in the ledger, for `open_calls` of the next start."""
        listening, offering = self._tasks
        await _end(listening)
        self._take(self.machine.flush(self._now()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within / 1_000):
                await self._drained.wait()
        await _end(offering)
        if self._timer is not None:
            self._timer.cancel()

    async def wait_in_step(self) -> None:
        """Until a snapshot of the PBX's legs was taken: from then on every call is seen."""
        await self._in_step.wait()

    def end_calls(self) -> int:
        """End all open calls, as their PBX stays away: cause 31 and the flag `reconciled`. How many they were. What
        goes on when the PBX is back is another call then."""
        events = self.machine.resync(Snapshot(), self._now())
        self._take(events)
        return sum(event.type == CALL_END for event in events)

    def statistics(self) -> FeedStatistics:
        return FeedStatistics(backlog=len(self._backlog), refused=self._refused, lost=self._lost, error=self._error)

    # --- from the source to the backlog ----------------------------------------------------------------------------
    async def _listen(self) -> None:
        while True:
            run = asyncio.create_task(self._run_source())
            full = asyncio.create_task(self._full.wait())
            try:
                await asyncio.wait({run, full}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await _end(run)
                await _end(full)
            if self._full.is_set():
                log.error("feed is full, the PBX is disconnected until events are taken", backlog=len(self._backlog))
                await self._roomy.wait()
                self._full.clear()

    async def _run_source(self) -> None:
        try:
            await self.source.run(self._say)
        except Exception:  # a fault of ours must not end the feed
            log.exception("source failed")
        await asyncio.sleep(self._wait(1) / 1_000)

    def _say(self, said: Observation | Snapshot) -> None:
        now = self._now()
        if isinstance(said, Snapshot):
            self._take(self.machine.resync(said, now))
            self._in_step.set()
        else:
            self._take(self.machine.observe(said, now))

    def _take(self, events: list[CallEvent]) -> None:
        if events:
            self._backlog += events
            self._filled.set()
            self._drained.clear()
        elif not self._filled.is_set():
            self._drained.set()
        if len(self._backlog) >= self._limit:
            self._roomy.clear()
            self._full.set()
        self._arm()

    def _arm(self) -> None:
        due = self.machine.wake_at()
        if due == self._due:
            return  # the timer stands
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._due = due
        if due is not None:
            wait = min(max(0, due - self._now()), _LONGEST_WAIT) / 1_000
            self._timer = asyncio.get_running_loop().call_later(wait, self._poll, due)

    def _poll(self, due: int) -> None:
        """due: the moment has come by the loop's clock, whatever the other one says."""
        self._timer = self._due = None
        self._take(self.machine.poll(max(due, self._now())))

    # --- from the backlog to the intake ----------------------------------------------------------------------------
    async def _offer(self) -> None:
        while True:
            await self._filled.wait()
            while self._backlog:
                batch = [self._backlog[place] for place in range(min(BATCH, len(self._backlog)))]
                await self._offer_batch(batch)
                if len(self._backlog) <= self._limit // 2:
                    self._roomy.set()
            self._filled.clear()
            self._drained.set()

    async def _offer_batch(self, batch: list[CallEvent]) -> None:
        """Until the intake took it. The batch stays at the head of the backlog meanwhile."""
        tries = faults = 0
        unsure = False  # whether an offer that failed left something behind; the ledger's own refusals never do
        while True:
            try:
                verdicts = await self._accept(batch)
            except RingpostError as error:
                self._error = error.code
                faults += error.status < 500
            except Exception:  # as above; the events are kept
                self._error = "internal"
                faults += 1
                unsure = True
                log.exception("intake failed")
            else:
                self._error = None
                self._settle(batch, verdicts, unsure=unsure)
                return
            if faults and len(batch) > 1:
                del batch[1:]  # one at a time, to find the one that it is
            elif faults >= FAULTS_LIMIT and (bare := _bare(batch[0])) != batch[0]:
                log.error("end is told without what it says", call=batch[0].call, code=self._error)
                self._backlog[0] = batch[0] = bare
                faults = 0
            elif faults >= FAULTS_LIMIT:
                self._lost += 1
                log.error("event lost", call=batch[0].call, type=batch[0].type, code=self._error)
                self._backlog.popleft()
                return
            tries += 1
            await asyncio.sleep(self._wait(tries) / 1_000)

    def _settle(self, batch: list[CallEvent], verdicts: Sequence[Verdict], *, unsure: bool) -> None:
        """Take the batch off the backlog. unsure: an earlier offer may have been taken, so a refusal may be an echo."""
        renamed: dict[str, str] = {}
        kept: list[CallEvent] = []
        for event, verdict in zip(batch, verdicts, strict=True):
            self._backlog.popleft()
            if event.call in renamed:
                kept.append(structs.replace(event, call=renamed[event.call]))
            elif not isinstance(verdict, RingpostError):
                continue
            elif verdict.code in _HAD_BEFORE and event.type == CALL_START and not unsure:
                renamed[event.call] = self.machine.another_id(event.call)
                kept.append(structs.replace(event, call=renamed[event.call]))
            elif not (unsure and verdict.code in _HAD_BEFORE):
                self._refused += 1
                log.warning("event refused", call=event.call, type=event.type, code=verdict.code)
        if renamed:
            later = [structs.replace(event, call=renamed.get(event.call, event.call)) for event in self._backlog]
            self._backlog = deque([*kept, *later])

    def _wait(self, tries: int) -> int:
        first, longest = _RETRY
        return int(min(longest, first << min(tries, 16)) * (0.5 + self._jitter() / 2))


def _bare(event: CallEvent) -> CallEvent:
    """An end with nothing that came from outside; other events as they are."""
    if event.type != CALL_END:
        return event
    data = event.data
    return structs.replace(
        event,
        data=CallData(
            status=data.status,
            flags=data.flags,
            endCause=data.endCause,
            endCauseStr=data.endCauseStr,
            endBy=data.endBy,
            direction=data.direction,
            waitTime=data.waitTime,
            talkTime=data.talkTime,
            duration=data.duration,
        ),
    )


async def _end(task: asyncio.Task[object]) -> None:
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error
