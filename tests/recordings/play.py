"""Plays a recording through frame reader, session and call machine, as a source would."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ringpost.calls.events import CallEvent
from ringpost.calls.machine import CallMachine
from ringpost.calls.observation import Alive, Observation, Snapshot
from ringpost.sources.asterisk.frames import FrameReader, Message
from ringpost.sources.asterisk.observe import alive_of, observe
from tests.recordings.reader import frames


def machine(*, coalesce: int = 150) -> CallMachine:
    return CallMachine(company="acme", pbx="pbx1", short=True, trunks=("SIPTRUNK",), coalesce=coalesce)


def messages(name: str) -> Iterator[tuple[int, Message | None]]:
    """(ms, message); None where the connection was closed."""
    reader = FrameReader()
    for frame in frames(name):
        if frame.direction == "!" and b"closed" in frame.data:
            reader = FrameReader()
            yield frame.time, None
        elif frame.direction == "<":
            for message in reader.feed(frame.data):
                yield frame.time, message


def observations(name: str) -> Iterator[tuple[int, Observation | Snapshot]]:
    """What a source says: observations, and a snapshot where the recorder asked for one or connected anew."""
    legs: list[Alive] = []
    connections = 0
    for time, message in messages(name):
        if message is None:
            continue
        if "banner" in message.fields:
            connections += 1
            if connections > 1:
                yield time, Snapshot()  # these recordings come back to a PBX without calls
        elif message.event == "CoreShowChannel":
            alive = alive_of(message)
            assert alive is not None
            legs.append(alive)
        elif message.event == "CoreShowChannelsComplete":
            yield time, Snapshot(legs=tuple(legs))
            legs = []
        else:
            for observation in observe(message):
                yield time, observation


def feed(calls: CallMachine, items: Sequence[tuple[int, Observation | Snapshot]]) -> list[CallEvent]:
    """All call events, with every timer on its time."""
    events: list[CallEvent] = []
    for time, item in items:
        while (due := calls.wake_at()) is not None and due <= time:
            events += calls.poll(due)
        events += calls.resync(item, time) if isinstance(item, Snapshot) else calls.observe(item, time)
    while (due := calls.wake_at()) is not None:
        events += calls.poll(due)
    return events


def play(name: str) -> list[CallEvent]:
    return feed(machine(), list(observations(name)))
