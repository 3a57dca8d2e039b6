"""The five-day rule: which integrations only fail, and what follows from it.

An integration that only failed for the time of the settings is unfit, and is paused; half of it before, a warning is
given. So is one that answers 410 Gone, at once. The time that counts is that in which attempts were failing: a gap
between two failures counts up to the longest wait of the retry schedule (24 h and a fifth), so that neither a service
that was down nor a clock that jumps pauses anybody. Replays and shortages of our own say nothing. Pure; the dispatcher
alone calls it, with the time (ms).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from ringpost.ledger.ledger import Named
from ringpost.model.failing import Failing
from ringpost.model.integration import Integration
from ringpost.model.outcome import BUSY, Outcome

GAP: Final = 103_680_000  # ms
KEPT_EVERY: Final = 600_000  # ms of failing from one change that is kept in the ledger to the next
_OURS: Final = frozenset({BUSY, "internal", "sealed"})


class Warned(Struct, frozen=True):
    """Half of the time is over: it only failed since then (ms), and would be paused in so long (ms)."""

    since: int
    left: int
    error: str


class Unfit(Struct, frozen=True):
    """It is to be paused. since: of its first failure (ms)."""

    reason: Literal["gone", "failing"]
    since: int


class Fitness:
    """All integrations that had no success since their first failure. pause_after: ms."""

    def __init__(self, pause_after: int) -> None:
        self._pause_after = pause_after
        self._failing: dict[str, Failing] = {}
        self._urls: dict[str, str] = {}  # what each was sent to when it failed
        self._kept: dict[str, Failing] = {}  # as the ledger has them
        self._changed: dict[str, Named] = {}  # what the ledger should be told

    def load(self, failings: Iterable[Failing]) -> None:
        """What the ledger has."""
        for failing in failings:
            self._failing[failing.integration] = self._kept[failing.integration] = failing

    def tell(self, integration: Integration, outcome: Outcome, now: int, *, replay: bool) -> Warned | Unfit | None:
        """An attempt ended."""
        if replay or outcome.error in _OURS:
            return None
        if outcome.error is None:
            if integration.id in self._failing:
                self.forget(integration.company, integration.id)
            return None
        failing = self._count(integration, now)
        if outcome.error == "gone":
            return Unfit("gone", failing.since)
        if failing.counted >= self._pause_after:
            return Unfit("failing", failing.since)
        if failing.counted * 2 < self._pause_after or failing.warned:
            return None
        self._put(replace(failing, warned=True))
        return Warned(failing.since, self._pause_after - failing.counted, outcome.error)

    def drop(self, integration: str) -> None:
        """It was deleted, in the ledger too."""
        for known in (self._urls, self._failing, self._kept, self._changed):
            known.pop(integration, None)

    def forget(self, company: str, integration: str) -> None:
        """It succeeded or was paused: what was before does not count any more."""
        self._urls.pop(integration, None)
        if self._failing.pop(integration, None) is not None and integration in self._kept:
            self._changed[integration] = (company, integration)

    def take_changed(self) -> dict[Named, Failing | None]:
        """What is to be kept in the ledger; None: nothing any more."""
        changed, self._changed = self._changed, {}
        told: dict[Named, Failing | None] = {}
        for integration, named in changed.items():
            failing = told[named] = self._failing.get(integration)
            if failing is None:
                self._kept.pop(integration, None)
            else:
                self._kept[integration] = failing
        return told

    def _count(self, integration: Integration, now: int) -> Failing:
        before = self._failing.get(integration.id)
        url = self._urls.setdefault(integration.id, integration.url)
        if before is None or url != integration.url:  # another receiver begins anew
            self._urls[integration.id] = integration.url
            failing = Failing(
                company=integration.company, integration=integration.id, since=now, counted=0, last=now, warned=False
            )
        else:
            gap = min(max(now - before.last, 0), GAP)
            failing = replace(before, counted=before.counted + gap, last=now)
        self._put(failing)
        return failing

    def _put(self, failing: Failing) -> None:
        self._failing[failing.integration] = failing
        kept = self._kept.get(failing.integration)
        counted = 0 if kept is None else kept.counted
        is_other = kept is not None and (kept.since != failing.since or kept.warned != failing.warned)
        if is_other or failing.warned != (kept is not None and kept.warned) or failing.counted - counted >= KEPT_EVERY:
            self._changed[failing.integration] = (failing.company, failing.integration)
