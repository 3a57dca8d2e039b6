"""Plays a recording through the call machine, as if the PBX said it now: for `ringpost decode` and for tests.

Time is the recording's own: timers of the machine fire between its messages, and go on for a moment after the last. A
connection that was made anew to a PBX that was restarted ends the calls before it; a list of all channels early on a
connection is its snapshot, later ones are audits. Calls that are open at the end stay open. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import structs

from ringpost.calls.events import CallEvent
from ringpost.calls.machine import CallMachine
from ringpost.calls.observation import Alive, Observation, Snapshot
from ringpost.calls.reconcile import catch_up

from .boot import Boot, restarted, started_of, uptime_of
from .frames import Message
from .observe import alive_of, observe, runs_of
from .recording import Heard
from .session import LOGIN_LIMIT

RUN_ON: Final = 1_000  # ms after the last message, in which what is held back and gathered is told

Said = Observation | Snapshot


class Listener:
    """What a source would have said of the messages of a recording."""

    def __init__(self) -> None:
        self._boot = Boot()
        self._dated = False  # this connection has said when the PBX was started
        self._connected: int | None = None
        self._listed = False  # this connection has had a list
        self._quiet = True  # nothing was observed on this connection
        self._listing = False
        self._down = False
        self._legs: list[Alive] = []
        self._waiting: list[Observation] = []

    def hear(self, heard: Heard) -> list[Said]:
        message = heard.message
        if message is None:
            return self._closed()
        if "banner" in message.fields:
            said = [] if self._connected is None else self._closed()
            self._connected = heard.time
            return said
        if self._connected is None:
            self._connected = heard.time
        return self._message(message, heard.time)

    def _message(self, message: Message, now: int) -> list[Said]:
        match message.event:
            case "CoreShowChannel":
                self._begin_list(now)
                alive = alive_of(message)
                self._legs += [] if alive is None else [alive]
                return []
            case "CoreShowChannelsComplete":
                self._begin_list(now)
                return self._complete()
            case "FullyBooted":
                return self._booted(uptime_of(message), now)
            case "" if "corestartupdate" in message.fields:
                return self._started(started_of(message))
            case "Shutdown":
                self._down = True
        about_leg = runs_of(message) if message.event == "Status" else observe(message)
        return self._wait_or_say(list(about_leg))

    def finish(self) -> list[Said]:
        """What waits for a list that never became complete."""
        return list[Said](self._end_list())

    def _end_list(self) -> list[Observation]:
        self._listing, self._legs = False, []
        waiting, self._waiting = self._waiting, []
        return waiting

    def _closed(self) -> list[Said]:
        said = self.finish()
        if self._down:
            said.append(Snapshot())
        self._connected, self._listed, self._quiet, self._down, self._dated = None, False, True, False, False
        return said

    def _wait_or_say(self, said: list[Observation]) -> list[Said]:
        self._quiet = self._quiet and not said
        if self._listing and not self._listed:
            self._waiting += said
            return []
        return list[Said](said)

    def _begin_list(self, now: int) -> None:
        if self._listing:
            return
        self._listing, self._legs = True, []
        since = now if self._connected is None else self._connected
        self._listed = self._listed or not (self._quiet or 0 < now - since <= LOGIN_LIMIT)

    def _complete(self) -> list[Said]:
        legs, audit = tuple(self._legs), self._listed
        self._listed = True
        waited = self._end_list()
        if audit:
            return [Snapshot(legs=legs, audit=True), *waited]
        alive, later = catch_up(legs, waited)
        return [Snapshot(legs=alive), *later]

    def _booted(self, uptime: int | None, now: int) -> list[Said]:
        before, self._boot = self._boot, structs.replace(self._boot, at=now, uptime=uptime)
        if before.started is not None or not restarted(before, Boot(at=now, uptime=uptime)):
            return []
        return [*self.finish(), Snapshot(restarted=True)]

    def _started(self, started: str | None) -> list[Said]:
        before, self._boot = self._boot, structs.replace(self._boot, started=started)
        known, self._dated = self._dated, True
        if known or not restarted(structs.replace(before, uptime=None), self._boot):
            return []
        return [*self.finish(), Snapshot(restarted=True)]


def said_in(heard: Iterable[Heard]) -> Iterator[tuple[int, Said]]:
    """What a source would have said, and when (ms)."""
    listener = Listener()
    now = 0
    for one in heard:
        now = one.time
        for said in listener.hear(one):
            yield now, said
    for said in listener.finish():
        yield now, said


def replay(machine: CallMachine, said: Iterable[tuple[int, Said]]) -> Iterator[CallEvent]:
    """All call events, every timer of the machine on its time."""
    now = 0
    for now, one in said:
        yield from _due(machine, now)
        yield from machine.resync(one, now) if isinstance(one, Snapshot) else machine.observe(one, now)
    yield from _due(machine, now + RUN_ON)
    yield from machine.flush(now + RUN_ON)


def _due(machine: CallMachine, until: int) -> Iterator[CallEvent]:
    while (due := machine.wake_at()) is not None and due <= until:
        yield from machine.poll(due)
