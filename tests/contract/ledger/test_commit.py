"""Accepting events: verdicts, order, numbers, what is remembered with them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger, Remember, Remembered, Verdict
from ringpost.model.event import CALL_END, CALL_START, CALL_UPDATE
from tests.contract.ledger.making import (
    DAY,
    NOW,
    Clock,
    accepted,
    all_owed,
    codes,
    commit_one,
    events_of,
    integration,
    new_event,
    owed,
    remember,
    whole_call,
)

Reopen = Callable[[], Awaitable[Ledger]]


async def test_an_accepted_event_is_what_was_given_and_is_there_to_read(ledger: Ledger, clock: Clock) -> None:
    clock.now = NOW + 7
    new = new_event(data=b'{"status":"\xc3\xa9"}', time=NOW - 50)
    event = await commit_one(ledger, new)
    assert (event.company, event.call, event.pbx, event.type) == (new.company, new.call, new.pbx, new.type)
    assert (event.sequence, event.time, event.accepted, event.data) == (1, NOW - 50, NOW + 7, new.data)
    assert await ledger.event("acme", event.seq) == event
    assert await events_of(ledger, "acme", "acme_1") == [event]
    assert await ledger.event("acme", event.seq + 1) is None


async def test_no_events_are_no_verdicts(ledger: Ledger) -> None:
    assert await ledger.commit([]) == []


async def test_a_call_starts_once_goes_on_and_ends_once(ledger: Ledger) -> None:
    def one(type_: str) -> Awaitable[list[Verdict]]:
        return ledger.commit([new_event(type_)])

    assert codes(await one(CALL_UPDATE)) == ["call_not_started"]
    assert codes(await one(CALL_END)) == ["call_not_started"]
    assert codes(await one(CALL_START)) == [None]
    assert codes(await one(CALL_START)) == ["call_already_started"]
    assert codes(await one(CALL_UPDATE)) == [None]
    assert codes(await one(CALL_END)) == [None]
    for type_ in (CALL_START, CALL_UPDATE, CALL_END):
        assert codes(await one(type_)) == ["call_already_ended"]
    assert [event.type for event in await events_of(ledger, "acme", "acme_1")] == [
        CALL_START,
        CALL_UPDATE,
        CALL_END,
    ]


async def test_the_rules_of_a_call_hold_within_one_list(ledger: Ledger) -> None:
    types = [CALL_UPDATE, CALL_START, CALL_START, CALL_UPDATE, CALL_END, CALL_UPDATE, CALL_START]
    verdicts = await ledger.commit([new_event(type_) for type_ in types])
    assert codes(verdicts) == [
        "call_not_started", None, "call_already_started", None, None, "call_already_ended", "call_already_ended",
    ]  # fmt: skip


async def test_the_rules_of_a_call_hold_over_a_reopening(ledger: Ledger, reopen: Reopen) -> None:
    await ledger.commit([*whole_call("acme_1"), new_event(call="acme_2")])
    ledger = await reopen()
    verdicts = await ledger.commit(
        [new_event(CALL_UPDATE), new_event(call="acme_2"), new_event(CALL_UPDATE, call="acme_2")]
    )
    assert codes(verdicts) == ["call_already_ended", "call_already_started", None]
    assert accepted(verdicts[2]).sequence == 2


async def test_a_refused_event_leaves_nothing_and_stops_no_other(ledger: Ledger) -> None:
    await ledger.add_integration(integration())
    events = [
        new_event(call="acme_1", integrations=["aaaaaa"]),
        new_event(CALL_UPDATE, call="acme_2", integrations=["aaaaaa"]),
        new_event(call="acme_3", integrations=["aaaaaa"]),
    ]
    verdicts = await ledger.commit(events)
    assert codes(verdicts) == [None, "call_not_started", None]
    assert await all_owed(ledger) == [owed(accepted(verdicts[0])), owed(accepted(verdicts[2]))]
    assert await ledger.call("acme", "acme_2") is None


async def test_sequence_numbers_are_without_gaps_and_in_the_order_of_the_list(ledger: Ledger) -> None:
    await ledger.commit([new_event(call="acme_1"), new_event(call="acme_2")])
    updates = [new_event(CALL_UPDATE, call=f"acme_{1 + n % 2}", data=b"%d" % n) for n in range(200)]
    await ledger.commit(updates)
    for call, first in (("acme_1", 0), ("acme_2", 1)):
        events = await events_of(ledger, "acme", call)
        assert [event.sequence for event in events] == list(range(1, 102))
        assert [event.data for event in events[1:]] == [b"%d" % n for n in range(first, 200, 2)]
        assert [event.seq for event in events] == sorted({event.seq for event in events})


async def test_many_commits_at_once_get_their_own_verdicts_and_no_gaps(ledger: Ledger) -> None:
    calls = [f"acme_{n}" for n in range(20)]

    async def talk(call: str) -> None:
        await commit_one(ledger, new_event(call=call))
        updates = [ledger.commit([new_event(CALL_UPDATE, call=call, data=b"%d" % n)]) for n in range(20)]
        verdicts = [verdict for verdicts in await asyncio.gather(*updates) for verdict in verdicts]
        assert [accepted(verdict).data for verdict in verdicts] == [b"%d" % n for n in range(20)]
        assert {accepted(verdict).call for verdict in verdicts} == {call}

    await asyncio.gather(*map(talk, calls))
    seqs = set()
    for call in calls:
        events = await events_of(ledger, "acme", call)
        assert [event.sequence for event in events] == list(range(1, 22))
        assert [event.data for event in events[1:]] == [b"%d" % n for n in range(20)]
        assert [event.seq for event in events] == sorted(event.seq for event in events)
        seqs |= {event.seq for event in events}
    assert len(seqs) == 20 * 21


async def test_of_many_starts_at_once_one_is_accepted(ledger: Ledger) -> None:
    verdicts = await asyncio.gather(*(ledger.commit([new_event()]) for _ in range(30)))
    assert sorted(str(code) for [code] in map(codes, verdicts)) == ["None"] + ["call_already_started"] * 29


async def test_time_never_decreases_within_a_call(ledger: Ledger, reopen: Reopen) -> None:
    await ledger.commit([new_event(time=NOW)])
    await ledger.commit([new_event(CALL_UPDATE, time=NOW - 5), new_event(CALL_UPDATE, time=NOW + 5)])
    ledger = await reopen()
    await ledger.commit([new_event(CALL_UPDATE, time=NOW + 1), new_event(CALL_END, time=NOW)])
    assert [event.time for event in await events_of(ledger, "acme", "acme_1")] == [NOW, NOW, *[NOW + 5] * 3]
    call = await ledger.call("acme", "acme_1")
    assert call is not None
    assert (call.started, call.updated, call.ended, call.events) == (NOW, NOW + 5, NOW + 5, 5)


async def test_a_seq_never_comes_again_when_the_clock_goes_back(ledger: Ledger, clock: Clock, reopen: Reopen) -> None:
    seqs = [(await commit_one(ledger, new_event(call="acme_1"))).seq]
    clock.now -= 60_000
    seqs.append((await commit_one(ledger, new_event(call="acme_2"))).seq)
    ledger = await reopen()
    seqs.append((await commit_one(ledger, new_event(call="acme_3"))).seq)
    clock.now += 120_000
    seqs.append((await commit_one(ledger, new_event(call="acme_4"))).seq)
    assert seqs == sorted(set(seqs))
    assert seqs[0] >> 20 == NOW
    assert seqs[3] >> 20 == clock.now


async def test_every_integration_is_owed_the_event_once_at_once(ledger: Ledger) -> None:
    event = await commit_one(ledger, new_event(integrations=["bbbbbb", "aaaaaa", "bbbbbb"]))
    assert await all_owed(ledger) == [owed(event, "aaaaaa"), owed(event, "bbbbbb")]
    delivery = await ledger.delivery("acme", event.seq, "aaaaaa")
    assert delivery is not None
    assert (delivery.state, delivery.attempts, delivery.due, delivery.replay) == ("pending", 0, 0, 0)
    assert (delivery.call, delivery.type, delivery.created) == ("acme_1", CALL_START, event.accepted)
    assert (delivery.status, delivery.error) == (None, None)


async def test_what_was_accepted_is_there_after_a_reopening(ledger: Ledger, reopen: Reopen) -> None:
    event = await commit_one(ledger, new_event(integrations=["aaaaaa"]))
    ledger = await reopen()
    assert await events_of(ledger, "acme", "acme_1") == [event]
    assert await all_owed(ledger) == [owed(event)]


async def test_data_is_kept_byte_for_byte(ledger: Ledger) -> None:
    data = bytes(range(256)) * 400
    event = await commit_one(ledger, new_event(data=data))
    assert (await ledger.bodies("acme", [event.seq]))[event.seq].data == data


# --- what is remembered ----------------------------------------------------------------------------------------------
async def test_an_answer_is_remembered_with_its_commit(ledger: Ledger, reopen: Reopen) -> None:
    asked: list[list[str | None]] = []

    def answer(verdicts: Sequence[Verdict]) -> bytes:
        asked.append(codes(verdicts))
        return b"the answer"

    assert await ledger.recall("acme", "k") is None
    await ledger.commit([new_event(), new_event()], Remember("acme", "k", b"print", answer))
    assert asked == [[None, "call_already_started"]]
    ledger = await reopen()
    assert await ledger.recall("acme", "k") == Remembered(b"print", b"the answer")
    assert await ledger.recall("acme", "other") is None
    assert await ledger.recall("other", "k") is None


async def test_an_answer_that_cannot_be_made_undoes_its_commit_alone(ledger: Ledger) -> None:
    def answer(_verdicts: Sequence[Verdict]) -> bytes:
        raise ValueError("no answer")

    before, after = (
        [ledger.commit([new_event(call=f"acme_{n}", integrations=["aaaaaa"])]) for n in numbers]
        for numbers in (range(5), range(5, 10))
    )
    culprit = ledger.commit([new_event(call="acme_x")], Remember("acme", "k", b"print", answer))
    answers = await asyncio.gather(*before, culprit, *after, return_exceptions=True)
    assert isinstance(answers.pop(5), ValueError)
    assert all(isinstance(answer, list) and codes(answer) == [None] for answer in answers)
    assert await ledger.call("acme", "acme_x") is None
    assert await ledger.recall("acme", "k") is None
    assert len(await all_owed(ledger)) == 10
    assert codes(await ledger.commit([new_event(call="acme_x")])) == [None]


async def test_a_key_that_got_its_answer_meanwhile_refuses_the_commit(ledger: Ledger) -> None:
    both = [ledger.commit([new_event(call=f"acme_{n}")], remember(b"%d" % n)) for n in range(2)]
    first, second = await asyncio.gather(*both, return_exceptions=True)
    assert isinstance(first, list)
    assert isinstance(second, RingpostError)
    assert second.code == "idempotency_in_flight"
    assert await ledger.call("acme", "acme_1") is None
    assert await ledger.recall("acme", "k") == Remembered(b"print", b"0")


async def test_an_answer_is_forgotten_after_a_day(ledger: Ledger, clock: Clock) -> None:
    await ledger.commit([], remember(b"old"))
    clock.now = NOW + DAY - 1
    assert await ledger.recall("acme", "k") == Remembered(b"print", b"old")
    clock.now = NOW + DAY
    assert await ledger.recall("acme", "k") is None
    await ledger.commit([new_event()], remember(b"new"))
    assert await ledger.recall("acme", "k") == Remembered(b"print", b"new")


async def test_a_commit_whose_caller_gave_up_is_done_all_the_same(ledger: Ledger) -> None:
    task = asyncio.create_task(ledger.commit([new_event()]))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert codes(await ledger.commit([new_event()])) == ["call_already_started"]


async def test_what_is_owed_to_a_deleted_integration_is_cancelled_from_the_start(
    ledger: Ledger, reopen: Reopen
) -> None:
    await ledger.add_integration(integration())
    await ledger.delete_integration("acme", "aaaaaa", NOW)
    event = await commit_one(ledger, new_event(call="acme_1", integrations=["aaaaaa", "bbbbbb"]))
    ledger = await reopen()
    later = await commit_one(ledger, new_event(call="acme_2", integrations=["aaaaaa"]))
    assert await all_owed(ledger) == [owed(event, "bbbbbb")]
    for seq in (event.seq, later.seq):
        delivery = await ledger.delivery("acme", seq, "aaaaaa")
        assert delivery is not None
        assert (delivery.state, delivery.due) == ("cancelled", None)
