"""What a real Asterisk tells a reader with the least rights of its people, and which of its endpoints lead outside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Self

import pytest

from ringpost.calls.observation import Leg, LegAppeared, Observation, Snapshot
from ringpost.model.directory import Person
from ringpost.settings import PbxSettings
from ringpost.sources.asterisk.client import AsteriskSource
from tests.real.asterisk_process import Asterisk
from tests.real.pbx import Pbx

pytestmark = pytest.mark.real

NAMES = {"1001": "Alice Rossi", "1002": "Jürgen Größner", "1003": "Carla D'Àngelo"}  # callerid of asterisk/etc/pjsip


def now() -> int:
    return time.time_ns() // 1_000_000


class Listener:
    """A source, and what it said and learned."""

    def __init__(self, asterisk: Asterisk) -> None:
        settings = PbxSettings(
            company="acme",
            serial="hq",
            host=asterisk.host,
            port=asterisk.ami_port,
            user=asterisk.user,
            secret=asterisk.secret,
        )
        self.people: dict[str, Person] = {}
        self.legs: dict[str, Leg] = {}
        self._changed = asyncio.Event()
        self._source = AsteriskSource(settings, now=now, jitter=lambda: 0.0, learn=self._learn)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._source.run(self._say))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def _learn(self, people: Sequence[Person]) -> None:
        self.people.update((person.extension, person) for person in people)
        self._changed.set()

    def _say(self, said: Observation | Snapshot) -> None:
        if isinstance(said, LegAppeared):
            self.legs[said.leg.endpoint or ""] = said.leg
        self._changed.set()


async def test_the_people_of_all_phones_are_learned_and_nobody_of_a_trunk(pbx: Pbx) -> None:
    async with Listener(pbx.asterisk) as listener:
        await listener.until(lambda: listener.people.keys() >= NAMES.keys())
        await pbx.call_answered("TRUNK", "1001", to="+15005550001", number="+15005550123", name="Caller Outside")
        await listener.until(lambda: {"SIPTRUNK", "1001"} <= listener.legs.keys())
    assert {extension: person.name for extension, person in listener.people.items()} == NAMES
    assert listener.legs["SIPTRUNK"].inside is False


async def test_a_phone_that_calls_is_inside_though_no_trunk_is_named(pbx: Pbx) -> None:
    async with Listener(pbx.asterisk) as listener:
        await listener.until(lambda: listener.people.keys() >= NAMES.keys())
        await pbx.call_answered("1001", "TRUNK", to="+15005550142")
        await listener.until(lambda: {"SIPTRUNK", "1001"} <= listener.legs.keys())
    assert listener.legs["1001"].inside is True
