"""The source of a real Asterisk, with the least rights, through the call machine: real calls, and a real crash."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from ringpost.calls.events import CallEvent
from ringpost.calls.machine import CallMachine
from ringpost.ledger.ledger import Verdict
from ringpost.model.event import Event
from ringpost.settings import PbxSettings
from ringpost.sources.asterisk.client import AsteriskSource
from ringpost.sources.asterisk.probe import probe
from ringpost.sources.feed import Feed
from tests.real.asterisk_process import Asterisk
from tests.real.pbx import Pbx

pytestmark = pytest.mark.real


def now() -> int:
    return time.time_ns() // 1_000_000


class Listener:
    """A feed, and what it told."""

    def __init__(self, asterisk: Asterisk) -> None:
        self.settings = PbxSettings(
            company="acme",
            serial="hq",
            host=asterisk.host,
            port=asterisk.ami_port,
            user=asterisk.user,
            secret=asterisk.secret,
        )
        self.told: list[CallEvent] = []
        self._told = asyncio.Condition()
        source = AsteriskSource(self.settings, now=now, jitter=lambda: 0.0)
        machine = CallMachine(company="acme", pbx="hq", short=True)
        self.feed = Feed(source, machine, self._accept, now=now, jitter=lambda: 0.0)

    async def start(self) -> None:
        self.feed.start()
        async with asyncio.timeout(10):
            while self.feed.source.status().connected_since is None:  # noqa: ASYNC110 - a status has no event
                await asyncio.sleep(0.01)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20), self._told:
            await self._told.wait_for(condition)

    def ends(self) -> list[CallEvent]:
        return [event for event in self.told if event.type == "call:end"]

    async def _accept(self, events: Sequence[CallEvent]) -> Sequence[Verdict]:
        async with self._told:
            self.told += events
            self._told.notify_all()
        return [
            Event(
                company="acme",
                seq=number,
                call=event.call,
                sequence=number,
                pbx="hq",
                time=event.time,
                type=event.type,
                accepted=event.time,
                data=b"{}",
            )
            for number, event in enumerate(events)
        ]


@pytest.fixture
async def listener(asterisk: Asterisk) -> AsyncIterator[Listener]:
    listener = Listener(asterisk)
    await listener.start()
    yield listener
    await listener.feed.stop(1_000)


async def test_the_plain_ways_of_a_call_are_told_right(pbx: Pbx, listener: Listener) -> None:
    await pbx.call_answered(caller_hangs_up=True, talk_ms=200)
    await pbx.call_answered(caller_hangs_up=False, talk_ms=200)
    await pbx.call_cancelled(ring_ms=300)
    await pbx.call_busy()
    await pbx.call_rejected()
    await pbx.call_not_answered()
    await listener.until(lambda: len(listener.ends()) == 6)
    assert [(end.data.status, end.data.endCause, end.data.endBy) for end in listener.ends()] == [
        ("TALKING", "16", "CALLER"),
        ("TALKING", "16", "CALLEE"),
        ("RINGING", "16", "CALLER"),
        ("CONNECTING", "17", "CALLEE"),
        ("RINGING", "21", "CALLEE"),
        ("RINGING", "19", None),
    ]
    assert [event.type for event in listener.told].count("call:start") == 6


async def test_the_probe_finds_all_well_with_the_least_rights(listener: Listener) -> None:
    result = await probe(listener.settings, now=now)
    assert (result.code, result.advice) == (None, ())
    assert result.version is not None
    assert int(result.version.partition(".")[0]) >= 14


async def test_a_call_of_a_pbx_that_was_killed_ends_when_it_is_back(own_pbx: Pbx) -> None:
    listener = Listener(own_pbx.asterisk)
    await listener.start()
    await own_pbx.answer("1002")
    await own_pbx.call("1001", "1002")
    await listener.until(lambda: any(event.data.status == "TALKING" for event in listener.told))
    own_pbx.asterisk.kill()
    own_pbx.asterisk.start()
    await listener.until(lambda: len(listener.ends()) == 1)
    end = listener.ends()[0].data
    assert (end.endCause, end.endBy, end.flags) == ("31", None, ("reconciled",))
    await listener.feed.stop(1_000)
