"""The shapes of forgetting and erasing, as they pass through the ledger's Protocol."""

from __future__ import annotations

from typing import Literal

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
