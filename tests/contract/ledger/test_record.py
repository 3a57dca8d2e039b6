"""Dispatching: what is owed, attempts and the states after them, bodies, replays."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger, Result
from ringpost.model.delivery import Delivery, Owed
from ringpost.model.event import Event
from tests.contract.ledger.making import (
    NOW,
    accepted,
    all_owed,
    commit_one,
    delete,
    failed,
    integration,
    new_event,
    owed,
    result,
    whole_call,
)


async def one(ledger: Ledger) -> Event:
    return await commit_one(ledger, new_event(integrations=["aaaaaa"]))


async def delivery_of(ledger: Ledger, event: Event, integration_id: str = "aaaaaa") -> Delivery:
    delivery = await ledger.delivery(event.company, event.seq, integration_id)
    assert delivery is not None
    return delivery


async def test_a_success_ends_a_delivery(ledger: Ledger) -> None:
    event = await one(ledger)
    success = result(event)
    await ledger.record([success])
    delivery = await delivery_of(ledger, event)
    assert (delivery.state, delivery.attempts, delivery.due) == ("delivered", 1, None)
    assert (delivery.status, delivery.error, delivery.updated) == (200, None, NOW + 15)
    assert await all_owed(ledger) == []
    assert await ledger.attempts("acme", event.seq, "aaaaaa") == [success.attempt]


async def test_a_failure_leaves_a_delivery_pending_until_its_next_try(ledger: Ledger) -> None:
    event = await one(ledger)
    await ledger.record([failed(event, due=NOW + 5_000)])
    assert await all_owed(ledger) == [replace(owed(event), attempts=1, due=NOW + 5_000)]
    delivery = await delivery_of(ledger, event)
    assert (delivery.state, delivery.attempts, delivery.due) == ("pending", 1, NOW + 5_000)
    assert (delivery.status, delivery.error) == (500, "status")


async def test_attempts_are_kept_in_the_order_of_their_numbers(
    ledger: Ledger, reopen: Callable[[], Awaitable[Ledger]]
) -> None:
    event = await one(ledger)
    results = [failed(event, number=1), failed(event, number=2), result(event, number=3)]
    for one_result in results:
        await ledger.record([one_result])
    ledger = await reopen()
    assert await ledger.attempts("acme", event.seq, "aaaaaa") == [r.attempt for r in results]
    assert await ledger.attempts_of_events("acme", [event.seq]) == [r.attempt for r in results]
    assert (await delivery_of(ledger, event)).attempts == 3


async def test_an_exhausted_delivery_is_owed_no_more(ledger: Ledger) -> None:
    event = await one(ledger)
    await ledger.record([result(event, state="exhausted", error="timeout")])
    delivery = await delivery_of(ledger, event)
    assert (delivery.state, delivery.error, delivery.due) == ("exhausted", "timeout", None)
    assert await all_owed(ledger) == []


async def test_many_results_are_recorded_at_once(ledger: Ledger) -> None:
    verdicts = await ledger.commit([new_event(call=f"acme_{n}", integrations=["aaaaaa"]) for n in range(300)])
    events = [accepted(verdict) for verdict in verdicts]
    await ledger.record([result(event) if n % 3 else failed(event) for n, event in enumerate(events)])
    assert [item.seq for item in await all_owed(ledger, limit=70)] == [event.seq for event in events[::3]]
    assert await ledger.pending_count("acme", "aaaaaa") == 100


async def test_two_results_of_a_delivery_in_one_list_both_count(ledger: Ledger) -> None:
    event = await one(ledger)
    await ledger.record([failed(event, number=1), result(event, number=2)])
    delivery = await delivery_of(ledger, event)
    assert (delivery.state, delivery.attempts, delivery.status) == ("delivered", 2, 200)
    assert len(await ledger.attempts("acme", event.seq, "aaaaaa")) == 2


@pytest.mark.parametrize("late", [failed, result])
async def test_a_delivery_that_was_cancelled_keeps_its_state_and_the_attempt(
    ledger: Ledger, late: Callable[..., Result]
) -> None:
    await ledger.add_integration(integration())
    event = await one(ledger)
    await delete(ledger, "acme", "aaaaaa", NOW + 1)
    await ledger.record([late(event)])
    delivery = await delivery_of(ledger, event)
    assert (delivery.state, delivery.due, delivery.attempts) == ("cancelled", None, 1)
    assert [attempt.number for attempt in await ledger.attempts("acme", event.seq, "aaaaaa")] == [1]
    assert await all_owed(ledger) == []


async def test_a_delivery_that_ended_keeps_its_state(ledger: Ledger) -> None:
    event = await one(ledger)
    await ledger.record([result(event)])
    await ledger.record([failed(event, number=2)])
    assert (await delivery_of(ledger, event)).state == "delivered"
    assert await all_owed(ledger) == []


async def test_the_same_result_twice_is_the_same_as_once(ledger: Ledger) -> None:
    event = await one(ledger)
    for _ in range(2):
        await ledger.record([failed(event)])
    assert len(await ledger.attempts("acme", event.seq, "aaaaaa")) == 1
    assert (await delivery_of(ledger, event)).attempts == 1


async def test_an_attempt_of_no_delivery_is_not_kept(ledger: Ledger) -> None:
    event = await one(ledger)
    await ledger.record([result(event, "bbbbbb"), result(replace(event, seq=event.seq + 1))])
    assert await ledger.attempts("acme", event.seq, "bbbbbb") == []
    assert await ledger.attempts("acme", event.seq + 1, "aaaaaa") == []


async def test_recording_nothing_is_fine(ledger: Ledger) -> None:
    await ledger.record([])


async def test_what_is_owed_comes_by_company_integration_and_seq_page_by_page(ledger: Ledger) -> None:
    expected = []
    for company in ("zeta", "acme"):
        for n in range(5):
            new = new_event(company=company, call=f"{company}_{n}", integrations=["bbbbbb", "aaaaaa"])
            event = await commit_one(ledger, new)
            if n == 2:
                await ledger.record([failed(event, "aaaaaa")])
                expected.append(replace(owed(event, "aaaaaa"), attempts=1, due=NOW + 5_000))
            elif n == 3:
                await ledger.record([result(event, "aaaaaa")])
            else:
                expected.append(owed(event, "aaaaaa"))
            expected.append(owed(event, "bbbbbb"))
    expected.sort(key=lambda item: (item.company, item.integration, item.seq))
    for limit in (1, 2, 7, 100):
        assert await all_owed(ledger, limit=limit) == expected


async def test_a_deleted_integration_is_owed_nothing(ledger: Ledger) -> None:
    await ledger.add_integration(integration("aaaaaa"))
    await ledger.add_integration(integration("bbbbbb"))
    events = [accepted(v) for v in await ledger.commit(whole_call("acme_1", integrations=["aaaaaa", "bbbbbb"]))]
    await ledger.record([failed(events[0], "aaaaaa"), result(events[1], "aaaaaa")])
    assert await delete(ledger, "acme", "aaaaaa", NOW + 1) == 2
    assert await all_owed(ledger) == [owed(event, "bbbbbb") for event in events]
    states = [(await delivery_of(ledger, event)).state for event in events]
    assert states == ["cancelled", "delivered", "cancelled"]
    assert (await delivery_of(ledger, events[0])).error == "status"
    assert len(await ledger.attempts_of_events("acme", [event.seq for event in events])) == 2


async def test_bodies_are_those_that_are_there(ledger: Ledger) -> None:
    events = [accepted(verdict) for verdict in await ledger.commit(whole_call("acme_1", updates=5))]
    seqs = [event.seq for event in events]
    assert await ledger.bodies("acme", [seqs[3], seqs[0], seqs[0], 1, seqs[-1] + 1]) == {
        seqs[0]: events[0],
        seqs[3]: events[3],
    }
    assert await ledger.bodies("acme", []) == {}


# --- replays ---------------------------------------------------------------------------------------------------------
async def test_a_delivery_that_ended_can_be_replayed_and_goes_on_counting(ledger: Ledger) -> None:
    await ledger.add_integration(integration())
    event = await one(ledger)
    await ledger.record([failed(event, number=1)])
    await ledger.record([result(event, number=2, state="exhausted", error="status")])
    again = Owed(
        company="acme",
        integration="aaaaaa",
        call="acme_1",
        seq=event.seq,
        attempts=2,
        due=NOW + 100,
        replay=1,
        earlier=2,
    )
    assert await ledger.replay("acme", event.seq, "aaaaaa", NOW + 100) == again
    assert await all_owed(ledger) == [again]
    third = result(event, number=3)
    third = replace(third, attempt=replace(third.attempt, replay=1))
    await ledger.record([third])
    delivery = await delivery_of(ledger, event)
    assert (delivery.state, delivery.attempts, delivery.replay) == ("delivered", 3, 1)
    assert (await ledger.attempts("acme", event.seq, "aaaaaa"))[-1] == third.attempt
    assert (await ledger.replay("acme", event.seq, "aaaaaa", NOW + 200)).replay == 2


async def test_what_cannot_be_replayed_says_why(ledger: Ledger) -> None:
    await ledger.add_integration(integration())
    event = await one(ledger)
    for company, seq, integration_id, code in (
        ("acme", event.seq, "aaaaaa", "delivery_pending"),
        ("acme", event.seq, "bbbbbb", "delivery_not_found"),
        ("acme", event.seq + 1, "aaaaaa", "delivery_not_found"),
        ("other", event.seq, "aaaaaa", "delivery_not_found"),
    ):
        with pytest.raises(RingpostError) as refused:
            await ledger.replay(company, seq, integration_id, NOW)
        assert refused.value.code == code
    await ledger.record([failed(event)])
    with pytest.raises(RingpostError) as refused:
        await ledger.replay("acme", event.seq, "aaaaaa", NOW)
    assert refused.value.code == "delivery_pending"
    await delete(ledger, "acme", "aaaaaa", NOW)
    with pytest.raises(RingpostError) as refused:
        await ledger.replay("acme", event.seq, "aaaaaa", NOW)
    assert refused.value.code == "integration_deleted"
    assert (await delivery_of(ledger, event)).state == "cancelled"
