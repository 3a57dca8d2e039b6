"""Forgetting and erasing, as a part of the ledger's Protocol, and the shapes that pass through it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol

from msgspec import Struct

Forgettable = Literal["calls", "attempts", "notices", "answers", "works"]
Place = tuple[int, str, int]  # where a pass goes on: the back end's own


class Forgotten(Struct, frozen=True, kw_only=True):
    """How many of each a batch took out. next: where the batch after it begins, None: the pass is done."""

    calls: int = 0
    events: int = 0
    deliveries: int = 0
    attempts: int = 0
    answers: int = 0
    works: int = 0
    next: Place | None


class FoundCall(Struct, frozen=True, kw_only=True):
    """A call that was looked for, and what there is of it."""

    call: str
    has_ended: bool
    events: int
    deliveries: int
    pending: int
    attempts: int


class Looked(Struct, frozen=True, kw_only=True):
    """The calls that were found; how many events were looked at; where to go on, None: all were looked at."""

    calls: tuple[FoundCall, ...]
    events: int
    next: int | None


class Cleared(Struct, frozen=True):
    """How many places were overwritten; where to go on, None: all was looked at."""

    places: int
    next: int | None


class Forgets(Protocol):
    """The ledger's methods for it."""

    async def forget(self, kind: Forgettable, before: int, place: Place | None, limit: int) -> Forgotten:
        """Take out a batch of what is older than `before` (ms), the oldest first: of about so many rows.

        A pass begins at None and goes on at the `next` of the batch before.
        calls: a call that ended, whose events were all accepted before then, and of which nothing is pending goes as a
        whole, with its events, deliveries and attempts. A call that goes on keeps all of its events: it must be able
        to end, and to be looked at until then. A long call goes in several batches, from its newest event back, and
        what of it is pending stays, with the events before that. attempts: those made before then, of deliveries that
        are not pending. notices: with their deliveries and attempts, where none is pending. answers: what was
        remembered for an Idempotency-Key, as far as it is past its time. works: those that were begun before then and
        have ended.
        The numbers of events never come again.
        """
        ...

    async def look_for(self, company: str, is_wanted: Callable[[bytes], bool], after: int, limit: int) -> Looked:
        """Look for calls with wanted data among a company's, about so many events at once, from a place on (0 first).

        is_wanted: called in another thread, with the data of events, until one of the call's is.
        """
        ...

    async def cancel_call(self, company: str, call: str, now: int) -> dict[str, int]:
        """Cancel what is pending of a call that has ended; how many those were, by integration."""
        ...

    async def erase_call(self, company: str, call: str) -> Forgotten:
        """Take out a call that has ended, with its events, deliveries and attempts: their bytes are overwritten.
        One that goes on, or is not there, is left. A long one takes several transactions."""
        ...

    async def clear_leftovers(self, after: int) -> Cleared:
        """Overwrite what the back end left of erased events beside the rows that are there, in a part of what it keeps,
        from a place on (0 first). To be called with the log emptied; again from the start where anything was left."""
        ...

    async def empty_log(self) -> bool:
        """Let go of what the back end keeps of earlier contents beside the tables, such as a write-ahead log.
        False: something that reads is in the way; ask again later."""
        ...
