"""The notices that the dispatcher has to give: in which words, and not too many of them.

Of an integration's exhausted deliveries one notice an hour is given, with how many they were since the one before: a
receiver that is down for days exhausts thousands. Pure; the dispatcher alone calls it, with the time (ms).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from ringpost.integrations.pausing import name_of
from ringpost.model.delivery import Owed
from ringpost.model.integration import Integration
from ringpost.model.notice import EXHAUSTED, FAILING, Notice

from .fitness import Warned

EXHAUSTED_EVERY: Final = 3_600_000  # ms
_HOUR: Final = 3_600_000


class Exhausted(Struct, frozen=True):
    """A delivery that was exhausted after so many attempts, the last of which ended with this error."""

    integration: Integration
    owed: Owed
    attempts: int
    error: str | None


class Exhaustions:
    """What of the exhausted deliveries was told, and what is held back."""

    def __init__(self) -> None:
        self._next: dict[str, int] = {}  # by integration: no notice before (ms)
        self._held_back: dict[str, tuple[Exhausted, int]] = {}  # by integration: the last one, how many

    def add(self, exhausted: Exhausted, now: int) -> None:
        """One more; `due` tells it at once, or with those that follow."""
        integration = exhausted.integration.id
        if self._next.get(integration, 0) > now + 2 * EXHAUSTED_EVERY:
            del self._next[integration]  # the clock was set far back
        _, count = self._held_back.get(integration, (exhausted, 0))
        self._held_back[integration] = (exhausted, count + 1)

    def due(self, now: int) -> list[Notice]:
        """The notices to be given now."""
        told = [integration for integration in self._held_back if self._next.get(integration, 0) <= now]
        self._next |= dict.fromkeys(told, now + EXHAUSTED_EVERY)
        return [_exhausted_notice(*self._held_back.pop(integration), now) for integration in told]

    def wake_at(self) -> int | None:
        """When one that is held back is due (ms); None: none is."""
        return min((self._next.get(integration, 0) for integration in self._held_back), default=None)

    def forget(self, integration: str) -> None:
        """It was deleted."""
        self._next.pop(integration, None)
        self._held_back.pop(integration, None)


def _exhausted_notice(last: Exhausted, count: int, now: int) -> Notice:
    integration = last.integration
    more = "" if count == 1 else f", the last of {count} since the notice before"
    return Notice(
        company=integration.company,
        type=EXHAUSTED,
        time=now,
        message=(
            f"{name_of(integration)}: delivery {last.owed.id} is exhausted after {last.attempts} attempts{more}. It is "
            f"kept; when the receiver works again, replay it, or all: ringpost replay --integration {integration.id}"
        ),
        integration=integration.id,
        delivery=last.owed.id,
        reason=last.error,
        count=count,
    )


def failing_notice(integration: Integration, warned: Warned, now: int) -> Notice:
    """The warning at half of the time."""
    return Notice(
        company=integration.company,
        type=FAILING,
        time=now,
        message=(
            f"{name_of(integration)} has only failed for {_span(now - warned.since)} (last: {warned.error}). If that "
            f"goes on for {_span(warned.left)} it is paused; what it is owed is kept."
        ),
        integration=integration.id,
        reason=warned.error,
        since=warned.since,
    )


def _span(ms: int) -> str:
    hours = max(round(ms / _HOUR), 1)
    return f"{hours} hours" if hours < 48 else f"{round(hours / 24, 1):g} days"
