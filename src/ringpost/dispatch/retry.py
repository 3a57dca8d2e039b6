"""When a failed delivery is tried again.

Pure: the chance that spreads the tries is passed in. The dispatcher asks after each failed attempt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from ringpost.model.outcome import Outcome

SPREAD: Final = 0.2  # a wait is 80 % to 120 % of its setting, so that what failed together does not return together
RETRY_AFTER_LIMIT: Final = 86_400_000  # 24 h: a receiver cannot put us off for longer (RFC 9110, 10.2.3, has no bound)


SOON: Final = 1_000  # ms until what could not be attempted for a shortage of our own is taken up again


class At(Struct, frozen=True):
    """Try again at this time (ms since the epoch)."""

    ms: int


class Exhausted(Struct, frozen=True):
    """No try is left."""


def after(attempts: int, outcome: Outcome, now: int, delays_ms: Sequence[int], jitter: float) -> At | Exhausted:
    """What follows a failed attempt.

    attempts: those made since the delivery was first due, or since its last replay, this one included; delays_ms: the
    waits before the second and each later attempt; jitter: chance, from 0 up to but not including 1.
    """
    if attempts > len(delays_ms):
        return Exhausted()
    wait = spread(delays_ms[attempts - 1], jitter)
    asked_for = min(outcome.retry_after or 0, RETRY_AFTER_LIMIT)
    return At(now + max(wait, asked_for))


def soon(now: int, jitter: float) -> int:
    """When a delivery that could not be attempted, through no fault of its receiver, is taken up again (ms)."""
    return now + spread(SOON, jitter)


def spread(wait: int, jitter: float) -> int:
    """A wait (ms), give or take a fifth by chance."""
    return round(wait * (1 - SPREAD + 2 * SPREAD * jitter))
