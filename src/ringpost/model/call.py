"""A call as lists and the reconciliation of sources see it."""

from __future__ import annotations

from msgspec import Struct


class Call(Struct, frozen=True, kw_only=True):
    """A call known to the ledger.

    started, updated: the `time` of its first and its latest event; ended: that of its call:end, None while it goes on;
    events: how many it has; data: the latest event's `data` (canonical JSON).
    """

    company: str
    id: str
    pbx: str
    started: int
    updated: int
    ended: int | None
    events: int
    data: bytes
