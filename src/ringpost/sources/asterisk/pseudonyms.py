"""Pseudonyms for what a recording says of people: numbers and names, wherever they occur in a message.

Promises: the same number or name gets the same pseudonym everywhere in a recording, in channel names and addresses,
too; a number keeps its length, its `+` and its leading zeros, and numbers with the same end keep that in common; a
name keeps the lengths of its words. What the PBX says about calls (states, causes, ids, times, contexts) stays, so
that a recording tells the same calls as before. Without the key, which is thrown away, nobody can turn it back.

A word is known as a name from the first caller id, endpoint (also of a phone that only registers) or account that has
it; emergency numbers and what is shorter than three characters stay, unless they are known as a number. Text that
people write (reasons of a pause, user events) has no word left. Pure.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from typing import Final

from ringpost.calls.parties import EMERGENCY

_CACHE_LIMIT: Final = 100_000  # permutations, and words

_LETTER: Final = r"(?:[^\W\d_]|[\udc80-\udcff])"  # with the bytes that are no UTF-8
_CHANNEL: Final = r"[A-Za-z][A-Za-z0-9]{1,15}/[^\s,&|;()]*?-[0-9a-f]{8}(?![0-9A-Za-z])"
_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_IPV4: Final = r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])(?::\d{1,5})?"
_ID: Final = r"(?<!\d)1\d{9}\.\d+"  # a Uniqueid: seconds since the epoch, a counter
_DATE: Final = r"(?<!\d)20\d\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d{4})?"
_PART: Final = re.compile(
    rf"(?P<keep>\\.|{_UUID}|{_ID}|{_DATE})|(?P<channel>{_CHANNEL})|(?P<address>{_IPV4})|(?P<number>\d+)|(?P<word>{_LETTER}+)"
)
_LINE: Final = re.compile(r"(?P<key>[^:]*):(?P<gap> ?)(?P<value>.*)", re.DOTALL)
_WORD: Final = re.compile(rf"{_LETTER}+")
_ASTERISK_ID: Final = re.compile(rf"(?:[\w.-]*-)?\d{{9,10}}\.\d+|{_UUID}")
_MEANINGFUL: Final = re.compile(r"(trunk|pstn|provider|carrier|gateway|voip|pjsip|sip|isdn|gsm)", re.IGNORECASE)
_GENERIC: Final = frozenset((
    "anonymous", "answer", "available", "busy", "call", "caller", "cancel", "chanunavail", "congestion",
    "default", "desk", "ext", "extension", "external", "from", "inbound", "incoming", "internal", "line", "local",
    "mobile", "noanswer", "office", "out", "outbound", "outgoing", "phone", "private", "queue", "restricted",
    "unavailable", "unknown", "user",
))  # fmt: skip

_PHONE: Final = re.compile(r"\b(?:PJSIP|SIP|IAX2|SCCP)/([^\s/&,;@:]+)")  # a device, wherever it is named
_URI: Final = re.compile(r"\bsips?:([^\s@;>]+)@")
_MEMBER: Final = re.compile(r"(?:Agent|DAHDI|IAX2|Local|PJSIP|SCCP|SIP)/\S+")  # a member without a name has its channel

# By the ends of keys in lower case.
_IDS: Final = ("uniqueid", "linkedid", "bridgeid")
_NAMES: Final = ("calleridname", "connectedlinename", "membername", "agentname", "fullname")
_NUMBERS: Final = ("calleridnum", "connectedlinenum", "exten", "extension")
_OWNERS: Final = ("channel", "interface", "location", "accountcode", "username", "aor", "endpointname", "objectname")
_FREE: Final = ("chanvariable", "value")  # any text of the dialplan
_STAYS_FREE: Final = frozenset({"event", "privilege", "actionid", "timestamp"})  # in an event of the dialplan's own
_REASONS: Final = frozenset({"agent", "caller", "transfer"})  # that Asterisk gives; others are a person's words
_STAYS: Final = (
    "event", "response", "privilege", "actionid", "eventlist", "listitems", "channelstate", "channelstatedesc",
    "priority", "language", "cause", "cause-txt", "techcause", "dialstatus", "bridgetype", "bridgetechnology",
    "bridgecreator", "bridgenumchannels", "bridgevideosourcemode", "application", "timestamp", "uptime", "lastreload",
    "status", "result", "holdtime", "talktime", "ringtime", "parkingtimeout", "parkingduration", "duration",
    "position", "originalposition", "count", "penalty", "shutdown", "restart", "asteriskversion", "amiversion", "ping",
    "localoptimization", "isexternal", "desttype", "cid-callingpres", "callingpres", "class", "transport",
    "corestartuptime", "corestartupdate", "corereloadtime", "corereloaddate", "corecurrentcalls",
)  # fmt: skip

_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"


class Pseudonyms:
    """key: chance, 32 bytes, of this recording alone."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._permutations: dict[str, str] = {}
        self._words: dict[str, str] = {}
        self._given: set[str] = set()
        self._names: set[str] = set()
        self._short_numbers: set[str] = set()
        self._addresses: dict[str, str] = {}

    def rewrite(self, message: bytes) -> bytes:
        """One message, or a part of one, with its line ends."""
        lines = message.decode("utf-8", "surrogateescape").splitlines(keepends=True)
        parsed = [_LINE.fullmatch(line.rstrip("\r\n")) for line in lines]
        fields = [(match["key"].strip().lower(), match["value"]) for match in parsed if match is not None]
        told_by_dialplan = ("event", "UserEvent") in fields
        for key, value in fields:
            self._learn(key, value)
        rewritten = []
        for line, match in zip(lines, parsed, strict=True):
            end = line[len(line.rstrip("\r\n")) :]
            if match is None:
                rewritten.append(self._text(line.rstrip("\r\n")) + end)
                continue
            key = match["key"].strip().lower()
            value = self._value(key, match["value"], free=told_by_dialplan)
            shown = self._text(match["key"]) if "(" in key else match["key"]  # ChanVariable(PJSIP/1001-00000001)
            rewritten.append(f"{shown}:{match['gap']}{value}{end}")
        return "".join(rewritten).encode("utf-8", "surrogateescape")

    # --- what is known ---------------------------------------------------------------------------------------------
    def _learn(self, key: str, value: str) -> None:
        if key.endswith(_NUMBERS) and value.isascii() and value.isdigit():
            self._short_numbers.add(value)
        elif key.endswith(_OWNERS) and not value.startswith("Local/"):
            # An address of record may have its contact behind it: mrossi/sip:mrossi@192.0.2.7
            owner = value.partition("/")[0] if key.endswith("aor") else value.rpartition("/")[2]
            self._learn_words(re.sub(r"-[0-9a-f]{8}.*", "", owner))
        elif key.endswith(_NAMES) and not _is_channel(key, value):
            self._learn_words(value)
        for owner in (*_PHONE.findall(value), *_URI.findall(value)):
            self._learn_words(re.sub(r"-[0-9a-f]{8}$", "", owner))
        if len(self._names) > _CACHE_LIMIT:
            self._names.clear()

    def _learn_words(self, text: str) -> None:
        for word in _WORD.findall(re.sub(r"\\.", " ", text)):
            if len(word) >= 3 and word.lower() not in _GENERIC:
                self._names.add(word.lower())
        self._short_numbers.update(number for number in re.findall(r"\d+", text) if len(number) == 2)

    # --- values ----------------------------------------------------------------------------------------------------
    def _value(self, key: str, value: str, *, free: bool) -> str:
        if key.endswith(_IDS):
            return value if _ASTERISK_ID.fullmatch(value) else self._text(value)
        if key in _STAYS_FREE or (key.endswith(_STAYS) and not free and not key.startswith(_FREE)):
            return value
        if key.endswith("reason") and not free:
            return value if value.lower() in _REASONS else self._text(value, every_word=True)
        if key.endswith(_NAMES) and not _is_channel(key, value):
            return value if value.strip("<>").lower() in _GENERIC else self._text(value, every_word=True)
        if key.startswith(_FREE):
            name, equals, rest = value.partition("=")
            return name + equals + self._text(rest, every_word=True) if equals else self._text(value, every_word=True)
        return self._text(value, every_word=free)

    def _text(self, text: str, *, every_word: bool = False) -> str:
        def replaced(match: re.Match[str]) -> str:
            whole = match[0]
            match match.lastgroup:
                case "channel":
                    return self._text(whole[:-9], every_word=every_word) + whole[-9:]
                case "address":
                    return self._address(whole)
                case "number":
                    return self._number(whole)
                case "word":
                    return self._word(whole) if every_word or whole.lower() in self._names else whole
            return whole

        return _PART.sub(replaced, text)

    def _address(self, text: str) -> str:
        """An address of a network for documentation (RFC 5737), with its port."""
        host, colon, port = text.partition(":")
        number = len(self._addresses)
        block = ("192.0.2", "198.51.100", "203.0.113")[number // 254 % 3]
        return self._addresses.setdefault(host, f"{block}.{number % 254 + 1}") + colon + port

    # --- numbers ---------------------------------------------------------------------------------------------------
    def _number(self, text: str) -> str:
        digits = text.lstrip("0")
        if not text.isascii() or text in EMERGENCY or (len(text) < 3 and text not in self._short_numbers):
            return text
        if not digits or len(text) < 2:
            return text
        other = self._permuted(digits)
        while other in EMERGENCY:
            other = self._permuted(other)
        return "0" * (len(text) - len(digits)) + other

    def _permuted(self, digits: str) -> str:
        """Digit by digit from the end, each by a permutation that those behind it choose: no two numbers become one."""
        other = ""
        for place in range(len(digits) - 1, -1, -1):
            permutation = self._permutation(digits[place + 1 :])
            digit = permutation[int(digits[place])]
            if place == 0 and digit == "0":
                digit = permutation[0]
            other = digit + other
        return other

    def _permutation(self, behind: str) -> str:
        permutation = self._permutations.get(behind)
        if permutation is None:
            if len(self._permutations) >= _CACHE_LIMIT:
                self._permutations.clear()
            chance = self._chance("digits", behind)
            permutation = "".join(sorted("0123456789", key=lambda digit: chance[2 * int(digit) : 2 * int(digit) + 2]))
            self._permutations[behind] = permutation
        return permutation

    # --- words -----------------------------------------------------------------------------------------------------
    def _word(self, word: str) -> str:
        """Another word of the same length and case; what says what an endpoint is for stays."""
        parts = _MEANINGFUL.split(word)
        return "".join(part if place % 2 else self._other(part) for place, part in enumerate(parts))

    def _other(self, word: str) -> str:
        known = word.lower()
        if not word or known in _GENERIC:
            return word
        other = self._words.get(known)
        if other is None:
            if len(self._words) >= _CACHE_LIMIT:
                self._words.clear()
                self._given.clear()
            other = next(made for made in self._made(known) if made not in self._given or len(made) < 4)
            self._words[known] = other
            self._given.add(other)
        capitals = (place < len(word) and word[place].isupper() for place in range(len(other)))
        return "".join(letter.upper() if capital else letter for letter, capital in zip(other, capitals, strict=True))

    def _made(self, word: str) -> Iterator[str]:
        number = 0
        while True:
            letters = []
            for place in range(len(word)):
                chance = self._chance(f"word {number} {place}", word)[0]
                letters.append((_VOWELS if place % 2 else _CONSONANTS)[chance % (5 if place % 2 else 14)])
            yield "".join(letters)
            number += 1

    def _chance(self, purpose: str, text: str) -> bytes:
        content = f"{purpose}:{text}".encode("utf-8", "surrogateescape")
        return hmac.digest(self._key, content, "sha256")


def _is_channel(key: str, value: str) -> bool:
    """Whether a queue's member is called by its channel."""
    return key.endswith(("membername", "agentname")) and _MEMBER.fullmatch(value) is not None
