"""What an attempt means beyond its delivery: the five-day rule, the notices that follow, the lines in the log.

The thin shell around `fitness` and `telling`; the dispatcher alone calls it, in the event loop. Promise: an integration
that is unfit starts nothing from that moment on, and is paused in the ledger as soon as that takes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final, Literal, Protocol, assert_never

import structlog

from ringpost.ledger.ledger import Named
from ringpost.model.delivery import Owed
from ringpost.model.event import Event
from ringpost.model.failing import Failing
from ringpost.model.integration import Integration
from ringpost.model.notice import NOTICE_TYPES, Notice
from ringpost.model.outcome import Outcome

from .breaker import Closed, Opened
from .faults import code_of
from .fitness import Fitness, Unfit, Warned
from .gate import Gate, Go, Gone
from .lanes import Lanes
from .recorder import Recorder
from .telling import Exhaustions, failing_notice

PAUSE_WAIT: Final = 0.5  # seconds until a pause that the ledger did not take is tried again; doubled up to
LONGEST_PAUSE_WAIT: Final = 30.0
BUSY_TOLD: Final = 10_000  # ms from one line about a shortage to the next

_log = structlog.get_logger("ringpost.dispatch")


class Pause(Protocol):
    """Makes it durable that an integration is paused. since: of its first failure (ms)."""

    async def __call__(self, integration_id: str, reason: Literal["gone", "failing"], since: int) -> object: ...


class Aftermath:
    """run: runs work beside; the others as in `Dispatcher`."""

    def __init__(
        self,
        fitness: Fitness,
        gate: Gate,
        lanes: Lanes,
        recorder: Recorder,
        run: Callable[[Coroutine[Any, Any, None]], None],
        now: Callable[[], int],
        tell: Callable[[Notice], None],
        pause: Pause,
    ) -> None:
        self._fitness = fitness
        self._gate = gate
        self._lanes = lanes
        self._recorder = recorder
        self._run = run
        self._now = now
        self._tell = tell
        self._pause = pause
        self._pausing: set[str] = set()
        self._exhaustions = Exhaustions()
        self._busy_told = 0  # ms

    def load(self, failings: Iterable[Failing]) -> None:
        """What the ledger has. Of one that is paused nothing counts any more, though the service ended before the
        ledger was told so."""
        fit: list[Failing] = []
        outdated: dict[Named, None] = {}
        for failing in failings:
            if isinstance(self._gate.ask(failing.integration), Go):
                fit.append(failing)
            else:
                outdated[failing.company, failing.integration] = None
        self._fitness.load(fit)
        self._recorder.keep(outdated)

    def judge(self, owed: Owed, integration: Integration, outcome: Outcome) -> None:
        """Let an attempt count for the five-day rule, unless its integration was deleted or paused meanwhile."""
        if not isinstance(self._gate.ask(integration.id), Go):
            return
        now = self._now()
        match self._fitness.tell(integration, outcome, now, replay=owed.replay > 0):
            case Warned() as warned:
                self._tell(failing_notice(integration, warned, now))
            case Unfit(reason, since):
                self._lanes.pause(integration.id)
                if integration.id not in self._pausing:
                    self._pausing.add(integration.id)
                    self._run(self._pause_for_good(integration.id, reason, since))
            case None:
                pass
            case never:
                assert_never(never)
        self._recorder.keep(self._fitness.take_changed())

    def paused(self, company: str, integration: str) -> None:
        """It was paused: when it resumes, it begins anew."""
        self._fitness.forget(company, integration)
        self._recorder.keep(self._fitness.take_changed())

    def dropped(self, integration: str) -> None:
        """It was deleted."""
        self._exhaustions.forget(integration)
        self._fitness.drop(integration)

    def exhausted(self, owed: Owed, event: Event, integration: Integration, outcome: Outcome) -> None:
        attempts = owed.attempts + 1
        _log.warning("delivery_exhausted", delivery=owed.id, company=owed.company, attempts=attempts)
        if event.type in NOTICE_TYPES:
            return  # a notice about a notice would make another, for ever
        if isinstance(self._gate.ask(integration.id), Gone):
            return
        notice = self._exhaustions.add(integration, owed, attempts, outcome.error, self._now())
        if notice is not None:
            self._tell(notice)

    def breaker(self, owed: Owed, told: Opened | Closed | None) -> None:
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

    def busy(self, owed: Owed, outcome: Outcome) -> None:
        """Log it once in a while: a shortage concerns whatever is due."""
        now = self._now()
        if not 0 <= now - self._busy_told < BUSY_TOLD:
            self._busy_told = now
            _log.error("descriptors_short", delivery=owed.id, detail=outcome.detail)

    async def _pause_for_good(self, integration: str, reason: Literal["gone", "failing"], since: int) -> None:
        """Until the ledger has it, or it is not installed any more. Meanwhile nothing of it is started."""
        wait = PAUSE_WAIT
        try:
            while isinstance(self._gate.ask(integration), Go):
                try:
                    await self._pause(integration, reason, since)
                except Exception as failure:  # noqa: BLE001 - whatever went wrong, it is tried again
                    _log.warning("not_paused", integration=integration, code=code_of(failure))
                    await asyncio.sleep(wait)
                    wait = min(wait * 2, LONGEST_PAUSE_WAIT)
                else:
                    return
        finally:
            self._pausing.discard(integration)
