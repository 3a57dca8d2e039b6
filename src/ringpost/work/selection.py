"""What a replay is asked to deliver again, its checks, and where it is. Pure.

Called by the API, which keeps the selection as the work's request, and by the replay itself.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from msgspec import Struct

from ringpost.errors import RingpostError
from ringpost.intake.match import matching
from ringpost.model.delivery import DeliveryState
from ringpost.model.event import EVENT_TYPES, next_seq
from ringpost.model.integration import Integration
from ringpost.model.notice import NOTICE_TYPES
from ringpost.model.replay import ReplayFilter

Ended = Literal["exhausted", "delivered", "cancelled", "ended"]
ENDED: Final[tuple[Ended, ...]] = ("exhausted", "delivered", "cancelled", "ended")
_STATES: Final[dict[Ended, frozenset[DeliveryState]]] = {
    "exhausted": frozenset({"exhausted"}),
    "delivered": frozenset({"delivered"}),
    "cancelled": frozenset({"cancelled"}),
    "ended": frozenset({"exhausted", "delivered", "cancelled"}),
}
_HIGHEST: Final = (1 << 63) - 1


class Selection(Struct, frozen=True, kw_only=True, rename="camel"):
    """Which deliveries, of those that ended; None matches all.

    state: `ended` for all of them; since, until: the first and the last millisecond of acceptance; never_owed: also the
    events that the integration was never owed and that its filter wants now.
    """

    integration: str | None
    call: str | None
    state: Ended
    type: str | None
    since: int | None
    until: int | None
    never_owed: bool


class Place(Struct, frozen=True):
    """Where a replay is: the integrations that are left, each with the number up to which it is done, and the highest
    number that is taken: what is accepted later is none of its business."""

    left: tuple[tuple[str, int], ...]
    until: int


_decode_place: Final = msgspec.json.Decoder(Place).decode
_decode_selection: Final = msgspec.json.Decoder(Selection).decode


def check_selection(
    *,
    integration: str | None,
    call: str | None,
    state: Ended | None,
    type_: str | None,
    since: int | None,
    until: int | None,
    never_owed: bool,
) -> Selection:
    """What is asked for, with its defaults: all that ended of a call, else what was exhausted. Raises `missing_field`,
    `invalid_value`, `unknown_event_type`, each with the field."""
    if type_ is not None and type_ not in (*EVENT_TYPES, *NOTICE_TYPES):
        known = ", ".join((*EVENT_TYPES, *NOTICE_TYPES))
        raise RingpostError("unknown_event_type", f"`type` is one of {known}.", field="type")
    if call is not None and type_ in NOTICE_TYPES:
        raise RingpostError("invalid_value", "A call has no notices; leave out `type` or `call`.", field="type")
    if since is not None and until is not None and until < since:
        raise RingpostError("invalid_value", "`until` is not before `since`.", field="until")
    if never_owed:
        for name, value in (("integration", integration), ("since", since)):
            if value is None:
                raise RingpostError("missing_field", f"`neverOwed` needs `{name}`.", field=name)
    return Selection(
        integration=integration,
        call=call,
        state=state or ("exhausted" if call is None else "ended"),
        type=type_,
        since=since,
        until=until,
        never_owed=never_owed,
    )


def first_place(selection: Selection, integrations: tuple[str, ...], highest: int) -> Place:
    """Where a replay to these begins. highest: the number of the latest event."""
    after = 0 if selection.since is None else next_seq(0, selection.since) - 1
    until = _HIGHEST if selection.until is None else next_seq(0, selection.until + 1) - 1
    return Place(tuple((integration, after) for integration in integrations), min(until, highest))


def filter_for(selection: Selection, integration: Integration, until: int) -> ReplayFilter:
    """What of it one integration gets: what it was never owed goes by its filter of now."""
    wanted = [kind for kind in (*EVENT_TYPES, *NOTICE_TYPES) if matching((integration,), kind)]
    return ReplayFilter(
        states=_STATES[selection.state],
        never_owed=tuple(wanted) if selection.never_owed else (),
        call=selection.call,
        type=selection.type,
        until=until,
    )


def read_selection(request: bytes) -> Selection:
    return _decode_selection(request)


def read_place(place: bytes) -> Place:
    return _decode_place(place)
