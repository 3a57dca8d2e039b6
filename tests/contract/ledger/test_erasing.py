"""Erasing calls: found by their data within a company, cancelled, and taken out whole."""

from __future__ import annotations

from msgspec.structs import replace

from ringpost.ledger.forgetting import FoundCall
from ringpost.ledger.ledger import Ledger
from ringpost.model.event import CALL_UPDATE
from tests.contract.ledger.making import (
    NOW,
    accepted,
    all_owed,
    codes,
    commit_one,
    events_of,
    new_event,
    result,
    whole_call,
)

ANNA = b'{"status":"RINGING","caller":"anna"}'


def is_annas(data: bytes) -> bool:
    return b"anna" in data


async def look(ledger: Ledger, *, limit: int = 4) -> tuple[list[FoundCall], int]:
    """What a whole look finds, and at how many events it looked."""
    found: list[FoundCall] = []
    events, after = 0, 0
    while True:
        looked = await ledger.look_for("acme", is_annas, after, limit)
        found += looked.calls
        events += looked.events
        if looked.next is None:
            return found, events
        assert looked.next > after
        after = looked.next


async def test_a_call_is_found_by_any_of_its_events_once_and_within_its_company(ledger: Ledger) -> None:
    for number in range(7):
        events = whole_call(f"acme_{number}", integrations=["aaaaaa"])
        if number % 3 == 0:
            events[number % 2 + 1] = replace(events[number % 2 + 1], data=ANNA)
        verdicts = await ledger.commit(events)
        await ledger.record([result(accepted(verdicts[0]))])
    await ledger.commit([replace(event, data=ANNA) for event in whole_call("wildix_1", company="wildix")])
    await commit_one(ledger, new_event(call="acme_x", data=ANNA))
    found, events_looked_at = await look(ledger)
    assert [one.call for one in found] == ["acme_0", "acme_3", "acme_6", "acme_x"]
    assert found[0] == FoundCall(call="acme_0", has_ended=True, events=3, deliveries=3, pending=2, attempts=1)
    assert found[-1] == FoundCall(call="acme_x", has_ended=False, events=1, deliveries=0, pending=0, attempts=0)
    assert events_looked_at == 22


async def test_an_erased_call_is_gone_and_the_others_are_as_they_were(ledger: Ledger) -> None:
    kept = [accepted(one) for one in await ledger.commit(whole_call("acme_1", integrations=["aaaaaa"]))]
    gone = [accepted(one) for one in await ledger.commit(whole_call("acme_2", integrations=["aaaaaa", "bbbbbb"]))]
    await ledger.record([result(gone[0])])
    assert await ledger.cancel_call("acme", "acme_2", NOW) == {"aaaaaa": 2, "bbbbbb": 3}
    assert await ledger.cancel_call("acme", "acme_2", NOW) == {}
    assert [owed.seq for owed in await all_owed(ledger)] == [event.seq for event in kept]
    erased = await ledger.erase_call("acme", "acme_2")
    assert (erased.calls, erased.events, erased.deliveries, erased.attempts) == (1, 3, 6, 1)
    assert await ledger.call("acme", "acme_2") is None
    assert await ledger.bodies("acme", [event.seq for event in gone]) == {}
    assert await events_of(ledger, "acme", "acme_1") == kept


async def test_a_call_that_goes_on_or_is_not_there_is_left(ledger: Ledger) -> None:
    event = await commit_one(ledger, new_event(integrations=["aaaaaa"]))
    for call in ("acme_1", "acme_none"):
        assert await ledger.cancel_call("acme", call, NOW) == {}
        assert (await ledger.erase_call("acme", call)).events == 0
    assert await events_of(ledger, "acme", "acme_1") == [event]
    assert len(await all_owed(ledger)) == 1


async def test_clearing_what_is_left_over_changes_nothing_that_can_be_read(ledger: Ledger) -> None:
    kept = {}
    for number in range(120):
        data = b"x" * (37 * number % 9_000)
        events = [replace(event, data=data) for event in whole_call(f"acme_{number}", integrations=["aaaaaa"])]
        verdicts = await ledger.commit(events)
        if number % 3 == 0:
            kept[f"acme_{number}"] = [accepted(verdict) for verdict in verdicts]
    for number in range(120):
        if f"acme_{number}" not in kept:
            await ledger.erase_call("acme", f"acme_{number}")
    assert await ledger.empty_log()
    after: int | None = 0
    while after is not None:
        after = (await ledger.clear_leftovers(after)).next
    assert await ledger.empty_log()
    for call, whole in kept.items():
        assert await events_of(ledger, "acme", call) == whole


async def test_the_id_of_an_erased_call_is_free_again_though_a_late_event_was_refused(ledger: Ledger) -> None:
    await ledger.commit(whole_call("acme_1"))
    [late] = await ledger.commit([new_event(CALL_UPDATE, call="acme_1")])
    assert codes([late]) == ["call_already_ended"]
    await ledger.erase_call("acme", "acme_1")
    assert codes(await ledger.commit([new_event(call="acme_1")])) == [None]


async def test_of_a_call_no_more_is_looked_at_than_is_needed(ledger: Ledger) -> None:
    await ledger.commit(whole_call("acme_1", updates=20))
    looked = 0

    def is_wanted(_: bytes) -> bool:
        nonlocal looked
        looked += 1
        return True

    found = await ledger.look_for("acme", is_wanted, 0, 100)
    assert [one.call for one in found.calls] == ["acme_1"]
    assert looked == 1
