"""Calls of sources and calls of clients keep apart, whatever their ids."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from ringpost.ledger.ledger import Ledger
from ringpost.model.event import CALL_END, CALL_START, CALL_UPDATE, EVENT_TYPES, NewEvent, Origin
from tests.contract.ledger.making import NOW, accepted, codes, new_event

Reopen = Callable[[], Awaitable[Ledger]]


def of(origin: Origin, *types: str, call: str = "acme_1") -> list[NewEvent]:
    return [new_event(type_, call=call, origin=origin) for type_ in types]


async def count(ledger: Ledger, call: str = "acme_1") -> int:
    found = await ledger.call("acme", call)
    return 0 if found is None else found.events


@pytest.mark.parametrize("anew", [False, True])
@pytest.mark.parametrize("ended", [False, True])
async def test_a_client_cannot_touch_a_call_of_a_source(
    ledger: Ledger, reopen: Reopen, anew: bool, ended: bool
) -> None:
    before = of("source", CALL_START, *[CALL_END] * ended)
    await ledger.commit(before)
    if anew:
        ledger = await reopen()
    for type_ in EVENT_TYPES:
        assert codes(await ledger.commit(of("api", type_))) == ["call_of_source"]
    assert await count(ledger) == len(before)


async def test_a_source_goes_on_with_its_call_after_a_client_tried_to_end_it(ledger: Ledger) -> None:
    events = [*of("source", CALL_START), *of("api", CALL_END), *of("source", CALL_UPDATE, CALL_END)]
    assert codes(await ledger.commit(events)) == [None, "call_of_source", None, None]


@pytest.mark.parametrize("anew", [False, True])
async def test_a_source_s_call_finds_its_id_taken_by_a_client_s(ledger: Ledger, reopen: Reopen, anew: bool) -> None:
    await ledger.commit(of("api", CALL_START))
    if anew:
        ledger = await reopen()
    assert codes(await ledger.commit(of("source", CALL_UPDATE))) == ["call_not_started"]
    assert codes(await ledger.commit(of("source", CALL_END))) == ["call_not_started"]
    assert codes(await ledger.commit(of("source", CALL_START))) == ["call_already_started"]
    assert codes(await ledger.commit(of("api", CALL_UPDATE, CALL_END))) == [None, None]
    assert codes(await ledger.commit(of("source", CALL_END))) == ["call_not_started"]
    assert codes(await ledger.commit(of("source", CALL_START))) == ["call_already_ended"]
    assert await count(ledger) == 3


@pytest.mark.parametrize("other", ["api", "source"])
async def test_what_follows_a_refused_start_of_a_source_is_refused_with_it(ledger: Ledger, other: Origin) -> None:
    await ledger.commit(of(other, CALL_START))
    events = [
        *of("source", CALL_START, CALL_UPDATE),
        *of("source", CALL_START, call="acme_2"),
        *of("source", CALL_END),
        *of("source", CALL_END, call="acme_2"),
    ]
    assert codes(await ledger.commit(events)) == [*["call_already_started"] * 2, None, "call_already_started", None]
    assert await count(ledger) == 1


async def test_a_refused_start_of_a_source_refuses_nothing_of_the_call_that_has_the_id(ledger: Ledger) -> None:
    await ledger.commit(of("api", CALL_START))
    events = [*of("source", CALL_START), *of("api", CALL_UPDATE), *of("source", CALL_END)]
    assert codes(await ledger.commit(events)) == ["call_already_started", None, "call_already_started"]
    assert codes(await ledger.commit(of("api", CALL_UPDATE))) == [None]
    await ledger.commit(of("source", CALL_START, call="acme_2"))
    assert codes(await ledger.commit(of("source", CALL_START, call="acme_2"))) == ["call_already_started"]
    assert codes(await ledger.commit(of("source", CALL_END, call="acme_2"))) == [None]


async def test_a_client_s_events_are_judged_one_by_one_after_a_start_that_was_refused(ledger: Ledger) -> None:
    await ledger.commit(of("api", CALL_START))
    verdicts = await ledger.commit(of("api", CALL_START, CALL_UPDATE, CALL_END))
    assert codes(verdicts) == ["call_already_started", None, None]
    assert accepted(verdicts[1]).sequence == 2


async def test_open_calls_of_a_pbx_are_those_that_its_source_told(ledger: Ledger) -> None:
    await ledger.commit([*of("api", CALL_START), *of("source", CALL_START, call="acme_2")])
    assert [call.id for call in await ledger.open_calls("acme", "PBX1")] == ["acme_2"]


async def test_every_pbx_that_was_registered_is_known(ledger: Ledger, reopen: Reopen) -> None:
    assert await ledger.pbxs() == []
    first = await ledger.register_pbx("zeta", "P9", NOW)
    second = await ledger.register_pbx("acme", "P1", NOW + 1)
    third = await ledger.register_pbx("acme", "P0", NOW + 2)
    await ledger.register_pbx("zeta", "P9", NOW + 3)
    assert await ledger.pbxs() == [first, second, third]
    ledger = await reopen()
    assert await ledger.pbxs() == [first, second, third]
    assert [pbx.short for pbx in await ledger.pbxs()] == [True, True, False]
