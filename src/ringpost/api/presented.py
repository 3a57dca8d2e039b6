"""The API key that a request presents."""

from __future__ import annotations

from collections.abc import Iterable

from ringpost.access.keys import Caller, Keys

from .body import header


def presented_key(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The key in `Authorization: Bearer` (RFC 6750, 2.1) or in `X-Api-Key`; None where there is neither."""
    authorization = header(headers, b"authorization")
    if authorization is not None:
        scheme, _, key = authorization.strip().partition(" ")
        if scheme.lower() == "bearer":
            return key.strip()
    return header(headers, b"x-api-key")


def caller_of(headers: Iterable[tuple[bytes, bytes]], keys: Keys) -> Caller:
    """Who asks. Raises `key_missing`, `key_invalid`."""
    return keys.caller(presented_key(headers))
