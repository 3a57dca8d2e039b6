"""A delivery (one event owed to one integration) and its attempts.

A delivery is known by its event and its integration, so its id, which receivers see as `webhook-id`, is made of both:
`dlv_<event's 13 characters><integration's 6>`: the same on every retry and replay, and without a dot.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from .event import decode_seq, encode_seq

DeliveryState = Literal["pending", "delivered", "exhausted", "cancelled"]
DELIVERY_STATES: Final[tuple[DeliveryState, ...]] = ("pending", "delivered", "exhausted", "cancelled")


def delivery_id(seq: int, integration: str) -> str:
    return f"dlv_{encode_seq(seq)}{integration}"


def parse_delivery_id(text: str) -> tuple[int, str] | None:
    """(seq, integration) of a delivery's id, or None for any other text."""
    seq = decode_seq(text[4:17]) if text.startswith("dlv_") and len(text) == 23 else None
    return None if seq is None else (seq, text[17:])


class Owed(Struct, frozen=True, kw_only=True):
    """A pending delivery as the dispatcher holds it: no body, so that a backlog is small.

    attempts: those made so far; due: when the next may be made (ms); replay: how often it was asked for again;
    earlier: those of the attempts that were made before the last replay, which starts the retry schedule anew.
    """

    company: str
    integration: str
    call: str
    seq: int
    attempts: int = 0
    due: int = 0
    replay: int = 0
    earlier: int = 0

    @property
    def id(self) -> str:
        return delivery_id(self.seq, self.integration)


class Attempt(Struct, frozen=True, kw_only=True):
    """One try of a delivery.

    number: from 1, going on over replays; time: when it began (ms); duration: ms; status: the receiver's HTTP status,
    None where there was no reply; error: a code of `outcome.FAILURES`, None for a success; detail: the reason in words
    with no secret in it; reply: the start of the receiver's answer, as text.
    """

    company: str
    seq: int
    integration: str
    number: int
    time: int
    duration: int
    status: int | None
    error: str | None
    detail: str | None
    reply: str | None
    replay: int = 0


class Delivery(Struct, frozen=True, kw_only=True):
    """A delivery as lists show it. `due` is the time of the next try while it is pending."""

    company: str
    integration: str
    seq: int
    call: str
    type: str
    state: DeliveryState
    attempts: int
    due: int | None
    created: int
    updated: int
    status: int | None
    error: str | None
    replay: int

    @property
    def id(self) -> str:
        return delivery_id(self.seq, self.integration)
