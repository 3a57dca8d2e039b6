"""Events behind a number, as those who follow them read on."""

from __future__ import annotations

import pytest

from ringpost.ledger.ledger import Ledger
from ringpost.ledger.sqlite import lists
from tests.contract.ledger.making import commit_one, new_event


async def test_events_of_a_company_are_read_on_in_their_order(ledger: Ledger) -> None:
    ours = [await commit_one(ledger, new_event(call=f"acme_{number}")) for number in range(5)]
    await commit_one(ledger, new_event(company="other", call="other_1"))
    events, place = await ledger.events_after("acme", 0, 3)
    assert events == ours[:3]
    rest, end = await ledger.events_after("acme", place, 3)
    assert rest == ours[3:]
    assert await ledger.events_after("acme", end, 3) == ([], end)
    assert await ledger.events_after("nobody", 0, 3) == ([], end)


async def test_others_events_between_are_stepped_over(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "_LOOKED_AT", 3)
    for number in range(10):
        await commit_one(ledger, new_event(company="other", call=f"other_{number}"))
    last = await commit_one(ledger, new_event(call="acme_1"))
    place, found, looks = 0, [], 0
    while (step := await ledger.events_after("acme", place, 5))[1] > place:
        found += step[0]
        place = step[1]
        looks += 1
    assert found == [last]
    assert looks == 4
