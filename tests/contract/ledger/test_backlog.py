"""What is pending, as the dispatcher reads it; and how long integrations have only failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from ringpost.ledger.ledger import Ledger
from ringpost.model.event import CALL_UPDATE, Event
from ringpost.model.failing import Failing
from tests.contract.ledger.making import NOW, accepted, delete, failed, integration, new_event, owed, result, whole_call


async def commit(
    ledger: Ledger, *calls: str, company: str = "acme", to: str = "aaaaaa", updates: int = 1
) -> list[Event]:
    """Whole calls."""
    new = [event for call in calls for event in whole_call(call, company=company, integrations=[to], updates=updates)]
    return [accepted(verdict) for verdict in await ledger.commit(new)]


async def test_how_much_is_owed_is_told_for_each_integration_that_is_owed_something(ledger: Ledger) -> None:
    events = await commit(ledger, "acme_1", "acme_2")
    await commit(ledger, "acme_3", to="bbbbbb")
    await commit(ledger, "other_1", company="other", to="cccccc")
    await ledger.record([result(events[0]), failed(events[1])])
    assert await ledger.owing() == [("acme", "aaaaaa", 5), ("acme", "bbbbbb", 3), ("other", "cccccc", 3)]
    await ledger.record([result(event) for event in events[1:]])
    assert await ledger.owing() == [("acme", "bbbbbb", 3), ("other", "cccccc", 3)]


async def test_what_is_owed_is_read_on_from_a_number_in_order(ledger: Ledger) -> None:
    events = await commit(ledger, "acme_1", "acme_2", "acme_3")
    await ledger.record([failed(events[1], due=NOW + 7), result(events[4])])
    left = [owed(event) for event in events if event != events[4]]
    left[1] = replace(left[1], attempts=1, due=NOW + 7)
    assert await ledger.owed("acme", "aaaaaa", 0, 100) == left
    assert await ledger.owed("acme", "aaaaaa", events[1].seq, 3) == left[2:5]
    assert await ledger.owed("acme", "aaaaaa", events[-1].seq, 3) == []
    assert await ledger.owed("other", "aaaaaa", 0, 100) == []


async def test_what_some_calls_are_owed_is_read_in_the_order_of_each(ledger: Ledger) -> None:
    events = await commit(ledger, "acme_1", "acme_2", "acme_3", updates=3)
    first, second = events[:5], events[5:10]
    await ledger.record([result(first[0]), failed(first[1], due=NOW + 7)])
    expected = [replace(owed(first[1]), attempts=1, due=NOW + 7), *map(owed, first[2:]), *map(owed, second)]
    assert await ledger.owed_in_lanes("acme", "aaaaaa", ["acme_1", "acme_2"], 100) == expected
    assert await ledger.owed_in_lanes("acme", "aaaaaa", ["acme_1", "acme_2"], 2) == [
        *expected[:2],
        *map(owed, second[:2]),
    ]
    assert await ledger.owed_in_lanes("acme", "bbbbbb", ["acme_1"], 100) == []
    assert await ledger.owed_in_lanes("acme", "aaaaaa", ["acme_9"], 100) == []


async def test_an_event_that_came_later_is_read_with_its_call(ledger: Ledger) -> None:
    start, *_ = [
        accepted(verdict)
        for verdict in await ledger.commit(
            [new_event(call="acme_1", integrations=["aaaaaa"]), new_event(call="acme_2")]
        )
    ]
    [update] = await ledger.commit([new_event(CALL_UPDATE, call="acme_1", integrations=["aaaaaa"])])
    found = await ledger.owed_in_lanes("acme", "aaaaaa", ["acme_1"], 100)
    assert found == [owed(start), owed(accepted(update))]


async def test_a_deleted_integration_is_owed_nothing(ledger: Ledger) -> None:
    await ledger.add_integration(integration())
    await commit(ledger, "acme_1")
    await ledger.delete_integration("acme", "aaaaaa", NOW)
    assert await ledger.owing() == []
    assert await ledger.owed("acme", "aaaaaa", 0, 100) == []
    assert await ledger.owed_in_lanes("acme", "aaaaaa", ["acme_1"], 100) == []


async def test_a_deleted_one_beside_others_hides_none_of_them(ledger: Ledger) -> None:
    await ledger.add_integration(integration())
    await commit(ledger, "acme_1")
    await commit(ledger, "acme_2", to="bbbbbb")
    await delete(ledger, "acme", "aaaaaa", NOW)
    assert await ledger.owing() == [("acme", "bbbbbb", 3)]


async def test_how_long_integrations_only_failed_is_kept_and_forgotten(
    ledger: Ledger, reopen: Callable[[], Awaitable[Ledger]]
) -> None:
    first = Failing(company="acme", integration="aaaaaa", since=1, counted=2, last=3, warned=False)
    second = Failing(company="acme", integration="bbbbbb", since=4, counted=5, last=6, warned=True)
    await ledger.record([], {("acme", "aaaaaa"): first, ("acme", "bbbbbb"): second})
    assert await ledger.failings() == [first, second]
    later = replace(first, counted=9, warned=True)
    await ledger.record([], {("acme", "aaaaaa"): later, ("acme", "bbbbbb"): None, ("acme", "cccccc"): None})
    assert await (await reopen()).failings() == [later]


async def test_of_a_deleted_one_it_is_not_kept_how_long_it_failed(ledger: Ledger) -> None:
    await ledger.add_integration(integration())
    failing = Failing(company="acme", integration="aaaaaa", since=1, counted=2, last=3, warned=False)
    await ledger.record([], {("acme", "aaaaaa"): failing})
    await ledger.delete_integration("acme", "aaaaaa", NOW)
    assert await ledger.failings() == []
