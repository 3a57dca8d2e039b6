"""A load on a ledger whose power is cut, and what must be true of the ledger afterwards.

Each event's data says what it owes, and which commit it belongs to, so that the file can be checked against itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import apsw
import msgspec
from msgspec import Struct

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger, Remember, Verdict
from ringpost.model.event import CALL_END, CALL_START, CALL_UPDATE, Event, NewEvent
from tests.contract.ledger.making import NOW, accepted, result

COMPANY: Final = "acme"
CALLERS: Final = 4


class Said(Struct, frozen=True):
    """The data of an event. commit: which one it came with, and how many events that had."""

    commit: str
    events: int
    owed: tuple[str, ...]
    padding: str


class Acknowledged:
    """What the ledger's users were told."""

    def __init__(self) -> None:
        self.events: dict[int, Event] = {}
        self.delivered: set[tuple[int, str]] = set()
        self.remembered: set[str] = set()
        self.going_on: dict[str, Event] = {}  # calls without an end, each with its last event

    def take(self, event: Event) -> None:
        assert event.seq not in self.events, "a number was given out twice"
        self.events[event.seq] = event
        self.going_on[event.call] = event
        if event.type == CALL_END:
            del self.going_on[event.call]


class Load:
    """Callers that commit and record until the ledger fails them. name: no other load of this ledger has it."""

    def __init__(self, ledger: Ledger, told: Acknowledged, chance: random.Random, name: str) -> None:
        self._ledger = ledger
        self._told = told
        self._chance = chance
        self._name = name

    async def run(self) -> None:
        """Until the power is off."""
        await asyncio.gather(*(self._call(f"{self._name}.{caller}") for caller in range(CALLERS)))

    async def _call(self, caller: str) -> None:
        number = 0
        with contextlib.suppress(RingpostError):
            while True:
                number += 1
                calls = [f"{COMPANY}_{caller}.{number}.{n}" for n in range(self._chance.choice((1, 1, 3)))]
                for type_ in (CALL_START, CALL_UPDATE, CALL_UPDATE, CALL_END):
                    await self._commit(f"{caller}.{number}.{self._chance.random()}", type_, calls)

    async def _commit(self, commit: str, type_: str, calls: list[str]) -> None:
        owed = self._chance.choice(((), ("aaaaaa",), ("aaaaaa", "bbbbbb")))
        padding = "x" * self._chance.choice((10, 300, 300, 9_000))
        said = Said(commit, len(calls), owed, padding)
        new = [new_event(call, type_, said) for call in calls]
        keep = self._chance.random() < 0.3
        remember = Remember(COMPANY, commit, b"print", lambda _: commit.encode()) if keep else None
        events = [accepted(verdict) for verdict in await self._ledger.commit(new, remember)]
        for event in events:
            self._told.take(event)
        if keep:
            self._told.remembered.add(commit)
        results = [result(event, one) for event in events for one in owed if self._chance.random() < 0.7]
        if results:
            await self._ledger.record(results)
            self._told.delivered |= {(one.attempt.seq, one.attempt.integration) for one in results}


def new_event(call: str, type_: str, said: Said) -> NewEvent:
    return NewEvent(
        company=COMPANY,
        call=call,
        pbx="P1",
        time=NOW,
        type=type_,
        data=msgspec.json.encode(said),
        integrations=said.owed,
    )


async def check_acknowledged(ledger: Ledger, told: Acknowledged) -> None:
    """Everything that anyone was told is so."""
    seqs = list(told.events)
    assert await ledger.bodies(COMPANY, seqs) == told.events, "an accepted event is lost"
    states = {(one.seq, one.integration): one.state for one in await ledger.deliveries_of_events(COMPANY, seqs)}
    owed = {(seq, one) for seq in seqs for one in _said(told.events[seq].data).owed}
    assert owed == set(states), "a delivery of an accepted event is lost"
    assert {key for key in told.delivered if states[key] != "delivered"} == set(), "a recorded attempt is lost"
    for commit in told.remembered:
        assert await ledger.recall(COMPANY, commit) is not None, "the answer to an accepted request is lost"


class _Row(NamedTuple):
    seq: int
    call: str
    sequence: int
    type: str
    said: Said


def check_whole(path: Path) -> None:
    """The file is sound and agrees with itself: nothing is there by half."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    with contextlib.closing(connection), connection:
        assert connection.pragma("integrity_check") == "ok", "the file is damaged"

        def rows(query: str) -> list[Any]:
            return connection.execute(query).fetchall()

        found = rows("SELECT seq, call, sequence, type, data FROM events ORDER BY seq")
        events = [_Row(seq, call, sequence, type_, _said(data)) for seq, call, sequence, type_, data in found]
        _check_commits(events, rows("SELECT key, answer FROM remembered"))
        _check_calls(events, rows("SELECT call, first, last, events, ended IS NOT NULL FROM calls"))
        deliveries = rows("SELECT seq, integration, call, type FROM deliveries")
        assert {(e.seq, one, e.call, e.type) for e in events for one in e.said.owed} == set(deliveries), (
            "events and their deliveries disagree"
        )
        settled = rows("SELECT seq, integration, attempts FROM deliveries WHERE state = 2 ORDER BY 1, 2, 3")
        attempts = rows("SELECT seq, integration, number FROM attempts ORDER BY 1, 2, 3")
        assert settled == attempts, "deliveries and their attempts disagree"
        [(last,)] = rows("SELECT value FROM meta WHERE name = 'last'")
        assert last >= max((event.seq for event in events), default=0)


def _check_commits(events: Sequence[_Row], remembered: Sequence[tuple[str, bytes]]) -> None:
    commits: dict[str, list[Said]] = defaultdict(list)
    for event in events:
        commits[event.said.commit].append(event.said)
    for commit, said in commits.items():
        assert len(said) == said[0].events, f"commit {commit} is there in part"
    for commit, answer in remembered:
        assert answer == commit.encode()
        assert commit in commits, "an answer is kept, and what it is about is not"


def _check_calls(events: Sequence[_Row], calls: Sequence[tuple[str, int, int, int, int]]) -> None:
    of_calls: dict[str, list[_Row]] = defaultdict(list)
    for event in events:
        of_calls[event.call].append(event)
    assert {call for call, *_ in calls} == set(of_calls), "calls and their events disagree"
    for call, first, last, count, has_ended in calls:
        of_call = of_calls[call]
        assert [event.sequence for event in of_call] == list(range(1, count + 1))
        assert (first, last) == (of_call[0].seq, of_call[-1].seq)
        assert bool(has_ended) == (of_call[-1].type == CALL_END)


async def check_goes_on(ledger: Ledger, told: Acknowledged, name: str) -> None:
    """Calls go on where they were, and new ones begin."""
    said = Said(f"{name}.after", 1, ("aaaaaa",), "")
    await ledger.check()
    begun = accepted((await ledger.commit([new_event(f"{COMPANY}_{name}.after", CALL_START, said)]))[0])
    assert begun.seq > max(told.events, default=0)
    told.take(begun)
    for call, before in list(told.going_on.items())[:5]:
        verdict: Verdict = (
            await ledger.commit([new_event(call, CALL_UPDATE, msgspec.structs.replace(said, commit=f"{name}.{call}"))])
        )[0]
        if isinstance(verdict, Event):  # the power may have gone after more of the call was kept than was told
            assert verdict.sequence > before.sequence
            told.take(verdict)
        else:
            assert verdict.code == "call_already_ended"
            del told.going_on[call]
    await ledger.record([result(begun)])
    told.delivered.add((begun.seq, "aaaaaa"))


def _said(data: bytes) -> Said:
    return msgspec.json.decode(data, type=Said)
