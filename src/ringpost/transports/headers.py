"""The custom headers of an integration: which names and values are taken.

Pure. Called when an integration is installed or edited; what passed is sent with every POST, after our own headers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ringpost.errors import RingpostError

# Ours, those that say where a message ends (RFC 9112, 6), those of one connection (RFC 9110, 7.6.1), and `host`.
RESERVED_HEADERS: Final = frozenset(
    {
        "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "host",
        "http2-settings", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "user-agent", "x-signature",
    }
)  # fmt: skip
RESERVED_PREFIXES: Final = ("proxy-", "webhook-", "x-ringpost-")
HEADERS_LIMIT: Final = 20
SIZE_LIMIT: Final = 4_096  # bytes on the wire, all together

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")  # RFC 9110, 5.6.2: token
_VALUE: Final = re.compile(r"[\x21-\x7e\xa1-\xff](?:[\x20-\x7e\xa0-\xff]*[\x21-\x7e\xa1-\xff])?|")  # RFC 9110, 5.5


def read_header(line: str) -> tuple[str, str]:
    """The name and the value of a header as people write it, `NAME: VALUE`. Raises `header_invalid`."""
    name, colon, value = line.partition(":")
    if not colon:
        raise RingpostError("header_invalid", "Write each header as NAME: VALUE on a line of its own.", field="headers")
    return name.strip(), value.strip()


def check_headers(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The headers as they will be sent. Raises `header_reserved`, `header_invalid`, with the header as the field."""
    if len(headers) > HEADERS_LIMIT:
        raise RingpostError("header_invalid", f"Up to {HEADERS_LIMIT} custom headers are taken.", field="headers")
    seen: set[str] = set()
    for name, value in headers.items():
        _check(name, value)
        if name.lower() in seen:
            raise RingpostError("header_invalid", "The header is there twice.", field=f"headers.{name}")
        seen.add(name.lower())
    if sum(len(name) + len(value) + 4 for name, value in headers.items()) > SIZE_LIMIT:
        raise RingpostError(
            "header_invalid", f"The custom headers are larger than {SIZE_LIMIT} bytes in all.", field="headers"
        )
    return tuple(headers.items())


def _check(name: str, value: str) -> None:
    if not _NAME.fullmatch(name):
        raise RingpostError(
            "header_invalid", "A header's name has letters, digits and dashes.", field=f"headers.{name[:128]}"
        )
    if name.lower() in RESERVED_HEADERS or name.lower().startswith(RESERVED_PREFIXES):
        raise RingpostError("header_reserved", field=f"headers.{name}")
    if not _VALUE.fullmatch(value):
        raise RingpostError(
            "header_invalid",
            "A header's value has printable Latin characters, and no space at its ends.",
            field=f"headers.{name}",
        )
