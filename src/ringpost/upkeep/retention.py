"""What to forget next, and when: a pass over all that is older than its days, in small batches with pauses. Pure.

One pass a while after the start, then one an hour. A pass goes once through the ledger, from the oldest on, and each
kind has a place in it, so what must stay is looked at once a pass. After a batch it rests for longer than the batch
took: whoever commits meanwhile finds the ledger free most of the time. `upkeep.forgetting` does what this says.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from ringpost.ledger.forgetting import Forgettable, Forgotten, Place

FIRST_MS: Final = 60_000  # after the start, when others have what they need
EVERY_MS: Final = 3_600_000
BATCH: Final = 500  # rows
REST: Final = 3  # times as long as the batch took
_REST_MS: Final = (10, 5_000)  # the least, and the longest
_AFTER_FAILURE_MS: Final = 60_000
_DAY: Final = 86_400_000


class Forget(Struct, frozen=True, kw_only=True):
    """Forget a batch of this kind that is older than `before` (ms), from this place on."""

    kind: Forgettable
    before: int
    place: Place | None
    limit: int


class Retention:
    """days: how long each is kept; 0: for ever, attempts as long as their events."""

    def __init__(self, now: int, *, events_days: int, attempts_days: int, notices_days: int) -> None:
        self._days: list[tuple[Forgettable, int]] = [
            ("attempts", attempts_days),
            ("calls", events_days),
            ("notices", notices_days),
            ("works", notices_days),
        ]
        self._next_pass = self._wake_at = now + FIRST_MS
        self._left: list[Forget] = []  # of this pass, the next one first

    def wake_at(self) -> int:
        """When to ask for the next batch (ms)."""
        return self._wake_at

    def next(self, now: int) -> Forget | None:
        """The batch to forget now; None: nothing before `wake_at`."""
        if not self._left:
            # A clock that was set back must not put the next pass off for longer than it always is.
            self._next_pass = self._wake_at = min(self._next_pass, now + EVERY_MS)
            if now < self._next_pass:
                return None
            self._begin(now)
        self._wake_at = min(self._wake_at, now + _AFTER_FAILURE_MS)
        return self._left[0] if now >= self._wake_at else None

    def forgotten(self, batch: Forgotten, took: int, now: int) -> None:
        """The batch that was asked for is forgotten, in so long (ms)."""
        done = self._left.pop(0)
        if batch.next is not None:
            self._left.insert(0, Forget(kind=done.kind, before=done.before, place=batch.next, limit=done.limit))
        least, longest = _REST_MS
        self._wake_at = now + max(least, min(longest, took * REST)) if self._left else self._next_pass

    def failed(self, now: int) -> None:
        """It could not be forgotten: again in a while, from the same place."""
        self._wake_at = now + _AFTER_FAILURE_MS

    def _begin(self, now: int) -> None:
        self._next_pass = now + EVERY_MS
        self._wake_at = now
        self._left = [
            Forget(kind=kind, before=now - days * _DAY, place=None, limit=BATCH)
            for kind, days in self._days
            if days and now >= days * _DAY
        ]
        self._left.append(Forget(kind="answers", before=now, place=None, limit=BATCH))
