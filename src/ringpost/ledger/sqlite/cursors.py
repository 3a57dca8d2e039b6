"""Cursors of lists: the place of the last item shown, as text that says nothing to whoever holds it.

A place is kept, not a count, so rows that come meanwhile move nothing.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Literal

import msgspec

from ringpost.errors import RingpostError

List = Literal["calls", "events", "deliveries", "notices", "works"]


class _Place(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    list: List
    seq: int
    integration: str


def write_cursor(of: List, seq: int, integration: str = "") -> str:
    return urlsafe_b64encode(msgspec.json.encode(_Place(of, seq, integration))).rstrip(b"=").decode()


def read_cursor(of: List, cursor: str | None) -> tuple[int, str] | None:
    """(seq, integration) of the last item of the page before; None for the first page. Raises `cursor_invalid`."""
    if cursor is None:
        return None
    try:
        place = msgspec.json.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=_Place)
    except (binascii.Error, ValueError) as error:
        raise RingpostError("cursor_invalid", field="cursor") from error
    if place.list != of or not 0 <= place.seq < 1 << 63 or write_cursor(of, place.seq, place.integration) != cursor:
        raise RingpostError("cursor_invalid", field="cursor")
    return place.seq, place.integration
