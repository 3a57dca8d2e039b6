"""Which transitions of the pure cores the runs went through.

Watched from outside, by wrapping methods; what is expected of the breaker is read from the table in its docstring.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final
from unittest.mock import patch

from ringpost.dispatch import breaker, retry
from ringpost.dispatch.backlog import Backlog, Read, ReadLanes, ReadOn
from ringpost.dispatch.breaker import Breaker, Closed, Opened
from ringpost.dispatch.fitness import Fitness, Unfit, Warned
from ringpost.dispatch.lanes import Lanes, Start
from ringpost.dispatch.share import PutOff, Share
from ringpost.dispatch.window import Window
from ringpost.model.delivery import Owed
from ringpost.model.integration import Integration
from ringpost.model.outcome import Outcome

_ROW: Final = re.compile(r"^    (closed|open|probing) +(\S.*?)  +(closed|open|probing) ", re.MULTILINE)


def _breaker_rows() -> set[str]:
    return {f"breaker: {before}, {on}, {after}" for before, on, after in _ROW.findall(breaker.__doc__ or "")}


EXPECTED: Final = frozenset(
    _breaker_rows()
    | {f"retry: {what}" for what in ("at its time", "when it was asked for", "at the bound", "exhausted", "soon")}
    | {
        f"lanes: {what}"
        for what in (
            "new", "behind", "in between", "before a head that waits for its time",
            "before a head that waits for its turn", "behind one under way", "waits for its turn",
            "waits for its time", "again behind an earlier one", "dropped under way", "ended after it was dropped",
            "paused under way", "resumed", "prompt", "on trial",
        )
    }
    | {
        f"backlog: {what}"
        for what in (
            "left in the ledger", "left for a lane put off", "came while it was read", "replay left", "read on",
            "lanes read", "put off", "read failed", "all in memory",
        )
    }
    | {f"fitness: {what}" for what in ("gone", "failing", "warned")}
)  # fmt: skip


class Covered:
    """How often each was seen."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    @property
    def missing(self) -> list[str]:
        return sorted(EXPECTED - set(self.seen))

    @property
    def unexpected(self) -> list[str]:
        return sorted(set(self.seen) - EXPECTED)


@contextmanager
def covering() -> Iterator[Covered]:
    """Watch all runs within."""
    covered = Covered()
    wrappers: list[tuple[Any, str, Callable[[Callable[..., Any], Counter[str]], Callable[..., Any]]]] = [
        (Breaker, "tell", _breaker_tell),
        (Breaker, "begin", _breaker_begin),
        (Breaker, "hurry", _breaker_hurry),
        (retry, "after", _retry_after),
        (retry, "soon", _retry_soon),
        (Lanes, "offer", _lanes_offer),
        (Lanes, "poll", _lanes_poll),
        (Lanes, "finished", _lanes_finished),
        (Lanes, "pause", _lanes_pause),
        (Lanes, "resume", _lanes_resume),
        (Lanes, "drop", _lanes_drop),
        (Share, "wait_for_turn", _share_turn),
        (Share, "wait_for_time", _share_time),
        (Backlog, "read_on", _backlog_read_on),
        (Backlog, "read_lanes", _backlog_read_lanes),
        (Backlog, "failed", _backlog_failed),
        (Window, "leave", _window_leave),
        (Window, "leave_replay", _window_leave_replay),
        (Window, "put_lanes_off", _window_put_off),
        (Fitness, "tell", _fitness_tell),
    ]
    with ExitStack() as stack:
        for owner, name, wrap in wrappers:
            stack.enter_context(patch.object(owner, name, wrap(getattr(owner, name), covered.seen)))
        yield covered


Seen = Counter[str]
Real = Callable[..., Any]


def _breaker_tell(real: Real, seen: Seen) -> Real:
    def tell(
        self: Breaker, outcome: Outcome | None, now: int, jitter: float, *, probe: bool = False, replay: bool = False
    ) -> Opened | Closed | None:
        before = self.state
        told: Opened | Closed | None = real(self, outcome, now, jitter, probe=probe, replay=replay)
        if before == "closed":
            if outcome is None or replay:
                on = "uncounted"
            else:
                on = "success" if outcome.ok else "failure, one too many" if told else "failure, few"
        elif before == "open" or not probe:
            on = "straggler"
        elif outcome is None:
            on = "probe not made"
        else:
            on = f"probe {'replayed, ' if replay else ''}{'succeeded' if outcome.ok else 'failed'}"
        seen[f"breaker: {before}, {on}, {self.state}"] += 1
        return told

    return tell


def _breaker_begin(real: Real, seen: Seen) -> Real:
    def begin(self: Breaker) -> bool:
        before = self.state
        is_probe: bool = real(self)
        if is_probe:
            seen[f"breaker: {before}, begin, {self.state}"] += 1
        return is_probe

    return begin


def _breaker_hurry(real: Real, seen: Seen) -> Real:
    def hurry(self: Breaker, now: int) -> None:
        before = self.state
        real(self, now)
        if before != "closed":
            seen[f"breaker: {before}, hurry, {self.state}"] += 1

    return hurry


def _retry_after(real: Real, seen: Seen) -> Real:
    def after(
        attempts: int, outcome: Outcome, now: int, delays_ms: Sequence[int], jitter: float
    ) -> retry.At | retry.Exhausted:
        found: retry.At | retry.Exhausted = real(attempts, outcome, now, delays_ms, jitter)
        if isinstance(found, retry.Exhausted):
            seen["retry: exhausted"] += 1
        elif not outcome.retry_after or found.ms - now > min(outcome.retry_after, retry.RETRY_AFTER_LIMIT):
            seen["retry: at its time"] += 1
        elif outcome.retry_after > retry.RETRY_AFTER_LIMIT:
            seen["retry: at the bound"] += 1
        else:
            seen["retry: when it was asked for"] += 1
        return found

    return after


def _retry_soon(real: Real, seen: Seen) -> Real:
    def soon(now: int, jitter: float) -> int:
        seen["retry: soon"] += 1
        found: int = real(now, jitter)
        return found

    return soon


def _lanes_offer(real: Real, seen: Seen) -> Real:
    def offer(self: Lanes, owed: Owed, now: int) -> bool:
        share = self._shares.get(owed.integration)
        lane = None if share is None else share.lanes.get(owed.call)
        if lane is None:
            what = "new"
        elif lane.under_way and not lane.rest:
            what = "behind one under way"
        elif lane.head is not None and owed.seq < lane.head.seq and not lane.under_way:
            what = f"before a head that waits for its {'time' if lane.turn else 'turn'}"
        elif lane.rest and owed.seq < lane.rest[-1].seq:
            what = "in between"
        else:
            what = "behind"
        taken: bool = real(self, owed, now)
        if taken:
            seen[f"lanes: {what}"] += 1
        return taken

    return offer


def _lanes_poll(real: Real, seen: Seen) -> Real:
    def poll(self: Lanes, now: int) -> list[Start]:
        starts: list[Start] = real(self, now)
        for start in starts:
            seen[f"lanes: {'prompt' if self._shares[start.owed.integration].is_prompt else 'on trial'}"] += 1
        return starts

    return poll


def _lanes_finished(real: Real, seen: Seen) -> Real:
    def finished(self: Lanes, owed: Owed, again: Owed | None, *rest: Any) -> Opened | Closed | None:
        lane = self._shares[owed.integration].lanes[owed.call]
        if lane.head is None:
            seen["lanes: ended after it was dropped"] += 1
        elif again is not None and lane.rest and lane.rest[0].seq < again.seq:
            seen["lanes: again behind an earlier one"] += 1
        told: Opened | Closed | None = real(self, owed, again, *rest)
        return told

    return finished


def _lanes_pause(real: Real, seen: Seen) -> Real:
    def pause(self: Lanes, integration: str) -> None:
        share = self._shares.get(integration)
        if share is not None and share.under_way:
            seen["lanes: paused under way"] += 1
        real(self, integration)

    return pause


def _lanes_resume(real: Real, seen: Seen) -> Real:
    def resume(self: Lanes, integration: str, now: int) -> None:
        if integration in self._paused and integration in self._shares:
            seen["lanes: resumed"] += 1
        real(self, integration, now)

    return resume


def _lanes_drop(real: Real, seen: Seen) -> Real:
    def drop(self: Lanes, integration: str) -> list[Owed]:
        share = self._shares.get(integration)
        if share is not None and share.under_way:
            seen["lanes: dropped under way"] += 1
        dropped: list[Owed] = real(self, integration)
        return dropped

    return drop


def _share_turn(real: Real, seen: Seen) -> Real:
    def wait_for_turn(*arguments: Any) -> None:
        seen["lanes: waits for its turn"] += 1
        real(*arguments)

    return wait_for_turn


def _share_time(real: Real, seen: Seen) -> Real:
    def wait_for_time(*arguments: Any) -> None:
        seen["lanes: waits for its time"] += 1
        real(*arguments)

    return wait_for_time


def _backlog_read_on(real: Real, seen: Seen) -> Real:
    def read_on(self: Backlog, read: ReadOn, page: Sequence[Owed], now: int) -> None:
        real(self, read, page, now)
        window = self._windows.get(read.integration)
        is_all = window is None or window.horizon is None
        seen[f"backlog: {'all in memory' if is_all else 'read on'}"] += 1

    return read_on


def _backlog_read_lanes(real: Real, seen: Seen) -> Real:
    def read_lanes(self: Backlog, read: ReadLanes, found: Sequence[Owed], now: int) -> None:
        seen["backlog: lanes read"] += 1
        real(self, read, found, now)

    return read_lanes


def _backlog_failed(real: Real, seen: Seen) -> Real:
    def failed(self: Backlog, read: Read, now: int) -> None:
        seen["backlog: read failed"] += 1
        real(self, read, now)

    return failed


def _window_leave(real: Real, seen: Seen) -> Real:
    def leave(self: Window, owed: Owed) -> bool:
        is_put_off = owed.call in self.put_off
        left: bool = real(self, owed)
        if is_put_off:
            seen["backlog: left for a lane put off"] += 1
        elif left:
            seen[f"backlog: {'came while it was read' if self.reading else 'left in the ledger'}"] += 1
        return left

    return leave


def _window_leave_replay(real: Real, seen: Seen) -> Real:
    def leave_replay(self: Window, owed: Owed) -> bool:
        left: bool = real(self, owed)
        if left:
            seen["backlog: replay left"] += 1
        return left

    return leave_replay


def _window_put_off(real: Real, seen: Seen) -> Real:
    def put_lanes_off(self: Window, taken: Sequence[PutOff]) -> None:
        if taken:
            seen["backlog: put off"] += 1
        real(self, taken)

    return put_lanes_off


def _fitness_tell(real: Real, seen: Seen) -> Real:
    def tell(
        self: Fitness, integration: Integration, outcome: Outcome, now: int, *, replay: bool
    ) -> Warned | Unfit | None:
        told: Warned | Unfit | None = real(self, integration, outcome, now, replay=replay)
        if told is not None:
            seen[f"fitness: {told.reason if isinstance(told, Unfit) else 'warned'}"] += 1
        return told

    return tell
