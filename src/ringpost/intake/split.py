"""Splits a batch into its events, each still as bytes, so that a bad one is refused alone. Pure.

msgspec does it fast for a batch that is good JSON throughout. Where it refuses the bytes (half a surrogate pair, say,
or 10,000 brackets, in one event of many), the brackets are counted instead, and each event is then judged by itself.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec
from msgspec import Struct

from ringpost.errors import RingpostError
from ringpost.wire import canonical

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[][{},]', re.DOTALL)
_BEGIN: Final = re.compile(rb'[ \t\r\n]*\{[ \t\r\n]*"events"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*')
_END: Final = re.compile(rb"[ \t\r\n]*\}[ \t\r\n]*")
_SHAPE: Final = 'A batch is {"events": [event, …]}'


class _Batch(Struct, forbid_unknown_fields=True):
    events: list[msgspec.Raw]


_decode: Final = msgspec.json.Decoder(_Batch).decode


def split_batch(body: bytes) -> list[bytes]:
    """The events of `{"events": […]}`. Raises `wrong_type`, `unknown_field`, `invalid_json` and what else the whole
    is refused for."""
    try:
        return [bytes(raw) for raw in _decode(body).events]
    except msgspec.ValidationError as error:
        raise RingpostError("wrong_type", f"{_SHAPE}: {error}.", field="events") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        events = _by_brackets(body)
        if events is None:
            canonical.parse(body)  # says best what is wrong, and where
            raise RingpostError("invalid_json", f"The body is not valid JSON: {error}.") from None
        return events


def _by_brackets(body: bytes) -> list[bytes] | None:
    """The parts between the commas of the list, whatever is in them; None where the frame of a batch is not there."""
    begin = _BEGIN.match(body)
    if begin is None:
        return None
    events: list[bytes] = []
    depth, at = 0, begin.end()
    for token in _TOKEN.finditer(body, at):
        mark = token.group()
        if mark in (b"[", b"{"):
            depth += 1
        elif mark in (b"]", b"}") and depth:
            depth -= 1
        elif mark == b"]":
            part = body[at : token.start()].strip()
            if part or events:
                events.append(part)
            return events if _END.fullmatch(body, token.end()) else None
        elif mark == b"," and not depth:
            events.append(body[at : token.start()].strip())
            at = token.end()
        elif not depth and mark == b"}":
            return None
    return None
