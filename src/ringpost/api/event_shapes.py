"""Events as clients send them, and what became of them: the documentation of what `intake` takes and answers."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from ringpost.intake.accept import BATCH_EVENTS
from ringpost.model.data import CallData

from .shapes import Refusal, Shape


class EventSent(Struct, kw_only=True):
    """An event that a client sends. What is missing in `data` becomes null; what is not known is passed on.

    The intake checks it by itself (`intake.validate`); this is its documentation."""

    id: Annotated[str, Meta(min_length=1, max_length=128, description="The call's id, the same in all of its events.")]
    type: Literal["call:start", "call:update", "call:end"]
    data: CallData
    pbx: Annotated[str, Meta(min_length=1, max_length=64, description="The PBX's serial; `api` if left out.")] = "api"
    time: Annotated[int, Meta(ge=0, description="Milliseconds; now if left out.")] | None = None
    company: Annotated[str, Meta(description="The company; an operator's key names it.")] | None = None


class BatchSent(Struct, kw_only=True):
    """Events in the order in which they happened; each is accepted or refused by itself."""

    events: Annotated[list[EventSent], Meta(max_length=BATCH_EVENTS)]


class AcceptedEvent(Shape, frozen=True, kw_only=True):
    """An event that is durable. event: its own id; id: the call's; deliveries: to how many integrations it goes."""

    event: str
    id: str
    type: str
    sequence: int
    time: int
    deliveries: int


class VerdictShown(Shape, frozen=True, kw_only=True):
    """What became of one event of a batch: `result` where it was accepted, else `error`."""

    success: bool
    result: AcceptedEvent | msgspec.UnsetType = msgspec.UNSET
    error: Refusal | msgspec.UnsetType = msgspec.UNSET


class AcceptedBatch(Shape, frozen=True, kw_only=True):
    """A batch that was worked on: how many events were accepted and refused, and each one's verdict, in their order."""

    accepted: int
    refused: int
    events: list[VerdictShown]
