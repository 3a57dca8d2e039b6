"""Whether a PBX was restarted between two connections, as no call survives that, and the ids of calls may come again.

Pure. Two things tell it. CoreStatus gives the moment of the start as a text in the PBX's own time zone
(`CoreStartupDate` and `CoreStartupTime`, to the second; write=reporting is enough, as for the list of channels). It is
compared, never reckoned with: the same text is the same run, whatever became of anybody's clock and of daylight saving.
FullyBooted gives the uptime, which both clocks bend, to users with read=system alone; it counts where the text is not.

What is known is kept as long as Ringpost runs, and no longer: the id of a call is the second in which it began and a
counter (Asterisk: channel_internal_api.c), so after a restart of both, a call that has the id of an open one needs a
clock that was set back to just that second, or a program that names its channels the same again. It then goes on as
that call: one start and one end still.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from .frames import Message

RESTART_SLACK: Final = 5  # s by which an uptime may be off before it means a restart
_DIGITS: Final = 12  # an uptime with more is none
_TEXT: Final = 64  # characters; two dates and times fit


class Boot(Struct, frozen=True):
    """What was learned of a PBX's start. at: when it said its uptime (ms); uptime: s; started: its own text."""

    at: int = 0
    uptime: int | None = None
    started: str | None = None


def uptime_of(booted: Message) -> int | None:
    """Of a FullyBooted event (s)."""
    uptime = booted.get("uptime")
    return int(uptime) if uptime.isascii() and uptime.isdigit() and len(uptime) <= _DIGITS else None


def started_of(status: Message) -> str | None:
    """Of an answer to CoreStatus."""
    date, time = status.get("corestartupdate"), status.get("corestartuptime")
    return f"{date} {time}"[:_TEXT] if date and time else None


def restarted(before: Boot, now: Boot) -> bool:
    if before.started is not None and now.started is not None:
        return before.started != now.started
    if before.uptime is None or now.uptime is None:
        return False
    return now.uptime + RESTART_SLACK < before.uptime + (now.at - before.at) // 1_000


def known_of(before: Boot, now: Boot) -> Boot:
    """All that is known after this connection: what it did not say is still as it was, if the PBX runs on."""
    if restarted(before, now):
        return now
    said = before if now.uptime is None else now
    return Boot(said.at, said.uptime, now.started or before.started)
