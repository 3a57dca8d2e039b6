"""The headers of a request, or the attributes of a message, by their names in small letters. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Union

Text = Union[str, bytes]
Headers = Union[Mapping[str, str], Mapping[bytes, bytes], Iterable[tuple[Text, Text]]]

X_SIGNATURE = "x-signature"
ID = "webhook-id"
TIMESTAMP = "webhook-timestamp"
SIGNATURE = "webhook-signature"
ATTEMPT = "x-ringpost-attempt"
SEQUENCE = "x-ringpost-sequence"
REPLAY = "x-ringpost-replay"


def fields_of(headers: Headers) -> dict[str, str]:
    """headers: a mapping or pairs, in str or in bytes, in any case. Of one that is there twice, the first counts."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    found: dict[str, str] = {}
    for name, value in pairs:
        found.setdefault(_text(name).lower(), _text(value))
    return found


def _text(value: Text) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
