"""Events kept from their commit to their first attempts, so that the ledger is read again only for retries, restarts
and overflow.

Bounded in bytes: what came first goes first when more comes than fits, for the ledger has it all. Pure; the
dispatcher alone calls it.
"""

from __future__ import annotations

from typing import Final

from ringpost.model.event import Event

ENTRY_BYTES: Final = 900  # what an event takes beside its data, in CPython 3.11: the Struct, its texts, the entry here


class Bodies:
    """The events of deliveries that were not attempted yet."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: dict[int, tuple[Event, int]] = {}  # by seq, oldest first: the event, how many will take it
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, event: Event, takers: int) -> None:
        """Keep an event for so many deliveries."""
        self._entries[event.seq] = (event, takers)
        self.bytes += len(event.data) + ENTRY_BYTES
        while self.bytes > self._limit:
            self._remove(next(iter(self._entries)))

    def take(self, seq: int) -> Event | None:
        """The event for one delivery, None where it is not here; the last taker takes it away."""
        entry = self._entries.get(seq)
        if entry is None:
            return None
        event, takers = entry
        if takers == 1:
            self._remove(seq)
        else:
            self._entries[seq] = (event, takers - 1)
        return event

    def _remove(self, seq: int) -> None:
        event, _ = self._entries.pop(seq)
        self.bytes -= len(event.data) + ENTRY_BYTES
