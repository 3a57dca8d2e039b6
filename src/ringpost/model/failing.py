"""How long an integration has only failed: what the five-day rule goes by, kept in the ledger over restarts."""

from __future__ import annotations

from msgspec import Struct


class Failing(Struct, frozen=True, kw_only=True):
    """An integration that had no success since `since` (ms, its first failure).

    counted: how long of that time attempts were failing (ms), which is less than the time that went by where the
    service or the clock stood still or jumped; last: the latest failure (ms); warned: the notice at half of the time
    was given.
    """

    company: str
    integration: str
    since: int
    counted: int
    last: int
    warned: bool
