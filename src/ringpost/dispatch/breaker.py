"""The breaker of one integration: while its receiver is down, one probe at a time instead of a storm.

It opens on failures in a row or on their rate among the last attempts, and closes on the first success of a probe. What
is not started meanwhile was not attempted, so it uses up nothing of its retry schedule. Pure; the lanes alone call it,
with the time and the jitter (chance, from 0 up to but not including 1). Its transitions:

    from     on                                       to       so
    closed   success                                  closed   the failures in a row are forgotten
    closed   failure, few                             closed   it is counted
    closed   failure, one too many                    open     the first wait begins; Opened
    closed   uncounted                                closed   -
    open     begin                                    probing  -
    open     straggler                                open     a failure's Retry-After is noted
    open     hurry                                    open     the wait is over
    probing  straggler                                probing  a failure's Retry-After is noted
    probing  hurry                                    probing  the waits grow from the first again
    probing  probe succeeded                          closed   all is forgotten; Closed
    probing  probe failed                             open     the next wait begins, twice as long
    probing  probe replayed, succeeded                open     no wait: the receiver answers
    probing  probe replayed, failed                   open     the same wait again
    probing  probe not made                           open     a short wait

A straggler is an attempt from before it opened. Uncounted are a replay, which says nothing about new deliveries, and
what was not made in the end (a shortage of our own, an event that could not be read). A replay may go as the probe,
for nothing else may be owed.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from ringpost.model.outcome import Outcome

from .retry import RETRY_AFTER_LIMIT, SOON, spread

IN_A_ROW: Final = 5  # so many failures in a row open it
WINDOW: Final = 20  # the last so many attempts are looked at together
WINDOW_FAILURES: Final = 10  # so many failures among them open it
FIRST_WAIT: Final = 1_000  # ms from opening to the first probe; doubled after each probe that failed, up to
LONGEST_WAIT: Final = 60_000


class Allow(Struct, frozen=True):
    """It is closed: start what is due."""


class Probe(Struct, frozen=True):
    """It is open, and one attempt may find out whether the receiver is back."""


class Wait(Struct, frozen=True):
    """Start nothing before this time (ms); None: until the probe that is under way has ended."""

    until: int | None


class Opened(Struct, frozen=True):
    """It opened: the last failure's code, and the time of the first probe (ms)."""

    error: str
    until: int


class Closed(Struct, frozen=True):
    """It closed, so long (ms) after it opened."""

    after: int


class Breaker:
    """Closed, open or probing."""

    __slots__ = ("_in_a_row", "_not_before", "_opened", "_probing", "_until", "_wait", "_window")

    def __init__(self) -> None:
        self._opened: int | None = None  # when (ms)
        self._probing = False
        self._until = 0  # no probe before (ms)
        self._not_before = 0  # what Retry-After asked for since the last success that counted (ms)
        self._wait = FIRST_WAIT
        self._in_a_row = 0
        self._window = 1  # the last attempts, a bit each, 1 for a failure, the latest last; before them a 1 as a mark

    @property
    def state(self) -> str:
        if self._opened is None:
            return "closed"
        return "probing" if self._probing else "open"

    @property
    def is_blank(self) -> bool:
        """It is as it was when it was made."""
        return self._opened is None and self._window == 1 and not self._not_before

    def ask(self, now: int) -> Allow | Probe | Wait:
        """What may be started now."""
        if self._opened is None:
            return _ALLOW
        if self._probing:
            return _UNTIL_TOLD
        return _PROBE if self._until <= now else Wait(self._until)

    def begin(self) -> bool:
        """An attempt is started, as `ask` allowed it; whether it is a probe, which `tell` must know."""
        self._probing = self._opened is not None
        return self._probing

    def tell(
        self, outcome: Outcome | None, now: int, jitter: float, *, probe: bool = False, replay: bool = False
    ) -> Opened | Closed | None:
        """An attempt ended. outcome: None where none was made in the end, through no fault of the receiver."""
        if outcome is not None:
            self._note_retry_after(outcome, now)
        if probe and self._probing:
            return self._end_probe(outcome, now, jitter, replay=replay)
        if outcome is None or replay or self._opened is not None:
            return None
        return self._count(outcome, now, jitter)

    def hurry(self, now: int) -> None:
        """The integration was edited or resumed: the next probe need not wait, whatever the old receiver asked for."""
        self._wait = FIRST_WAIT
        self._not_before = 0
        self._until = min(self._until, now)

    def _end_probe(self, outcome: Outcome | None, now: int, jitter: float, *, replay: bool) -> Closed | None:
        self._probing = False
        if outcome is None:
            self._wait_for(SOON, now, jitter)
        elif replay and outcome.ok:
            self._until = now
        elif replay:
            self._wait_for(self._wait, now, jitter)
        elif outcome.ok:
            return self._close(now)
        else:
            self._wait = min(2 * self._wait, LONGEST_WAIT)
            self._wait_for(self._wait, now, jitter)
        return None

    def _count(self, outcome: Outcome, now: int, jitter: float) -> Opened | None:
        self._window = self._window << 1 | (not outcome.ok)
        if self._window > _WINDOW_MARK | _WINDOW_BITS:  # what was the oldest stands where the mark belongs
            self._window = self._window & _WINDOW_BITS | _WINDOW_MARK
        if outcome.error is None:
            self._in_a_row = self._not_before = 0
            return None
        self._in_a_row += 1
        is_full = self._window & _WINDOW_MARK
        failures = (self._window & _WINDOW_BITS).bit_count()
        if self._in_a_row < IN_A_ROW and not (is_full and failures >= WINDOW_FAILURES):
            return None
        self._opened = now
        self._wait_for(self._wait, now, jitter)
        return Opened(outcome.error, self._until)

    def _close(self, now: int) -> Closed:
        after = max(now - (self._opened or 0), 0)
        self._opened = None
        self._not_before = 0
        self._wait = FIRST_WAIT
        self._in_a_row = 0
        self._window = 1
        return Closed(after)

    def _note_retry_after(self, outcome: Outcome, now: int) -> None:
        if outcome.retry_after and not outcome.ok:
            self._not_before = max(self._not_before, now + min(outcome.retry_after, RETRY_AFTER_LIMIT))
            if self._opened is not None:
                self._until = max(self._until, self._not_before)

    def _wait_for(self, wait: int, now: int, jitter: float) -> None:
        self._until = max(now + spread(wait, jitter), self._not_before)


_ALLOW: Final = Allow()
_PROBE: Final = Probe()
_UNTIL_TOLD: Final = Wait(None)
_WINDOW_MARK: Final = 1 << WINDOW
_WINDOW_BITS: Final = _WINDOW_MARK - 1
