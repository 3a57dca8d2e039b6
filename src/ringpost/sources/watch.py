"""When a PBX counts as lost, and when as back: the notices that follow from the status of its source.

A connection that is away for longer than the time of the settings is lost: one notice says so, and another when it
stands again. Shorter interruptions are made up for by the next snapshot, and tell nobody. A PBX that was never reached
since the start is lost like any other. Pure: looked at again at `wake_at` by `watching`.
"""

from __future__ import annotations

from typing import Final

from ringpost.model.notice import PBX_BACK, PBX_LOST, Notice

from .source import SourceStatus

LOOK_EVERY: Final = 1_000  # ms
_STEP: Final = 5 * LOOK_EVERY  # what one look counts at most: a clock that was set forward makes nobody lost
_MINUTE: Final = 60_000  # ms


class Watch:
    """Over one PBX. lost_after: ms; now: when the watch began (ms); lost_since: since when it is lost (ms), where a
    notice said so before a restart and none that it is back."""

    def __init__(self, company: str, pbx: str, lost_after: int, now: int, lost_since: int | None = None) -> None:
        self._company = company
        self._pbx = pbx
        self._lost_after = lost_after
        self._looked = now
        # When it was lost, None while it is connected.
        self._since: int | None = now if lost_since is None else lost_since
        self._away = 0  # ms
        self._is_told = lost_since is not None

    def look(self, status: SourceStatus, now: int) -> Notice | None:
        """How the source is now: what is to be told of it."""
        passed, self._looked = min(max(now - self._looked, 0), _STEP), now
        if status.connected_since is not None:
            return self._back(now)
        if self._since is None:
            self._since = now
        else:
            self._away += passed
        if self._is_told or self._away < self._lost_after:
            return None
        self._is_told = True
        return self._lost(status, self._since, now)

    def wake_at(self) -> int:
        """When to look again (ms)."""
        return self._looked + LOOK_EVERY

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

    def _back(self, now: int) -> Notice | None:
        since, was_told = self._since, self._is_told
        self._since, self._away, self._is_told = None, 0, False
        if since is None or not was_told:
            return None
        message = (
            f"PBX {self._pbx} is connected again, after {_span(now - since)}. Calls that ended meanwhile get their "
            "call:end, those that began their call:start."
        )
        return Notice(company=self._company, type=PBX_BACK, time=now, message=message, pbx=self._pbx, since=since)


def _span(ms: int) -> str:
    return f"{max(ms, 0) // 1_000} s" if ms < 2 * _MINUTE else f"{ms // _MINUTE} min"
