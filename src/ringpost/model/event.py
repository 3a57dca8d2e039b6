"""Call events: validated (`NewEvent`), and durable (`Event`).

An event's number, `seq`, orders everything that one ledger accepted: it is made from the time of acceptance and a
counter (see `next_seq`), so it never comes again, not even after a restored backup.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

CALL_START: Final = "call:start"
CALL_UPDATE: Final = "call:update"
CALL_END: Final = "call:end"
EVENT_TYPES: Final = (CALL_START, CALL_UPDATE, CALL_END)

Origin = Literal["api", "source", "notice"]
API: Final = "api"
SOURCE: Final = "source"
NOTICE: Final = "notice"

_DIGITS: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, https://www.crockford.com/base32.html
_VALUES: Final = {digit: value for value, digit in enumerate(_DIGITS)}
_LENGTH: Final = 13  # 65 bits: any seq
_COUNTER_BITS: Final = 20


class NewEvent(Struct, frozen=True, kw_only=True):
    """An event that passed validation and is not durable yet.

    call: the call's id as on the wire (`<company>_<linkedid>`); data: canonical JSON of the wire's `data`;
    integrations: ids of those that it is owed to; origin: whether a client sent it, a source of ours saw it, or it is a
    notice (see `model.notice`), which belongs to no call. A call has the origin of its call:start, and takes events of
    that origin alone.
    """

    company: str
    call: str
    pbx: str
    time: int
    type: str
    data: bytes
    integrations: tuple[str, ...] = ()
    origin: Origin = API


class Event(Struct, frozen=True, kw_only=True):
    """An accepted event, as the ledger holds it. `sequence` counts from 1 within its call."""

    company: str
    seq: int
    call: str
    sequence: int
    pbx: str
    time: int
    type: str
    accepted: int
    data: bytes

    @property
    def id(self) -> str:
        """The event's public id."""
        return "evt_" + encode_seq(self.seq)


def next_seq(last: int, now: int) -> int:
    """The number after `last`: at `now` (ms), or one more where that much was given out already."""
    return max(last + 1, now << _COUNTER_BITS)


def accepted_at(seq: int) -> int:
    """When an event with this number was accepted (ms)."""
    return seq >> _COUNTER_BITS


def encode_seq(seq: int) -> str:
    """A seq as 13 characters of `0-9a-z`, in the order of the numbers."""
    digits = []
    for _ in range(_LENGTH):
        seq, rest = divmod(seq, 32)
        digits.append(_DIGITS[rest])
    return "".join(reversed(digits))


def decode_seq(text: str) -> int | None:
    """The seq that `encode_seq` wrote, or None for any other text."""
    if len(text) != _LENGTH:
        return None
    seq = 0
    for character in text:
        value = _VALUES.get(character)
        if value is None:
            return None
        seq = seq * 32 + value
    return seq if seq < 1 << 63 else None
