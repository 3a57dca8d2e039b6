"""When a PBX counts as lost, when as back, and when its calls are given up.

A connection that is away for longer than the time of the settings is lost: one notice says so, and another when it
stands again. Shorter interruptions are made up for by the next snapshot, and tell nobody. A PBX that was never reached
since the start is lost like any other. Where it stays away for longer still, nobody will tell how its open calls end,
so they are given up: once for each time that it is lost. What had lasted when Ringpost was stopped counts, where a
notice said it; but a PBX is tried anew before anything follows from that.
Pure: looked at again at `wake_at` by `watching`, which does what a look returns.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from ringpost.model.notice import PBX_BACK, PBX_CALLS_ENDED, PBX_LOST, Notice

from .source import SourceStatus

LOOK_EVERY: Final = 1_000  # ms
_STEP: Final = 5 * LOOK_EVERY  # what one look counts at most: a clock that was set forward makes nobody lost
_MINUTE: Final = 60_000  # ms


class GiveUp(Struct, frozen=True):
    """End the open calls of the PBX. since: when it was lost (ms); reason: the error code of its connection."""

    since: int
    reason: str | None


class Watch:
    """Over one PBX. lost_after, end_after: ms; now: when the watch began (ms); lost_since: since when it is lost (ms),
    where a notice said so before a restart and none that it is back."""

    def __init__(
        self, company: str, pbx: str, *, lost_after: int, end_after: int, now: int, lost_since: int | None = None
    ) -> None:
        self._company = company
        self._pbx = pbx
        self._lost_after = lost_after
        self._end_after = end_after
        self._looked = now
        # When it was lost, None while it is connected.
        self._since: int | None = now if lost_since is None else lost_since
        self._before = 0 if lost_since is None else max(0, now - lost_since)  # ms, of which others were told
        self._away = 0  # ms, as far as it was looked at
        self._is_told = lost_since is not None
        self._gave_up = False

    def look(self, status: SourceStatus, now: int) -> list[Notice | GiveUp]:
        """How the source is now: what is to be told of it and done, in this order."""
        passed, self._looked = min(max(now - self._looked, 0), _STEP), now
        if status.connected_since is not None:
            return self._back(now)
        if self._since is None:
            self._since = now
        else:
            self._away += passed
        todo: list[Notice | GiveUp] = []
        if not self._is_told and self._away >= self._lost_after:
            self._is_told = True
            todo.append(self._lost(status, self._since, now))
        tried = self._away >= min(self._lost_after, self._end_after)
        if not self._gave_up and tried and self._before + self._away >= self._end_after:
            self._gave_up = True
            todo.append(GiveUp(self._since, status.error))
        return todo

    def wake_at(self) -> int:
        """When to look again (ms)."""
        return self._looked + LOOK_EVERY

    def gave_up(self, what: GiveUp, calls: int, now: int) -> Notice:
        """What is to be told when so many calls were ended. now: ms."""
        noun, its, they = ("Its open call was", "its", "it") if calls == 1 else ("Its open calls were", "their", "they")
        message = (
            f"PBX {self._pbx} is not connected for {_span(now - what.since)} (end_lost_calls_after_ms). {noun} ended "
            f"({calls}), as nobody can tell {its} end. If {they} should still go on when the PBX is back, {they} will "
            "start anew."
        )
        return Notice(
            company=self._company,
            type=PBX_CALLS_ENDED,
            time=now,
            message=message,
            pbx=self._pbx,
            reason=what.reason,
            since=what.since,
            count=calls,
        )

    def _lost(self, status: SourceStatus, since: int, now: int) -> Notice:
        why = f" {status.message}" if status.message else ""
        message = (
            f"PBX {self._pbx} is not connected for {_span(now - since)}.{why} Its calls are not seen meanwhile; "
            "it is tried again and again."
        )
        return Notice(
            company=self._company,
            type=PBX_LOST,
            time=now,
            message=message,
            pbx=self._pbx,
            reason=status.error,
            since=since,
        )

    def _back(self, now: int) -> list[Notice | GiveUp]:
        since, was_told = self._since, self._is_told
        self._since, self._before, self._away, self._is_told, self._gave_up = None, 0, 0, False, False
        if since is None or not was_told:
            return []
        message = (
            f"PBX {self._pbx} is connected again, after {_span(now - since)}. Calls that ended meanwhile get their "
            "call:end, those that began their call:start."
        )
        return [Notice(company=self._company, type=PBX_BACK, time=now, message=message, pbx=self._pbx, since=since)]


def _span(ms: int) -> str:
    return f"{max(ms, 0) // 1_000} s" if ms < 2 * _MINUTE else f"{ms // _MINUTE} min"
