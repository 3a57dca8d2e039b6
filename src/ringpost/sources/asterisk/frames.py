"""The manager interface (AMI) as bytes: messages out of a stream, actions into one.

Promise: however the stream is cut into pieces, the same messages come out; nothing raises, and nothing that a PBX
sends makes text that the wire format must refuse. Memory is bounded: a message beyond the limits is dropped and
counted, the stream goes on. Pure.

Format: https://docs.asterisk.org/Configuration/Interfaces/Asterisk-Manager-Interface-AMI/ — lines `Key: value`, a
message ends with an empty line. Some builds end it with `\\r\\n\\n` (asterisk issue 761).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from ringpost.errors import RingpostError

LINE_LIMIT: Final = 65_536  # bytes
MESSAGE_LIMIT: Final = 1_048_576  # bytes
ACTION_LINE_LIMIT: Final = 1_024  # bytes that Asterisk reads of a line (main/manager.c)

_BANNER: Final = b"Asterisk Call Manager/"
# Control characters, U+FFFE and U+FFFF (SQS refuses them), and halves of surrogate pairs.
_UNWANTED: Final = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED: Final = dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True))  # ast_escape_c of main/utils.c
_NAMES: Final = ("calleridname", "connectedlinename")  # the keys whose values Asterisk escapes end like this


class Message(Struct, frozen=True):
    """One message. fields: by key in lower case; where a key came more than once, its first value.

    An event has "event" among them, an answer "response" (some events, too), the greeting "banner".
    """

    fields: dict[str, str]

    def get(self, key: str) -> str:
        """The value of a key (lower case), empty where it is absent."""
        return self.fields.get(key, "")

    @property
    def event(self) -> str:
        return self.fields.get("event", "")


class FrameReader:
    """Reads one connection: a new one for every connection."""

    def __init__(self) -> None:
        self.dropped = 0
        self._rest = bytearray()
        self._overlong = False  # the line that is being read is too long; its end is waited for
        self._greeted = False
        self._begin()

    def feed(self, data: bytes) -> list[Message]:
        messages: list[Message] = []
        self._rest += data
        start = 0
        while (end := self._rest.find(b"\n", start)) >= 0:
            line = bytes(self._rest[start:end])
            start = end + 1
            message = self._line(line)
            if message is not None:
                messages.append(message)
        del self._rest[:start]
        if len(self._rest) > LINE_LIMIT:
            self._overlong = True
            self._rest.clear()
        return messages

    def _begin(self) -> None:
        self._fields: dict[str, str] = {}
        self._size = 0
        self._broken = False

    def _line(self, line: bytes) -> Message | None:
        overlong, self._overlong = self._overlong or len(line) > LINE_LIMIT, False
        line = line.removesuffix(b"\r")
        if not line and not overlong:
            return self._finish()
        self._size += len(line)
        if overlong or self._size > MESSAGE_LIMIT:
            self._broken = True
            self._fields.clear()
        elif not self._greeted and line.startswith(_BANNER):
            self._greeted = True
            return Message({"banner": clean(line[len(_BANNER) :])})
        elif not self._broken:
            self._header(line)
        return None

    def _header(self, line: bytes) -> None:
        raw_key, colon, raw_value = line.partition(b":")
        key = clean(raw_key).strip().lower()
        if not colon or not key:
            return
        if not self._fields and key not in {"event", "response"}:
            self._broken = True  # the rest of a message that a line break in a value cut in two
            return
        if key == "event" and self._fields:
            self._broken = True  # put in by a value: Asterisk writes it first, and once
            return
        value = raw_value.removeprefix(b" ")
        self._fields.setdefault(key, unescape(value) if key.endswith(_NAMES) else clean(value))

    def _finish(self) -> Message | None:
        fields, broken = self._fields, self._broken
        self._begin()
        if broken:
            self.dropped += 1
            return None
        return Message(fields) if fields else None


def clean(raw: bytes) -> str:
    """As text: what is not UTF-8 becomes U+FFFD, unwanted characters go."""
    return _UNWANTED.sub("", raw.decode("utf-8", "replace"))


def unescape(raw: bytes) -> str:
    """As text, with the C escapes undone that Asterisk writes names with."""
    text = raw.decode("utf-8", "replace")
    if "\\" in text:
        text = _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text)
    return _UNWANTED.sub("", text)


def action(name: str, fields: Iterable[tuple[str, str]]) -> bytes:
    """An action as bytes. Raises `invalid_value` for a value that would begin another line, or that is too long."""
    lines = []
    for key, value in (("Action", name), *fields):
        if _UNWANTED.search(key + value) is not None:
            raise RingpostError("invalid_value", "It has a line break or control character.", field=key.lower())
        line = f"{key}: {value}".encode()
        if len(line) + 2 > ACTION_LINE_LIMIT:
            raise RingpostError("invalid_value", "It is too long for the manager interface.", field=key.lower())
        lines.append(line)
    return b"\r\n".join(lines) + b"\r\n\r\n"
