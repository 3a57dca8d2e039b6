"""Any history of a ledger, against a model of it in a few dictionaries."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from ringpost.ledger.ledger import DeliveryFilter
from ringpost.model.delivery import DeliveryState
from ringpost.model.event import CALL_END, CALL_START, EVENT_TYPES, Event, NewEvent
from tests.contract.ledger.making import (
    BACK_ENDS,
    NOW,
    Place,
    all_owed,
    codes,
    delete,
    events_of,
    failed,
    integration,
    result,
)

T = TypeVar("T")
COMPANIES = ("acme", "zeta")
INTEGRATIONS = {"acme": ("aaaaaa", "bbbbbb"), "zeta": ("zzzzzz",)}
Key = tuple[int, str]  # of a delivery

new_events = st.builds(
    lambda company, call, type_, time, owed, origin: NewEvent(
        company=company,
        call=f"call{call}",
        pbx="P1",
        time=NOW + time,
        type=type_,
        data=b"%d" % time,
        integrations=INTEGRATIONS[company][:owed],
        origin=origin,
    ),
    st.sampled_from(COMPANIES),
    st.integers(0, 3),
    st.sampled_from(EVENT_TYPES),
    st.integers(-100, 100),
    st.integers(0, 2),
    st.sampled_from(["api", "source"]),
)


class History(RuleBasedStateMachine):
    """The rules are what may happen to a ledger; after each, it must say what the model says."""

    back_end = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.place = Place(self.back_end, Path(self.folder.name))
        self.ledger = self.run(self.place.open())
        self.events: dict[tuple[str, str], list[Event]] = {}
        self.origins: dict[tuple[str, str], str] = {}
        self.deliveries: dict[Key, DeliveryState] = {}
        self.attempts: dict[Key, int] = {}
        self.by_seq: dict[int, Event] = {}
        self.deleted: set[str] = set()
        for company in COMPANIES:
            for name in INTEGRATIONS[company]:
                self.run(self.ledger.add_integration(integration(name, company=company)))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @rule(batches=st.lists(st.lists(new_events, max_size=5), min_size=1, max_size=4))
    def commit_at_once(self, batches: list[list[NewEvent]]) -> None:
        async def commit() -> list[Any]:
            return await asyncio.gather(*map(self.ledger.commit, batches))

        for batch, verdicts in zip(batches, self.run(commit()), strict=True):
            moved: dict[tuple[str, str], str] = {}  # calls of a source whose start was refused
            for new, verdict, code in zip(batch, verdicts, codes(verdicts), strict=True):
                key = (new.company, new.call)
                if new.origin == "source" and key in moved:
                    assert code == moved[key]
                    continue
                assert code == self._accept(new, verdict)
                if code is not None and new.origin == "source" and new.type == CALL_START:
                    moved[key] = code

    def _accept(self, new: NewEvent, verdict: Any) -> str | None:
        """The code that the model gives; an event that it accepts must be as it says."""
        key = (new.company, new.call)
        history = self.events.setdefault(key, [])
        if not history and new.type != CALL_START:
            return "call_not_started"
        if history and new.origin == "api" and self.origins[key] == "source":
            return "call_of_source"
        if history and new.type != CALL_START and self.origins[key] != new.origin:
            return "call_not_started"
        if history and history[-1].type == CALL_END:
            return "call_already_ended"
        if history and new.type == CALL_START:
            return "call_already_started"
        assert verdict.seq > max(self.by_seq, default=0)
        assert verdict.sequence == len(history) + 1
        assert verdict.time == max([new.time, *(event.time for event in history)])
        assert (verdict.company, verdict.call, verdict.type) == (new.company, new.call, new.type)
        history.append(verdict)
        self.origins.setdefault(key, new.origin)
        self.by_seq[verdict.seq] = verdict
        for name in new.integrations:
            self.deliveries[verdict.seq, name] = "cancelled" if name in self.deleted else "pending"
            self.attempts[verdict.seq, name] = 0
        return None

    @precondition(lambda self: self.deliveries)
    @rule(data=st.data(), state=st.sampled_from(["pending", "delivered", "exhausted"]))
    def record(self, data: st.DataObject, state: DeliveryState) -> None:
        keys = data.draw(st.lists(st.sampled_from(sorted(self.deliveries)), unique=True, max_size=5))
        results = []
        for seq, name in keys:
            number = self.attempts[seq, name] = self.attempts[seq, name] + 1
            event = self.by_seq[seq]
            results.append(
                failed(event, name, number=number)
                if state == "pending"
                else result(event, name, number=number, state=state)
            )
            if self.deliveries[seq, name] == "pending":
                self.deliveries[seq, name] = state
        self.run(self.ledger.record(results))

    @precondition(lambda self: self._replayable())
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        seq, name = data.draw(st.sampled_from(self._replayable()))
        owed = self.run(self.ledger.replay(self.by_seq[seq].company, seq, name, NOW))
        assert owed.attempts == self.attempts[seq, name]
        self.deliveries[seq, name] = "pending"

    def _replayable(self) -> list[Key]:
        return sorted(
            key for key, state in self.deliveries.items() if state != "pending" and key[1] not in self.deleted
        )

    @precondition(lambda self: len(self.deleted) < 2)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        pairs = [(company, name) for company in COMPANIES for name in INTEGRATIONS[company] if name not in self.deleted]
        company, name = data.draw(st.sampled_from(pairs))
        owed = [key for key, state in self.deliveries.items() if key[1] == name and state == "pending"]
        assert self.run(delete(self.ledger, company, name, NOW)) == len(owed)
        self.deleted.add(name)
        self.deliveries |= dict.fromkeys(owed, "cancelled")

    @rule(step=st.integers(-1_000, 1_000))
    def set_the_clock(self, step: int) -> None:
        self.place.clock.now += step

    @rule()
    def reopen(self) -> None:
        self.run(self.ledger.close())
        self.ledger = self.run(self.place.open())

    @invariant()
    def calls_are_as_they_were_accepted(self) -> None:
        for (company, call), events in self.events.items():
            assert self.run(events_of(self.ledger, company, call)) == events
        started = {key: events[0].seq for key, events in self.events.items() if events}
        newest_first = sorted(started, key=lambda key: -started[key])
        page = self.run(self.ledger.calls(None, open_only=False, cursor=None, limit=100))
        assert [(call.company, call.id) for call in page.items] == newest_first

    @invariant()
    def deliveries_are_in_their_states(self) -> None:
        page = self.run(self.ledger.deliveries(None, DeliveryFilter(), cursor=None, limit=1_000))
        shown = {(one.seq, one.integration): (one.state, one.attempts) for one in page.items}
        assert shown == {key: (state, self.attempts[key]) for key, state in self.deliveries.items()}
        owed = [(one.company, one.integration, one.seq) for one in self.run(all_owed(self.ledger))]
        assert owed == sorted(self._owed())

    def _owed(self) -> Iterator[tuple[str, str, int]]:
        for (seq, name), state in self.deliveries.items():
            if state == "pending":
                yield self.by_seq[seq].company, name, seq

    def teardown(self) -> None:
        self.run(self.ledger.close())
        self.runner.close()
        self.folder.cleanup()


@pytest.mark.slow
@pytest.mark.parametrize("back_end", BACK_ENDS)
def test_any_history_is_kept_as_the_model_has_it(back_end: str) -> None:
    class OfBackEnd(History):
        pass

    OfBackEnd.back_end = back_end
    run_state_machine_as_test(OfBackEnd, settings=settings(max_examples=25, stateful_step_count=20, deadline=None))
