"""Whatever a PBX says, in whatever order, and whatever is lost of it: one start, one end, nothing after it."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from ringpost.calls.events import CallEvent
from ringpost.calls.machine import CallMachine
from ringpost.calls.observation import (
    Alive,
    DialEnded,
    Dials,
    Ends,
    EntersConference,
    HandsOver,
    HangupRequested,
    Holds,
    HungUp,
    JoinsBridge,
    JoinsQueue,
    LeavesBridge,
    LeavesQueue,
    Leg,
    LegAppeared,
    LegChanged,
    LocalPair,
    Observation,
    Parks,
    PicksUp,
    QueueCallEnds,
    Rings,
    Runs,
    SendsOn,
    Snapshot,
    Unholds,
    Unparks,
)
from ringpost.model.data import to_wire
from ringpost.wire import canonical
from tests.calls.table import TABLE
from tests.recordings.play import feed, machine, observations
from tests.recordings.reader import NAMES

Item = tuple[int, Observation | Snapshot]


def check(events: Sequence[CallEvent]) -> None:
    last: dict[str, CallEvent] = {}
    for event in events:
        before = last.get(event.call)
        if before is None:
            assert event.type == "call:start"
        else:
            assert event.type in {"call:update", "call:end"}
            assert before.type != "call:end"
            assert event.time >= before.time
        last[event.call] = event
    for event in last.values():
        assert event.type == "call:end"
        data = event.data
        assert data.waitTime is not None
        assert data.talkTime is not None
        assert data.duration is not None
        assert 0 <= data.talkTime <= data.duration
        assert 0 <= data.waitTime <= data.duration
        assert data.endCause not in {None, "0", "127"}


def played(items: Sequence[Item]) -> list[CallEvent]:
    """All events, with a PBX that has no calls left at the end."""
    end = max((time for time, _ in items), default=0) + 60_000
    return feed(machine(), [*items, (end, Snapshot())])


RECORDED: list[list[Item]] = [list(observations(name)) for name in NAMES]


def by_call(events: Sequence[CallEvent]) -> dict[str, list[CallEvent]]:
    calls: dict[str, list[CallEvent]] = {}
    for event in events:
        calls.setdefault(event.call, []).append(event)
    return calls


@st.composite
def disturbed(draw: st.DrawFn) -> list[Item]:
    """A recording with some of it lost, some of it told twice, and some of it told late."""
    items = list(draw(st.sampled_from(RECORDED)))
    for _ in range(draw(st.integers(1, 6))):
        if not items:
            break
        place = draw(st.integers(0, len(items) - 1))
        match draw(st.sampled_from(("lose", "double", "late"))):
            case "lose":
                del items[place]
            case "double":
                items.insert(draw(st.integers(place, len(items))), items[place])
            case _:
                item = items.pop(place)
                items.insert(draw(st.integers(place, len(items))), item)
    return items


@given(disturbed())
@settings(max_examples=150, deadline=None)
def test_lost_doubled_and_late_events_never_break_a_call(items: list[Item]) -> None:
    check(played(items))


@given(st.sampled_from(RECORDED), st.data())
@settings(max_examples=60, deadline=None)
def test_a_machine_that_begins_in_the_middle_ends_what_it_starts(items: list[Item], data: st.DataObject) -> None:
    check(played(items[data.draw(st.integers(0, len(items))) :]))


@given(st.sampled_from(RECORDED), st.data())
@settings(max_examples=60, deadline=None)
def test_a_machine_that_is_cut_off_anywhere_ends_what_it_started(items: list[Item], data: st.DataObject) -> None:
    check(played(items[: data.draw(st.integers(0, len(items)))]))


def legs_of(item: Observation | Snapshot) -> set[str]:
    """Ids of all legs that are named in it."""
    found = [getattr(item, name) for name in getattr(item, "__struct_fields__", ())]
    return {one.id for one in found if isinstance(one, Leg)}


@st.composite
def jumbled(draw: st.DrawFn) -> tuple[str, list[Item]]:
    """A recording whose events come in another order where they are near each other and are not of the same leg: the
    PBX keeps the order of each channel's events only. (A bridge's members are told of in one order.)"""
    name = draw(st.sampled_from([name for name in NAMES if name not in RESTARTED]))
    items = list(OBSERVED[name])
    for place in draw(st.lists(st.integers(0, max(0, len(items) - 2)), max_size=30)):
        (time, one), (later, other) = items[place : place + 2] if len(items) > 1 else [(0, Snapshot()), (0, Snapshot())]
        near = later - time <= 5 and not isinstance(one, Snapshot) and not isinstance(other, Snapshot)
        if near and not legs_of(one) & legs_of(other):
            items[place : place + 2] = [(time, other), (later, one)]
    return name, items


def as_it_is(calls: CallMachine, *, audit: bool) -> Snapshot:
    """What the PBX would list now, had nothing been missed."""
    board = calls._roster.board
    alive = [
        Alive(
            leg=Leg(
                id=leg.id,
                call=leg.call,
                kind=leg.kind,
                endpoint=leg.endpoint,
                state=leg.state,
                number=leg.number,
                name=leg.name,
                inside=leg.inside,
            ),
            bridge=leg.bridge,
            service=leg.service,
            conference=leg.conference,
        )
        for leg in board.legs.values()
    ]
    return Snapshot(legs=tuple(alive), audit=audit)


@given(st.data(), st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_snapshot_that_agrees_changes_nothing_wherever_it_comes(data: st.DataObject, audit: bool) -> None:
    name = data.draw(st.sampled_from([name for name in NAMES if name not in RESTARTED and OBSERVED[name]]))
    items = OBSERVED[name]
    cut = data.draw(st.integers(1, len(items)))
    calls = machine()
    events: list[CallEvent] = []
    for index, (time, item) in enumerate(items):
        while (due := calls.wake_at()) is not None and due <= time:
            events += calls.poll(due)
        events += calls.resync(item, time) if isinstance(item, Snapshot) else calls.observe(item, time)
        if index + 1 == cut:
            events += calls.resync(as_it_is(calls, audit=audit), time)
    while (due := calls.wake_at()) is not None:
        events += calls.poll(due)
    assert events == feed(machine(), items)


OBSERVED = {name: list(observations(name)) for name in NAMES}
RESTARTED = {"80-reconnect-mid-call", "90-shutdown-mid-call", "92-kill-9-mid-call"}


@given(jumbled())
@settings(max_examples=200, deadline=None)
def test_the_order_of_different_channels_events_makes_no_difference_to_the_end(case: tuple[str, list[Item]]) -> None:
    name, items = case
    ends = [events[-1].data for events in by_call(feed(machine(), items)).values()]
    told = [(end.endCause, end.endBy, str(end.direction), end.flags) for end in ends]
    assert told == [(row.cause, row.by, row.direction, row.flags) for row in TABLE[name]]


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_calls_that_go_on_at_once_are_told_as_each_alone(data: st.DataObject) -> None:
    one, two = (data.draw(st.sampled_from(RECORDED)) for _ in range(2))
    keys = [
        {item.leg.call for _, item in items if hasattr(item, "leg") and item.leg is not None} for items in (one, two)
    ]
    if keys[0] & keys[1] or any(isinstance(item, Snapshot) for _, item in (*one, *two)):
        return
    start = one[0][0] if one else 0
    shift = start - (two[0][0] if two else 0) + data.draw(st.integers(0, 3_000))
    mixed = sorted([*one, *((time + shift, item) for time, item in two)], key=lambda item: item[0])
    told = feed(machine(), mixed)
    alone = [*feed(machine(), one), *feed(machine(), [(time + shift, item) for time, item in two])]
    assert sorted(map(repr, told)) == sorted(map(repr, alone))


ids = st.sampled_from(("1", "2", "3", "4"))
legs = st.builds(
    Leg,
    id=ids,
    call=ids,
    kind=st.sampled_from(("real", "real", "local")),
    endpoint=st.sampled_from(("1001", "1002", "SIPTRUNK", None)),
    state=st.sampled_from(("down", "calling", "ringing", "up")),
    number=st.sampled_from(("1001", "+15550100", None)),
    dialled=st.sampled_from(("1002", "*8", None)),
)
bridges = st.sampled_from(("x", "y"))
causes = st.sampled_from((None, 0, 16, 17, 26, 127, 999))
anything = st.one_of(
    st.builds(LegAppeared, legs),
    st.builds(LegChanged, legs),
    st.builds(Dials, st.none() | legs, legs),
    st.builds(DialEnded, st.none() | legs, legs, st.sampled_from(("ANSWER", "BUSY", "CANCEL", "?"))),
    st.builds(
        JoinsBridge, legs, bridges, st.sampled_from(("talk", "talk", "conference", "park", "wait")), st.none() | ids
    ),
    st.builds(LeavesBridge, legs, bridges),
    st.builds(LocalPair, legs, legs),
    st.builds(JoinsQueue, legs, st.just("sales")),
    st.builds(LeavesQueue, legs, st.just("sales")),
    st.builds(Holds, legs),
    st.builds(Unholds, legs),
    st.builds(Rings, st.none() | legs, legs),
    st.builds(SendsOn, legs, st.none() | legs, st.sampled_from((None, "1003"))),
    st.builds(HandsOver, legs, legs),
    st.builds(PicksUp, legs, legs),
    st.builds(Parks, legs),
    st.builds(Unparks, legs, gave_up=st.booleans()),
    st.builds(QueueCallEnds, legs, st.just("sales"), st.sampled_from((None, True, False))),
    st.builds(EntersConference, legs, st.just("800")),
    st.builds(Runs, legs, st.sampled_from(("voicemail", "ivr"))),
    st.builds(Ends, legs),
    st.builds(HangupRequested, legs, causes),
    st.builds(HungUp, legs, causes),
    st.builds(HungUp, legs, causes),
    st.builds(
        Snapshot,
        legs=st.lists(
            st.builds(Alive, leg=legs, bridge=st.none() | bridges, service=st.sampled_from((None, "voicemail"))),
            max_size=4,
        ).map(tuple),
        restarted=st.booleans(),
        audit=st.booleans(),
    ),
)


@given(st.lists(st.tuples(st.integers(-200, 2_000), anything), max_size=40))
@settings(max_examples=300, deadline=None)
def test_no_sequence_of_observations_breaks_a_call(steps: list[tuple[int, Observation | Snapshot]]) -> None:
    now, items = 1_700_000_000_000, []
    for wait, item in steps:
        now += wait  # the clock may go back, too
        items.append((now, item))
    events = played(items)
    check(events)
    for event in events:
        canonical.encode(to_wire(event.data, ended=event.type == "call:end", extra_keys=True))


@given(st.lists(anything, max_size=40))
@settings(max_examples=100, deadline=None)
def test_nothing_is_kept_of_calls_that_are_over(items: list[Observation | Snapshot]) -> None:
    calls = machine()
    feed(calls, [*((index * 100, item) for index, item in enumerate(items)), (100_000, Snapshot())])
    statistics = calls.statistics()
    assert (statistics.open, statistics.legs) == (0, 0)
    assert statistics.started == statistics.ended
    assert calls.wake_at() is None
