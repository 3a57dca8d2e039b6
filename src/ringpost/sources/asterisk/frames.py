"""The manager interface (AMI) as bytes: messages out of a stream, actions into one.

Promise: however the stream is cut into pieces, the same messages come out; nothing raises, and nothing that a PBX
sends makes text that the wire format must refuse. Memory is bounded: a message beyond the limits is dropped and
counted, the stream goes on. Events that come in floods and tell nothing of calls are passed over unread. Pure.

Format: https://docs.asterisk.org/Configuration/Interfaces/Asterisk-Manager-Interface-AMI/ — lines `Key: value`, a
message ends with an empty line. Some builds end it with `\\r\\n\\n` (asterisk issue 761).

What a caller put into a value to look like the PBX's own words makes the message broken, not another one: names come
escaped, but numbers, extensions and dial strings as they are, line breaks and all. It is known by a second `Event`, by
a key that comes again with another value, and by its `shape`. After a message that was cut in two nothing is believed
until its rest has come, or for 2 KiB (`trust`). A PBX is held to more than a capture, which people may have
shortened (`live`): once a channel came with all of its keys, each must, with no others amid them.
What remains: another channel by the rules takes over 200 bytes, and ids that the caller has to know. PJSIP cuts numbers
and extensions at 79 bytes. IAX2 cuts numbers at 255, which is too short to end a channel first, but enough where the
dialplan puts the number into a dial string or an application's data, as those come last. chan_sip, gone since Asterisk
21, lets longer ones in. What such a message, or one that was dropped, did to a call the lists of all channels put
right, two audits later at most.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from ringpost.errors import RingpostError

from .trust import Trust

LINE_LIMIT: Final = 65_536  # bytes
MESSAGE_LIMIT: Final = 1_048_576  # bytes
ACTION_LINE_LIMIT: Final = 1_024  # bytes that Asterisk reads of a line (main/manager.c)

# Lines of a terminal may come first.
_GREETING: Final = re.compile(rb"(?:[^\r\n:][^\n:]*\n)*?Asterisk Call Manager/([^\n]*)\n")
_GREETING_LIMIT: Final = 4_096  # bytes
# Control characters, U+FFFE and U+FFFF (SQS refuses them), and halves of surrogate pairs.
_UNWANTED: Final = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED: Final = dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True))  # ast_escape_c of main/utils.c
_ASCII_LETTER: Final = re.compile(rb"[A-Za-z]")
_BEYOND_ASCII: Final = re.compile(rb"[\xa8\xb8\xc0-\xff]")  # the Cyrillic letters of cp1251
_NAMES: Final = ("calleridname", "connectedlinename")  # the keys whose values Asterisk escapes end like this
_FLOODS: Final = ("VarSet", "RTCPSent", "RTCPReceived", "DTMFBegin", "DTMFEnd", "TestEvent")
_PASSED_OVER: Final = tuple(f"Event: {name}{end}".encode() for name in _FLOODS for end in ("\r\n", "\n"))
_KEYS_LIMIT: Final = 2_000  # keys that are remembered; Asterisk has a few hundred
_KEY_LIMIT: Final = 64  # characters of one


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
    """Reads one connection: a new one for every connection. live: to a PBX itself."""

    def __init__(self, *, live: bool = False) -> None:
        self.dropped = 0
        self._trust = Trust(live=live)
        self._rest = bytearray()
        self._searched = 0  # bytes of the rest in which no message ends
        self._too_large = False  # the message that is being read; its end is waited for
        self._greeted = False
        self._keys: dict[str, str] = {}

    def feed(self, data: bytes) -> list[Message]:
        messages: list[Message] = []
        rest = self._rest
        rest += data
        start = self._begins(0)
        if not self._greeted:
            start = self._greeting(start, messages)
        bare = rest.find(b"\n\n", max(start, self._searched))
        while True:
            start = self._begins(start)
            after = max(start, self._searched)
            end = rest.find(b"\n\r\n", after)
            if -1 < bare < after:
                bare = rest.find(b"\n\n", after)
            width = 3
            if bare >= 0 and (end < 0 or bare < end):
                end, width = bare, 2
            if end < 0:
                break
            self._greeted = True
            message = self._message(start, end)
            if message is not None:
                messages.append(message)
            start = end + width
        del rest[:start]
        if len(rest) > MESSAGE_LIMIT + 2:
            self._too_large = True
            del rest[:-2]  # what may be the beginning of the empty line
        self._searched = max(0, len(rest) - 2)
        return messages

    def _begins(self, start: int) -> int:
        """Where the message begins: behind all empty lines."""
        if not self._too_large:
            rest = self._rest
            while start < len(rest) and rest[start] in b"\r\n":
                start += 1
        return start

    def _greeting(self, start: int, messages: list[Message]) -> int:
        """Where what follows begins. The greeting comes before any message, without an empty line behind it."""
        found = _GREETING.match(self._rest, start, start + _GREETING_LIMIT)
        self._greeted = found is not None or len(self._rest) >= start + _GREETING_LIMIT
        if found is None:
            return start
        messages.append(Message({"banner": clean(found[1])}))
        return found.end()

    def _message(self, start: int, end: int) -> Message | None:
        """The message of these bytes, None for one that tells nothing or is dropped."""
        size = end - start
        believed = self._trust.passes(MESSAGE_LIMIT if self._too_large else size)
        if self._too_large or not self._fits(start, end):
            self._too_large = False
            self.dropped += 1
            return None
        if self._rest.startswith(_PASSED_OVER, start) and not self._is_cut(start, end):
            return None
        # What is no UTF-8 becomes halves of surrogate pairs here, and is made anew from those value by value.
        fields, own = self._fields(self._rest[start:end].decode("utf-8", "surrogateescape").removesuffix("\r"))
        if not fields:
            return None
        if "event" in fields or "response" in fields:
            own = self._trust.takes(fields, size) and own and believed
        else:
            self._trust.see_rest(fields)
        self.dropped += not own
        return Message(fields) if own else None

    def _is_cut(self, start: int, end: int) -> bool:
        """Whether a channel is begun in these bytes and its id does not follow."""
        state = self._rest.find(b"\nChannelState: ", start, end)
        return state >= 0 and self._rest.find(b"\nUniqueid: ", state, end) < 0

    def _fits(self, start: int, end: int) -> bool:
        size = end - start
        return size <= LINE_LIMIT or (
            size <= MESSAGE_LIMIT and max(map(len, self._rest[start:end].split(b"\n"))) <= LINE_LIMIT
        )

    def _fields(self, text: str) -> tuple[dict[str, str], bool]:
        """The fields, and whether they may be the PBX's own."""
        lines = text.split("\r\n")
        plain, escaped = "".join(lines).isprintable(), "\\" in text
        if not plain:
            lines = [line.removesuffix("\r") for line in text.split("\n")]
        fields: dict[str, str] = {}
        keys, own = self._keys, True
        for line in lines:
            raw, colon, value = line.partition(":")
            if not colon:
                continue
            key = keys.get(raw) or self._key(raw)
            if not key:
                continue
            if not fields:
                own = key in {"event", "response"}  # else: the rest of a message that was cut in two
            elif key == "event":
                own = False  # Asterisk writes it first, and once
            value = value.removeprefix(" ")
            if not plain or (escaped and "\\" in value):
                value = _value(key, value)
            kept = fields.setdefault(key, value)
            if kept is not value and kept != value:
                own = own and self._trust.may_differ(key, fields)
        return fields, own

    def _key(self, raw: str) -> str:
        key = clean(raw.encode("utf-8", "surrogateescape")).strip().lower()
        if len(self._keys) < _KEYS_LIMIT and len(raw) <= _KEY_LIMIT:
            self._keys[raw] = key
        return key


def _value(key: str, text: str) -> str:
    raw = text.encode("utf-8", "surrogateescape")
    return unescape(raw) if key.endswith(_NAMES) else clean(raw)


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
