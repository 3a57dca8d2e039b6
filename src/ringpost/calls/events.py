"""What the call machine tells: call events, before they are accepted."""

from __future__ import annotations

from msgspec import Struct

from ringpost.model.data import CallData


class CallEvent(Struct, frozen=True, kw_only=True):
    """One event of a call. call: its id as on the wire; type: `call:start`, `call:update` or `call:end`; time: ms."""

    call: str
    type: str
    time: int
    data: CallData
