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
from .telling import Exhausted, Exhaustions, failing_notice

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
        self._pausing: dict[str, str] = {}  # what is unfit: by its id the URL of its receiver
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
        """Let an attempt count for the five-day rule, unless its integration was deleted, paused or given another
        receiver meanwhile. integration: as the attempt was made."""
        if not self._is_sent_to(integration.id, integration.url):
            return
        now = self._now()
        match self._fitness.tell(integration, outcome, now, replay=owed.replay > 0):
            case Warned() as warned:
                self._tell(failing_notice(integration, warned, now))
            case Unfit(reason, since):
                self._lanes.pause(integration.id)
                if not self.is_pausing(integration.id):
                    self._pausing[integration.id] = integration.url
                    self._run(self._pause_for_good(integration.id, integration.url, reason, since))
            case None:
                pass
            case never:
                assert_never(never)
        self._recorder.keep(self._fitness.take_changed())

    def is_pausing(self, integration: str) -> bool:
        """It is unfit, and the ledger does not have that yet."""
        url = self._pausing.get(integration)
        return url is not None and self._is_sent_to(integration, url)

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
        self._exhaustions.add(Exhausted(integration, owed, attempts, outcome.error), self._now())
        self.tell_due()

    def tell_due(self) -> None:
        """Give the notices whose time has come."""
        for notice in self._exhaustions.due(self._now()):
            self._tell(notice)

    def wake_at(self) -> int | None:
        """When there are more of them (ms); None: none are held back."""
        return self._exhaustions.wake_at()

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

    def _is_sent_to(self, integration: str, url: str) -> bool:
        """Whether attempts may be made for this integration, to this receiver."""
        answer = self._gate.ask(integration)
        return isinstance(answer, Go) and answer.integration.url == url

    async def _pause_for_good(self, integration: str, url: str, reason: Literal["gone", "failing"], since: int) -> None:
        """Until the ledger has it, or it is not installed any more, or has another receiver."""
        wait = PAUSE_WAIT
        try:
            while self._is_sent_to(integration, url):
                try:
                    await self._pause(integration, reason, since)
                except Exception as failure:  # noqa: BLE001 - whatever went wrong, it is tried again
                    _log.warning("not_paused", integration=integration, code=code_of(failure))
                    await asyncio.sleep(wait)
                    wait = min(wait * 2, LONGEST_PAUSE_WAIT)
                else:
                    return
        finally:
            if self._pausing.get(integration) == url:
                del self._pausing[integration]
