"""Writes a value as JavaScript's JSON.stringify does, and refuses what no form can carry, with its path.

This is the slow and complete way: `canonical.encode` leaves to it what Python's own encoder would write otherwise
(floats, keys that are array indexes), and what is to be refused. It recurses to `DEPTH` at most.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Final

from .path import DEPTH, SAFE_INTEGER, Place, refuse, refuse_depth, refuse_integer, refuse_not_finite

_BAD_TEXT: Final = re.compile("[\ud800-\udfff\ufffe\uffff]")
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,9}")
_INDEX_LIMIT: Final = 2**32 - 1  # ECMA-262, 6.1.7: an array index is an integer from 0 to 2^32 - 2
_encode_text: Final = json.JSONEncoder(ensure_ascii=False).encode


def write(value: object, place: Place) -> str:
    """The value as JSON.stringify writes it. Raises `RingpostError` with the path of what cannot be written."""
    match value:
        case str():
            return _text(value, place)
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return _number(value, place)
        case dict() | list() | tuple() if len(place) >= DEPTH:
            raise refuse_depth(place)
        case dict():
            return "{" + ",".join(_members(value, place)) + "}"
        case list() | tuple():
            return "[" + ",".join([write(item, (*place, index)) for index, item in enumerate(value)]) + "]"
        case _:
            raise refuse("wrong_type", place, f"is of the type {type(value).__name__}, which JSON does not have.")


def _members(value: Mapping[object, object], place: Place) -> list[str]:
    """An object's members, array indexes first and in their order, as JavaScript lists them."""
    indexes: list[tuple[int, str]] = []
    others: list[str] = []
    for key, item in value.items():
        if not isinstance(key, str):
            raise refuse("wrong_type", place, f"has a key of the type {type(key).__name__}; keys are strings.")
        at = (*place, key)
        member = f"{_text(key, at)}:{write(item, at)}"
        if _INDEX.fullmatch(key) and int(key) < _INDEX_LIMIT:
            indexes.append((int(key), member))
        else:
            others.append(member)
    return [member for _, member in sorted(indexes)] + others


def _text(text: str, place: Place) -> str:
    bad = _BAD_TEXT.search(text)
    if bad is None:
        return _encode_text(text)
    name = f"U+{ord(bad.group()):04X}"
    if bad.group() >= "\ufffe":
        raise refuse("forbidden_character", place, f"has the character {name}, which SQS cannot carry; leave it out.")
    raise refuse("lone_surrogate", place, f"has {name}, half of a surrogate pair; send the whole character.")


def _number(value: float, place: Place) -> str:
    if isinstance(value, int):
        if not -SAFE_INTEGER <= value <= SAFE_INTEGER:
            raise refuse_integer(place)
        return int.__repr__(value)
    if not math.isfinite(value):
        raise refuse_not_finite(place)
    return _double(value)


def _double(value: float) -> str:
    """ECMA-262, 6.1.6.1.20 Number::toString. repr gives the same shortest digits; the point goes elsewhere."""
    if value == 0:
        return "0"
    shortest = float.__repr__(value)
    if "e" not in shortest:
        return shortest.removesuffix(".0")
    mantissa, _, exponent = shortest.removeprefix("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(digits) - len(fraction) + int(exponent)  # n of the standard: the value is 0.<digits> * 10^n
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        text = digits + "0" * (point - len(digits))
    elif 0 < point <= 21:
        text = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = f"0.{'0' * -point}{digits}"
    else:
        text = f"{digits[0]}{'.' if len(digits) > 1 else ''}{digits[1:]}e{point - 1:+d}"
    return text if value > 0 else "-" + text
