"""The wire's JSON: strict in, one form out.

Receivers check a signature over `JSON.stringify(JSON.parse(body))`, so every body must be a fixed point of that, byte
for byte. `encode` writes the form that JavaScript would write; what no form can carry is refused when an event is
accepted, with the path of the value, and never sent under a signature that fails. Why each refusal exists:

- `invalid_json`: not one JSON document in UTF-8 (RFC 8259); a byte order mark, NaN and Infinity are none of its parts.
- `duplicate_key`: JavaScript keeps the last value and forgets the first, other parsers differ: nobody could tell what
  was signed.
- `nesting_too_deep`: some receivers' parsers stop early, and a hostile document must not exhaust a stack.
- `lone_surrogate`: half of a UTF-16 pair has no UTF-8 form. JavaScript writes it as an escape; other parsers refuse
  that, or read U+FFFD in its place (RFC 8259, 8.2: "unpredictable").
- `forbidden_character`: SQS refuses a message with U+FFFE or U+FFFF (SendMessage, MessageBody). The control characters
  that it refuses too are always escaped in JSON.
- `number_not_representable`: JavaScript's numbers are doubles (ECMA-262, 6.1.6.1). An integer beyond 2^53 - 1 would
  arrive as another, and one beyond the largest double as null. Fractions and numbers with an exponent are rounded to
  the nearest double, as every JSON parser does: 1.0 is 1, and 1e20 goes out as 100000000000000000000.
- `wrong_type`: a Python value that JSON does not have; only code of ours can cause it.

What is not refused but brought into form: number forms (1.0, -0, 1E21), escapes, spaces, and keys that are array
indexes, which JavaScript moves to the front (ECMA-262, 10.1.11.1 OrdinaryOwnPropertyKeys).

Pure, standard library alone; called by the intake for every event and by the transports for every attempt.
"""

from __future__ import annotations

import json
import math
import re
from itertools import accumulate
from typing import Any, Final

from ringpost.errors import RingpostError

from .javascript import write
from .path import DEPTH, SAFE_INTEGER, Place, explain, is_safe_integer

_SPACE: Final = " \t\n\r"
_NOT_OPENING: Final = bytes(set(range(256)) - set(b"{["))
_NOT_BRACKET: Final = bytes(set(range(256)) - set(b"{}[]"))
_STRINGS: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_STEPS: Final = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}


class _UnfitError(Exception):
    """The scanner met something that the wire refuses; `explain` finds out what and where."""


def parse(raw: bytes) -> object:
    """The value of one JSON document; whatever this returns, `encode` can write. Raises `RingpostError`.

    Whole numbers come as int even where they are written as 1.0, for they are one and the same to JavaScript.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise RingpostError("invalid_json", f"The body is not UTF-8: {error.reason} at byte {error.start}.") from None
    if len(raw.translate(None, _NOT_OPENING)) > DEPTH and _depth(raw) > DEPTH:
        raise explain(text)
    start = len(text) - len(text.lstrip(_SPACE))
    try:
        value, end = _scan(text, start)
    except json.JSONDecodeError as error:
        problem = "it begins with a byte order mark" if text.startswith("\ufeff") else error.msg
        raise explain(text, error.pos, problem) from None
    except _UnfitError:
        raise explain(text) from None
    if end != len(text) and text[end:].strip(_SPACE):
        extra = len(text) - len(text[end:].lstrip(_SPACE))
        raise explain(text, extra, "something follows the document")
    if "\\u" in text or _has_noncharacter(raw):
        encode(value)
    return value


def encode(value: object, at: Place = ()) -> bytes:
    """The value in the wire's form, in UTF-8. Raises `RingpostError`.

    at: where in a body the value belongs, as ("data",): errors name the path from there, and its levels count.
    """
    if _is_plain(value, DEPTH - len(at)):
        text = _encode_plain(value)
        if text.isascii():
            return text.encode()
        try:
            raw = text.encode()
        except UnicodeEncodeError:  # a lone surrogate: `write` finds out where
            pass
        else:
            if not _has_noncharacter(raw):
                return raw
    return write(value, at).encode()


def envelope_head(*, call: str, pbx: str, time: int, company: str, type: str) -> bytes:  # noqa: A002 - the wire's name
    """An event's body up to the value of `integrationId`, for `body`. time: ms."""
    head = {"id": call, "pbx": pbx, "time": time, "company": company, "type": type, "integrationId": ""}
    return encode(head)[:-2]


def body(head: bytes, integration: str, data: bytes) -> bytes:
    """The bytes to sign and send. integration: its id, 6 characters of 0-9a-z; data: as `encode` wrote it."""
    return b'%b%b","data":%b}' % (head, integration.encode("ascii"), data)


def splice(
    *,
    call: str,
    pbx: str,
    time: int,
    company: str,
    type: str,  # noqa: A002 - the wire's name
    integration: str,
    data: bytes,
) -> bytes:
    """The body of one event for one integration; `data` is put in as it is."""
    return body(envelope_head(call=call, pbx=pbx, time=time, company=company, type=type), integration, data)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _UnfitError
    return value


def _integer(text: str) -> int:
    if not is_safe_integer(text):
        raise _UnfitError
    return int(text)


def _float(text: str) -> int | float:
    number = float(text)
    if not math.isfinite(number):
        raise _UnfitError
    return int(number) if number.is_integer() and -SAFE_INTEGER <= number <= SAFE_INTEGER else number


def _constant(_name: str) -> None:
    raise _UnfitError


_scan: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
).raw_decode
_encode_plain: Final = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, allow_nan=False, separators=(",", ":")
).encode


def _has_noncharacter(raw: bytes) -> bool:
    """Whether U+FFFE or U+FFFF is in UTF-8 text."""
    return b"\xef\xbf" in raw and (b"\xef\xbf\xbe" in raw or b"\xef\xbf\xbf" in raw)


def _depth(raw: bytes) -> int:
    """How deep the document is nested, found without recursion."""
    brackets = _STRINGS.sub(b"", raw).translate(None, _NOT_BRACKET)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def _is_plain(value: Any, room: int) -> bool:
    """Whether the C encoder writes the value as JavaScript does, but for characters. room: levels that are left."""
    kind = type(value)
    if kind is dict:
        if not _has_plain_keys(value):
            return False
        items = value.values()
    elif kind is list or kind is tuple:
        items = value
    else:
        return value is None or kind is str or kind is bool or (kind is int and _is_safe(value))
    if room <= 0:
        return False
    for item in items:  # noqa: SIM110 - the loop takes half of the time of all() with a generator
        if item is not None and type(item) is not str and not _is_plain(item, room - 1):
            return False
    return True


def _has_plain_keys(value: dict[Any, Any]) -> bool:
    """Whether all keys are strings and none can be an array index (nor begins with another character below `:`)."""
    try:
        return not value or min(value) >= ":"
    except TypeError:
        return False


def _is_safe(value: int) -> bool:
    return -SAFE_INTEGER <= value <= SAFE_INTEGER
