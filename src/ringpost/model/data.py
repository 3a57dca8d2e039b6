"""What an event says of its call: the wire's `data` and its parties, in the wire's key order.

Sources and the call machine build `CallData`; events of API clients are checked against the same keys in `intake`.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

Status = Literal["CONNECTING", "RINGING", "TALKING", "HOLD"]
Direction = Literal["INBOUND", "OUTBOUND", "INTERNAL"]
EndBy = Literal["CALLER", "CALLEE"]


class Party(Struct, frozen=True, kw_only=True):
    """A caller or callee; what is unknown is None. `phone` is the number as the PBX has it."""

    type: Literal["LOCAL", "REMOTE"]
    phone: str | None = None
    name: str | None = None
    company: str | None = None
    email: str | None = None
    userId: str | None = None  # noqa: N815 - the wire's own name, as those below
    userExtension: str | None = None  # noqa: N815
    userDepartment: str | None = None  # noqa: N815
    groupId: str | None = None  # noqa: N815
    groupName: str | None = None  # noqa: N815
    userAgent: str | None = None  # noqa: N815
    userDevice: str | None = None  # noqa: N815


class CallData(Struct, frozen=True, kw_only=True):
    """The state of a call. waitTime, talkTime, duration: ms, and like the three end keys None until call:end."""

    status: str
    caller: Party | None = None
    callee: Party | None = None
    service: str | None = None
    destination: str | None = None
    trunkName: str | None = None  # noqa: N815
    queueName: str | None = None  # noqa: N815
    queueId: str | None = None  # noqa: N815
    tags: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    endCause: str | None = None  # noqa: N815
    endCauseStr: str | None = None  # noqa: N815
    endBy: EndBy | None = None  # noqa: N815
    direction: Direction | None = None
    waitTime: int | None = None  # noqa: N815
    talkTime: int | None = None  # noqa: N815
    duration: int | None = None


PARTY_KEYS: Final = tuple(Party.__struct_fields__)
DATA_KEYS: Final = tuple(CallData.__struct_fields__)[:13]  # those that every event has
TIME_KEYS: Final = ("waitTime", "talkTime", "duration")  # those that call:end adds
EXTRA_KEYS: Final = ("direction", *TIME_KEYS)  # ours; an operator can switch them off


def to_wire(data: CallData, *, ended: bool, extra_keys: bool) -> dict[str, Any]:
    """The wire's `data` object: all fixed keys, then ours (the times only once the call has ended)."""
    wire: dict[str, Any] = msgspec.to_builtins(data)
    for key in EXTRA_KEYS if not extra_keys else () if ended else TIME_KEYS:
        del wire[key]
    return wire
