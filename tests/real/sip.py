"""SIP as bytes (RFC 3261): a message taken apart, and the tokens that a phone makes up."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Final

ALLOW: Final = "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY, UPDATE"
SDP: Final = "Content-Type: application/sdp"


@dataclass(frozen=True)
class Message:
    """first: the request or status line; headers: by their name in lower case, as they came."""

    first: str
    headers: dict[str, list[str]]
    body: str

    @property
    def method(self) -> str:
        return self.header("cseq").split()[1]

    @property
    def status(self) -> int:
        """The number of a reply, 0 of a request."""
        return int(self.first.split()[1]) if self.first.startswith("SIP/2.0 ") else 0

    def header(self, name: str) -> str:
        return self.headers.get(name, [""])[0]

    @classmethod
    def read(cls, data: bytes) -> Message:
        head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        headers: dict[str, list[str]] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers.setdefault(name.strip().lower(), []).append(value.strip())
        return cls(first, headers, body)


def new_tag() -> str:
    return uuid.uuid4().hex[:8]


def new_branch() -> str:
    return f"z9hG4bK{uuid.uuid4().hex[:16]}"


def tag_of(address: str) -> str:
    found = re.search(r";tag=([^;>\s]+)", address)
    assert found is not None, f"no tag in {address}"
    return found[1]
