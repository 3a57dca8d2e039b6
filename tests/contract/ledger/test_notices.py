"""Notices: events of no call, durable with what they owe, alone or with a change of an integration."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
from msgspec.structs import replace

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Accepted, DeliveryFilter, Ledger
from ringpost.model.event import CALL_END, CALL_START, NOTICE, Event, NewEvent
from ringpost.model.notice import PAUSED, PBX_LOST, RESUMED
from tests.contract.ledger.making import (
    NOW,
    Clock,
    accepted,
    all_owed,
    codes,
    commit_one,
    delete,
    integration,
    new_event,
    owed,
    result,
    whole_call,
)

Reopen = Callable[[], Awaitable[Ledger]]
LANE = "acme_notice/aaaaaa"


def notice(
    type_: str = PAUSED,
    *,
    lane: str = LANE,
    company: str = "acme",
    integrations: Sequence[str] = (),
    time: int = NOW,
    data: bytes = b'{"message":"it was paused"}',
) -> NewEvent:
    return new_event(
        type_, call=lane, company=company, integrations=integrations, time=time, data=data, origin=NOTICE
    )  # fmt: skip


async def listed(ledger: Ledger, company: str | None = "acme", **wanted: object) -> list[Event]:
    """All pages, of two notices each."""
    found: list[Event] = []
    cursor = None
    while True:
        page = await ledger.notices(company, cursor=cursor, limit=2, **wanted)  # type: ignore[arg-type]
        assert len(page.items) <= 2
        found += page.items
        if page.next is None:
            return found
        cursor = page.next


async def test_a_notice_is_an_event_that_begins_no_call(ledger: Ledger, reopen: Reopen) -> None:
    event = await commit_one(ledger, notice(integrations=["bbbbbb"], time=NOW + 5))
    assert (event.sequence, event.time, event.call, event.type) == (1, NOW + 5, LANE, PAUSED)
    ledger = await reopen()
    assert await ledger.event("acme", event.seq) == event
    assert await ledger.bodies("acme", [event.seq]) == {event.seq: event}
    assert await ledger.call("acme", LANE) is None
    assert (await ledger.calls(None, open_only=False, cursor=None, limit=5)).items == []
    assert await ledger.open_calls("acme", "PBX1") == []


async def test_notices_have_no_order_of_types_and_their_times_stay(ledger: Ledger) -> None:
    told = [notice(RESUMED, time=NOW + 9), notice(PAUSED, time=NOW), notice(PAUSED, time=NOW + 1)]
    events = [accepted(verdict) for verdict in await ledger.commit(told)]
    assert [(event.sequence, event.time) for event in events] == [(1, NOW + 9), (1, NOW), (1, NOW + 1)]
    assert [event.seq for event in events] == sorted({event.seq for event in events})


async def test_calls_and_notices_of_one_commit_keep_their_rules(ledger: Ledger) -> None:
    calls = whole_call("acme_1", integrations=["aaaaaa"])
    mixed = [calls[0], notice(integrations=["aaaaaa"]), calls[1], new_event(CALL_END, call="acme_2"), calls[2]]
    assert codes(await ledger.commit(mixed)) == [None, None, None, "call_not_started", None]
    call = await ledger.call("acme", "acme_1")
    assert call is not None
    assert call.events == 3
    assert {one.call for one in await all_owed(ledger)} == {"acme_1", LANE}


async def test_what_a_notice_owes_is_listed_recorded_and_replayed_like_any_delivery(
    ledger: Ledger, reopen: Reopen
) -> None:
    await ledger.add_integration(integration("bbbbbb"))
    event = await commit_one(ledger, notice(integrations=["bbbbbb"]))
    ledger = await reopen()
    assert await all_owed(ledger) == [owed(event, "bbbbbb")]
    assert await ledger.owed_in_lanes("acme", "bbbbbb", [LANE], 5) == [owed(event, "bbbbbb")]
    assert await ledger.pending_count("acme", "bbbbbb") == 1
    await ledger.record([result(event, "bbbbbb", state="exhausted", error="status")])
    assert await all_owed(ledger) == []
    [delivery] = (await ledger.deliveries(None, DeliveryFilter(type=PAUSED), cursor=None, limit=5)).items
    assert (delivery.state, delivery.call, delivery.type) == ("exhausted", LANE, PAUSED)
    again = await ledger.replay("acme", event.seq, "bbbbbb", NOW + 50)
    assert (again.call, again.replay) == (LANE, 1)
    assert await all_owed(ledger) == [again]


async def test_a_notice_is_not_owed_to_an_integration_that_was_deleted_meanwhile(ledger: Ledger) -> None:
    await ledger.add_integration(integration("bbbbbb"))
    await commit_one(ledger, notice())
    await delete(ledger, "acme", "bbbbbb", NOW)
    event = await commit_one(ledger, notice(integrations=["bbbbbb"]))
    delivery = await ledger.delivery("acme", event.seq, "bbbbbb")
    assert delivery is not None
    assert delivery.state == "cancelled"


@pytest.mark.parametrize("company", ["acme", None])
async def test_deliveries_are_listed_by_the_lane_of_their_notices(ledger: Ledger, company: str | None) -> None:
    of_both = [notice(integrations=["bbbbbb", "cccccc"]), notice(RESUMED, integrations=["bbbbbb"])]
    await ledger.commit([*of_both, notice(lane="acme_notice/dddddd", integrations=["bbbbbb"])])
    await ledger.commit(whole_call("acme_1", integrations=["bbbbbb"]))

    async def found(**wanted: str) -> list[tuple[str, str]]:
        told = DeliveryFilter(call=LANE, **wanted)  # type: ignore[arg-type]
        items, cursor = [], None
        while True:
            page = await ledger.deliveries(company, told, cursor=cursor, limit=1)
            items += [(one.type, one.integration) for one in page.items]
            if page.next is None:
                return items
            cursor = page.next

    assert await found() == [(RESUMED, "bbbbbb"), (PAUSED, "cccccc"), (PAUSED, "bbbbbb")]
    assert await found(type=RESUMED) == [(RESUMED, "bbbbbb")]
    assert await found(integration="cccccc") == [(PAUSED, "cccccc")]
    assert await found(state="delivered") == []


async def test_notices_are_listed_newest_first_of_a_company_or_of_all(ledger: Ledger, clock: Clock) -> None:
    told = []
    for number, (company, type_) in enumerate(
        [("acme", PAUSED), ("beta", PBX_LOST), ("acme", RESUMED), ("acme", PAUSED), ("beta", PAUSED)]
    ):
        clock.now = NOW + number
        told.append(await commit_one(ledger, notice(type_, company=company, lane=f"{company}_notice/x")))
        await ledger.commit(whole_call(f"{company}_{number}", company=company))
    told.reverse()
    assert await listed(ledger, None) == told
    assert await listed(ledger, "acme") == [event for event in told if event.company == "acme"]
    assert await listed(ledger, "nobody") == []
    assert await listed(ledger, None, type=PAUSED) == [event for event in told if event.type == PAUSED]
    assert await listed(ledger, "acme", type=PBX_LOST) == []
    assert await listed(ledger, None, since=NOW + 1, until=NOW + 3) == told[1:4]
    assert await listed(ledger, "beta", since=NOW + 2) == told[:1]


async def test_a_page_of_notices_goes_on_where_it_was_though_others_come_meanwhile(ledger: Ledger) -> None:
    events = [accepted(verdict) for verdict in await ledger.commit([notice() for _ in range(3)])]
    first = await ledger.notices("acme", cursor=None, limit=2)
    await ledger.commit([notice()])
    second = await ledger.notices("acme", cursor=first.next, limit=2)
    assert [*first.items, *second.items] == events[::-1]
    for cursor in ("nonsense", (await ledger.calls(None, open_only=False, cursor=None, limit=1)).next or "x"):
        with pytest.raises(RingpostError) as refused:
            await ledger.notices("acme", cursor=cursor, limit=2)
        assert refused.value.code == "cursor_invalid"


async def test_a_change_and_its_notice_are_durable_together_and_handed_over(ledger: Ledger, reopen: Reopen) -> None:
    handed_over: list[Accepted] = []
    ledger.hand_over_to(handed_over.extend)
    made = integration()
    await ledger.add_integration(made)
    paused = replace(made, state="paused", paused=NOW, pause_reason="asked")
    await ledger.change_integration(paused, [notice(integrations=["bbbbbb"])])
    [event] = await listed(ledger)
    assert handed_over == [(event, ("bbbbbb",))]
    ledger = await reopen()
    assert await ledger.integrations() == [paused]
    assert await listed(ledger) == [event]
    assert await all_owed(ledger) == [owed(event, "bbbbbb")]


async def test_a_change_that_fails_tells_nothing(ledger: Ledger) -> None:
    handed_over: list[Accepted] = []
    ledger.hand_over_to(handed_over.extend)
    with pytest.raises(RingpostError) as refused:
        await ledger.change_integration(integration(), [notice(integrations=["bbbbbb"])])
    assert refused.value.code == "integration_not_found"
    assert await listed(ledger) == []
    assert handed_over == []
    assert await all_owed(ledger) == []


async def test_changes_with_notices_among_other_writes_all_keep_their_order(ledger: Ledger) -> None:
    handed_over: list[Accepted] = []
    ledger.hand_over_to(handed_over.extend)
    made = integration()
    await ledger.add_integration(made)
    missing = integration("zzzzzz")

    async def refused() -> None:
        with pytest.raises(RingpostError):
            await ledger.change_integration(missing, [notice(RESUMED)])

    await asyncio.gather(
        ledger.commit([new_event(CALL_START, call="acme_1")]),
        ledger.change_integration(replace(made, name="one"), [notice()]),
        refused(),
        ledger.commit([new_event(CALL_END, call="acme_1")]),
        ledger.change_integration(replace(made, name="two"), [notice(), notice(PBX_LOST)]),
    )
    assert [event.type for event, _ in handed_over] == [CALL_START, PAUSED, CALL_END, PAUSED, PBX_LOST]
    assert [event.seq for event, _ in handed_over] == sorted(event.seq for event, _ in handed_over)
    assert [found.name for found in await ledger.integrations()] == ["two"]


async def test_notices_after_a_restart_get_higher_numbers(ledger: Ledger, reopen: Reopen) -> None:
    before = await commit_one(ledger, notice())
    ledger = await reopen()
    assert (await commit_one(ledger, notice())).seq > before.seq
