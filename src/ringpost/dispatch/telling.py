"""The notices that the dispatcher has to give: in which words, and not too many of them.

Of an integration's exhausted deliveries one notice an hour is given, with how many they were since the one before: a
receiver that is down for days exhausts thousands. Pure; the dispatcher alone calls it, with the time (ms).
"""

from __future__ import annotations

from typing import Final

from ringpost.integrations.pausing import name_of
from ringpost.model.delivery import Owed
from ringpost.model.integration import Integration
from ringpost.model.notice import EXHAUSTED, FAILING, Notice

from .fitness import Warned

EXHAUSTED_EVERY: Final = 3_600_000  # ms
_HOUR: Final = 3_600_000


class Exhaustions:
    """What of the exhausted deliveries was told."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[int, int]] = {}  # by integration: when it was told last (ms), how many came since

    def add(self, integration: Integration, owed: Owed, attempts: int, error: str | None, now: int) -> Notice | None:
        """A delivery was exhausted after so many attempts, the last of which ended with this error."""
        before = self._told.get(integration.id)
        if before is not None and 0 <= now - before[0] < EXHAUSTED_EVERY:
            self._told[integration.id] = (before[0], before[1] + 1)
            return None
        count = 1 if before is None else before[1] + 1
        self._told[integration.id] = (now, 0)
        more = "" if count == 1 else f", the last of {count} since the notice before"
        return Notice(
            company=owed.company,
            type=EXHAUSTED,
            time=now,
            message=(
                f"{name_of(integration)}: delivery {owed.id} is exhausted after {attempts} attempts{more}. It is kept; "
                f"when the receiver works again, replay it, or all: ringpost replay --integration {integration.id}"
            ),
            integration=integration.id,
            delivery=owed.id,
            reason=error,
            count=count,
        )

    def forget(self, integration: str) -> None:
        """It was deleted."""
        self._told.pop(integration, None)


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
