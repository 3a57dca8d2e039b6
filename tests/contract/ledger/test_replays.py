"""The contract: what is to be delivered again is found in parts, made pending in event order, and with it how far the
work came, in one transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger
from ringpost.model.delivery import Delivery, DeliveryState
from ringpost.model.event import EVENT_TYPES, Event
from ringpost.model.notice import PAUSED, PBX_LOST, lane_of
from ringpost.model.replay import Replayable, ReplayFilter
from ringpost.model.work import Work
from tests.contract.ledger.making import (
    NOW,
    Clock,
    Place,
    accepted,
    all_owed,
    delete,
    failed,
    integration,
    new_event,
    result,
    whole_call,
)
from tests.contract.ledger.test_works import work

ENDED: Final = frozenset[DeliveryState]({"delivered", "exhausted", "cancelled"})
HIGHEST: Final = (1 << 63) - 1
US: Final = ("acme", "aaaaaa")


def wanting(*states: DeliveryState, never_owed: Sequence[str] = (), **more: object) -> ReplayFilter:
    made = ReplayFilter(states=frozenset(states), never_owed=tuple(never_owed), until=HIGHEST)
    return replace(made, **more)


async def commit(
    ledger: Ledger, *calls: str, integrations: Sequence[str] = ("aaaaaa",), updates: int = 1
) -> list[Event]:
    """Whole calls, one after the other."""
    events = [event for call in calls for event in whole_call(call, integrations=integrations, updates=updates)]
    return [accepted(verdict) for verdict in await ledger.commit(events)]


async def end(ledger: Ledger, events: Sequence[Event], state: DeliveryState = "exhausted", to: str = "aaaaaa") -> None:
    error = None if state == "delivered" else "status"
    await ledger.record([result(event, to, state=state, error=error) for event in events])


async def find_all(ledger: Ledger, wanted: ReplayFilter, *, limit: int, after: int = 0) -> list[Replayable]:
    """All parts, until there is none after them."""
    parts: list[Replayable] = []
    place: int | None = after
    while place is not None:
        parts.append(await ledger.replayable(*US, wanted, place, limit))
        assert len(parts) < 500
        assert parts[-1].reached is None or parts[-1].reached > place
        place = parts[-1].reached
    return parts


async def found(ledger: Ledger, wanted: ReplayFilter, *, after: int = 0) -> tuple[list[int], list[int]]:
    """The numbers of all deliveries that ended, and of all events that were never owed."""
    [part] = await find_all(ledger, wanted, limit=1_000, after=after)
    return list(part.ended), list(part.never_owed)


async def begun(ledger: Ledger) -> Work:
    await ledger.add_work(work())
    return work()


async def delivery(ledger: Ledger, event: Event, to: str = "aaaaaa") -> Delivery:
    kept = await ledger.delivery("acme", event.seq, to)
    assert kept is not None
    return kept


# --- finding ----------------------------------------------------------------------------------------------------------
async def test_deliveries_that_ended_as_wanted_are_found_in_event_order(ledger: Ledger) -> None:
    events = await commit(ledger, "acme_1", "acme_2")
    await end(ledger, events[3:5], "exhausted")
    await end(ledger, events[:2], "delivered")
    await ledger.record([failed(events[2])])
    exhausted, delivered = [event.seq for event in events[3:5]], [event.seq for event in events[:2]]
    assert await found(ledger, wanting("exhausted")) == (exhausted, [])
    assert await found(ledger, wanting("delivered")) == (delivered, [])
    assert await found(ledger, wanting("cancelled")) == ([], [])
    assert await found(ledger, wanting(*ENDED)) == (delivered + exhausted, [])


async def test_each_part_looks_at_so_many_at_most_and_goes_on_where_the_one_before_ended(ledger: Ledger) -> None:
    events = await commit(ledger, "acme_1", updates=8)
    await end(ledger, events[::2], "exhausted")
    await end(ledger, events[1::2], "delivered")
    parts = await find_all(ledger, wanting("exhausted", "delivered"), limit=3)
    assert [list(part.ended) for part in parts[:4]] == [
        [event.seq for event in events[at : at + 3]] for at in range(0, 10, 3)
    ]
    seldom = await find_all(ledger, wanting("exhausted", "delivered", type="call:end"), limit=3)
    assert [part.ended for part in seldom] == [(), (), (), (events[-1].seq,)]


async def test_only_what_lies_between_the_numbers_is_found(ledger: Ledger) -> None:
    events = await commit(ledger, "acme_1", "acme_2")
    await end(ledger, events)
    for wanted in (wanting(*ENDED), wanting(*ENDED, never_owed=EVENT_TYPES)):
        part, _ = await found(ledger, replace(wanted, until=events[3].seq), after=events[0].seq)
        assert part == [event.seq for event in events[1:4]]


async def test_a_call_is_found_alone_and_in_order(ledger: Ledger) -> None:
    events = await commit(ledger, "acme_1", "acme_2", updates=3)
    await end(ledger, events)
    ours = [event.seq for event in events if event.call == "acme_2"]
    assert await found(ledger, wanting(*ENDED, call="acme_2")) == (ours, [])
    assert await found(ledger, wanting(*ENDED, call="acme_2", type="call:end")) == (ours[-1:], [])
    assert await found(ledger, wanting(*ENDED, call="acme_2", until=ours[2]), after=ours[0]) == (ours[1:3], [])
    assert await found(ledger, wanting(*ENDED, call="acme_9")) == ([], [])
    parts = await find_all(ledger, wanting(*ENDED, call="acme_2"), limit=2)
    assert [list(part.ended) for part in parts] == [ours[0:2], ours[2:4], ours[4:]]


async def test_events_that_were_never_owed_are_found_where_they_are_wanted(ledger: Ledger) -> None:
    events = await commit(ledger, "acme_1", integrations=())
    await ledger.commit([new_event(company="other", call="other_1")])
    assert await found(ledger, wanting(never_owed=EVENT_TYPES)) == ([], [event.seq for event in events])
    assert await found(ledger, wanting(never_owed=["call:end"])) == ([], [events[-1].seq])
    assert await found(ledger, wanting(never_owed=EVENT_TYPES, type="call:start")) == ([], [events[0].seq])
    assert await found(ledger, wanting(never_owed=EVENT_TYPES, call="acme_1")) == ([], [event.seq for event in events])
    assert await found(ledger, wanting(never_owed=EVENT_TYPES, call="other_1")) == ([], [])


async def test_what_was_owed_once_is_never_called_never_owed(ledger: Ledger) -> None:
    events = await commit(ledger, "acme_1", updates=2)
    await end(ledger, events[:1], "delivered")
    await end(ledger, events[1:2], "exhausted")  # the others are pending
    for call in (None, "acme_1"):
        wanted = wanting("exhausted", never_owed=EVENT_TYPES, call=call)
        assert await found(ledger, wanted) == ([events[1].seq], [])


async def test_a_notice_is_never_owed_to_the_one_that_it_is_about(ledger: Ledger) -> None:
    about_us = new_event(PAUSED, call=lane_of("acme", "aaaaaa"), origin="notice")
    of_another = new_event(PBX_LOST, call=lane_of("acme", "PBX1"), origin="notice")
    events = [accepted(verdict) for verdict in await ledger.commit([about_us, of_another])]
    assert await found(ledger, wanting(never_owed=[PAUSED, PBX_LOST])) == ([], [events[1].seq])
    assert await found(ledger, wanting(never_owed=EVENT_TYPES)) == ([], [])


async def test_a_test_call_to_another_integration_is_never_owed(ledger: Ledger) -> None:
    [of_a_test, no_test] = await ledger.commit(
        [new_event(call="acme_test.1.ab", pbx="test"), new_event(call="acme_1", pbx="test")]
    )
    assert await found(ledger, wanting(never_owed=EVENT_TYPES)) == ([], [accepted(no_test).seq])
    call = accepted(of_a_test).call
    assert await found(ledger, wanting(never_owed=EVENT_TYPES, call=call)) == ([], [])


async def test_the_highest_number_is_that_of_the_latest_event(ledger: Ledger) -> None:
    assert await ledger.highest_seq() == 0
    events = await commit(ledger, "acme_1")
    assert await ledger.highest_seq() == events[-1].seq


async def test_a_deleted_integration_is_known_as_that(ledger: Ledger) -> None:
    await ledger.add_integration(integration())
    assert not await ledger.was_deleted(*US)
    await ledger.delete_integration(*US, NOW)
    assert await ledger.was_deleted(*US)
    assert not await ledger.was_deleted("other", "aaaaaa")
    assert not await ledger.was_deleted("acme", "bbbbbb")


# --- making them pending ----------------------------------------------------------------------------------------------
async def test_a_batch_is_pending_in_event_order_with_its_schedule_anew(ledger: Ledger) -> None:
    events = await commit(ledger, "acme_1")
    await end(ledger, [events[1]], "delivered")
    await ledger.record([result(events[0], number=3, state="exhausted", error="status")])
    before, wanted = await begun(ledger), wanting("delivered", "exhausted")
    [batch] = await find_all(ledger, wanted, limit=10)
    after, owed = await ledger.replay_some(before, replace(before, place=b"{1}"), "aaaaaa", wanted, batch, NOW + 9)
    assert after == replace(before, place=b"{1}", done=2)
    assert await ledger.work("acme", before.id) == after
    assert [one.seq for one in owed] == [events[0].seq, events[1].seq]
    assert [(one.attempts, one.earlier, one.replay, one.due) for one in owed] == [
        (3, 3, 1, NOW + 9),
        (1, 1, 1, NOW + 9),
    ]
    assert [(one.company, one.integration, one.call) for one in owed] == [("acme", "aaaaaa", "acme_1")] * 2
    assert [one for one in await all_owed(ledger) if one.replay] == owed
    kept = await delivery(ledger, events[0])
    assert (kept.state, kept.due, kept.updated, kept.replay) == ("pending", NOW + 9, NOW + 9, 1)


async def test_an_event_that_was_never_owed_is_owed_as_a_replay(ledger: Ledger, clock: Clock) -> None:
    events = await commit(ledger, "acme_1", integrations=["bbbbbb"])
    before, wanted = await begun(ledger), wanting(never_owed=["call:start", "call:end"])
    [batch] = await find_all(ledger, wanted, limit=10)
    after, owed = await ledger.replay_some(before, before, "aaaaaa", wanted, batch, NOW + 50)
    assert after.done == 2
    assert [(one.seq, one.replay, one.attempts, one.earlier) for one in owed] == [
        (events[0].seq, 1, 0, 0),
        (events[2].seq, 1, 0, 0),
    ]
    made = await delivery(ledger, events[2])
    assert (made.state, made.type, made.replay, made.created, made.due) == (
        "pending", "call:end", 1, NOW + 50, NOW + 50,
    )  # fmt: skip
    assert await ledger.delivery("acme", events[1].seq, "aaaaaa") is None
    again, nothing = await ledger.replay_some(after, after, "aaaaaa", wanted, batch, NOW + 60)
    assert (again.done, nothing) == (2, [])


async def test_what_ended_and_what_was_never_owed_come_in_one_order(ledger: Ledger) -> None:
    first = await commit(ledger, "acme_1", integrations=())
    second = await commit(ledger, "acme_2")
    third = await commit(ledger, "acme_3", integrations=())
    await end(ledger, second)
    before, wanted = await begun(ledger), wanting("exhausted", never_owed=EVENT_TYPES)
    [batch] = await find_all(ledger, wanted, limit=20)
    _, owed = await ledger.replay_some(before, before, "aaaaaa", wanted, batch, NOW)
    assert [one.seq for one in owed] == [event.seq for event in (*first, *second, *third)]


async def test_what_is_pending_is_left_alone(ledger: Ledger) -> None:
    events = await commit(ledger, "acme_1", updates=2)
    await end(ledger, events)
    before, wanted = await begun(ledger), wanting("exhausted")
    [batch] = await find_all(ledger, wanted, limit=10)
    alone = await ledger.replay("acme", events[1].seq, "aaaaaa", NOW + 1)
    after, owed = await ledger.replay_some(before, before, "aaaaaa", wanted, batch, NOW + 2)
    assert after.done == 3
    assert [one.seq for one in owed] == [events[0].seq, events[2].seq, events[3].seq]
    kept = await delivery(ledger, events[1])
    assert (kept.replay, kept.due) == (alone.replay, alone.due)


async def test_what_ended_otherwise_meanwhile_is_left_alone(ledger: Ledger) -> None:
    events = await commit(ledger, "acme_1")
    await end(ledger, events)
    before, wanted = await begun(ledger), wanting("exhausted")
    [batch] = await find_all(ledger, wanted, limit=10)
    await ledger.replay("acme", events[0].seq, "aaaaaa", NOW)
    await ledger.record([result(events[0], number=2)])
    _, owed = await ledger.replay_some(before, before, "aaaaaa", wanted, batch, NOW)
    assert [one.seq for one in owed] == [event.seq for event in events[1:]]
    assert (await delivery(ledger, events[0])).state == "delivered"


async def test_nothing_of_a_cancelled_work_is_written(ledger: Ledger) -> None:
    events = await commit(ledger, "acme_1", integrations=["aaaaaa"])
    others = await commit(ledger, "acme_2", integrations=())
    await end(ledger, events)
    before, wanted = await begun(ledger), wanting("exhausted", never_owed=EVENT_TYPES)
    [batch] = await find_all(ledger, wanted, limit=10)
    cancelled = await ledger.cancel_work("acme", before.id, NOW + 1)
    assert await ledger.replay_some(before, before, "aaaaaa", wanted, batch, NOW) == (cancelled, [])
    assert await all_owed(ledger) == []
    assert await ledger.delivery("acme", others[0].seq, "aaaaaa") is None


async def test_a_batch_is_written_once_however_often_it_is_tried(ledger: Ledger) -> None:
    events = await commit(ledger, "acme_1")
    await end(ledger, events)
    before, wanted = await begun(ledger), wanting("exhausted", "delivered")
    [batch] = await find_all(ledger, wanted, limit=10)
    later = replace(before, place=b"{1}")
    after, owed = await ledger.replay_some(before, later, "aaaaaa", wanted, batch, NOW)
    assert len(owed) == 3
    await ledger.record([result(event, number=2) for event in events])  # so each would match again
    assert await ledger.replay_some(before, later, "aaaaaa", wanted, batch, NOW) == (after, [])
    assert {(await delivery(ledger, event)).replay for event in events} == {1}


async def test_a_deleted_integration_gets_nothing(ledger: Ledger) -> None:
    await ledger.add_integration(integration())
    events = await commit(ledger, "acme_1")
    never = await commit(ledger, "acme_2", integrations=())
    await delete(ledger, *US, NOW)
    before, wanted = await begun(ledger), wanting("cancelled", never_owed=EVENT_TYPES)
    [batch] = await find_all(ledger, wanted, limit=10)
    assert (len(batch.ended), len(batch.never_owed)) == (len(events), len(never))
    after, owed = await ledger.replay_some(before, replace(before, place=b"{1}"), "aaaaaa", wanted, batch, NOW)
    assert (after.place, after.done, owed) == (b"{1}", 0, [])
    assert {(await delivery(ledger, event)).state for event in events} == {"cancelled"}
    assert await ledger.delivery("acme", never[0].seq, "aaaaaa") is None


async def test_two_replays_of_the_same_deliveries_make_each_pending_once(ledger: Ledger) -> None:
    events = await commit(ledger, "acme_1", updates=20)
    await end(ledger, events)
    wanted = wanting("exhausted")
    works = [work(1), work(2)]
    for one in works:
        await ledger.add_work(one)
    [batch] = await find_all(ledger, wanted, limit=100)
    counts = [len((await ledger.replay_some(one, one, "aaaaaa", wanted, batch, NOW))[1]) for one in works]
    assert counts == [22, 0]
    assert {(await delivery(ledger, event)).replay for event in events} == {1}


async def test_progress_and_batch_are_there_after_a_restart_or_neither_is(
    ledger: Ledger, reopen: Callable[[], Awaitable[Ledger]]
) -> None:
    events = await commit(ledger, "acme_1")
    await end(ledger, events)
    before, wanted = await begun(ledger), wanting("exhausted")
    [batch] = await find_all(ledger, wanted, limit=10)
    after, owed = await ledger.replay_some(before, replace(before, place=b"{1}"), "aaaaaa", wanted, batch, NOW)
    ledger = await reopen()
    assert await ledger.running_works() == [after]
    assert await all_owed(ledger) == owed


async def test_a_batch_whose_progress_cannot_be_kept_is_not_made(ledger: Ledger) -> None:
    events = await commit(ledger, "acme_1")
    await end(ledger, events)
    before, wanted = await begun(ledger), wanting("exhausted")
    [batch] = await find_all(ledger, wanted, limit=10)
    with pytest.raises(RingpostError, match="could not be written"):
        await ledger.replay_some(before, replace(before, place="text"), "aaaaaa", wanted, batch, NOW)
    assert await all_owed(ledger) == []
    assert await ledger.running_works() == [before]


STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(["pending", "delivered", "exhausted", None])), max_size=12
)


@given(
    steps=STEPS,
    limit=st.integers(1, 5),
    states=st.frozensets(st.sampled_from(["delivered", "exhausted"])),
    never=st.booleans(),
)
@settings(max_examples=40, deadline=None)
async def test_parts_of_any_size_come_to_all_that_is_wanted_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[int, DeliveryState | None]],
    limit: int,
    states: frozenset[DeliveryState],
    never: bool,
) -> None:
    ledger = await Place("sqlite", tmp_path_factory.mktemp("ledger")).open()
    try:
        expected_ended: list[int] = []
        expected_never: list[int] = []
        begun_calls: set[int] = set()
        for call, state in steps:
            new = new_event(
                "call:update" if call in begun_calls else "call:start",
                call=f"acme_{call}",
                integrations=[] if state is None else ["aaaaaa"],
            )
            begun_calls.add(call)
            [verdict] = await ledger.commit([new])
            event = accepted(verdict)
            if state is None:
                expected_never += [event.seq] if never else []
            elif state != "pending":
                await end(ledger, [event], state)
                expected_ended += [event.seq] if state in states else []
        parts = await find_all(ledger, wanting(*states, never_owed=EVENT_TYPES if never else ()), limit=limit)
        assert [seq for part in parts for seq in part.ended] == expected_ended
        assert [seq for part in parts for seq in part.never_owed] == expected_never
    finally:
        await ledger.close()
