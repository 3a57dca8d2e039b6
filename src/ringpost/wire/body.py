"""The body of an event for one integration: the bytes that are signed and sent. Pure."""

from __future__ import annotations

from ringpost.model.event import Event

from .canonical import splice


def body_of(event: Event, integration: str) -> bytes:
    """The same on each attempt and replay. integration: its id."""
    return splice(
        call=event.call,
        pbx=event.pbx,
        time=event.time,
        company=event.company,
        type=event.type,
        integration=integration,
        data=event.data,
    )
