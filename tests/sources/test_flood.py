"""A flood from a PBX while the ledger takes nothing: the PBX is never kept waiting, and what is kept is bounded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final

import pytest

from ringpost.calls.events import CallEvent
from ringpost.calls.machine import CallMachine
from ringpost.ledger.ledger import Verdict
from ringpost.model.event import CALL_END, CALL_START, Event
from ringpost.sources import feed
from ringpost.sources.asterisk import client
from ringpost.sources.asterisk.client import AsteriskSource
from ringpost.sources.feed import BACKLOG_LIMIT, Feed
from tests.sources.ami_server import AmiServer, channel, event

_EACH: Final = 5  # events of the PBX a call
_IN_FLIGHT: Final = 1_500  # call events that may be told of what was read before the connection is left
_PATIENCE: Final = 10.0  # seconds that one write may wait on a busy machine


def now() -> int:
    return time.time_ns() // 1_000_000


class Ledger:
    """An intake that takes nothing until it is open."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.taken: list[CallEvent] = []

    async def accept(self, events: Sequence[CallEvent]) -> Sequence[Verdict]:
        await self.open.wait()
        self.taken += events
        return [
            Event(
                company="acme",
                seq=1,
                call=one.call,
                sequence=1,
                pbx="hq",
                time=one.time,
                type=one.type,
                accepted=one.time,
                data=b"{}",
            )
            for one in events
        ]


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AmiServer]:
    monkeypatch.setattr(feed, "_RETRY", (1, 4))
    monkeypatch.setattr(client, "_RETRY", (2, 20))
    server = AmiServer()
    await server.start()
    yield server
    await server.stop()


def busy(calls: int) -> Iterator[bytes]:
    """Calls that ring and end, one after the other; the last goes on."""
    for number in range(calls):
        call, other = f"{number}.1", f"{number}.2"
        caller, callee = channel(call, call, "1001", 4), channel(other, call, "1002", 0)
        yield event("Newchannel", **caller)
        yield event("Newchannel", **callee)
        yield event("DialBegin", **caller, **{f"Dest{key}": value for key, value in callee.items()})
        if number < calls - 1:
            yield event("Hangup", **callee, Cause=0)
            yield event("Hangup", **caller, Cause=19)


async def flooded(server: AmiServer, calls: int, limit: int) -> tuple[bool, int, Ledger]:
    """Whether all was read, how many call events waited then, and the ledger after it was opened."""
    ledger = Ledger()
    source = AsteriskSource(server.settings(), now=now, jitter=lambda: 0.0)
    machine = CallMachine(company="acme", pbx="hq", short=True)
    fed = Feed(source, machine, ledger.accept, now=now, jitter=lambda: 0.0, backlog_limit=limit)
    fed.start()
    async with asyncio.timeout(10):
        await server.live.wait()
        await fed.wait_in_step()
    server.live.clear()
    all_read = await server.say_all(busy(calls), _PATIENCE)
    if all_read:
        async with asyncio.timeout(200):
            while machine.statistics().started < calls:  # noqa: ASYNC110 - a machine has no event
                await asyncio.sleep(0.002)
    waiting = fed.statistics().backlog
    ledger.open.set()
    if all_read:
        server.cut()
    async with asyncio.timeout(200):
        await server.live.wait()  # it connects again, and finds no channels
        while machine.statistics().open:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.002)
    await fed.stop(200_000)
    return all_read, waiting, ledger


def check(ledger: Ledger) -> None:
    kinds: dict[str, list[str]] = {}
    for one in ledger.taken:
        kinds.setdefault(one.call, []).append(one.type)
    assert all(told.count(CALL_START) == told.count(CALL_END) == 1 for told in kinds.values())
    assert all(told[0] == CALL_START and told[-1] == CALL_END for told in kinds.values())


async def test_a_flood_while_the_ledger_takes_nothing_is_read_and_kept(server: AmiServer) -> None:
    all_read, waiting, ledger = await flooded(server, 1_000, BACKLOG_LIMIT)
    assert all_read
    assert waiting >= 2 * 1_000 - 1
    check(ledger)
    assert sum(one.type == CALL_END for one in ledger.taken) == 1_000


async def test_a_flood_that_is_too_much_ends_the_connection_and_every_call(server: AmiServer) -> None:
    all_read, waiting, ledger = await flooded(server, 20_000, 1_000)
    assert not all_read
    assert waiting < 1_000 + _IN_FLIGHT
    check(ledger)
    assert len(ledger.taken) >= 1_000


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_two_hundred_thousand_events_keep_no_pbx_waiting_and_fill_no_memory(server: AmiServer) -> None:
    all_read, waiting, ledger = await flooded(server, 200_000 // _EACH, BACKLOG_LIMIT)
    assert not all_read
    assert waiting < BACKLOG_LIMIT + _IN_FLIGHT
    check(ledger)
