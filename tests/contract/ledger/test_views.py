"""What the console reads: calls and deliveries that are searched for, counts, and one call or delivery as a whole."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger
from ringpost.ledger.views import Backlog, CallSearch, Count, DeliverySearch, Found
from ringpost.model.call_line import CallLine, Mark, PartyLine
from ringpost.model.delivery import Delivery
from ringpost.model.event import CALL_END, CALL_START, CALL_UPDATE, Event
from ringpost.model.search import Search, search_for
from tests.contract.ledger.making import (
    NOW,
    Clock,
    Place,
    accepted,
    commit_one,
    failed,
    new_event,
    result,
    whole_call,
)

LONG = 60_000  # ms
ALL_CALLS = CallSearch()
ALL = DeliverySearch()


def data(caller: str = "+39045123456", name: str = "Rossi", callee: str = "210", **more: Any) -> bytes:
    told = {
        "status": "RINGING",
        "caller": {"type": "REMOTE", "phone": caller, "name": name},
        "callee": {"type": "LOCAL", "phone": callee, "name": None},
        **more,
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def looking_for(typed: str) -> Search:
    search = search_for(typed)
    assert search is not None
    return search


async def calls(
    ledger: Ledger,
    wanted: CallSearch = ALL_CALLS,
    company: str | None = "acme",
    *,
    limit: int = 3,
    within: int = LONG,
) -> list[CallLine]:
    """All pages."""
    found, cursor = [], None
    while True:
        page = await ledger.find_calls(company, wanted, cursor=cursor, limit=limit, within_ms=within)
        assert len(page.items) <= limit
        found += page.items
        if page.next is None:
            assert page.looked_to is None
            return found
        assert page.next != cursor
        cursor = page.next


async def deliveries(
    ledger: Ledger,
    wanted: DeliverySearch = ALL,
    company: str | None = "acme",
    *,
    limit: int = 3,
    within: int = LONG,
) -> list[Delivery]:
    found: list[Delivery] = []
    cursor = None
    while True:
        page: Found[Delivery] = await ledger.find_deliveries(
            company, wanted, cursor=cursor, limit=limit, within_ms=within
        )
        assert len(page.items) <= limit
        found += page.items
        if page.next is None:
            return found
        assert page.next != cursor
        cursor = page.next


def ids(lines: list[CallLine]) -> list[str]:
    return [line.id for line in lines]


def places(found: list[Delivery]) -> list[tuple[int, str]]:
    return [(delivery.seq, delivery.integration) for delivery in found]


# --- calls -----------------------------------------------------------------------------------------------------------
async def test_a_call_is_a_line_of_what_its_latest_event_says(ledger: Ledger) -> None:
    told = data(direction="INBOUND", queueName="Support", trunkName="t1", destination="045800")
    await ledger.commit([new_event(data=b'{"status":"x"}'), new_event(CALL_UPDATE, data=told, time=NOW + 5)])
    [line] = await calls(ledger)
    assert line == CallLine(
        company="acme", id="acme_1", pbx="PBX1", started=NOW, updated=NOW + 5, ended=None, events=2, status="RINGING",
        direction="INBOUND", caller=PartyLine("+39045123456", "Rossi", "REMOTE"), callee=PartyLine("210", "", "LOCAL"),
        destination="045800", queue="Support", trunk="t1", end_cause="", end_by="", talk_ms=None, marks={},
    )  # fmt: skip


async def test_calls_come_newest_first_and_those_of_others_do_not(ledger: Ledger) -> None:
    for n in range(7):
        await ledger.commit([new_event(call=f"acme_{n}")])
    await ledger.commit([new_event(company="zeta", call="zeta_1")])
    newest_first = [f"acme_{n}" for n in reversed(range(7))]
    assert ids(await calls(ledger)) == newest_first
    assert ids(await calls(ledger, company=None)) == ["zeta_1", *newest_first]
    assert await calls(ledger, company="nobody") == []


async def test_calls_that_go_on_can_be_found(ledger: Ledger) -> None:
    for n in range(6):
        await ledger.commit(whole_call(f"acme_{n}") if n % 2 else [new_event(call=f"acme_{n}")])
    for company in ("acme", None):
        assert ids(await calls(ledger, CallSearch(open_only=True), company)) == ["acme_4", "acme_2", "acme_0"]


@pytest.mark.parametrize("within", [0, LONG])
async def test_calls_can_be_found_by_the_way_they_go(ledger: Ledger, within: int) -> None:
    ways = ("INBOUND", "OUTBOUND", "INTERNAL")
    for n in range(9):
        first = new_event(call=f"acme_{n}", data=data(direction="OUTBOUND"), integrations=["aaaaaa"])
        known = new_event(CALL_UPDATE, call=f"acme_{n}", data=data(direction=ways[n % 3]))
        await ledger.commit([first, known])
    named = data(name='"direction":"INTERNAL"', direction="INBOUND")
    await ledger.commit([new_event(call="acme_9", data=named)])
    inbound = CallSearch(direction="INBOUND")
    assert ids(await calls(ledger, inbound, within=within)) == ["acme_9", "acme_6", "acme_3", "acme_0"]
    assert ids(await calls(ledger, CallSearch(direction="INTERNAL"), None, within=within)) == [
        "acme_8",
        "acme_5",
        "acme_2",
    ]
    waiting = CallSearch(direction="INBOUND", mark="waiting", text=looking_for("Rossi"))
    assert ids(await calls(ledger, waiting, within=within)) == ["acme_6", "acme_3", "acme_0"]
    assert await calls(ledger, CallSearch(direction="SIDEWAYS"), within=within) == []


async def test_calls_of_a_time_can_be_found(ledger: Ledger, clock: Clock) -> None:
    for n in range(5):
        clock.now = NOW + n * 1_000
        await ledger.commit([new_event(call=f"acme_{n}")])
    found = await calls(ledger, CallSearch(since=NOW + 1_000, until=NOW + 3_000))
    assert ids(found) == ["acme_3", "acme_2", "acme_1"]


async def test_the_mark_of_an_integration_is_how_the_worst_of_the_events_fared(ledger: Ledger) -> None:
    both = ["aaaaaa", "bbbbbb"]
    start, update, end = [accepted(one) for one in await ledger.commit(whole_call("acme_1", integrations=both))]

    async def marks() -> dict[str, Mark]:
        [line] = await calls(ledger)
        return dict(line.marks)

    assert await marks() == {"aaaaaa": "waiting", "bbbbbb": "waiting"}
    await ledger.record([result(event) for event in (start, update, end)])
    assert await marks() == {"aaaaaa": "delivered", "bbbbbb": "waiting"}
    await ledger.record([failed(update, "bbbbbb")])
    assert await marks() == {"aaaaaa": "delivered", "bbbbbb": "failing"}
    await ledger.record([result(update, "bbbbbb", number=2, state="exhausted", error="status")])
    assert await marks() == {"aaaaaa": "delivered", "bbbbbb": "exhausted"}
    await ledger.cancel_call("acme", "acme_1", NOW)
    assert (await marks())["bbbbbb"] == "exhausted"


async def some_marked(ledger: Ledger) -> None:
    """Calls 0 to 11: of every three, one is delivered, one fails, one waits; of every two, one is owed to b as well."""
    for n in range(12):
        owed_to = ["aaaaaa", "bbbbbb"] if n % 2 else ["aaaaaa"]
        events = [accepted(one) for one in await ledger.commit(whole_call(f"acme_{n}", integrations=owed_to))]
        if n % 3 == 0:
            await ledger.record([result(event) for event in events])
        elif n % 3 == 1:
            await ledger.record([result(events[0]), failed(events[1])])


@pytest.mark.parametrize("within", [0, LONG])
async def test_calls_can_be_found_by_mark_and_integration(ledger: Ledger, within: int) -> None:
    await some_marked(ledger)

    async def found(integration: str | None, mark: Mark | None, **more: Any) -> list[int]:
        wanted = CallSearch(integration=integration, mark=mark, **more)
        few, many = [ids(await calls(ledger, wanted, limit=limit, within=within)) for limit in (2, 50)]
        assert few == many
        return [int(one.removeprefix("acme_")) for one in few]

    assert await found("aaaaaa", None) == list(range(11, -1, -1))
    assert await found("bbbbbb", None) == [11, 9, 7, 5, 3, 1]
    assert await found("aaaaaa", "delivered") == [9, 6, 3, 0]
    assert await found("aaaaaa", "failing") == [10, 7, 4, 1]
    assert await found("aaaaaa", "waiting") == [11, 8, 5, 2]
    assert await found(None, "failing") == [10, 7, 4, 1]
    assert await found(None, "waiting") == [11, 9, 8, 7, 5, 3, 2, 1]
    assert await found(None, "exhausted") == []
    assert await found("bbbbbb", "waiting", open_only=True) == []


@pytest.mark.parametrize("within", [0, LONG])
async def test_calls_can_be_found_by_number_and_name(ledger: Ledger, within: int) -> None:
    for n in range(5):
        told = data(caller=f"+3904555500{n}0", name=f"Müller {n}", callee=f"21{n}")
        await ledger.commit([new_event(call=f"acme_{n}", data=told)])
        # The latest event names somebody else.
        await ledger.commit([new_event(CALL_UPDATE, call=f"acme_{n}", data=data(name="Bianchi", callee="300"))])

    async def found(typed: str) -> list[str]:
        return ids(await calls(ledger, CallSearch(text=looking_for(typed)), within=within))

    assert await found("0039 045 555 00-30") == ["acme_3"]
    assert await found("+39045555003") == ["acme_3"]
    assert await found("213") == ["acme_3"]
    assert await found("MÜLLER 4") == ["acme_4"]
    assert await found("bianchi") == [f"acme_{n}" for n in (4, 3, 2, 1, 0)]
    assert await found("RINGING") == []  # no field of a person or a place


async def test_a_call_is_found_by_its_id_alone(ledger: Ledger) -> None:
    await ledger.commit([new_event(call="acme_1693389850.110"), new_event(call="acme_1693389850.111")])
    for typed in ("acme_1693389850.110", "1693389850.110"):
        assert ids(await calls(ledger, CallSearch(text=looking_for(typed)))) == ["acme_1693389850.110"]


async def test_a_search_that_takes_too_long_says_how_far_it_came(ledger: Ledger, clock: Clock) -> None:
    await ledger.commit([new_event(call="acme_old", data=data(name="Needle"))])
    clock.now = NOW + 1_000
    await ledger.commit([new_event(call=f"acme_{n}", data=data()) for n in range(150)])
    wanted = CallSearch(text=looking_for("needle"))
    page = await ledger.find_calls("acme", wanted, cursor=None, limit=5, within_ms=0)
    assert (page.items, page.looked_to) == ([], NOW + 1_000)
    page = await ledger.find_calls("acme", wanted, cursor=page.next, limit=5, within_ms=0)
    assert (ids(page.items), page.next, page.looked_to) == (["acme_old"], None, None)


# --- deliveries ------------------------------------------------------------------------------------------------------
async def some_deliveries(ledger: Ledger, clock: Clock) -> list[Event]:
    events = []
    for n in range(8):
        clock.now = NOW + n * 1_000
        told = data(caller=f"+3904555500{n}0")
        event = await commit_one(ledger, new_event(call=f"acme_{n}", integrations=["aaaaaa", "bbbbbb"], data=told))
        events.append(event)
        await ledger.commit([new_event(company="zeta", call=f"zeta_{n}", integrations=["zzzzzz"])])
    await ledger.record([result(event) for event in events[:3]])
    await ledger.record([failed(event, "bbbbbb") for event in events[2:5]])
    await ledger.record([result(events[5], "bbbbbb", state="exhausted", error="timeout")])
    return events


@pytest.mark.parametrize("within", [0, LONG])
async def test_deliveries_can_be_found_by_all_that_is_known_of_them(ledger: Ledger, clock: Clock, within: int) -> None:
    events = await some_deliveries(ledger, clock)

    async def found(**wanted: Any) -> list[tuple[int, str]]:
        found = [places(await deliveries(ledger, DeliverySearch(**wanted), limit=k, within=within)) for k in (1, 3, 50)]
        assert found[0] == found[1] == found[2]
        return [(events.index(next(e for e in events if e.seq == seq)), name[0]) for seq, name in found[0]]

    everything = [(n, name) for n in reversed(range(8)) for name in "ba"]
    assert await found() == everything
    assert await found(integration="bbbbbb") == [(n, "b") for n in reversed(range(8))]
    assert await found(state="delivered") == [(2, "a"), (1, "a"), (0, "a")]
    assert await found(state="failing") == [(4, "b"), (3, "b"), (2, "b")]
    assert await found(state="exhausted") == [(5, "b")]
    assert await found(status=200) == [(2, "a"), (1, "a"), (0, "a")]
    assert await found(status=500, integration="bbbbbb") == [(5, "b"), (4, "b"), (3, "b"), (2, "b")]
    assert await found(error="timeout") == [(5, "b")]
    assert await found(call="acme_3") == [(3, "b"), (3, "a")]
    assert await found(call="acme_3", error="status") == [(3, "b")]
    assert await found(call="acme_3", text=looking_for("nobody")) == []
    assert await found(type=CALL_END) == []
    assert await found(since=NOW + 2_000, until=NOW + 3_000) == [(3, "b"), (3, "a"), (2, "b"), (2, "a")]
    assert await found(text=looking_for("045 555 0040")) == [(4, "b"), (4, "a")]
    assert await found(text=looking_for("rossi"), state="failing") == [(4, "b"), (3, "b"), (2, "b")]


@pytest.mark.parametrize("within", [0, LONG])
async def test_deliveries_of_very_many_integrations_are_found_the_same(ledger: Ledger, within: int) -> None:
    names = [f"i{n:05}" for n in range(210)]
    events = [await commit_one(ledger, new_event(call=f"acme_{n}", integrations=names)) for n in range(2)]
    await ledger.record([failed(events[0], names[5]), failed(events[1], names[7])])
    await ledger.commit([new_event(company="zeta", call="zeta_1", integrations=["zzzzzz"])])
    everything = [(event.seq, name) for event in reversed(events) for name in reversed(names)]
    assert places(await deliveries(ledger, limit=100, within=within)) == everything
    failing = DeliverySearch(state="failing")
    expected = [(events[1].seq, names[7]), (events[0].seq, names[5])]
    assert places(await deliveries(ledger, failing, within=within)) == expected
    assert len(await deliveries(ledger, company=None, limit=100, within=within)) == 421
    counts = await ledger.count_deliveries("acme")
    assert (counts.all, counts.cancelled) == (Count(400, more=True), Count(0, more=True))


@given(
    fates=st.lists(st.lists(st.sampled_from(["none", "delivered", "failing", "exhausted"]), min_size=3, max_size=3)),
    limit=st.integers(1, 5),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_delivery_is_found_once_and_counted(place: Place, fates: list[list[str]], limit: int) -> None:
    place.path.unlink(missing_ok=True)
    ledger = await place.open()
    try:
        names = ["aaaaaa", "bbbbbb", "cccccc"]
        kept: dict[str, list[tuple[int, str]]] = {"none": [], "delivered": [], "failing": [], "exhausted": []}
        for n, of_event in enumerate(fates):
            event = await commit_one(ledger, new_event(call=f"acme_{n}", integrations=names))
            for name, fate in zip(names, of_event, strict=True):
                kept[fate].insert(0, (event.seq, name))
                if fate == "failing":
                    await ledger.record([failed(event, name)])
                elif fate != "none":
                    error = None if fate == "delivered" else "status"
                    await ledger.record([result(event, name, state=fate, error=error)])  # type: ignore[arg-type]
        for state in ("delivered", "failing", "exhausted"):
            found = places(await deliveries(ledger, DeliverySearch(state=state), limit=limit, within=0))
            assert found == sorted(kept[state], reverse=True)
        everything = sorted(itertools.chain.from_iterable(kept.values()), reverse=True)
        assert places(await deliveries(ledger, limit=limit, within=0)) == everything
        counts = await ledger.count_deliveries("acme")
        assert [counts.all.count, counts.failing.count, counts.pending.count, counts.exhausted.count] == [
            len(everything), len(kept["failing"]), len(kept["failing"]) + len(kept["none"]), len(kept["exhausted"]),
        ]  # fmt: skip
    finally:
        await ledger.close()


@pytest.mark.parametrize("cursor", ["", "x", "!!"])
async def test_another_cursor_is_refused(ledger: Ledger, cursor: str) -> None:
    for find in (ledger.find_calls("acme", CallSearch(), cursor=cursor, limit=1),
                 ledger.find_deliveries("acme", DeliverySearch(), cursor=cursor, limit=1)):  # fmt: skip
        with pytest.raises(RingpostError) as refused:
            await find
        assert refused.value.code == "cursor_invalid"


# --- counts ----------------------------------------------------------------------------------------------------------
async def test_deliveries_are_counted_by_state(ledger: Ledger, clock: Clock) -> None:
    await some_deliveries(ledger, clock)
    counts = await ledger.count_deliveries("acme")
    assert (counts.all, counts.delivered, counts.failing) == (Count(16), Count(3), Count(3))
    assert (counts.pending, counts.exhausted, counts.cancelled) == (Count(12), Count(1), Count(0))
    of_b = await ledger.count_deliveries("acme", integration="bbbbbb", since=NOW + 3_000, until=NOW + 5_000)
    assert (of_b.all, of_b.failing, of_b.exhausted) == (Count(3), Count(2), Count(1))
    assert (await ledger.count_deliveries("acme", integration="zzzzzz")).all == Count(0)


async def test_a_count_above_its_limit_says_that_there_is_more(ledger: Ledger, clock: Clock) -> None:
    await some_deliveries(ledger, clock)
    counts = await ledger.count_deliveries("acme", limit=3)
    assert counts.all == counts.pending == Count(3, more=True)
    assert counts.delivered == counts.failing == Count(3)


async def test_what_an_integration_is_owed_has_a_count_and_an_age(ledger: Ledger, clock: Clock) -> None:
    events = await some_deliveries(ledger, clock)
    found = await ledger.backlogs([("acme", "aaaaaa"), ("acme", "bbbbbb"), ("acme", "nobody")])
    assert found == {
        ("acme", "aaaaaa"): Backlog(pending=Count(5), failing=Count(0), oldest=events[3].accepted),
        ("acme", "bbbbbb"): Backlog(pending=Count(7), failing=Count(3), oldest=events[0].accepted),
        ("acme", "nobody"): Backlog(pending=Count(0), failing=Count(0), oldest=None),
    }
    limited = await ledger.backlogs([("acme", "bbbbbb")], limit=2)
    assert limited["acme", "bbbbbb"].failing == Count(2, more=True)


async def test_calls_that_go_on_are_counted_of_a_company_or_of_all(ledger: Ledger) -> None:
    for company, number, ends in (("acme", 1, False), ("acme", 2, True), ("acme", 3, False), ("other", 4, False)):
        types = (CALL_START, CALL_END) if ends else (CALL_START, CALL_UPDATE)
        for kind in types:
            await commit_one(ledger, new_event(kind, call=f"{company}_{number}", company=company))
    assert await ledger.count_open_calls("acme") == Count(2)
    assert await ledger.count_open_calls("other") == Count(1)
    assert await ledger.count_open_calls("nobody") == Count(0)
    assert await ledger.count_open_calls(None) == Count(3)
    assert await ledger.count_open_calls(None, limit=2) == Count(2, more=True)


# --- one of them as a whole ------------------------------------------------------------------------------------------
async def test_a_page_of_a_calls_events_has_the_event_before_it(ledger: Ledger) -> None:
    await ledger.commit([new_event(), *(new_event(CALL_UPDATE, data=data(name=str(n))) for n in range(4))])
    first = await ledger.whole_call("acme", "acme_1", cursor=None, limit=3)
    assert first is not None
    assert first.before is None
    second = await ledger.whole_call("acme", "acme_1", cursor=first.next, limit=3)
    assert second is not None
    assert second.before == first.events[-1].event


async def test_a_call_as_a_whole_has_its_events_deliveries_and_attempts(ledger: Ledger) -> None:
    both = ["bbbbbb", "aaaaaa"]
    start, update, end = [accepted(one) for one in await ledger.commit(whole_call("acme_1", integrations=both))]
    await ledger.record([failed(start), result(start, number=2)])
    whole = await ledger.whole_call("acme", "acme_1", cursor=None, limit=2)
    assert whole is not None
    assert whole.call == await ledger.call("acme", "acme_1")
    assert [one.event for one in whole.events] == [start, update]
    assert [d.integration for d, _ in whole.events[0].deliveries] == ["aaaaaa", "bbbbbb"]
    assert [[a.number for a in attempts] for _, attempts in whole.events[0].deliveries] == [[1, 2], []]
    rest = await ledger.whole_call("acme", "acme_1", cursor=whole.next, limit=2)
    assert rest is not None
    assert ([one.event for one in rest.events], rest.next) == ([end], None)
    assert await ledger.whole_call("zeta", "acme_1", cursor=None, limit=2) is None


async def test_a_delivery_as_a_whole_has_its_event_and_attempts(ledger: Ledger) -> None:
    event = await commit_one(ledger, new_event(CALL_START, integrations=["aaaaaa"]))
    await ledger.record([failed(event), failed(event, number=2)])
    whole = await ledger.whole_delivery("acme", event.seq, "aaaaaa")
    assert whole is not None
    assert whole.event == event
    assert whole.delivery == await ledger.delivery("acme", event.seq, "aaaaaa")
    assert whole.attempts == await ledger.attempts("acme", event.seq, "aaaaaa")
    assert await ledger.whole_delivery("acme", event.seq, "bbbbbb") is None
    assert await ledger.whole_delivery("zeta", event.seq, "aaaaaa") is None
