"""Whether the ledger's disk is nearly full, and when to say so. Pure.

Said once when less is left than the limit, again after a day of it, or when it was well in between: well means a tenth
more than the limit, so that a disk at the very limit is not told of every minute. What was said before a restart
counts; that the disk was well meanwhile is then not known. `upkeep.disk` asks every minute.
"""

from __future__ import annotations

from typing import Final

from ringpost.model.notice import LEDGER_NEARLY_FULL, SERVICE_COMPANY, Notice

AGAIN_MS: Final = 86_400_000
_MB: Final = 1_000_000
_WELL: Final = 11  # tenths of the limit


class SpaceWatch:
    """limit: MB that are to be free; 0: never say anything."""

    def __init__(self, limit: int) -> None:
        self._limit = limit * _MB
        self._since: int | None = None  # since when it is low (ms)
        self._told = 0  # when it was said last (ms)

    def was_told(self, since: int, told: int) -> None:
        """An earlier run said so last. since: since when it was low; told: when it was said (ms)."""
        self._since, self._told = since, told

    def judge(self, free: int, ledger: int, now: int) -> Notice | None:
        """free: bytes left on the disk; ledger: bytes of the ledger. The notice to tell, if there is one."""
        if free * 10 >= self._limit * _WELL:
            self._since = None
        if free >= self._limit:
            return None
        if self._since is not None and 0 <= now - self._told < AGAIN_MS:
            return None
        self._since = now if self._since is None else self._since
        self._told = now
        return Notice(
            company=SERVICE_COMPANY,
            type=LEDGER_NEARLY_FULL,
            time=now,
            message=f"The ledger's disk has {free // _MB} MB left, less than {self._limit // _MB} MB; the ledger takes "
            f"{ledger // _MB} MB. When it is full, no event is accepted. Free space on that disk, move the ledger to "
            "a larger one (setting `ledger`), or keep events for fewer days (keep_events_days).",
            reason="space",
            since=self._since,
        )
