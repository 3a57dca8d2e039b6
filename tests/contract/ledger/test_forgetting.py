"""Forgetting: what is old goes, whole and in batches; what goes on, is pending or is young stays."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ringpost.ledger.forgetting import Forgettable, Forgotten
from ringpost.ledger.ledger import DeliveryFilter, Ledger, Remember, Result
from ringpost.model.event import CALL_END, CALL_START, CALL_UPDATE, NOTICE, Event, NewEvent, next_seq
from ringpost.model.work import REPLAY, Work, new_work_id
from tests.contract.ledger.making import (
    DAY,
    NOW,
    Clock,
    Place,
    accepted,
    all_owed,
    codes,
    commit_one,
    events_of,
    new_event,
    remember,
    result,
    whole_call,
)


async def commit(ledger: Ledger, events: Sequence[NewEvent], wanted: Remember | None = None) -> list[Event]:
    return [accepted(verdict) for verdict in await ledger.commit(events, wanted)]


async def deliver(ledger: Ledger, events: Sequence[Event], *integrations: str) -> None:
    await ledger.record([result(event, name) for event in events for name in integrations or ("aaaaaa",)])


async def forget(ledger: Ledger, kind: Forgettable, before: int, *, limit: int = 5) -> Forgotten:
    """A whole pass."""
    total: dict[str, int] = {}
    place = None
    while True:
        batch = await ledger.forget(kind, before, place, limit)
        for name in ("calls", "events", "deliveries", "attempts", "answers", "works"):
            total[name] = total.get(name, 0) + getattr(batch, name)
        assert batch.next is None or place is None or batch.next >= place
        place = batch.next
        if place is None:
            return Forgotten(**total, next=None)


async def test_an_old_call_goes_with_all_that_belongs_to_it(ledger: Ledger, clock: Clock) -> None:
    events = await commit(ledger, whole_call("acme_1", integrations=["aaaaaa", "bbbbbb"], updates=2))
    await deliver(ledger, events, "aaaaaa", "bbbbbb")
    gone = await forget(ledger, "calls", NOW + 1)
    assert (gone.calls, gone.events, gone.deliveries, gone.attempts) == (1, 4, 8, 8)
    assert await ledger.call("acme", "acme_1") is None
    assert await ledger.bodies("acme", [event.seq for event in events]) == {}
    assert await ledger.deliveries_of_events("acme", [event.seq for event in events]) == []
    assert await ledger.attempts_of_events("acme", [event.seq for event in events]) == []
    assert (await ledger.deliveries("acme", DeliveryFilter(), cursor=None, limit=10)).items == []


async def test_a_call_is_as_old_as_its_newest_event(ledger: Ledger, clock: Clock) -> None:
    await commit(ledger, whole_call("acme_1")[:2])
    clock.now += DAY
    await commit(ledger, [new_event(CALL_END, call="acme_1")])
    assert (await forget(ledger, "calls", NOW + DAY)).events == 0
    assert len(await events_of(ledger, "acme", "acme_1")) == 3
    assert (await forget(ledger, "calls", NOW + DAY + 1)).events == 3


async def test_a_call_that_goes_on_is_kept_whole_and_can_still_end(ledger: Ledger, clock: Clock) -> None:
    await commit(ledger, whole_call("acme_1", updates=3)[:4])
    clock.now += 100 * DAY
    assert (await forget(ledger, "calls", clock.now)).events == 0
    [end] = await commit(ledger, [new_event(CALL_END, call="acme_1")])
    assert end.sequence == 5


@pytest.mark.parametrize("pending", range(3))
async def test_one_pending_delivery_keeps_its_whole_call(ledger: Ledger, pending: int) -> None:
    events = await commit(ledger, whole_call("acme_1", integrations=["aaaaaa", "bbbbbb"]))
    await deliver(ledger, events)
    await deliver(ledger, [event for event in events if event is not events[pending]], "bbbbbb")
    others = await commit(ledger, whole_call("acme_2"))
    gone = await forget(ledger, "calls", NOW + DAY, limit=20)
    assert (gone.calls, gone.events) == (1, len(others))
    assert await events_of(ledger, "acme", "acme_1") == events
    assert [owed.seq for owed in await all_owed(ledger)] == [events[pending].seq]
    await deliver(ledger, [events[pending]], "bbbbbb")
    assert (await forget(ledger, "calls", NOW + DAY)).events == 3


async def test_a_delivery_that_was_replayed_after_it_was_found_stays(ledger: Ledger) -> None:
    [event] = await commit(ledger, [new_event(integrations=["aaaaaa"])])
    await commit(ledger, [new_event(CALL_END)])
    await deliver(ledger, [event])
    await ledger.replay("acme", event.seq, "aaaaaa", NOW)
    assert (await forget(ledger, "calls", NOW + DAY)).events == 0
    assert (await forget(ledger, "attempts", NOW + DAY)).attempts == 0
    assert len(await ledger.attempts("acme", event.seq, "aaaaaa")) == 1


async def test_a_long_call_goes_from_its_end_and_is_whole_at_any_moment(ledger: Ledger) -> None:
    events = await commit(ledger, whole_call("acme_1", integrations=["aaaaaa"], updates=20))
    await deliver(ledger, events)
    place, left = None, len(events)
    while left:
        batch = await ledger.forget("calls", NOW + 1, place, 10)
        assert 0 < batch.events <= 4
        left -= batch.events
        assert await events_of(ledger, "acme", "acme_1", limit=3) == events[:left]
        call = await ledger.call("acme", "acme_1")
        assert (call is None) == (left == 0)
        listed = await ledger.calls("acme", open_only=False, cursor=None, limit=10)
        assert [found.id for found in listed.items] == ["acme_1"] * (left > 0)
        of_call = await ledger.deliveries("acme", DeliveryFilter(call="acme_1"), cursor=None, limit=50)
        assert [delivery.seq for delivery in of_call.items] == [event.seq for event in reversed(events[:left])]
        place = batch.next
    assert place is None or (await ledger.forget("calls", NOW + 1, place, 10)).next is None


async def test_what_of_a_long_call_is_pending_stays_with_what_was_before_it(ledger: Ledger) -> None:
    events = await commit(ledger, whole_call("acme_1", integrations=["aaaaaa"], updates=20))
    await deliver(ledger, [event for event in events if event is not events[3]])
    gone = await forget(ledger, "calls", NOW + 1, limit=10)
    left = await events_of(ledger, "acme", "acme_1")
    assert events[3] in left
    assert left == events[: len(events) - gone.events]
    assert [owed.seq for owed in await all_owed(ledger)] == [events[3].seq]


async def test_a_list_goes_on_behind_a_place_that_was_forgotten(ledger: Ledger, clock: Clock) -> None:
    for number in range(6):
        await deliver(ledger, await commit(ledger, whole_call(f"acme_{number}", integrations=["aaaaaa"])))
        clock.now += DAY
    calls = await ledger.calls("acme", open_only=False, cursor=None, limit=4)
    deliveries = await ledger.deliveries("acme", DeliveryFilter(), cursor=None, limit=9)
    of_call = await ledger.deliveries("acme", DeliveryFilter(call="acme_0"), cursor=None, limit=1)
    assert (await forget(ledger, "calls", NOW + 3 * DAY)).calls == 3
    assert (await ledger.calls("acme", open_only=False, cursor=calls.next, limit=4)).items == []
    assert (await ledger.deliveries("acme", DeliveryFilter(), cursor=deliveries.next, limit=9)).items == []
    more = await ledger.deliveries("acme", DeliveryFilter(call="acme_0"), cursor=of_call.next, limit=9)
    assert more.items == []


async def test_numbers_go_on_after_all_events_were_forgotten(
    ledger: Ledger, clock: Clock, reopen: Callable[[], Awaitable[Ledger]]
) -> None:
    events = await commit(ledger, whole_call("acme_1"))
    assert (await forget(ledger, "calls", NOW + 1)).events == 3
    clock.now -= DAY  # a clock that was set back
    ledger = await reopen()
    [event] = await commit(ledger, [new_event(call="acme_2")])
    assert event.seq > events[-1].seq


async def test_the_id_of_a_forgotten_call_can_be_used_again(
    ledger: Ledger, reopen: Callable[[], Awaitable[Ledger]]
) -> None:
    await commit(ledger, whole_call("acme_1"))
    await forget(ledger, "calls", NOW + 1)
    assert codes(await (await reopen()).commit(whole_call("acme_1"))) == [None] * 3


async def test_attempts_go_before_their_events_and_are_as_old_as_themselves(ledger: Ledger) -> None:
    events = await commit(ledger, whole_call("acme_1", integrations=["aaaaaa"]))
    await deliver(ledger, events)
    [first, *_] = events
    await ledger.replay("acme", first.seq, "aaaaaa", NOW + 10 * DAY)
    second = result(first, number=2)
    await ledger.record([Result(attempt=replace(second.attempt, time=NOW + 10 * DAY), state="delivered", due=None)])
    assert (await forget(ledger, "attempts", NOW + 5 * DAY, limit=2)).attempts == 3
    assert [attempt.number for attempt in await ledger.attempts("acme", first.seq, "aaaaaa")] == [2]
    delivery = await ledger.delivery("acme", first.seq, "aaaaaa")
    assert delivery is not None
    assert (delivery.state, delivery.attempts) == ("delivered", 2)
    assert await events_of(ledger, "acme", "acme_1") == events


async def test_notices_have_days_of_their_own(ledger: Ledger, clock: Clock) -> None:
    def notice(lane: str) -> NewEvent:
        return new_event("notice:paused", call=f"acme_notice/{lane}", integrations=["aaaaaa"], origin=NOTICE)

    old, pending, young = [], [], []
    for number in range(4):
        old.append(await commit_one(ledger, notice(str(number))))
        pending.append(await commit_one(ledger, notice("p")))
    await deliver(ledger, old)
    clock.now += DAY
    young.append(await commit_one(ledger, notice("1")))
    await deliver(ledger, young)
    assert (await forget(ledger, "calls", NOW + 2 * DAY)).events == 0
    gone = await forget(ledger, "notices", NOW + DAY, limit=3)
    assert (gone.events, gone.deliveries, gone.attempts) == (4, 4, 4)
    left = (await ledger.notices("acme", cursor=None, limit=20)).items
    assert [event.seq for event in left] == [event.seq for event in reversed(pending + young)]


async def test_answers_and_ended_works_are_forgotten(ledger: Ledger, clock: Clock) -> None:
    for number in range(7):
        await commit(ledger, [], remember(key=f"k{number}"))
    for state in ("done", "running"):
        work = Work(id=new_work_id(REPLAY, NOW, 0.1 * len(state)), company="acme", kind=REPLAY, request=b"{}",
                    created=NOW, updated=NOW, state="running")  # fmt: skip
        await ledger.add_work(work)
        if state == "done":
            await ledger.advance_work(work, replace(work, state="done"))
    assert (await forget(ledger, "answers", NOW + DAY)).answers == 0  # whatever is asked for, they are kept for a day
    clock.now += 2 * DAY
    assert (await forget(ledger, "answers", clock.now)).answers == 7
    assert (await forget(ledger, "works", NOW)).works == 0
    assert (await forget(ledger, "works", NOW + 1)).works == 1
    assert [work.state for work in await ledger.running_works()] == ["running"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_whatever_is_there_what_must_stay_stays_and_the_rest_goes(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    place = Place("sqlite", tmp_path_factory.mktemp("forgetting"))
    ledger = await place.open()
    try:
        numbers = st.integers(0, 5)
        kept: dict[str, list[Event]] = {}
        cut = NOW + 3 * DAY
        for number in range(data.draw(st.integers(1, 8))):
            call = f"acme_{number}"
            types = [CALL_START, *[CALL_UPDATE] * data.draw(numbers), CALL_END][: data.draw(st.integers(1, 7))]
            names = ["aaaaaa", "bbbbbb"][: data.draw(st.integers(0, 2))]
            place.clock.now = NOW + data.draw(numbers) * DAY
            events = await commit(ledger, [new_event(type_, call=call, integrations=names) for type_ in types])
            late = events[-1].seq >= next_seq(0, cut)  # a number never falls, though the clock may
            chosen = data.draw(st.sets(st.integers(0, len(events) - 1))) if names else set()
            left = [events[index] for index in chosen]
            await ledger.record([result(e, name) for e in events for name in names if e not in left])
            if late or left or types[-1] != CALL_END:
                kept[call] = events
        gone = await forget(ledger, "calls", cut, limit=data.draw(st.integers(60, 200)))
        assert gone.next is None
        for number in range(8):
            assert await events_of(ledger, "acme", f"acme_{number}") == kept.get(f"acme_{number}", [])
            assert (await ledger.call("acme", f"acme_{number}") is not None) == (f"acme_{number}" in kept)
    finally:
        await ledger.close()
