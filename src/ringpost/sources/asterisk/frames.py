"""The manager interface (AMI) as bytes: messages out of a stream, actions into one.

Promise: however the stream is cut into pieces, the same messages come out; nothing raises, and nothing that a PBX
sends makes text that the wire format must refuse. Memory is bounded: a message beyond the limits is dropped and
counted, the stream goes on. What a caller put into a value to look like the PBX's own words (Asterisk writes numbers
as they came) makes the message broken, not another one. Events that come in floods and tell nothing of calls are
passed over unread. Pure.

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
_ASCII_LETTER: Final = re.compile(rb"[A-Za-z]")
_BEYOND_ASCII: Final = re.compile(rb"[\xa8\xb8\xc0-\xff]")  # the Cyrillic letters of cp1251
_NAMES: Final = ("calleridname", "connectedlinename")  # the keys whose values Asterisk escapes end like this
# Of these no value but the PBX's own is possible, so that two different ones mean that one was put in.
_ONE_VALUE: Final = frozenset(
    prefix + key for prefix in ("", "dest") for key in ("channel", "channelstate", "uniqueid", "linkedid")
)
_PASSED_OVER: Final = frozenset({b"VarSet", b"RTCPSent", b"RTCPReceived", b"DTMFBegin", b"DTMFEnd", b"TestEvent"})
_DISTRUSTED: Final = 16  # messages after one that a value cut in two
_KEYS_LIMIT: Final = 2_000  # keys that are remembered; Asterisk has a few hundred


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
        self._distrusted = 0
        self._keys: dict[bytes, str] = {}
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
        self._forged = False
        self._passed_over = False

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
        elif not self._broken and not self._passed_over:
            self._header(line)
        return None

    def _header(self, line: bytes) -> None:
        raw_key, colon, raw_value = line.partition(b":")
        key = self._key(raw_key)
        if not colon or not key:
            return
        value = raw_value.removeprefix(b" ")
        if not self._fields:
            if key not in {"event", "response"}:
                self._broken = True  # the rest of a message that a line break in a value cut in two
                self._distrusted = 0
                return
            self._passed_over = value in _PASSED_OVER
        elif key == "event":
            self._forged = True  # put in by a value: Asterisk writes it first, and once
            return
        text = unescape(value) if key.endswith(_NAMES) else clean(value)
        kept = self._fields.setdefault(key, text)
        if kept != text and key in _ONE_VALUE and self._fields.get("event") != "UserEvent":
            self._forged = True

    def _key(self, raw: bytes) -> str:
        key = self._keys.get(raw)
        if key is None:
            key = clean(raw).strip().lower()
            if len(self._keys) < _KEYS_LIMIT and len(raw) <= 64:
                self._keys[raw] = key
        return key

    def _finish(self) -> Message | None:
        fields, broken, passed_over = self._fields, self._broken or self._forged, self._passed_over
        cut = not self._broken and not passed_over and _is_cut(fields)
        self._begin()
        if not fields and not broken:
            return None
        if self._distrusted > 0:
            self._distrusted -= 1
            broken = True
        elif cut:
            self._distrusted = _DISTRUSTED
            broken = True
        if broken:
            self.dropped += 1
            return None
        return None if passed_over else Message(fields)


def _is_cut(fields: dict[str, str]) -> bool:
    """A channel's fields end with its ids; where they are missing, a value with an empty line in it came before them,
    and what follows until their rest is that value's, too."""
    return any(prefix + "channelstate" in fields and prefix + "uniqueid" not in fields for prefix in ("", "dest"))


def clean(raw: bytes) -> str:
    """As text: what is not UTF-8 becomes U+FFFD, unwanted characters go."""
    text = raw.decode("utf-8", "replace")
    return text if text.isprintable() else _UNWANTED.sub("", text)


def unescape(raw: bytes) -> str:
    """A name as text, with the C escapes undone that Asterisk writes it with."""
    text = _name(raw)
    if "\\" in text:
        text = _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text)
    return text if text.isprintable() else _UNWANTED.sub("", text)


def _name(raw: bytes) -> str:
    """Names come as the phone or trunk wrote them: in UTF-8, at times cut amid a character (Asterisk cuts at 80 bytes),
    or in the code page of its country. Where nearly all letters are beyond ASCII that is the Cyrillic one."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and error.end == len(raw) and error.start > 0:
            return raw[: error.start].decode("utf-8")
    beyond = len(_BEYOND_ASCII.findall(raw))
    return raw.decode("cp1251" if beyond > len(_ASCII_LETTER.findall(raw)) else "cp1252", "replace")


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
