"""Calls, events, deliveries and attempts as the API shows them."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from ringpost.model.call import Call
from ringpost.model.delivery import Attempt, Delivery, DeliveryState
from ringpost.model.event import Event, encode_seq

from .shapes import Shape


class AttemptShown(Shape, frozen=True, kw_only=True):
    """One try of a delivery. error: why it failed, null for a success; status: the receiver's HTTP status."""

    number: int
    time: int
    duration: int
    status: int | None
    error: str | None
    detail: str | None
    reply: str | None
    replay: int


class DeliveryShown(Shape, frozen=True, kw_only=True):
    """A delivery. due: when it is tried next, while it is pending; status, error: of its last attempt."""

    id: str
    event: str
    company: str
    integration: str
    call: str
    type: str
    state: DeliveryState
    attempt_count: int
    due: int | None
    created: int
    updated: int
    status: int | None
    error: str | None
    replay: int


class DeliveryDetails(DeliveryShown, frozen=True, kw_only=True):
    """A delivery with its attempts, the first one first."""

    attempts: list[AttemptShown]


class EventShown(Shape, frozen=True, kw_only=True):
    """An event: `event` is its own id, `id` to `data` are as receivers get them."""

    event: str
    sequence: int
    accepted: int
    id: str
    pbx: str
    time: int
    company: str
    type: str
    data: Annotated[msgspec.Raw, Meta(description="As receivers get it.", extra_json_schema={"type": "object"})]


class EventDetails(EventShown, frozen=True, kw_only=True):
    """An event with its deliveries; note: said where it is owed to no integration."""

    deliveries: list[DeliveryDetails]
    note: str | None


class CallShown(Shape, frozen=True, kw_only=True):
    """A call. ended: null while it goes on; events: how many; data: that of its latest event."""

    id: str
    company: str
    pbx: str
    started: int
    updated: int
    ended: int | None
    event_count: int
    data: Annotated[msgspec.Raw, Meta(description="Of its latest event.", extra_json_schema={"type": "object"})]


class CallDetails(CallShown, frozen=True, kw_only=True):
    """A call with a page of its events, in order, and their deliveries. next: the cursor of the page after it."""

    events: list[EventDetails]
    next: str | None


NO_DELIVERIES: Final = "No integration wanted this event when it was accepted."


def show_attempt(attempt: Attempt) -> AttemptShown:
    return AttemptShown(
        number=attempt.number,
        time=attempt.time,
        duration=attempt.duration,
        status=attempt.status,
        error=attempt.error,
        detail=attempt.detail,
        reply=attempt.reply,
        replay=attempt.replay,
    )


def show_delivery(delivery: Delivery) -> DeliveryShown:
    return DeliveryShown(**_delivery_values(delivery))


def show_delivery_details(delivery: Delivery, attempts: list[Attempt]) -> DeliveryDetails:
    return DeliveryDetails(**_delivery_values(delivery), attempts=[show_attempt(attempt) for attempt in attempts])


def _delivery_values(delivery: Delivery) -> dict[str, Any]:
    values = {name: getattr(delivery, name) for name in DeliveryShown.__struct_fields__ if hasattr(delivery, name)}
    return {**values, "event": event_id(delivery.seq), "attempt_count": delivery.attempts}


def event_id(seq: int) -> str:
    return "evt_" + encode_seq(seq)


def show_event(event: Event, deliveries: list[DeliveryDetails]) -> EventDetails:
    return EventDetails(
        event=event.id,
        sequence=event.sequence,
        accepted=event.accepted,
        id=event.call,
        pbx=event.pbx,
        time=event.time,
        company=event.company,
        type=event.type,
        data=msgspec.Raw(event.data),
        deliveries=deliveries,
        note=None if deliveries else NO_DELIVERIES,
    )


def call_values(call: Call) -> dict[str, Any]:
    """The values of `CallShown`."""
    return {
        "id": call.id,
        "company": call.company,
        "pbx": call.pbx,
        "started": call.started,
        "updated": call.updated,
        "ended": call.ended,
        "event_count": call.events,
        "data": msgspec.Raw(call.data),
    }
