"""Pausing and resuming: durable with its notice, told once, and owed to the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from structlog.testing import capture_logs

from ringpost.errors import RingpostError
from ringpost.integrations.requests import EditRequest, InstallRequest, RotateRequest
from ringpost.model.event import Event
from ringpost.model.integration import Integration
from ringpost.model.notice import PAUSED, RESUMED, NoticeData
from tests.world import World, make_world

HOOK = "https://example.com/hook?token=t0k3n-in-url"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = await make_world(tmp_path)
    yield world
    await world.ledger.close()


async def install(world: World, *wanted: str, company: str = "acme", **more: Any) -> Integration:
    request = msgspec.convert({"type": "webhook", "url": HOOK, "filter": wanted or ["*"], **more}, InstallRequest)
    return (await world.registry.install(company, request))[0]


async def notices(world: World) -> list[tuple[Event, NoticeData]]:
    """All, oldest first."""
    page = await world.ledger.notices(None, cursor=None, limit=50)
    assert page.next is None
    return [(event, msgspec.json.decode(event.data, type=NoticeData)) for event in reversed(page.items)]


async def test_a_pause_and_a_resume_are_told_once_each_and_owed_to_those_that_want_them(world: World) -> None:
    one = await install(world, "*", "notice:*", name="CRM")
    other = await install(world, "notice:*")
    await install(world, "*")
    await install(world, "notice:*", company="zeta")
    paused, _ = await world.registry.pause("acme", one.id)
    assert (paused.state, paused.paused, paused.pause_reason) == ("paused", world.clock.ms, "asked")
    asked = world.clock.ms
    world.clock.ms += 60_000
    assert (await world.registry.pause("acme", one.id))[0] == paused
    resumed, _ = await world.registry.resume("acme", one.id)
    assert (resumed.state, resumed.paused, resumed.pause_reason) == ("active", None, None)
    world.clock.ms += 1
    assert (await world.registry.resume("acme", one.id))[0] == resumed
    (first, why), (second, again) = await notices(world)
    assert (first.type, first.time, why.integration, why.reason, why.since) == (PAUSED, asked, one.id, "asked", None)
    assert (second.type, again.integration, again.reason, again.since) == (RESUMED, one.id, "asked", asked)
    assert f"ringpost integrations resume {one.id}" in why.message
    assert "(CRM)" in why.message
    assert world.handed_over == [(first, (other.id,)), (second, (other.id,))]
    assert world.changed == [one.id, one.id]


@pytest.mark.parametrize(("reason", "words"), [("gone", "410 Gone"), ("failing", "only failed since 2026-11-20")])
async def test_an_unfit_one_is_paused_with_the_reason_and_what_to_do(
    world: World, tmp_path: Path, reason: Literal["gone", "failing"], words: str
) -> None:
    one = await install(world)
    since = world.clock.ms - 5 * 86_400_000
    for _ in range(2):
        await world.registry.pause_unfit(one.id, reason, since)
        world.clock.ms += 1
    [(event, told)] = await notices(world)
    assert (event.type, told.reason, told.since, told.integration) == (PAUSED, reason, since, one.id)
    assert words in told.message
    assert f"ringpost integrations resume {one.id}" in told.message
    assert "t0k3n" not in told.message
    await world.ledger.close()
    again = await make_world(tmp_path)
    paused = again.registry.get("acme", one.id)[0]
    assert (paused.state, paused.paused, paused.pause_reason) == ("paused", event.time, reason)
    await again.ledger.close()


async def test_one_that_is_not_there_or_was_paused_by_a_person_is_left_as_it_is(world: World) -> None:
    one = await install(world)
    paused, _ = await world.registry.pause("acme", one.id)
    await world.registry.pause_unfit(one.id, "gone", 5)
    assert world.registry.get("acme", one.id)[0] == paused
    await world.registry.delete("acme", one.id)
    await world.registry.pause_unfit(one.id, "gone", 5)
    assert len(await notices(world)) == 1


async def test_what_the_ledger_does_not_take_is_raised_and_nothing_changed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await install(world)

    async def fails(*_: object) -> None:
        raise RingpostError("ledger_full")

    with monkeypatch.context() as broken, capture_logs() as lines:
        broken.setattr(world.ledger, "change_integration", fails)
        with pytest.raises(RingpostError) as refused:
            await world.registry.pause_unfit(one.id, "gone", 5)
    assert refused.value.code == "ledger_full"
    assert world.registry.get("acme", one.id)[0].state == "active"
    assert (await notices(world), world.changed, lines) == ([], [], [])
    await world.registry.pause_unfit(one.id, "gone", 5)
    assert world.registry.get("acme", one.id)[0].state == "paused"


async def test_a_pause_and_verdicts_at_the_same_time_are_told_once(world: World) -> None:
    one = await install(world)
    await asyncio.gather(
        *(world.registry.pause_unfit(one.id, "failing", 5) for _ in range(3)), world.registry.pause(None, one.id)
    )
    assert [event.type for event, _ in await notices(world)] == [PAUSED]


async def test_an_edit_or_a_rotation_of_a_paused_one_keeps_why_it_is_paused(world: World) -> None:
    one = await install(world)
    await world.registry.pause_unfit(one.id, "gone", 5)
    await world.registry.edit("acme", one.id, EditRequest(name="mended"))
    await world.registry.rotate("acme", one.id, RotateRequest())
    edited = world.registry.get("acme", one.id)[0]
    assert (edited.name, edited.state, edited.pause_reason) == ("mended", "paused", "gone")


async def test_a_name_that_the_wire_cannot_carry_keeps_nobody_from_pausing(world: World) -> None:
    one = await install(world, name="odd \uffff name")
    await world.registry.pause("acme", one.id)
    [(_, told)] = await notices(world)
    assert "odd \ufffd name" in told.message


async def test_a_retry_schedule_is_kept_changed_and_cleared(world: World, tmp_path: Path) -> None:
    one = await install(world, retryDelaysMs=[5_000, 0])
    plain = await install(world)
    assert (one.retry_delays_ms, plain.retry_delays_ms) == ((5_000, 0), None)

    async def edited(**fields: object) -> Integration:
        edit = msgspec.convert(fields, EditRequest)
        return (await world.registry.edit("acme", one.id, edit))[0]

    assert (await edited(name="CRM")).retry_delays_ms == (5_000, 0)
    assert (await edited(retryDelaysMs=[])).retry_delays_ms == ()
    assert (await edited(retryDelaysMs=None)).retry_delays_ms is None
    await edited(retryDelaysMs=[1])
    await world.ledger.close()
    again = await make_world(tmp_path)
    assert again.registry.get("acme", one.id)[0].retry_delays_ms == (1,)
    await again.ledger.close()
