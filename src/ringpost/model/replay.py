"""What a replay of many deliveries asks the ledger for, and what the ledger finds of it."""

from __future__ import annotations

from msgspec import Struct

from .delivery import DeliveryState


class ReplayFilter(Struct, frozen=True, kw_only=True):
    """What to deliver again to an integration; None matches all.

    states: of the deliveries that ended; never_owed: the types of events that it was never owed and is to get, none:
    none of those; until: the highest number.
    """

    states: frozenset[DeliveryState]
    never_owed: tuple[str, ...] = ()
    call: str | None = None
    type: str | None = None
    until: int


class Replayable(Struct, frozen=True, kw_only=True):
    """What was found in a part of the events: the numbers of deliveries that ended and of events that were never owed,
    each the lowest first; reached: how far was looked, None: to the end."""

    ended: tuple[int, ...]
    never_owed: tuple[int, ...]
    reached: int | None
