"""What changed, told to open pages as it happens: one stream for each page, by server-sent events.

A message names what changed and holds nothing of it; the page then loads itself again, through the same checks as ever.
What comes in a burst is told together. All is bounded: followers, what waits for each, and what is kept for one that
comes back (by Last-Event-ID); whoever missed something is told to look at everything anew. While nobody follows it
costs nothing. Called from the event loop.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Final

from msgspec import Struct

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Accepted, Result

CALL: Final = "call"  # an event of a call was accepted; about: the call's id
NOTICE: Final = "notice"
DELIVERY: Final = "delivery"  # an attempt was recorded; about: the integration's id
INTEGRATION: Final = "integration"  # one was installed, changed, paused or deleted; about: its id
WORK: Final = "work"  # a replay came further or ended; about: its id
PBX: Final = "pbx"  # it came, went, or fails for another reason; about: its serial
TOPICS: Final = (CALL, NOTICE, DELIVERY, INTEGRATION, WORK, PBX)

MOST_FOLLOWERS: Final = 200
MOST_OF_ONE: Final = 30  # pages that one user, key or link follows with
_KEPT: Final = 1_000  # changes, for those who come back
_WAITING: Final = 500  # changes that one follower has not taken; beyond it looks at everything anew
_AT_ONCE: Final = 200  # different changes in one burst; beyond, everybody looks at everything anew
_TOGETHER_SECONDS: Final = 0.25


class Change(Struct, frozen=True):
    """Something changed; about: its id. topic `all`: look at everything anew."""

    topic: str
    company: str = ""
    about: str = ""


class Told(Struct, frozen=True):
    """A change with its number, by which a follower goes on later."""

    id: str
    change: Change


_ALL: Final = Change("all")


class Live:
    """The changes of one node, and those who follow them."""

    def __init__(self) -> None:
        self._boot = secrets.token_hex(4)  # numbers of another process mean nothing here
        self._number = 0
        self._kept: deque[tuple[int, Change]] = deque(maxlen=_KEPT)
        self._burst: dict[Change, None] = {}
        self._followers: dict[asyncio.Queue[Told | None], str] = {}  # and who each is
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def position(self) -> str:
        """Where the stream is now: a page that was read after this misses nothing that comes behind it."""
        return f"{self._boot}.{self._number}"

    def committed(self, accepted: Sequence[Accepted]) -> None:
        """Events were accepted."""
        if not self._followers:
            self._forget()
            return
        for event, _ in accepted:
            topic = NOTICE if event.type.startswith("notice:") else CALL
            self.tell(topic, event.company, event.call)

    def recorded(self, results: Sequence[Result]) -> None:
        """Attempts were recorded."""
        if not self._followers:
            self._forget()
            return
        for result in results:
            self.tell(DELIVERY, result.attempt.company, result.attempt.integration)

    def tell(self, topic: str, company: str, about: str) -> None:
        """Something changed."""
        if not self._followers:
            self._forget()
            return
        self._burst[Change(topic, company, about)] = None
        if len(self._burst) > _AT_ONCE:
            self._burst = {_ALL: None}
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_TOGETHER_SECONDS, self._flush)

    async def follow(self, company: str | None, last: str, whose: str) -> AsyncIterator[Told]:
        """Changes of a company (None: of all) as they come, first those after the last one that was seen.

        whose: the id of who follows. Raises `overloaded` where too many follow already, or too many of the same.
        """
        is_full = len(self._followers) >= MOST_FOLLOWERS
        if is_full or self._closed or list(self._followers.values()).count(whose) >= MOST_OF_ONE:
            raise RingpostError("overloaded", "Too many pages follow live changes; load the page again for news.")
        queue: asyncio.Queue[Told | None] = asyncio.Queue()
        for told in self._missed(last):
            queue.put_nowait(told)
        self._followers[queue] = whose
        try:
            while (told_or_end := await queue.get()) is not None:
                if company is None or told_or_end.change.company in {company, ""}:
                    yield told_or_end
        finally:
            del self._followers[queue]

    def close(self) -> None:
        """End every stream: the server waits for them."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for follower in self._followers:
            follower.put_nowait(None)

    def _flush(self) -> None:
        self._timer = None
        burst, self._burst = self._burst, {}
        for change in burst:
            self._number += 1
            self._kept.append((self._number, change))
            for follower in self._followers:
                is_far_behind = follower.qsize() >= _WAITING
                while is_far_behind and not follower.empty():
                    follower.get_nowait()
                follower.put_nowait(self._told(self._number, _ALL if is_far_behind else change))

    def _missed(self, last: str) -> list[Told]:
        """What came after the last one seen; where that is not known any more, `all`. The first says where it is."""
        boot, _, number = last.partition(".")
        if not last:
            return [self._told(self._number, Change("hello"))]
        oldest = self._kept[0][0] if self._kept else self._number + 1
        if boot != self._boot or not number.isdecimal() or not oldest - 1 <= int(number[:18]) <= self._number:
            return [self._told(self._number, _ALL)]
        missed = [self._told(kept, change) for kept, change in self._kept if kept > int(number)]
        return missed or [self._told(self._number, Change("hello"))]

    def _told(self, number: int, change: Change) -> Told:
        return Told(f"{self._boot}.{number}", change)

    def _forget(self) -> None:
        """Nobody saw it: who comes back looks at everything anew."""
        self._number += 1
        self._kept.clear()
