"""Reading a request's body: bounded, as strict JSON, into the Struct that the operation takes.

The JSON is read as strictly as that of events (no key twice, no number that JavaScript cannot hold …), and what does
not fit the Struct is refused with the path of the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, TypeVar, get_args, get_type_hints

import msgspec
from litestar.types import Receive
from msgspec import Struct

from ringpost.errors import RingpostError
from ringpost.wire import canonical

BODY_LIMIT: Final = 262_144  # bytes, of all requests but a batch of events

S = TypeVar("S", bound=Struct)
_QUOTED: Final = re.compile(r"`([^`]*)`")
_PLAIN: Final = re.compile(r"[\w-]{1,64}")


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    """The first header of that (lower-case) name."""
    for found, value in headers:
        if found == name:
            return value.decode("latin-1")
    return None


async def read_body(headers: Iterable[tuple[bytes, bytes]], receive: Receive, limit: int) -> bytes:
    """The body, up to `limit` bytes. Raises `body_too_large` as soon as it is known to be larger."""
    announced = header(headers, b"content-length")
    if announced is not None and announced.isascii() and announced.isdigit() and int(announced[:20]) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    length = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":  # the client went away; nobody will read the answer
            raise RingpostError("invalid_json", "The body ended before it was complete.")
        parts.append(message["body"])
        length += len(parts[-1])
        if length > limit:
            raise _too_large(limit)
        if not message["more_body"]:
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(limit: int) -> RingpostError:
    return RingpostError("body_too_large", f"The body is larger than the {limit} bytes that are taken here.")


def decode(body: bytes, shape: type[S]) -> S:
    """The body as the Struct. Raises `RingpostError` with the field."""
    document = canonical.parse(body)
    try:
        return msgspec.convert(document, shape)
    except msgspec.ValidationError as error:
        raise refusal(str(error), document, shape) from None


def refusal(message: str, document: object, shape: type[Struct]) -> RingpostError:
    """What msgspec says of a document that does not fit, as one of our errors."""
    what, _, place = message.partition(" - at `$")
    path = _path(place.rstrip("`"), document)
    named = _QUOTED.findall(what)
    if what.startswith("Object missing required field"):
        field = _below(path, named[0])
        return RingpostError("missing_field", f"`{field}` is needed.", field=field)
    if what.startswith("Object contains unknown field"):
        field = _below(path, named[0][:64])
        known = ", ".join(shape.__struct_encode_fields__)
        return RingpostError("unknown_field", f"There is no `{field}`; there are {known}.", field=field)
    name = f"`{path}`" if path else "The body"
    if ", got " in what:
        expected, _, got = what.removeprefix("Expected ").partition(", got ")
        return RingpostError("wrong_type", f"{name} takes {_kinds(expected)}, not {_kinds(got)}.", field=path or None)
    if what.startswith("Expected "):
        return RingpostError(
            "invalid_value", f"{name} takes {_kinds(what.removeprefix('Expected '))}.", field=path or None
        )
    choices = _choices(get_type_hints(shape).get(path))
    if what.startswith("Invalid enum value") and choices:
        return RingpostError("invalid_value", f"{name} is one of {', '.join(choices)}.", field=path)
    return RingpostError("invalid_value", f"{name}: {what}.", field=path or None)


def _choices(hint: object) -> list[str]:
    """The texts that a type takes, where it takes these alone."""
    return [hint] if isinstance(hint, str) else [text for part in get_args(hint) for text in _choices(part)]


def _kinds(text: str) -> str:
    """msgspec's words for types, as JSON has them."""
    words = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false", "array": "list"}
    return _QUOTED.sub(lambda found: " or ".join(words.get(part, part) for part in found[1].split(" | ")), text)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _path(place: str, document: object) -> str:
    """`.headers[...]` as `headers.x-foo`: msgspec does not say which of a map's keys it means, so it is looked up."""
    before, maps, _ = place.lstrip(".").partition("[...]")
    if not maps:
        return before
    found = document.get(before) if isinstance(document, dict) else None
    for name, value in found.items() if isinstance(found, dict) else ():
        if not isinstance(value, str):
            return _below(before, name) if _PLAIN.fullmatch(name) else before
    return before
