"""Whatever a source misses of a PBX, its next list makes up for: over the recordings, cut off and connected again."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from ringpost.calls.events import CallEvent
from ringpost.calls.observation import (
    Alive,
    Dials,
    HungUp,
    JoinsBridge,
    LeavesBridge,
    Leg,
    LegAppeared,
    LegChanged,
    Observation,
    Snapshot,
)
from ringpost.calls.reconcile import catch_up
from ringpost.model.call import Call
from ringpost.model.data import to_wire
from tests.calls.test_properties import OBSERVED, RESTARTED, Item, as_it_is, by_call, check
from tests.recordings.play import machine
from tests.recordings.reader import NAMES

PLAYED = [name for name in NAMES if name not in RESTARTED and OBSERVED[name]]


def without_echoes(items: Sequence[Item]) -> list[Item]:
    """What is said of a leg after its hang-up is left out: heard alone, it makes a leg that only an audit ends."""
    gone: set[str] = set()
    kept = []
    for time, said in items:
        leg = getattr(said, "leg", None)
        if leg is None or leg.id not in gone:
            kept.append((time, said))
        if isinstance(said, HungUp):
            gone.add(said.leg.id)
    return kept


HEARD = {name: without_echoes(OBSERVED[name]) for name in PLAYED}


def legs_in(said: Observation | Snapshot) -> list[Leg]:
    return [leg for name in said.__struct_fields__ if isinstance(leg := getattr(said, name), Leg)]


IDS = {name: {f"acme_{leg.call}" for _, said in items for leg in legs_in(said)} for name, items in HEARD.items()}


class Cut(NamedTuple):
    """Places in a recording: what came from `lost` on was not heard; from `heard` on it was again, while the PBX made
    its list, which it had complete at `listed`. afresh: Ringpost was restarted meanwhile."""

    lost: int
    heard: int
    listed: int
    afresh: bool


class Player:
    """A machine, and all that the ledger took of it, timers included."""

    def __init__(self) -> None:
        self.calls = machine()
        self.told: list[CallEvent] = []
        self._ids: set[str] = set()

    def until(self, now: int) -> None:
        while (due := self.calls.wake_at()) is not None and due <= now:
            self._take(self.calls.poll(due))

    def say(self, said: Observation | Snapshot, now: int) -> None:
        self.until(now)
        self._take(self.calls.resync(said, now) if isinstance(said, Snapshot) else self.calls.observe(said, now))

    def _take(self, events: Sequence[CallEvent]) -> None:
        renamed: dict[str, str] = {}
        for event in events:
            if event.type == "call:start":
                while (call := renamed.get(event.call, event.call)) in self._ids:
                    renamed[event.call] = self.calls.another_id(call)
            self.told.append(structs.replace(event, call=renamed.get(event.call, event.call)))
            self._ids.add(self.told[-1].call)

    def restart(self, now: int) -> None:
        """Another machine takes over, which knows what the ledger does."""
        self._take(self.calls.flush(now))
        self.calls = machine()
        self.calls.restore(stored(events) for events in by_call(self.told).values() if events[-1].type != "call:end")


def stored(events: Sequence[CallEvent]) -> Call:
    first, last = events[0], events[-1]
    data = msgspec.json.encode(to_wire(last.data, ended=False, extra_keys=True))
    return Call(
        company="acme",
        id=first.call,
        pbx="pbx1",
        started=first.time,
        updated=last.time,
        ended=None,
        events=len(events),
        data=data,
    )


class State(NamedTuple):
    """legs: those that the PBX has; calls, foreseen: those that they are in, as the PBX shows it, or as the machine
    foresees it."""

    legs: tuple[Alive, ...]
    calls: frozenset[str]
    foreseen: frozenset[str]


@cache
def truth(name: str) -> tuple[State, ...]:
    """Before each observation."""
    player, states, items = Player(), [], HEARD[name]
    coming = [{leg.id: leg.call for leg in legs_in(said)} for _, said in items] + [{}]
    for place in reversed(range(len(items))):
        coming[place] = coming[place + 1] | coming[place]
    shown: dict[str, str] = {}
    for place, (time, said) in enumerate([*items, (items[-1][0], Snapshot())]):
        legs, board = [], as_it_is(player.calls, audit=False).legs
        for alive in board:
            # A machine foresees to which call a leg comes; a list shows what is, as the observations around it do.
            before = shown.get(alive.leg.id)
            real = before if before is not None and before == coming[place].get(alive.leg.id) else alive.leg.call
            legs.append(structs.replace(alive, leg=structs.replace(alive.leg, call=real)))
        shown |= {leg.id: leg.call for leg in legs_in(said)}
        calls, foreseen = (frozenset(f"acme_{alive.leg.call}" for alive in those) for those in (legs, board))
        states.append(State(tuple(legs), calls, foreseen))
        player.say(said, time)
    return tuple(states)


def play_with(name: str, cuts: Sequence[Cut]) -> list[CallEvent]:
    items, player, place = HEARD[name], Player(), 0
    for cut in cuts:
        for time, said in items[place : cut.lost]:
            player.say(said, time)
        now = items[min(cut.listed, len(items) - 1)][0]
        player.until(now)
        if cut.afresh:
            player.restart(now)
        meanwhile = [said for _, said in items[cut.heard : cut.listed] if not isinstance(said, Snapshot)]
        legs, later = catch_up(truth(name)[cut.listed].legs, meanwhile)
        player.say(Snapshot(legs=legs), now)
        for said in later:
            player.say(said, now)
        place = cut.listed
    for time, said in items[place:]:
        player.say(said, time)
    player.until(items[-1][0] + 60_000)
    return player.told


@st.composite
def cut_off(draw: st.DrawFn) -> tuple[str, list[Cut]]:
    name = draw(st.sampled_from(PLAYED))
    count = draw(st.integers(1, 3))
    size = 3 * count
    places = sorted(draw(st.lists(st.integers(0, len(HEARD[name])), min_size=size, max_size=size)))
    return name, [Cut(*at, draw(st.booleans())) for at in zip(places[::3], places[1::3], places[2::3], strict=True)]


def ends_between(call: str, before: State, *after: State) -> bool:
    return call in before.calls & before.foreseen and all(call not in state.calls | state.foreseen for state in after)


@given(cut_off())
@settings(max_examples=150, deadline=None)
def test_a_recording_that_is_cut_and_connected_again_leaves_nothing_open_and_nothing_twice(
    case: tuple[str, list[Cut]],
) -> None:
    name, cuts = case
    told = play_with(name, cuts)
    check(told)
    states = truth(name)
    for call, events in by_call(told).items():
        flags = events[-1].data.flags
        # After a restart of Ringpost, a leg that had only been foreseen to join another call is still in its own.
        assert call in IDS[name] or any(cut.afresh for cut in cuts)
        call = call if call in IDS[name] else call.rpartition("-")[0]  # noqa: PLW2901
        assert call in IDS[name]
        assert "reconciled" not in flags or (events[-1].data.endCause, events[-1].data.endBy) == ("31", None)
        listed = [states[cut.listed] for cut in cuts]
        assert "reconciled" not in flags or any(call not in state.calls & state.foreseen for state in listed)
        heard = [states[cut.heard] for cut in cuts]
        assert "resumed" not in flags or any(call in state.calls | state.foreseen for state in heard)
        gaps = [cut for cut in cuts if ends_between(call, states[cut.lost], states[cut.heard], states[cut.listed])]
        if gaps and events[0].time < HEARD[name][gaps[0].lost][0]:
            assert {"reconciled", "transferred", "merged"} & set(flags), "its end was not heard"


CALLER = Leg(id="1.1", call="1.1", endpoint="1001", state="up")
CALLEE = Leg(id="1.2", call="1.1", endpoint="1002", state="up")
LATER = Leg(id="1.3", call="1.1", endpoint="1003", state="up")
TALK = (
    LegAppeared(CALLER),
    LegAppeared(CALLEE),
    Dials(CALLER, CALLEE),
    JoinsBridge(CALLER, "b"),
    JoinsBridge(CALLEE, "b"),
)


def told_of(*said: Observation | Snapshot) -> list[tuple[str, str, tuple[str, ...]]]:
    player = Player()
    for place, one in enumerate(said):
        player.say(one, 1_700_000_000_000 + 1_000 * place)
    return [
        (event.call.removeprefix("acme_"), event.type.removeprefix("call:"), event.data.flags)
        for event in player.told
        if event.type != "call:update"
    ]


@pytest.mark.parametrize("audits", [0, 2])
def test_a_call_all_of_whose_legs_are_others_now_goes_on(audits: int) -> None:
    now = [Snapshot(legs=(Alive(leg=LATER),), audit=audits > 0)] * max(1, audits)
    assert told_of(*TALK, *now) == [("1.1", "start", ())]


def test_what_has_the_ids_of_before_a_restart_of_the_pbx_is_new() -> None:
    again = Snapshot(legs=(Alive(leg=CALLER, bridge="b"), Alive(leg=CALLEE, bridge="b")), restarted=True)
    assert told_of(*TALK, again, HungUp(CALLEE, 16), HungUp(CALLER, 16)) == [
        ("1.1", "start", ()),
        ("1.1", "end", ("reconciled",)),
        ("1.1-2", "start", ("resumed",)),
        ("1.1-2", "end", ("resumed",)),
    ]


def test_a_call_of_the_ledger_is_not_that_which_has_its_id_after_a_restart_of_the_pbx() -> None:
    player = Player()
    for one in TALK:
        player.say(one, 1_700_000_000_000)
    player.restart(1_700_000_001_000)
    player.say(Snapshot(legs=(Alive(leg=CALLER),), restarted=True), 1_700_000_002_000)
    assert [(event.call, event.type) for event in player.told[-2:]] == [
        ("acme_1.1", "call:end"),
        ("acme_1.1-2", "call:start"),
    ]


def test_a_leg_that_is_heard_of_after_its_end_alone_is_ended_by_two_audits() -> None:
    audit = Snapshot(audit=True)
    heard = told_of(Snapshot(), LegChanged(CALLER), audit, audit)
    assert heard == [("1.1", "start", ()), ("1.1", "end", ("reconciled",))]


def test_a_channel_that_the_pbx_keeps_keeps_its_call_open() -> None:
    audit = Snapshot(legs=(Alive(leg=CALLER), Alive(leg=CALLEE)), audit=True)
    assert told_of(*TALK, *[audit] * 1_000) == [("1.1", "start", ())]


def test_a_leg_that_hung_up_while_the_list_was_made_is_caught_up_with_as_it_was() -> None:
    ringing = structs.replace(CALLEE, state="ringing")
    meanwhile: list[Observation] = [LegChanged(ringing), LeavesBridge(CALLEE, "b"), HungUp(CALLEE, 16)]
    legs, later = catch_up([Alive(leg=CALLER)], meanwhile)
    assert legs == (Alive(leg=CALLER), Alive(leg=ringing, bridge="b"))
    assert later == tuple(meanwhile)


def test_a_leg_that_appeared_while_the_list_was_made_is_told_by_what_was_observed() -> None:
    legs, _ = catch_up([Alive(leg=CALLER), Alive(leg=CALLEE)], [LegAppeared(CALLEE)])
    assert legs == (Alive(leg=CALLER),)
    begun = catch_up([Alive(leg=CALLER, bridge="b"), Alive(leg=CALLEE, bridge="b")], TALK)
    assert told_of(Snapshot(legs=begun[0]), *begun[1]) == [("1.1", "start", ())]


def test_a_leg_that_came_and_went_while_the_list_was_made_is_in_no_snapshot() -> None:
    meanwhile: list[Observation] = [LegAppeared(CALLEE), HungUp(CALLEE, 16)]
    assert catch_up([], meanwhile) == ((), tuple(meanwhile))


def test_what_is_older_than_the_list_takes_no_leg_back() -> None:
    own = structs.replace(LATER, call="1.3")
    meanwhile: list[Observation] = [JoinsBridge(own, "a"), LegChanged(own), Dials(CALLER, own), JoinsBridge(own, "b")]
    legs, later = catch_up([Alive(leg=LATER, bridge="b")], meanwhile)
    assert legs == (Alive(leg=LATER, bridge="b"),)
    assert later == (LegChanged(LATER), Dials(CALLER, LATER), JoinsBridge(LATER, "b"))
