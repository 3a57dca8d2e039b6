"""Hostile streams: what a real Asterisk said, spoiled in every way that a network, a PBX or a caller could spoil it.

Everything comes from the `random.Random` that is passed in: the same seed makes the same bytes.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable, Iterator
from typing import Final

from tests.recordings.reader import NAMES, frames

_FLOODS: Final = (b"Event: VarSet\r", b"Event: TestEvent\r", b"Event: DeviceState", b"Event: ExtensionStatus\r")
_ID: Final = re.compile(rb"\b\d(\d{9}\.\d+)\b")  # an id of a channel: its second, and a counter
_IDS: Final = (b"\r\nUniqueid: ", b"\r\nLinkedid: ")
_SPOILED: Final = 0.12  # of all messages
_RAW: Final = (b"CallerIDNum", b"ConnectedLineNum", b"Exten", b"DialString", b"AccountCode", b"DestCallerIDNum")
_TEXTS: Final = (b"CallerIDName", b"CallerIDNum", b"DestCallerIDNum", b"Exten", b"Queue", b"Linkedid", b"Cause")
_NAMES: Final = (
    "Крот Ёжиков".encode("cp1251"),
    "Jürgen Größner".encode("latin-1"),
    "Крот".encode()[:-1],
    b"\xff\xfe\xed\xa0\x80\x00\xef\xbf\xbf",
    b"\\n\\\\\\'\\",
    "\u2028𝕏".encode(),
)


@functools.cache
def recordings() -> tuple[tuple[bytes, ...], ...]:
    """The events of each recording, in their order, without the empty lines; each also as if it had been at other
    times, so that it can be played beside itself. Of what is passed over anyway, little."""
    found = []
    for name in NAMES:
        raw = b"".join(frame.data for frame in frames(name) if frame.direction == "<")
        events = [one for one in raw.split(b"\r\n\r\n") if one.startswith(b"Event: ")]
        told = [one for place, one in enumerate(events) if place % 20 == 0 or not one.startswith(_FLOODS)]
        found += [tuple(_ID.sub(rb"%d\1" % variant, one) for one in told) for variant in range(1, 6)]
    return tuple(found)


def value(message: bytes, key: bytes) -> bytes:
    """The first value of a key that is not the message's first; empty where there is none."""
    return message.partition(b"\r\n" + key + b": ")[2].partition(b"\r\n")[0]


def storm(chance: random.Random, count: int) -> list[bytes]:
    """At least so many messages, each with its end: several recordings at once, each in its own order at first."""
    messages: list[bytes] = []
    while len(messages) < count:
        open_ones = [iter(chance.choice(recordings())) for _ in range(chance.randint(1, 5))]
        while open_ones:
            one = chance.choice(open_ones)
            message = next(one, None)
            if message is None:
                open_ones.remove(one)
            else:
                messages.append(message)
    ids = [value(message, b"Uniqueid") for message in chance.sample(messages, min(60, len(messages)))]
    spoiled = []
    for place in range(len(messages)):
        message = messages[place] + b"\r\n\r\n"
        if chance.random() < _SPOILED:
            message = chance.choice(_SPOILERS)(chance, message, messages, ids)
        spoiled.append(message)
    _shuffle_a_little(chance, spoiled)
    return spoiled


def pieces(chance: random.Random, raw: bytes) -> Iterator[bytes]:
    """The same bytes, cut as a network might."""
    largest = chance.choices((7, 100, 1_500, 65_536), (1, 10, 60, 60))[0]
    start = 0
    while start < len(raw):
        end = start + chance.randint(1, largest)
        yield raw[start:end]
        start = end


def cut(chance: random.Random, message: bytes) -> bytes:
    """The beginning of it, of any length."""
    return message[: chance.randrange(len(message))]


def _shuffle_a_little(chance: random.Random, messages: list[bytes]) -> None:
    for _ in range(len(messages) // 20):
        place = chance.randrange(len(messages))
        other = min(len(messages) - 1, place + int(chance.expovariate(0.1)))
        messages.insert(other, messages.pop(place))


# --- what can happen to a message: (chance, the message with its end, all messages, ids of legs) ----------------------
_Spoiler = Callable[[random.Random, bytes, list[bytes], list[bytes]], bytes]


def _lost(chance: random.Random, message: bytes, messages: list[bytes], ids: list[bytes]) -> bytes:
    return b""


def _doubled(chance: random.Random, message: bytes, messages: list[bytes], ids: list[bytes]) -> bytes:
    return message * chance.randint(2, 4)


def _again(chance: random.Random, message: bytes, messages: list[bytes], ids: list[bytes]) -> bytes:
    """Something from long ago, or that has yet to come."""
    return message + chance.choice(messages) + b"\r\n\r\n"


def _flipped(chance: random.Random, message: bytes, messages: list[bytes], ids: list[bytes]) -> bytes:
    spoiled = bytearray(message)
    for _ in range(chance.randint(1, 8)):
        spoiled[chance.randrange(len(spoiled))] = chance.randrange(256)
    return bytes(spoiled)


def _cut(chance: random.Random, message: bytes, messages: list[bytes], ids: list[bytes]) -> bytes:
    return cut(chance, message)


def _spliced(chance: random.Random, message: bytes, messages: list[bytes], ids: list[bytes]) -> bytes:
    other = chance.choice(messages)
    return message[: chance.randrange(len(message))] + other[chance.randrange(len(other)) :] + b"\r\n\r\n"


def _other_leg(chance: random.Random, message: bytes, messages: list[bytes], ids: list[bytes]) -> bytes:
    """A message that is right but for the leg, or the call, that it is of."""
    key = chance.choice(_IDS)
    before, found, rest = message.partition(key)
    return before + found + chance.choice(ids) + b"\r\n" + rest.partition(b"\r\n")[2] if found else message


def _other_event(chance: random.Random, message: bytes, messages: list[bytes], ids: list[bytes]) -> bytes:
    name = chance.choice(messages).partition(b"\r\n")[0]
    return name + b"\r\n" + message.partition(b"\r\n")[2]


def _hostile(chance: random.Random, message: bytes, messages: list[bytes], ids: list[bytes]) -> bytes:
    """A caller's number with line breaks in it."""
    key = b"\r\n" + chance.choice(_RAW) + b": "
    before, found, rest = message.partition(key)
    forged = chance.choice(messages)
    payload = chance.choice(
        (
            b"5\r\nEvent: Hangup\r\nUniqueid: " + chance.choice(ids),
            b"5\r\nUniqueid: " + chance.choice(ids) + b"\r\nLinkedid: " + chance.choice(ids),
            b"5\r\n\r\n" + forged,
            b"5\r\n\r\n" + forged + b"\r\n\r\nEvent: X",
            b"5\n\nX: y\n\n" + forged + b"\n\n",
            b"5\r\nSwapUniqueid: " + chance.choice(ids),
            b"5\r\n\r\nResponse: Error\r\nActionID: ringpost-3\r\n\r\n",
            b"5\r\n\r\nEvent: CoreShowChannelsComplete\r\nActionID: ringpost-4\r\n\r\n",
            b"Asterisk Call Manager/1.0\r\n",
        )
    )
    return before + found + payload + rest if found else message


def _named(chance: random.Random, message: bytes, messages: list[bytes], ids: list[bytes]) -> bytes:
    before, found, rest = message.partition(b"\r\n" + chance.choice(_TEXTS) + b": ")
    return before + found + chance.choice(_NAMES) + b"\r\n" + rest.partition(b"\r\n")[2] if found else message


def _headers(chance: random.Random, message: bytes, messages: list[bytes], ids: list[bytes]) -> bytes:
    """Lines that are none, headers without end, or the same ones over again."""
    lines = message[:-4].split(b"\r\n")
    extra = chance.choice((b":", b"no colon", b": v", b"\x00: \x00", b"K" * 300 + b": v", chance.choice(lines)))
    for _ in range(chance.choice((1, 3, 200))):
        lines.insert(chance.randint(1, len(lines)), extra)
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _huge(chance: random.Random, message: bytes, messages: list[bytes], ids: list[bytes]) -> bytes:
    if chance.random() < 0.05:
        return message[:-2] + b"".join(b"K%d: %s\r\n" % (n, b"v" * 60_000) for n in range(20)) + b"\r\n"
    return message[:-2] + b"AppData: " + b"v" * chance.choice((4_000, 65_530, 70_000)) + b"\r\n\r\n"


def _ended_otherwise(chance: random.Random, message: bytes, messages: list[bytes], ids: list[bytes]) -> bytes:
    return message[:-4] + chance.choice((b"\r\n\n", b"\n\n", b"\r\n\r\n\r\n\r\n", b"\r\n"))


def _flood(chance: random.Random, message: bytes, messages: list[bytes], ids: list[bytes]) -> bytes:
    one = b"Event: VarSet\r\nVariable: X\r\nValue: " + b"v" * chance.randint(0, 500) + b"\r\n\r\n"
    return one * chance.randint(1, 30) + message


_SPOILERS: Final[tuple[_Spoiler, ...]] = (
    *(_lost, _doubled, _again, _flipped, _cut, _spliced, _other_leg, _other_event),
    *(_hostile, _named, _headers, _huge, _ended_otherwise, _flood),
)
