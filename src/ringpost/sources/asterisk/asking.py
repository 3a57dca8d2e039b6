"""Which channels to ask the PBX about: those that it answered itself, and that nobody talks with.

A mailbox or a menu makes no event of the classes that a source reads, so what became of such a channel has to be asked
for (Status). A channel is asked about a second after it was left alone, then less and less often; talk, a dial, a queue
or its end stop that. Pure, for one connection.
"""

from __future__ import annotations

import heapq
from typing import Final

from .frames import Message

FIRST_AFTER: Final = 1_000  # ms
SLOWER: Final = 3  # times as long between two questions
SLOWEST: Final = 60_000  # ms; from there on, the audits say it
CHANNELS: Final = 5_000  # at most; what is beyond is left to the audits
NAME_LIMIT: Final = 200  # characters; AST_CHANNEL_NAME of include/asterisk/channel.h is 80

_UP: Final = "6"  # AST_STATE_UP
_ENGAGED: Final = frozenset({"BridgeEnter", "ConfbridgeJoin", "DialBegin", "Hangup", "MeetmeJoin", "QueueCallerJoin"})
_LEFT_ALONE: Final = frozenset({"BridgeLeave", "DialEnd", "Newstate", "QueueCallerLeave"})


class Asking:
    def __init__(self) -> None:
        self._next: dict[str, tuple[int, int]] = {}  # by the channel's name: when to ask, and how long that was waited
        self._due: list[tuple[int, str]] = []
        self._stopped = False

    def see(self, message: Message, now: int) -> None:
        event, channel = message.event, message.get("channel")
        if self._stopped or not channel or len(channel) > NAME_LIMIT:
            return
        if event in _ENGAGED:
            self._next.pop(channel, None)
        elif event in _LEFT_ALONE and message.get("channelstate") == _UP and not channel.startswith("Local/"):
            answered = event == "DialEnd" and message.get("dialstatus").upper() == "ANSWER"
            if not answered and (channel in self._next or len(self._next) < CHANNELS):
                self._plan(channel, FIRST_AFTER, now)

    def due(self, now: int) -> list[str]:
        """Names of the channels to ask about now."""
        channels: list[str] = []
        while (when := self.wake_at()) is not None and when <= now:
            _, channel = heapq.heappop(self._due)
            waited = self._next.pop(channel)[1]
            channels.append(channel)
            if waited * SLOWER <= SLOWEST:
                self._plan(channel, waited * SLOWER, now)
        return channels

    def wake_at(self) -> int | None:
        """When `due` has more (ms)."""
        while self._due and self._next.get(self._due[0][1], (None,))[0] != self._due[0][0]:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def move_back(self, ms: int) -> None:
        """The clock was set back by so much."""
        self._next = {channel: (when - ms, wait) for channel, (when, wait) in self._next.items()}
        self._due = [(when - ms, channel) for when, channel in self._due]  # a heap still

    def stop(self) -> None:
        """The PBX does not answer such questions to this user."""
        self._stopped = True
        self._next.clear()
        self._due.clear()

    def _plan(self, channel: str, wait: int, now: int) -> None:
        self._next[channel] = (now + wait, wait)
        heapq.heappush(self._due, (now + wait, channel))
