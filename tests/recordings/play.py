"""Plays a recording by the same code as `ringpost decode`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ringpost.calls.events import CallEvent
from ringpost.calls.machine import CallMachine
from ringpost.sources.asterisk.frames import Message
from ringpost.sources.asterisk.recording import Recording, read_recording
from ringpost.sources.asterisk.replay import Said, replay, said_in
from tests.recordings.reader import FOLDER


def machine(*, coalesce: int = 150) -> CallMachine:
    return CallMachine(company="acme", pbx="pbx1", short=True, trunks=("SIPTRUNK",), coalesce=coalesce)


def recording(name: str) -> Recording:
    return read_recording((FOLDER / f"{name}.ami").read_bytes())


def messages(name: str) -> Iterator[tuple[int, Message | None]]:
    """(ms, message); None where the connection was closed."""
    return ((one.time, one.message) for one in recording(name).heard)


def observations(name: str) -> Iterator[tuple[int, Said]]:
    """What a source says: observations, and a snapshot where the recorder asked for one or the PBX was restarted."""
    return said_in(recording(name).heard)


def feed(calls: CallMachine, items: Sequence[tuple[int, Said]]) -> list[CallEvent]:
    """All call events, with every timer on its time."""
    return list(replay(calls, items))


def play(name: str) -> list[CallEvent]:
    return feed(machine(), list(observations(name)))
