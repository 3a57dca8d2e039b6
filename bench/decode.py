"""How many manager events one source decodes: bytes through frames, session, observe and the call machine, one thread.

The yardstick, in the same run, splits the same bytes at empty lines and makes a dict of each message's headers: the
least that any reader of this interface must do, and it gets wrong what `frames` gets right.

Two streams, both of the recordings of a real Asterisk: all that it said, each recording after the other; and a busy
PBX, many calls at once, of the classes that a source asks for. Read in pieces of 64 KiB, as the client reads.
"""

from __future__ import annotations

import random
import re
import statistics
from collections.abc import Callable, Iterator
from time import thread_time
from typing import Final, NamedTuple

from ringpost.calls.machine import CallMachine
from ringpost.sources.asterisk.client import READ_SIZE
from ringpost.sources.asterisk.frames import FrameReader
from ringpost.sources.asterisk.session import Command, Listed, Observed, Send, Session
from tests.recordings.reader import NAMES, frames

_ROUNDS: Final = 7
_COPIES: Final = 12  # of each recording, each with ids of its own
_AT_ONCE: Final = 100  # recordings that play at once on the busy PBX
_BEGIN: Final = 1_700_000_000_000  # ms
_PER_SECOND: Final = 500  # messages; what passes on the machine's clock
_ID: Final = re.compile(rb"\b\d(\d{9}\.\d+)\b")
_ASKED_FOR: Final = (b"system,", b"call,", b"agent,")
_GREETING: Final = (
    b"Asterisk Call Manager/11.0.0\r\n",
    b"Response: Success\r\nActionID: ringpost-1\r\nChallenge: 1\r\n\r\n",
    b"Response: Success\r\nActionID: ringpost-2\r\n\r\n",
)


class Stream(NamedTuple):
    name: str
    messages: int
    raw: bytes


class Speed(NamedTuple):
    """Messages a second of CPU time: of the yardstick, of the reader of messages alone, and of all of it."""

    yardstick: float
    frames: float
    source: float
    told: int


def measure_decode() -> None:
    """Measure and print."""
    print(
        f"{'a CPU second, median of ' + str(_ROUNDS) + ' rounds':34}"
        f"{'splitter':>12}{'frames':>12}{'source':>12}{'ratio':>8}"
    )
    for stream in (_recorded(), _busy()):
        rounds = [_measure(stream) for _ in range(_ROUNDS)]
        yardstick, alone, source = (statistics.median(one[place] for one in rounds) for place in range(3))
        ratio = statistics.median(one.source / one.yardstick for one in rounds)
        print(f"{stream.name:34}{yardstick:>12,.0f}{alone:>12,.0f}{source:>12,.0f}{ratio:>8.2f}")
        each = len(stream.raw) // stream.messages
        print(f"  {stream.messages:,} messages of {each} bytes, {rounds[0].told:,} call events", flush=True)


def _measure(stream: Stream) -> Speed:
    reader, source = FrameReader(), _Source()
    split, read, decoded = (_time(work, stream.raw) for work in (_splitter(), reader.feed, source.hear))
    return Speed(stream.messages / split, stream.messages / read, stream.messages / decoded, source.told)


def _time(work: Callable[[bytes], object], raw: bytes) -> float:
    pieces = [raw[start : start + READ_SIZE] for start in range(0, len(raw), READ_SIZE)]
    began = thread_time()  # so that others on this machine count little
    for piece in pieces:
        work(piece)
    return thread_time() - began


def _splitter() -> Callable[[bytes], list[dict[bytes, bytes]]]:
    rest = b""

    def split(data: bytes) -> list[dict[bytes, bytes]]:
        nonlocal rest
        *messages, rest = (rest + data).split(b"\r\n\r\n")
        return [
            {key: value for key, _, value in (line.partition(b": ") for line in message.split(b"\r\n"))}
            for message in messages
        ]

    return split


class _Source:
    """What the client does with what it has read, and the feed with what the client says."""

    def __init__(self) -> None:
        self.told = 0
        self._now = _BEGIN
        self._session = Session("bench", "secret", self._now)
        self._machine = CallMachine(company="it_bench", pbx="bench", short=True)
        for answer in _GREETING:
            self._do(self._session.received(answer, self._now))
        assert self._session.live

    def hear(self, data: bytes) -> None:
        self._now += len(data) // _PER_SECOND
        self._do(self._session.received(data, self._now))
        self._do(self._session.poll(self._now))
        self.told += len(self._machine.poll(self._now))

    def _do(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case Observed(observation):
                    self.told += len(self._machine.observe(observation, self._now))
                    self._machine.wake_at()
                case Listed(snapshot):
                    self.told += len(self._machine.resync(snapshot, self._now))
                case Send(data) if b"Action: CoreShowChannels" in data and not self._session.live:
                    number = data.partition(b"ActionID: ")[2].partition(b"\r\n")[0]
                    answer = b"Event: CoreShowChannelsComplete\r\nActionID: %s\r\n\r\n" % number
                    self._do(self._session.received(answer, self._now))


# --- the streams ------------------------------------------------------------------------------------------------------
def _recorded() -> Stream:
    messages = [message for copy in range(1, 4) for name in NAMES for message in _events(name, copy)]
    return Stream("as recorded, all classes", len(messages), _joined(messages))


def _busy() -> Stream:
    chance = random.Random(1)
    coming = [(name, copy) for copy in range(1, _COPIES + 1) for name in NAMES]
    chance.shuffle(coming)
    playing: list[Iterator[bytes]] = []
    messages: list[bytes] = []
    while coming or playing:
        while coming and len(playing) < _AT_ONCE:
            playing.append(iter([one for one in _events(*coming.pop()) if _asked_for(one)]))
        one = chance.choice(playing)
        message = next(one, None)
        if message is None:
            playing.remove(one)
        else:
            messages.append(message)
    return Stream(f"busy, {_AT_ONCE} recordings at once", len(messages), _joined(messages))


def _events(name: str, copy: int) -> list[bytes]:
    raw = b"".join(frame.data for frame in frames(name) if frame.direction == "<")
    events = (one for one in raw.split(b"\r\n\r\n") if one.startswith(b"Event: "))
    return [_ID.sub(rb"%d\1" % copy, one) for one in events]


def _asked_for(message: bytes) -> bool:
    return message.partition(b"Privilege: ")[2].startswith(_ASKED_FOR)


def _joined(messages: list[bytes]) -> bytes:
    return b"".join(message + b"\r\n\r\n" for message in messages)
