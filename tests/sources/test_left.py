"""Calls of PBXs that left the settings are ended, and no others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from ringpost.calls.events import CallEvent
from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Verdict
from ringpost.model.data import CallData
from ringpost.model.event import CALL_END, CALL_START, CALL_UPDATE
from ringpost.sources import left
from ringpost.sources.feed import BATCH
from ringpost.sources.left import end_left_calls
from tests.world import World, make_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = await make_world(tmp_path)
    yield world
    await world.ledger.close()


async def register(world: World, *pbxs: tuple[str, str]) -> None:
    for company, serial in pbxs:
        await world.ledger.register_pbx(company, serial, world.clock.ms)
        world.clock.ms += 1


async def tell(
    world: World, pbx: tuple[str, str], *calls: str, kind: str = CALL_START, status: str = "RINGING"
) -> None:
    events = [CallEvent(call=call, type=kind, time=world.clock.ms, data=CallData(status=status)) for call in calls]
    verdicts = await world.intake.accept_calls(*pbx, events, extra_keys=True)
    assert not [verdict for verdict in verdicts if isinstance(verdict, RingpostError)]


async def end(world: World, *configured: tuple[str, str]) -> int:
    accept = partial(world.intake.accept_calls, extra_keys=True)
    return await end_left_calls(world.ledger, configured, accept, world.clock)


async def going_on(world: World) -> set[str]:
    page = await world.ledger.calls(None, open_only=True, cursor=None, limit=1_000)
    return {call.id for call in page.items}


async def test_open_calls_of_a_pbx_that_left_end_as_reconciled(world: World) -> None:
    await register(world, ("acme", "hq"))
    await tell(world, ("acme", "hq"), "acme_1.1")
    world.clock.ms += 4_000
    await tell(world, ("acme", "hq"), "acme_1.1", kind=CALL_UPDATE, status="TALKING")
    world.clock.ms += 6_000
    assert await end(world) == 1
    event, _ = world.handed_over[-1]
    data = json.loads(event.data)
    assert (event.type, event.call, event.pbx, event.time) == (CALL_END, "acme_1.1", "hq", world.clock.ms)
    assert (data["status"], data["endCause"], data["endBy"], data["flags"]) == ("TALKING", "31", None, ["reconciled"])
    assert (data["waitTime"], data["talkTime"], data["duration"]) == (4_000, 6_000, 10_000)
    assert await end(world) == 0


async def test_calls_of_pbxs_that_are_listened_to_and_of_clients_are_left_alone(world: World) -> None:
    await register(world, ("acme", "hq"), ("acme", "shop"), ("zeta", "hq"))
    await tell(world, ("acme", "hq"), "acme_1.1")
    await tell(world, ("acme", "shop"), "acme_shop_1.1")
    await tell(world, ("zeta", "hq"), "zeta_1.1")
    body = b'{"id":"7.7","pbx":"hq","type":"call:start","data":{"status":"X"}}'
    await world.intake.accept_event(body, lambda _: "zeta")
    assert await end(world, ("acme", "hq")) == 2
    assert await going_on(world) == {"acme_1.1", "zeta_7.7"}


async def test_a_call_whose_id_has_another_prefix_than_its_pbx_gives_now_ends_too(world: World) -> None:
    await register(world, ("acme", "hq"), ("acme", "shop"))
    await tell(world, ("acme", "shop"), "acme_1.1", "acme_shop_1.1")
    assert await end(world, ("acme", "hq")) == 2
    assert await going_on(world) == set()


async def test_more_calls_than_are_taken_at_once_all_end(world: World) -> None:
    await register(world, ("acme", "hq"))
    await tell(world, ("acme", "hq"), *(f"acme_{number}.1" for number in range(2 * BATCH + 1)))
    assert await end(world) == 2 * BATCH + 1
    assert await going_on(world) == set()


async def test_while_the_ledger_cannot_take_the_ends_they_are_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(left, "_RETRY", 1)
    await register(world, ("acme", "hq"))
    await tell(world, ("acme", "hq"), "acme_1.1", "acme_2.1")
    tries = 0

    async def accept(company: str, pbx: str, events: Sequence[CallEvent]) -> list[Verdict]:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise RingpostError("ledger_full")
        return await world.intake.accept_calls(company, pbx, events, extra_keys=True)

    async with asyncio.timeout(10):
        assert await end_left_calls(world.ledger, {("acme", "other")}, accept, world.clock) == 2
    assert tries == 3
    assert await going_on(world) == set()
