"""Those who follow a company's events as they are accepted, and as they are delivered again.

What is followed is read from the ledger, by the events' numbers, so a follower may stop and go on where it was; a
commit only wakes it. That something is delivered again is told to those who follow at that moment. Bounded in how many
follow, and in how many replays wait for each. Owned by the node; called from the event loop.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Final

from msgspec import Struct

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Accepted, Ledger
from ringpost.model.delivery import Owed
from ringpost.model.event import Event

MOST: Final = 100
MOST_OF_ONE: Final = 10
_AT_ONCE: Final = 200  # events
_REPLAYS: Final = 5_000  # that wait for one follower; the oldest goes first
_QUIET_SECONDS: Final = 15.0


class Followed(Struct, frozen=True):
    """An event; replay: how often its delivery was asked for again, 0 where it is new."""

    event: Event
    replay: int = 0


class _Follower:
    """replays: how often, by the event's number: an event that goes to several integrations again is told once."""

    def __init__(self, company: str, whose: str) -> None:
        self.company, self.whose = company, whose
        self.news = asyncio.Event()
        self.replays: OrderedDict[int, int] = OrderedDict()


class Following:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._followers: set[_Follower] = set()
        self._is_closed = False

    def committed(self, accepted: Sequence[Accepted]) -> None:
        """Events were accepted."""
        if self._followers:
            companies = {event.company for event, _ in accepted}
            for follower in self._followers:
                if follower.company in companies:
                    follower.news.set()

    def replayed(self, owed: Owed) -> None:
        """A delivery goes out again."""
        for follower in self._followers:
            if follower.company == owed.company:
                follower.replays[owed.seq] = max(owed.replay, follower.replays.get(owed.seq, 0))
                while len(follower.replays) > _REPLAYS:
                    follower.replays.popitem(last=False)
                follower.news.set()

    async def follow(self, company: str, after: int, whose: str) -> AsyncGenerator[Followed | None]:
        """The events of a company behind a number, as they come; None at first, and now and then where none does.
        whose: the id of who follows. Raises `overloaded`, and what the ledger raises."""
        of_one = sum(follower.whose == whose for follower in self._followers)
        if self._is_closed or len(self._followers) >= MOST or of_one >= MOST_OF_ONE:
            raise RingpostError("overloaded", "Too many follow events already; end one of them, or try again later.")
        follower = _Follower(company, whose)
        self._followers.add(follower)
        try:
            yield None
            while not self._is_closed:
                follower.news.clear()
                events, looked_to = await self._ledger.events_after(company, after, _AT_ONCE)
                for event in events:
                    yield Followed(event)
                if looked_to > after:
                    after = looked_to
                    continue
                async for followed in self._again(follower):
                    yield followed
                try:
                    async with asyncio.timeout(_QUIET_SECONDS):
                        await follower.news.wait()
                except TimeoutError:
                    yield None
        finally:
            self._followers.discard(follower)

    async def _again(self, follower: _Follower) -> AsyncIterator[Followed]:
        while follower.replays:
            seq, replay = follower.replays.popitem(last=False)
            event = await self._ledger.event(follower.company, seq)
            if event is not None:
                yield Followed(event, replay)

    def close(self) -> None:
        """End all that follow: the server waits for them."""
        self._is_closed = True
        for follower in self._followers:
            follower.news.set()
