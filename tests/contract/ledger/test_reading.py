"""Reading: calls and deliveries page by page, and all that belongs to one call."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import PAGE_BYTES, DeliveryFilter, Ledger, Page, Result
from ringpost.model.call import Call
from ringpost.model.delivery import Delivery
from ringpost.model.event import CALL_END, CALL_START, CALL_UPDATE, Event
from tests.contract.ledger.making import (
    NOW,
    Clock,
    accepted,
    commit_one,
    delete,
    events_of,
    failed,
    integration,
    new_event,
    result,
    whole_call,
)

ALL = DeliveryFilter()
Fetch = Callable[[str | None], Awaitable[Page[Call] | Page[Delivery]]]


async def pages(fetch: Fetch) -> list[list[Call | Delivery]]:
    """All pages of a list."""
    found: list[list[Call | Delivery]] = []
    cursor = None
    while True:
        page = await fetch(cursor)
        found.append(list(page.items))
        if page.next is None:
            return found
        cursor = page.next


def calls_of(ledger: Ledger, company: str | None, *, open_only: bool = False, limit: int = 3) -> Fetch:
    return lambda cursor: ledger.calls(company, open_only=open_only, cursor=cursor, limit=limit)


def deliveries_of(ledger: Ledger, company: str | None, wanted: DeliveryFilter = ALL, *, limit: int = 3) -> Fetch:
    return lambda cursor: ledger.deliveries(company, wanted, cursor=cursor, limit=limit)


def ids(found: list[list[Call | Delivery]]) -> list[str]:
    return [item.id for item in itertools.chain.from_iterable(found)]


# --- calls -----------------------------------------------------------------------------------------------------------
async def test_a_call_shows_its_first_and_its_latest_event(ledger: Ledger) -> None:
    await ledger.commit(
        [
            new_event(time=NOW, pbx="P7", data=b"1"),
            new_event(CALL_UPDATE, time=NOW + 3, data=b"2"),
        ]
    )
    expected = Call(
        company="acme", id="acme_1", pbx="P7", started=NOW, updated=NOW + 3, ended=None, events=2, data=b"2"
    )
    assert await ledger.call("acme", "acme_1") == expected
    assert (await ledger.calls("acme", open_only=False, cursor=None, limit=5)).items == [expected]
    await ledger.commit([new_event(CALL_END, time=NOW + 9, data=b"3")])
    ended = replace(expected, updated=NOW + 9, ended=NOW + 9, events=3, data=b"3")
    assert await ledger.call("acme", "acme_1") == ended
    assert await ledger.call("acme", "acme_2") is None


async def test_calls_come_newest_first_page_by_page(ledger: Ledger) -> None:
    for n in range(7):
        await ledger.commit([new_event(call=f"acme_{n}", time=NOW - n)])
    await ledger.commit([new_event(CALL_UPDATE, call="acme_2")])
    found = await pages(calls_of(ledger, "acme"))
    assert ids(found) == [f"acme_{n}" for n in reversed(range(7))]
    assert [len(page) for page in found] == [3, 3, 1]


async def test_the_last_page_has_no_next_even_if_it_is_full(ledger: Ledger) -> None:
    for n in range(6):
        await ledger.commit([new_event(call=f"acme_{n}", integrations=["aaaaaa"])])
    assert [len(page) for page in await pages(calls_of(ledger, "acme"))] == [3, 3]
    assert [len(page) for page in await pages(deliveries_of(ledger, "acme"))] == [3, 3]
    assert await pages(calls_of(ledger, "other")) == [[]]


async def test_open_calls_alone_can_be_listed(ledger: Ledger) -> None:
    for n in range(8):
        call = f"acme_{n}"
        await ledger.commit(whole_call(call) if n % 2 else [new_event(call=call, pbx=f"P{n}")])
    await ledger.commit([new_event(company="zeta", call="zeta_1")])
    assert ids(await pages(calls_of(ledger, "acme", open_only=True))) == ["acme_6", "acme_4", "acme_2", "acme_0"]
    everyone = await pages(calls_of(ledger, None, open_only=True, limit=2))
    assert ids(everyone) == ["zeta_1", "acme_6", "acme_4", "acme_2", "acme_0"]


async def test_the_operator_sees_the_calls_of_all_companies(ledger: Ledger) -> None:
    for n, company in enumerate(["acme", "zeta", "acme", "beta", "zeta"]):
        await ledger.commit([new_event(company=company, call=f"{company}_{n}")])
    assert ids(await pages(calls_of(ledger, None))) == ["zeta_4", "beta_3", "acme_2", "zeta_1", "acme_0"]


async def test_the_open_calls_of_a_pbx_come_oldest_first(ledger: Ledger) -> None:
    for n in range(4):
        await ledger.commit([new_event(call=f"acme_{n}", pbx=f"P{n % 2}", origin="source")])
    await ledger.commit([new_event(CALL_END, call="acme_0", origin="source")])
    await ledger.commit([new_event(company="zeta", call="zeta_1", pbx="P0", origin="source")])
    assert [call.id for call in await ledger.open_calls("acme", "P1")] == ["acme_1", "acme_3"]
    assert [call.id for call in await ledger.open_calls("acme", "P0")] == ["acme_2"]
    assert await ledger.open_calls("acme", "P9") == []


# --- deliveries ------------------------------------------------------------------------------------------------------
async def test_all_of_a_call_is_in_the_order_of_its_events(ledger: Ledger) -> None:
    events = []
    for new in whole_call("acme_1", integrations=["bbbbbb", "aaaaaa"]):
        events.append(await commit_one(ledger, new))
        await ledger.commit(whole_call(f"acme_other{len(events)}", integrations=["aaaaaa"]))
    await ledger.record([failed(events[1], "bbbbbb"), result(events[0], "aaaaaa"), result(events[0], "bbbbbb")])
    await ledger.record([result(events[1], "bbbbbb", number=2)])
    assert await events_of(ledger, "acme", "acme_1") == events
    seqs = [event.seq for event in events]
    deliveries = await ledger.deliveries_of_events("acme", seqs)
    wanted = [(event.seq, name) for event in events for name in ("aaaaaa", "bbbbbb")]
    assert [(delivery.seq, delivery.integration) for delivery in deliveries] == wanted
    assert [await ledger.delivery("acme", *key) for key in wanted] == deliveries
    attempts = await ledger.attempts_of_events("acme", seqs)
    assert [(a.seq, a.integration, a.number) for a in attempts] == [
        (events[0].seq, "aaaaaa", 1),
        (events[0].seq, "bbbbbb", 1),
        (events[1].seq, "bbbbbb", 1),
        (events[1].seq, "bbbbbb", 2),
    ]
    assert [one.seq for one in await ledger.deliveries_of_events("acme", seqs[1:2])] == [seqs[1]] * 2
    assert [one.seq for one in await ledger.attempts_of_events("acme", seqs[1:2])] == [seqs[1]] * 2
    assert await ledger.deliveries_of_events("acme", []) == []
    assert await ledger.attempts_of_events("acme", []) == []
    assert await events_of(ledger, "acme", "none") == []


@pytest.mark.parametrize("limit", [1, 2, 7, 8, 50])
async def test_the_events_of_a_call_come_in_order_page_by_page(ledger: Ledger, limit: int) -> None:
    new = whole_call("acme_1", updates=5)
    events = [accepted((await ledger.commit([event, new_event(call=f"x{n}")]))[0]) for n, event in enumerate(new)]
    assert await events_of(ledger, "acme", "acme_1", limit=limit) == events
    first = await ledger.events_of_call("acme", "acme_1", cursor=None, limit=limit)
    assert first.items == events[:limit]
    assert (first.next is None) == (limit >= len(events))


async def test_a_page_ends_before_it_holds_too_much_data_but_has_one_item(ledger: Ledger) -> None:
    for n, size in enumerate([PAGE_BYTES - 10, 11, PAGE_BYTES, PAGE_BYTES + 1, 1]):
        await ledger.commit([new_event(CALL_UPDATE if n else CALL_START, data=b"x" * size)])
        await ledger.commit([new_event(call=f"acme_of{n}", data=b"x" * size)])
    sizes, cursor = [], None
    while True:
        page = await ledger.events_of_call("acme", "acme_1", cursor=cursor, limit=9)
        sizes.append([len(event.data) for event in page.items])
        cursor = page.next
        if cursor is None:
            break
    assert sizes == [[PAGE_BYTES - 10], [11], [PAGE_BYTES], [PAGE_BYTES + 1], [1]]
    found = await pages(calls_of(ledger, "acme", limit=9))
    assert [len(page) for page in found] == [1, 1, 1, 1, 2]
    assert ids(found) == [*(f"acme_of{n}" for n in (4, 3, 2, 1, 0)), "acme_1"]


async def test_events_that_come_meanwhile_are_on_a_later_page(ledger: Ledger) -> None:
    await ledger.commit(whole_call("acme_1")[:2])
    page = await ledger.events_of_call("acme", "acme_1", cursor=None, limit=1)
    await ledger.commit([new_event(CALL_END)])
    page = await ledger.events_of_call("acme", "acme_1", cursor=page.next, limit=2)
    assert [event.sequence for event in page.items] == [2, 3]
    assert page.next is None


async def test_deliveries_of_one_call_go_on_after_a_cursor_of_any_list(ledger: Ledger) -> None:
    """A cursor is a place; an event of another call there does not end the list."""
    for n in range(3):
        await ledger.commit([new_event(CALL_UPDATE if n else CALL_START, integrations=["aaaaaa", "bbbbbb"])])
        await ledger.commit([new_event(call=f"acme_of{n}", integrations=["aaaaaa"])])
    everything = await ledger.deliveries("acme", ALL, cursor=None, limit=1)
    of_call = await ledger.deliveries("acme", DeliveryFilter(call="acme_1"), cursor=everything.next, limit=9)
    assert [one.integration for one in of_call.items] == ["bbbbbb", "aaaaaa"] * 3
    assert of_call.next is None


async def populate(ledger: Ledger, clock: Clock) -> list[Delivery]:
    """Deliveries of two companies and three integrations in all states; all of them, newest first."""
    await ledger.add_integration(integration("cccccc"))
    keys = []
    for n in range(10):
        clock.now = NOW + n
        company, names = ("zeta", ["zzzzzz"]) if n % 5 == 4 else ("acme", ["aaaaaa", "bbbbbb"])
        new = whole_call(f"{company}_{n}", company=company, integrations=[*names, *(["cccccc"] if n == 3 else [])])
        events = [accepted(verdict) for verdict in await ledger.commit(new)]
        keys += [(event, name) for event in events for name in new[0].integrations]
        await ledger.record([_any_result(n + step, event, names[0]) for step, event in enumerate(events)])
    await delete(ledger, "acme", "cccccc", NOW + 99)
    found = [await ledger.delivery(event.company, event.seq, name) for event, name in keys]
    deliveries = [delivery for delivery in found if delivery is not None]
    assert len(deliveries) == len(keys) == 57
    return sorted(deliveries, key=lambda delivery: (delivery.seq, delivery.integration), reverse=True)


def _any_result(number: int, event: Event, name: str) -> Result:
    match number % 3:
        case 0:
            return result(event, name)
        case 1:
            return failed(event, name)
        case _:
            return result(event, name, state="exhausted", error="status")


@pytest.mark.parametrize("limit", [1, 4, 100])
@pytest.mark.parametrize("company", ["acme", "zeta", None])
async def test_deliveries_are_listed_by_any_filter_newest_first(
    ledger: Ledger, clock: Clock, company: str | None, limit: int
) -> None:
    everything = [one for one in await populate(ledger, clock) if company in {None, one.company}]
    states = {"delivered", "exhausted", "pending", "cancelled"}
    assert {one.state for one in everything} == (states if company != "zeta" else states - {"cancelled"})
    wanted: list[tuple[DeliveryFilter, Callable[[Delivery], bool]]] = [
        (ALL, lambda _: True),
        (DeliveryFilter(state="delivered"), lambda one: one.state == "delivered"),
        (DeliveryFilter(state="exhausted"), lambda one: one.state == "exhausted"),
        (DeliveryFilter(state="cancelled"), lambda one: one.state == "cancelled"),
        (DeliveryFilter(state="pending"), lambda one: one.state == "pending"),
        (DeliveryFilter(state="failing"), lambda one: one.state == "pending" and one.error is not None),
        (DeliveryFilter(integration="bbbbbb"), lambda one: one.integration == "bbbbbb"),
        (
            DeliveryFilter(integration="aaaaaa", state="pending", type=CALL_UPDATE),
            lambda one: one.integration == "aaaaaa" and one.state == "pending" and one.type == CALL_UPDATE,
        ),
        (DeliveryFilter(call="acme_3"), lambda one: one.call == "acme_3"),
        (
            DeliveryFilter(call="acme_3", integration="aaaaaa", state="failing", type=CALL_UPDATE, until=NOW + 9),
            lambda one: one.call == "acme_3" and one.integration == "aaaaaa" and one.error is not None
            and one.state == "pending" and one.type == CALL_UPDATE,
        ),
        (DeliveryFilter(call="acme_3", since=NOW + 4), lambda _: False),
        (DeliveryFilter(call="none"), lambda _: False),
        (DeliveryFilter(integration="none"), lambda _: False),
        (DeliveryFilter(type=CALL_START), lambda one: one.type == CALL_START),
        (DeliveryFilter(since=NOW + 3), lambda one: one.created >= NOW + 3),
        (DeliveryFilter(until=NOW + 3), lambda one: one.created <= NOW + 3),
        (
            DeliveryFilter(since=NOW + 2, until=NOW + 5, state="delivered"),
            lambda one: NOW + 2 <= one.created <= NOW + 5 and one.state == "delivered",
        ),
        (DeliveryFilter(since=NOW + 50, until=1 << 62), lambda _: False),
        (DeliveryFilter(since=-1, until=1 << 62), lambda _: True),
    ]  # fmt: skip
    for wanted_filter, fits in wanted:
        found = await pages(deliveries_of(ledger, company, wanted_filter, limit=limit))
        expected = [one for one in everything if fits(one)]
        assert list(itertools.chain.from_iterable(found)) == expected, wanted_filter
        assert all(len(page) == limit for page in found[:-1])


async def test_a_replayed_delivery_whose_last_attempt_failed_is_failing(ledger: Ledger) -> None:
    event = await commit_one(ledger, new_event(integrations=["aaaaaa", "bbbbbb"]))
    await ledger.record([result(event, "aaaaaa", state="exhausted", error="status"), result(event, "bbbbbb")])
    await ledger.replay("acme", event.seq, "aaaaaa", NOW)
    await ledger.replay("acme", event.seq, "bbbbbb", NOW)
    failing = await ledger.deliveries("acme", DeliveryFilter(state="failing"), cursor=None, limit=9)
    assert [delivery.integration for delivery in failing.items] == ["aaaaaa"]
    pending = await ledger.deliveries("acme", DeliveryFilter(state="pending"), cursor=None, limit=9)
    assert [delivery.integration for delivery in pending.items] == ["bbbbbb", "aaaaaa"]


async def test_pages_stay_the_same_while_events_come_in(ledger: Ledger) -> None:
    for n in range(6):
        await ledger.commit([new_event(call=f"acme_{n}", integrations=["aaaaaa", "bbbbbb"])])
    calls = await ledger.calls("acme", open_only=False, cursor=None, limit=2)
    deliveries = await ledger.deliveries("acme", ALL, cursor=None, limit=3)
    await ledger.commit([new_event(call=f"acme_new{n}", integrations=["aaaaaa", "bbbbbb"]) for n in range(5)])
    await ledger.commit([new_event(CALL_UPDATE, call="acme_0", integrations=["aaaaaa"])])
    calls = await ledger.calls("acme", open_only=False, cursor=calls.next, limit=2)
    assert [call.id for call in calls.items] == ["acme_3", "acme_2"]
    deliveries = await ledger.deliveries("acme", ALL, cursor=deliveries.next, limit=3)
    assert [(one.call, one.integration) for one in deliveries.items] == [
        ("acme_4", "aaaaaa"), ("acme_3", "bbbbbb"), ("acme_3", "aaaaaa"),
    ]  # fmt: skip


async def test_a_cursor_that_is_not_ours_is_refused(ledger: Ledger) -> None:
    for n in range(3):
        await ledger.commit([new_event(call=f"acme_{n}", integrations=["aaaaaa"])])
    of_calls = (await ledger.calls("acme", open_only=False, cursor=None, limit=1)).next
    of_deliveries = (await ledger.deliveries("acme", ALL, cursor=None, limit=1)).next
    assert of_calls is not None
    assert of_deliveries is not None
    forged = base64.urlsafe_b64encode(b'["calls",-1,""]').decode().rstrip("=")
    for bad in ("", "x", "é", "@@@@", of_calls[:-1], of_calls + "A", of_calls + "\n", "null", forged):
        for fetch in (calls_of(ledger, "acme"), deliveries_of(ledger, "acme")):
            with pytest.raises(RingpostError) as refused:
                await fetch(bad)
            assert (refused.value.code, refused.value.field) == ("cursor_invalid", "cursor")
    with pytest.raises(RingpostError):
        await calls_of(ledger, "acme")(of_deliveries)
    with pytest.raises(RingpostError):
        await deliveries_of(ledger, "acme")(of_calls)
    for cursor in ("x", of_calls, of_deliveries):
        with pytest.raises(RingpostError):
            await ledger.events_of_call("acme", "acme_0", cursor=cursor, limit=1)


async def test_pending_deliveries_are_counted(ledger: Ledger) -> None:
    events = [accepted(v) for v in await ledger.commit(whole_call("acme_1", integrations=["aaaaaa", "bbbbbb"]))]
    await ledger.record([result(events[0]), failed(events[1])])
    assert await ledger.pending_count("acme", "aaaaaa") == 2
    assert await ledger.pending_count("acme", "bbbbbb") == 3
    assert await ledger.pending_count("acme", "none") == 0


# --- companies -------------------------------------------------------------------------------------------------------
async def test_two_companies_never_see_each_others_rows(ledger: Ledger) -> None:
    """Both have a call of the same id; whatever is asked in one's name answers with its own, or nothing."""
    mine, yours = [
        await commit_one(
            ledger, new_event(company=company, call="same", integrations=[name], data=data, origin="source")
        )
        for company, name, data in (("acme", "aaaaaa", b"mine"), ("zeta", "zzzzzz", b"yours"))
    ]
    await ledger.record([failed(mine, "aaaaaa"), failed(yours, "zzzzzz")])
    await ledger.record([result(replace(yours, company="acme"), "zzzzzz", number=2)])  # named by the wrong company

    both = [mine.seq, yours.seq]
    assert await ledger.event("zeta", mine.seq) is None
    assert await ledger.bodies("zeta", [mine.seq, yours.seq]) == {yours.seq: yours}
    assert await events_of(ledger, "zeta", "same") == [yours]
    assert [one.data for one in (await ledger.calls("zeta", open_only=False, cursor=None, limit=9)).items] == [b"yours"]
    assert [one.data for one in (await ledger.calls("zeta", open_only=True, cursor=None, limit=9)).items] == [b"yours"]
    assert [one.data for one in await ledger.open_calls("zeta", "PBX1")] == [b"yours"]
    assert [one.integration for one in await ledger.deliveries_of_events("zeta", both)] == ["zzzzzz"]
    assert [one.integration for one in await ledger.attempts_of_events("zeta", both)] == ["zzzzzz"]
    assert await ledger.delivery("zeta", mine.seq, "aaaaaa") is None
    assert await ledger.attempts("zeta", mine.seq, "aaaaaa") == []
    assert await ledger.pending_count("zeta", "aaaaaa") == 0
    for wanted in (ALL, DeliveryFilter(call="same"), DeliveryFilter(state="failing")):
        page = await ledger.deliveries("zeta", wanted, cursor=None, limit=9)
        assert [(one.integration, one.state) for one in page.items] == [("zzzzzz", "pending")]
        page = await ledger.deliveries("zeta", replace(wanted, integration="aaaaaa"), cursor=None, limit=9)
        assert page.items == []
    everyone = await ledger.deliveries(None, DeliveryFilter(call="same"), cursor=None, limit=9)
    assert [one.company for one in everyone.items] == ["zeta", "acme"]
    assert [one.number for one in await ledger.attempts("zeta", yours.seq, "zzzzzz")] == [1]
