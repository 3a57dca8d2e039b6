"""The values in a request's query string: what each takes, and their checks. Pure.

A value that is wrong, not known or given twice is refused with its name and what would be right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import parse_qsl

from ringpost.errors import RingpostError
from ringpost.model.delivery import DELIVERY_STATES
from ringpost.model.event import EVENT_TYPES
from ringpost.model.notice import NOTICE_TYPES

_LATEST: Final = 253_402_300_799_999  # the end of the year 9999, in ms
_LONGEST: Final = 512  # characters of a text
_MOST: Final = 32  # values in a query


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One value of a query. low, high: of a number; choices: of a text; refusal: the code for another choice."""

    name: str
    meaning: str
    kind: Literal["text", "number", "flag"] = "text"
    low: int = 0
    high: int = _LATEST
    choices: tuple[str, ...] = ()
    refusal: str = "invalid_value"
    default: str | int | bool | None = None

    def schema(self) -> dict[str, Any]:
        """Its JSON Schema."""
        schema: dict[str, Any]
        match self.kind:
            case "flag":
                schema = {"type": "boolean"}
            case "number":
                schema = {"type": "integer", "minimum": self.low, "maximum": self.high}
            case _:
                schema = {"type": "string", **({"enum": list(self.choices)} if self.choices else {})}
        return schema if self.default is None else {**schema, "default": self.default}

    def read(self, text: str) -> str | int | bool:
        """The value in a text. Raises with the name."""
        match self.kind:
            case "flag":
                return self._flag(text)
            case "number":
                return self._number(text)
            case _:
                return self._text(text)

    def _flag(self, text: str) -> bool:
        if text not in {"true", "false"}:
            raise RingpostError("invalid_value", f"`{self.name}` is true or false.", field=self.name)
        return text == "true"

    def _number(self, text: str) -> int:
        digits = text.isascii() and text.isdigit() and len(text) <= 15
        if not digits or not self.low <= int(text) <= self.high:
            right = f"`{self.name}` is a whole number from {self.low} to {self.high}."
            raise RingpostError("invalid_value", right, field=self.name)
        return int(text)

    def _text(self, text: str) -> str:
        if self.choices and text not in self.choices:
            raise RingpostError(self.refusal, f"`{self.name}` is one of {', '.join(self.choices)}.", field=self.name)
        if not 0 < len(text) <= _LONGEST or "\0" in text:
            raise RingpostError("invalid_value", f"`{self.name}` is a text of 1 to {_LONGEST}.", field=self.name)
        return text


class Query:
    """The checked values of one request."""

    def __init__(self, values: Mapping[str, str | int | bool], given: Mapping[str, str] | None = None) -> None:
        """given: the texts as they were given, for an address of the same view."""
        self._values = values
        self.given = given or {}

    def text(self, name: str) -> str | None:
        value = self._values.get(name)
        return value if isinstance(value, str) else None

    def number(self, name: str) -> int | None:
        value = self._values.get(name)
        return value if isinstance(value, int) else None

    def flag(self, name: str) -> bool:
        return self._values.get(name) is True


def read_query(query: bytes, parameters: Sequence[Parameter]) -> Query:
    """The values in a query string. Raises `unknown_field`, `invalid_value`, `unknown_event_type`."""
    known = {parameter.name: parameter for parameter in parameters}
    values: dict[str, str | int | bool] = {}
    for name, text in _pairs(query):
        if name not in known:
            names = ", ".join(known) or "no values"
            raise RingpostError("unknown_field", f"The query takes {names}, not {name[:40]!r}.", field=name[:40])
        if name in values:
            raise RingpostError("invalid_value", f"`{name}` is there twice; give it once.", field=name)
        values[name] = known[name].read(text)
    defaults = {p.name: p.default for p in parameters if p.default is not None}
    return Query({**defaults, **values})


def _pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST)
    except ValueError:  # UnicodeDecodeError too
        raise RingpostError(
            "invalid_value", f"The query is not up to {_MOST} values of percent-encoded UTF-8.", field="query"
        ) from None


COMPANY: Final = Parameter(
    name="company", meaning="The company. An operator's key names it; any other key may leave it out."
)
CURSOR: Final = Parameter(name="cursor", meaning="`next` of the page before.")
LIMIT: Final = Parameter(
    name="limit", meaning="How many items a page has at most.", kind="number", low=1, high=200, default=50
)
OPEN: Final = Parameter(name="open", meaning="true: calls that go on alone.", kind="flag")
STATE: Final = Parameter(
    name="state",
    meaning="The state; `failing`: pending, and the last attempt failed.",
    choices=(*DELIVERY_STATES, "failing"),
)
INTEGRATION: Final = Parameter(name="integration", meaning="An integration's id.")
CALL: Final = Parameter(name="call", meaning="A call's id.")
TYPE: Final = Parameter(
    name="type",
    meaning="The type of the event.",
    choices=(*EVENT_TYPES, *NOTICE_TYPES),
    refusal="unknown_event_type",
)
NOTICE_TYPE: Final = Parameter(
    name="type", meaning="The type of the notice.", choices=NOTICE_TYPES, refusal="unknown_event_type"
)
SINCE: Final = Parameter(name="since", meaning="Made at this time or later (ms).", kind="number")
UNTIL: Final = Parameter(name="until", meaning="Made at this time or earlier (ms).", kind="number")
