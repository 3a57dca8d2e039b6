"""Checks an event that an API client sent, and puts its `data` into the wire's key order. Pure.

Nothing is changed behind the client's back: what is missing becomes null (or an empty list), what is not known is
kept after the known keys, and what is wrong is refused with the path of the value and what would be right.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from ringpost.errors import RingpostError
from ringpost.model.data import DATA_KEYS, EXTRA_KEYS, PARTY_KEYS, TIME_KEYS
from ringpost.model.event import CALL_END, EVENT_TYPES
from ringpost.wire.schema import ENVELOPE_KEYS

_CALL_ID: Final = re.compile(r"[A-Za-z0-9._:@+~=*-]{1,128}")
_PBX: Final = re.compile(r"[!-~]{1,64}")
_LATEST: Final = 253_402_300_799_999  # the end of the year 9999, in ms
_END_KEYS: Final = ("endCause", "endCauseStr", "endBy")
_NEVER_NULL: Final = frozenset({"status", "tags", "flags"})
_KINDS: Final[dict[type, str]] = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
}
API_PBX: Final = "api"  # `pbx` of an event whose sender named none


class Checked(Struct, frozen=True):
    """A valid event. company: as the client named it; time: None where it gave none; data: in the wire's key order."""

    call: str
    company: str | None
    pbx: str
    time: int | None
    type: str
    data: dict[str, Any]


def check_event(document: object) -> Checked:
    """The event in a parsed JSON document. Raises `RingpostError` with the field."""
    event = _object(document, "")
    for key in event:
        if key not in ENVELOPE_KEYS:
            raise RingpostError(
                "unknown_field", f"An event has no {key[:40]!r}; it has {', '.join(ENVELOPE_KEYS)}.", field=key
            )
    for key in ("id", "type", "data"):
        if key not in event:
            raise RingpostError("missing_field", f"An event needs `{key}`.", field=key)
    kind = _text(event["type"], "type")
    if kind not in EVENT_TYPES:
        raise RingpostError(
            "unknown_event_type", f"{kind[:40]!r} is no event type; use {', '.join(EVENT_TYPES)}.", field="type"
        )
    company = event.get("company")
    return Checked(
        call=_matching(event["id"], "id", _CALL_ID, "1 to 128 letters, digits and . _ : @ + ~ = * -"),
        company=None if company is None else _text(company, "company"),
        pbx=_matching(event.get("pbx", API_PBX), "pbx", _PBX, "1 to 64 printable ASCII characters without spaces"),
        time=None if event.get("time") is None else _number(event["time"], "time"),
        type=kind,
        data=_data(_object(event["data"], "data"), ended=kind == CALL_END),
    )


def _data(data: dict[str, Any], *, ended: bool) -> dict[str, Any]:
    if "status" not in data:
        raise RingpostError("missing_field", "An event's data needs `status`, as in CONNECTING.", field="data.status")
    wire = {key: _value(key, data.get(key)) for key in DATA_KEYS}
    if not ended:
        for key in _END_KEYS:
            if wire[key] is not None:
                raise RingpostError("invalid_value", f"`{key}` is for call:end alone.", field=f"data.{key}")
    for key in EXTRA_KEYS:
        if key in data:
            wire[key] = _value(key, data[key])
    for key, value in data.items():
        if key not in wire:
            wire[key] = value
    return wire


def _value(key: str, value: object) -> object:
    """The value of one known key of `data`, checked."""
    if value is None and key not in _NEVER_NULL:
        return None
    return _CHECKS.get(key, _text)(value, f"data.{key}")


def _party(value: object, path: str) -> dict[str, Any]:
    party = _object(value, path)
    if "type" not in party:
        raise RingpostError("missing_field", "A party needs `type`: LOCAL or REMOTE.", field=f"{path}.type")
    wire: dict[str, Any] = {"type": _choice(party["type"], f"{path}.type", ("LOCAL", "REMOTE"))}
    for key in PARTY_KEYS[1:]:
        value = party.get(key)
        wire[key] = None if value is None else _text(value, f"{path}.{key}")
    for key, value in party.items():
        if key not in wire:
            wire[key] = value
    return wire


def _object(value: object, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(value, path, "an object")
    return value


def _text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise _wrong(value, path, "a text")
    return value


def _texts(value: object, path: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _wrong(value, path, "a list of texts")
    return [_text(item, f"{path}[{index}]") for index, item in enumerate(value)]


def _number(value: object, path: str) -> int:
    """A time or a duration in ms."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(value, path, "a whole number of milliseconds")
    if not 0 <= value <= _LATEST:
        raise RingpostError("invalid_value", f"`{path}` is a number of milliseconds, 0 to {_LATEST}.", field=path)
    return value


def _matching(value: object, path: str, pattern: re.Pattern[str], right: str) -> str:
    text = _text(value, path)
    if not pattern.fullmatch(text):
        raise RingpostError("invalid_value", f"`{path}` takes {right}.", field=path)
    return text


def _end_by(value: object, path: str) -> str:
    return _choice(value, path, ("CALLER", "CALLEE"))


def _direction(value: object, path: str) -> str:
    return _choice(value, path, ("INBOUND", "OUTBOUND", "INTERNAL"))


def _choice(value: object, path: str, choices: tuple[str, ...]) -> str:
    text = _text(value, path)
    if text not in choices:
        raise RingpostError("invalid_value", f"`{path}` is one of {', '.join(choices)}.", field=path)
    return text


def _wrong(value: object, path: str, right: str) -> RingpostError:
    kinds = {
        dict: "an object",
        list: "a list",
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    found = kinds.get(type(value), "null")
    return RingpostError("wrong_type", f"`{path or 'the event'}` takes {right}, not {found}.", field=path or None)


# How the known keys of `data` are checked; those that are not here are texts.
_CHECKS: Final[dict[str, Callable[[object, str], object]]] = {
    "caller": _party,
    "callee": _party,
    "tags": _texts,
    "flags": _texts,
    "endBy": _end_by,
    "direction": _direction,
    **dict.fromkeys(TIME_KEYS, _number),
}
