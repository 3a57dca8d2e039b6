"""Where in a JSON document something is: the path that a refusal names, as `data.caller.name` or `data.tags[2]`.

`explain` looks for the first thing in a text that the wire refuses, and says where it is. `canonical.parse` calls it
only once it knows that there is something, so it may be slow; it reads each character once, and never recurses.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Final, TypeAlias

from ringpost.errors import RingpostError

DEPTH: Final = 32  # objects and lists inside of one another; common parsers allow more (Go 10000, PHP 512, .NET 64)
SAFE_INTEGER: Final = 2**53 - 1  # ECMA-262, Number.MAX_SAFE_INTEGER
_SHOWN_KEY: Final = 64  # characters of a key in a path
# Strings, brackets, commas, and of other words only those that `_check_number` may refuse.
_TOKEN: Final = re.compile(
    r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[{}\[\],]|NaN|-?Infinity'
    r'|[-0-9](?=[^\s"{}\[\],:]{15}|[^\s"{}\[\],:]{0,15}[eE])[^\s"{}\[\],:]*+',
    re.DOTALL,
)
_INTEGER: Final = re.compile(r"-?[0-9]+")
_CONSTANTS: Final = frozenset({"NaN", "Infinity", "-Infinity"})

Place: TypeAlias = tuple[str | int, ...]  # the keys and indexes that lead to a value


def path(place: Iterable[str | int]) -> str:
    """A place in writing: `data.tags[2]`, or `data["a b"]` for a key that is no identifier; empty for the document."""
    return "".join([_key(step) if isinstance(step, str) else f"[{step}]" for step in place]).removeprefix(".")


def _key(key: str) -> str:
    shown = key if len(key) <= _SHOWN_KEY else key[: _SHOWN_KEY - 1] + "…"
    if shown.isidentifier():
        return "." + shown
    return f"[{json.dumps(shown, ensure_ascii=not shown.isprintable())}]"


def refuse(code: str, place: Iterable[str | int], what: str) -> RingpostError:
    """The error for what is at the place; `what` goes on after its name."""
    field = path(place)
    return RingpostError(code, f"{f'`{field}`' if field else 'The document'} {what}", field=field or None)


def refuse_integer(place: Iterable[str | int]) -> RingpostError:
    return refuse(
        "number_not_representable",
        place,
        f"is a whole number beyond {SAFE_INTEGER}, which JavaScript rounds; send it as a string.",
    )


def refuse_not_finite(place: Iterable[str | int]) -> RingpostError:
    return refuse("number_not_representable", place, "is a number beyond 1.7976931348623157e308; send it as a string.")


def refuse_depth(place: Iterable[str | int]) -> RingpostError:
    return refuse("nesting_too_deep", place, f"is nested deeper than {DEPTH} levels; flatten it.")


class _Level:
    """An object or list that is open: its keys so far (None: a list), and the key or index that is being read."""

    __slots__ = ("keys", "step", "wants_key")

    def __init__(self, *, is_object: bool) -> None:
        self.keys: set[str] | None = set() if is_object else None
        self.wants_key = is_object
        self.step: str | int | None = None if is_object else 0


def explain(text: str, position: int | None = None, problem: str = "it cannot be read") -> RingpostError:
    """The first refusal in the text. position: where a parser found a syntax error, and `problem` what it is."""
    end = len(text) if position is None else position
    levels: list[_Level] = []
    for match in _TOKEN.finditer(text):
        if match.end() > end:
            break
        if (error := _read(match.group(), levels)) is not None:
            return error
    return _syntax(text, end, problem, levels)


def _read(piece: str, levels: list[_Level]) -> RingpostError | None:
    """One token: what it opens, closes or names; or why it is refused."""
    level = levels[-1] if levels else None
    match piece[0]:
        case "," if level:
            level.wants_key = level.keys is not None
            level.step = level.step + 1 if isinstance(level.step, int) else None
        case '"':
            return _take_key(piece, level.keys, levels) if level and level.keys is not None else None
        case "{" | "[":
            if len(levels) == DEPTH:
                return refuse_depth(_place(levels))
            levels.append(_Level(is_object=piece == "{"))
        case "}" | "]":
            del levels[-1:]
        case _:
            return _check_number(piece, levels)
    return None


def _take_key(piece: str, keys: set[str], levels: list[_Level]) -> RingpostError | None:
    """A string in an object: if it is the next key, a refusal where the object had the key before."""
    level = levels[-1]
    if not level.wants_key:
        return None
    try:
        key = json.loads(piece) if "\\" in piece else piece[1:-1]
    except ValueError:  # no valid string, which is the syntax error that comes next
        return None
    level.step = key
    level.wants_key = False
    if key in keys:
        return refuse("duplicate_key", _place(levels), "is there twice; keep one, as receivers could read either.")
    keys.add(key)
    return None


def _check_number(piece: str, levels: list[_Level]) -> RingpostError | None:
    """A number that JavaScript cannot hold, or a constant that is not JSON."""
    if piece in _CONSTANTS:
        return refuse("invalid_json", _place(levels), f"is {piece}, which JSON does not have; use null or a string.")
    if _INTEGER.fullmatch(piece):
        return None if is_safe_integer(piece) else refuse_integer(_place(levels))
    try:
        return None if math.isfinite(float(piece)) else refuse_not_finite(_place(levels))
    except ValueError:  # no number, which is the syntax error that comes next
        return None


def is_safe_integer(text: str) -> bool:
    """Whether a JSON integer is one that JavaScript holds exactly. A long one is not converted, as that is slow."""
    return len(text) < 16 or (len(text) <= 17 and -SAFE_INTEGER <= int(text) <= SAFE_INTEGER)


def _place(levels: list[_Level]) -> Place:
    return tuple([level.step for level in levels if level.step is not None])


def _syntax(text: str, position: int, problem: str, levels: list[_Level]) -> RingpostError:
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    field = path(_place(levels))
    where = f"line {line}, column {column}" + (f", in `{field}`" if field else "")
    return RingpostError("invalid_json", f"The body is not valid JSON: {problem} ({where}).", field=field or None)
