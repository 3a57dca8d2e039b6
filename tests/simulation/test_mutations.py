"""The simulation can fail: each of these faults, put into the product, is found within a few runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final
from unittest.mock import patch

import apsw
import pytest
from msgspec.structs import replace

from ringpost.dispatch import fairness
from ringpost.dispatch.breaker import Allow, Breaker
from ringpost.dispatch.dispatcher import Dispatcher
from ringpost.dispatch.gate import Gate, Go, Gone, Paused
from ringpost.dispatch.lanes import Lanes
from ringpost.dispatch.recorder import Recorder
from ringpost.ledger.ledger import Result
from ringpost.ledger.sqlite.jobs import Commit, Job
from ringpost.model.delivery import Attempt, Owed
from ringpost.model.event import Event
from ringpost.model.integration import Credentials, Integration
from tests.simulation.disk import SimulatedWriter
from tests.simulation.run import simulate

RUNS: Final = 25


@contextmanager
def forgets_on_resume() -> Iterator[None]:
    resume = Lanes.resume

    def forgetful(self: Lanes, integration: str, now: int) -> None:
        if integration in self._paused and (share := self._shares.get(integration)) is not None:
            for lane in share.lanes.values():
                if lane.rest:
                    lane.rest.pop()
                    self._waiting -= 1
                    share.held -= 1
        resume(self, integration, now)

    with patch.object(Lanes, "resume", forgetful):
        yield


@contextmanager
def does_not_wait_for_the_first_of_a_lane() -> Iterator[None]:
    offer = Lanes.offer

    def hasty(self: Lanes, owed: Owed, now: int) -> bool:
        return offer(self, replace(owed, call=f"{owed.call} {owed.seq}"), now)

    with patch.object(Lanes, "offer", hasty):
        yield


@contextmanager
def records_before_it_sends() -> Iterator[None]:
    make = Dispatcher._make

    async def eager(
        self: Dispatcher, owed: Owed, event: Event, integration: Integration, credentials: Credentials
    ) -> None:
        attempt = Attempt(
            company=owed.company,
            seq=owed.seq,
            integration=owed.integration,
            number=owed.attempts + 1,
            time=event.accepted,
            duration=0,
            status=200,
            error=None,
            detail=None,
            reply=None,
            replay=owed.replay,
        )
        self._recorder.add(Result(attempt=attempt, state="delivered", due=None))
        await make(self, owed, event, integration, credentials)

    with patch.object(Dispatcher, "_make", eager):
        yield


@contextmanager
def does_not_hear_of(answer: type[Gone | Paused]) -> Iterator[None]:
    ask = Gate.ask
    known: dict[str, Go] = {}

    def deaf(self: Gate, integration: str) -> Go | Paused | Gone:
        now = ask(self, integration)
        if isinstance(now, Go):
            known[integration] = now
        elif isinstance(now, answer) and integration in known:
            return known[integration]
        return now

    with patch.object(Gate, "ask", deaf):
        yield


@contextmanager
def loses_what_the_ledger_refuses() -> Iterator[None]:
    record = Recorder._record

    async def careless(self: Recorder, *batch: Any) -> bool:
        await record(self, *batch)
        return True

    with patch.object(Recorder, "_record", careless):
        yield


@contextmanager
def never_closes_a_breaker() -> Iterator[None]:
    def stubborn(self: Breaker, now: int) -> None:
        self._until = now + 3_600_000

    with patch.object(Breaker, "_close", stubborn):
        yield


@contextmanager
def gives_everyone_everything() -> Iterator[None]:
    def is_free(self: fairness.Slots, *, prompt: bool) -> bool:
        return self.under_way < self._total

    def limit(self: fairness.Slots, *, prompt: bool) -> int:
        return self._total

    def ask(self: Breaker, now: int) -> Allow:
        return Allow()

    with (
        patch.object(fairness.Slots, "is_free", is_free),
        patch.object(fairness.Slots, "limit", limit),
        patch.object(Breaker, "ask", ask),
    ):
        yield


@contextmanager
def answers_success_for_what_is_not_durable() -> Iterator[None]:
    commit = SimulatedWriter._commit

    def careless(self: SimulatedWriter, jobs: Sequence[Job]) -> list[object]:
        try:
            return commit(self, jobs)
        except apsw.Error:
            if not all(isinstance(job, Commit) for job in jobs):
                raise
            if not self._connection.in_transaction:
                self._connection.execute("BEGIN IMMEDIATE")
            answers = self._applier.apply(jobs)
            self._undo()
            return answers

    with patch.object(SimulatedWriter, "_commit", careless):
        yield


@contextmanager
def hands_not_all_over() -> Iterator[None]:
    """Some of what was committed reaches the dispatcher at the next start only."""
    committed = Dispatcher.committed
    count = 0

    def forgetful(self: Dispatcher, events: Sequence[tuple[Event, tuple[str, ...]]]) -> None:
        nonlocal count
        count += 1
        if count % 50:
            committed(self, events)

    with patch.object(Dispatcher, "committed", forgetful):
        yield


FAULTS: Final[dict[str, tuple[Callable[[], AbstractContextManager[None]], str]]] = {
    "forgets on resume": (forgets_on_resume, "owes|pending|overtakes"),
    "does not wait for the first of a lane": (does_not_wait_for_the_first_of_a_lane, "overtakes|its lane is under way"),
    "records before it sends": (records_before_it_sends, "no receiver took it"),
    "does not hear of a deletion": (lambda: does_not_hear_of(Gone), "deletion was answered"),
    "does not hear of a pause": (lambda: does_not_hear_of(Paused), "is paused"),
    "loses what the ledger refuses": (loses_what_the_ledger_refuses, "owes|pending"),
    "never closes a breaker": (never_closes_a_breaker, "pending|waited"),
    "gives everyone everything": (gives_everyone_everything, "waited"),
    "answers success for what is not durable": (answers_success_for_what_is_not_durable, "is lost|not in the ledger"),
    "hands not all over": (hands_not_all_over, "owes|pending|overtakes"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_within_a_few_runs(name: str) -> None:
    put_in, words = FAULTS[name]
    told: list[str] = []
    for seed in range(1, RUNS + 1):
        with put_in():
            broken = simulate(seed).broken
        if broken is not None:
            told.append(broken)
            if any(word in broken for word in words.split("|")):
                return
    pytest.fail(f"{RUNS} runs did not find it; they said: {told[:5]}")
