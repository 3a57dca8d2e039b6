"""Receivers that are well, slow, down or strange, as a transport.

Each has its manner at a time, from the plan. What happens at the receiver (`arrived`) and what we hear of it (the
outcome) are two things here, as they are on a network.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from ringpost.model.outcome import BUSY, Outcome
from ringpost.transports.transport import Sending

from .plan import Manner

DEADLINE: Final = 5.0  # seconds
OK: Final = Outcome(status=200, reply="ok")
FAILED: Final = Outcome(status=500, error="status", reply="no")
TIMEOUT: Final = Outcome(error="timeout")


class Eye(Protocol):
    """Who looks on."""

    def began(self, sending: Sending) -> None: ...
    def arrived(self, sending: Sending) -> None: ...
    def ended(self, sending: Sending, outcome: Outcome) -> None: ...


class Receivers:
    """manner: how the receiver at a URL behaves now."""

    def __init__(self, chance: random.Random, manner: Callable[[str], Manner], eye: Eye) -> None:
        self._chance = chance
        self._manner = manner
        self._eye = eye

    async def send(self, sending: Sending) -> Outcome:
        self._eye.began(sending)
        manner = self._manner(sending.integration.url)
        try:
            outcome = await _MANNERS[manner](self, sending)
        except ConnectionError:  # what a transport must not do, and a dispatcher must bear
            self._eye.ended(sending, Outcome(error="internal"))
            raise
        self._eye.ended(sending, outcome)
        return outcome

    async def close(self) -> None: ...

    async def _answer(self, sending: Sending, outcome: Outcome, seconds: float) -> Outcome:
        """It arrives, and so long after the beginning the receiver has answered."""
        await asyncio.sleep(seconds / 2)
        self._eye.arrived(sending)
        await asyncio.sleep(seconds / 2)
        return outcome

    def _soon(self) -> float:
        return self._chance.uniform(0.001, 0.2)

    async def _well(self, sending: Sending) -> Outcome:
        return await self._answer(sending, OK, self._soon())

    async def _slow(self, sending: Sending) -> Outcome:
        return await self._answer(sending, OK, self._chance.uniform(0.5, 4.5))

    async def _hangs(self, sending: Sending) -> Outcome:
        if self._chance.random() < 0.5:
            await asyncio.sleep(DEADLINE)
            return TIMEOUT
        return await self._answer(sending, TIMEOUT, DEADLINE)

    async def _down(self, sending: Sending) -> Outcome:
        await asyncio.sleep(self._soon())
        return Outcome(error=self._chance.choice(("connect", "dns", "tls")))

    async def _flaps(self, sending: Sending) -> Outcome:
        kinds = (self._well, self._well, self._well, self._down, self._fails, self._hangs)
        return await self._chance.choice(kinds)(sending)

    async def _fails(self, sending: Sending) -> Outcome:
        return await self._answer(sending, FAILED, self._soon())

    async def _busy(self, sending: Sending) -> Outcome:
        asked_for = self._chance.choice((None, 0, 2_000, 90_000, 1_000_000_000_000))
        refused = Outcome(status=self._chance.choice((429, 503)), error="status", retry_after=asked_for)
        return await self._answer(sending, refused, self._soon())

    async def _gone(self, sending: Sending) -> Outcome:
        return await self._answer(sending, Outcome(status=410, error="gone"), self._soon())

    async def _loses_replies(self, sending: Sending) -> Outcome:
        lost = Outcome(error=self._chance.choice(("reset", "protocol", "timeout")))
        return await self._answer(sending, lost if self._chance.random() < 0.7 else OK, self._soon())

    async def _answers_late(self, sending: Sending) -> Outcome:
        """Its OK comes after the deadline, or just before it."""
        late = self._chance.uniform(4.0, 6.0)
        await asyncio.sleep(0.01)
        self._eye.arrived(sending)
        await asyncio.sleep(min(late, DEADLINE) - 0.01)
        return OK if late < DEADLINE else TIMEOUT

    async def _breaks(self, sending: Sending) -> Outcome:
        await asyncio.sleep(self._soon())
        if self._chance.random() < 0.5:
            raise ConnectionResetError
        return await self._fails(sending)

    async def _short(self, sending: Sending) -> Outcome:
        await asyncio.sleep(0)
        return Outcome(error=BUSY) if self._chance.random() < 0.7 else await self._well(sending)


_MANNERS: Final[dict[Manner, Callable[[Receivers, Sending], Awaitable[Outcome]]]] = {
    "well": Receivers._well,
    "slow": Receivers._slow,
    "hangs": Receivers._hangs,
    "down": Receivers._down,
    "flaps": Receivers._flaps,
    "fails": Receivers._fails,
    "busy": Receivers._busy,
    "gone": Receivers._gone,
    "loses replies": Receivers._loses_replies,
    "answers late": Receivers._answers_late,
    "breaks": Receivers._breaks,
    "short": Receivers._short,
}
