"""Rows of the file as the model's values, and the numbers that the file keeps for a delivery's state.

A pending delivery whose last attempt failed has a number of its own, so that lists of failing ones need no search.
"""

from __future__ import annotations

from typing import Any, Final

from ringpost.model.call import Call
from ringpost.model.delivery import Attempt, Delivery, DeliveryState
from ringpost.model.event import Event
from ringpost.model.failing import Failing

PENDING: Final = 0
FAILING: Final = 1
DELIVERED: Final = 2
EXHAUSTED: Final = 3
CANCELLED: Final = 4

_STATES: Final[dict[int, DeliveryState]] = {
    PENDING: "pending",
    FAILING: "pending",
    DELIVERED: "delivered",
    EXHAUSTED: "exhausted",
    CANCELLED: "cancelled",
}
NUMBERS: Final[dict[str | None, tuple[int, ...]]] = {
    None: (PENDING, FAILING, DELIVERED, EXHAUSTED, CANCELLED),
    "pending": (PENDING, FAILING),
    "failing": (FAILING,),
    "delivered": (DELIVERED,),
    "exhausted": (EXHAUSTED,),
    "cancelled": (CANCELLED,),
}

Row = tuple[Any, ...]


def number_of(state: DeliveryState, error: str | None) -> int:
    """The number kept for a state after an attempt that ended with this error."""
    return FAILING if state == "pending" and error is not None else NUMBERS[state][0]


def to_event(row: Row) -> Event:
    company, seq, call, sequence, pbx, time, type_, accepted, data = row
    return Event(
        company=company,
        seq=seq,
        call=call,
        sequence=sequence,
        pbx=pbx,
        time=time,
        type=type_,
        accepted=accepted,
        data=data,
    )


def to_call(row: Row) -> Call:
    """`first`, by which lists go on, comes first in the row."""
    _, company, call, pbx, started, updated, ended, events, data = row
    return Call(
        company=company,
        id=call,
        pbx=pbx,
        started=started,
        updated=updated,
        ended=ended,
        events=events,
        data=data,
    )


def to_failing(row: Row) -> Failing:
    company, integration, since, counted, last, warned = row
    return Failing(
        company=company, integration=integration, since=since, counted=counted, last=last, warned=bool(warned)
    )


def to_delivery(row: Row) -> Delivery:
    company, integration, seq, call, type_, state, attempts, due, created, updated, status, error, replay = row
    return Delivery(
        company=company,
        integration=integration,
        seq=seq,
        call=call,
        type=type_,
        state=_STATES[state],
        attempts=attempts,
        due=due,
        created=created,
        updated=updated,
        status=status,
        error=error,
        replay=replay,
    )


def to_attempt(row: Row) -> Attempt:
    company, seq, integration, number, time, duration, status, error, detail, reply, replay = row
    return Attempt(
        company=company,
        seq=seq,
        integration=integration,
        number=number,
        time=time,
        duration=duration,
        status=status,
        error=error,
        detail=detail,
        reply=reply,
        replay=replay,
    )
