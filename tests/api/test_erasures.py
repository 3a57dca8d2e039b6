"""Erasures over the API: counted, done and looked at; whom they are about is shown to nobody."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.world import HOOK, OURS, World, event

NUMBER = "+15550100"


async def call(world: World, name: str, *, ends: bool = True, number: str = NUMBER) -> None:
    data = {"status": "TALKING", "caller": {"type": "REMOTE", "phone": number}}
    await world.done("POST", "/v1/events", event(call=name, data=data))
    if ends:
        await world.done("POST", "/v1/events", event("call:end", call=name, data=data))


async def erase(world: World, **body: Any) -> dict[str, Any]:
    """An erasure when it has ended."""
    begun = await world.done("POST", "/v1/erasures", body)
    await world.works.wait(begun["id"])
    ended: dict[str, Any] = await world.done("GET", f"/v1/erasures/{begun['id']}")
    return ended


async def test_a_person_is_counted_then_erased_with_a_report(world: World) -> None:
    await world.install()
    await call(world, "1")
    await call(world, "2", number="1001")
    await call(world, "3", ends=False)
    counted = await erase(world, phone=NUMBER, dryRun=True)
    figures = {name: counted[name] for name in ("calls", "events", "deliveries", "cancelled", "stillGoingOn")}
    assert figures == {"calls": 1, "events": 2, "deliveries": 2, "cancelled": 2, "stillGoingOn": 1}
    assert (counted["state"], counted["dryRun"], counted["looked"]) == ("done", True, 5)
    assert len(await world.done("GET", "/v1/calls")) == 3
    erased = await erase(world, phone="001 555 0100")
    assert {name: erased[name] for name in figures} == figures
    assert erased["dryRun"] is False
    assert {found["id"] for found in await world.done("GET", "/v1/calls")} == {f"{OURS}_2", f"{OURS}_3"}
    [(_, name, count)] = world.dropped
    assert (name, count) == (f"{OURS}_1", 2)
    await world.refused("call_not_found", "GET", f"/v1/calls/{OURS}_1")
    assert {one["id"] for one in await world.done("GET", "/v1/erasures")} == {erased["id"], counted["id"]}


async def test_whom_it_is_about_is_in_no_answer(world: World) -> None:
    begun = await world.ask("POST", "/v1/erasures", {"phone": "555-987-65", "dryRun": True})
    identifier = begun.json()["result"]["id"]
    answers = [begun, await world.ask("GET", "/v1/erasures"), await world.ask("GET", f"/v1/erasures/{identifier}")]
    for answer in answers:
        assert "987" not in answer.text.replace(identifier, "")


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({}, "missing_field", "phone"),
        ({"phone": "1001", "email": "a@b"}, "invalid_value", "phone"),
        ({"phone": "anna"}, "invalid_value", "phone"),
        ({"email": "anna"}, "invalid_value", "email"),
        ({"userId": ""}, "invalid_value", "userId"),
        ({"phone": 1001}, "wrong_type", "phone"),
        ({"name": "Anna"}, "unknown_field", "name"),
        ({"phone": "1001", "company": "wildix_srl"}, "company_foreign", "company"),
    ],
)
async def test_a_bad_request_is_refused_and_begins_nothing(
    world: World, body: dict[str, Any], code: str, field: str
) -> None:
    assert (await world.refused(code, "POST", "/v1/erasures", body))["field"] == field
    assert await world.done("GET", "/v1/erasures") == []


async def test_a_replay_is_no_erasure_and_none_of_another_company_is_found(world: World) -> None:
    await world.install(url=HOOK)
    begun = await erase(world, email="anna@example.com", dryRun=True)
    await world.refused("work_not_found", "GET", f"/v1/erasures/{begun['id']}", key="foreign")
    await world.refused("work_not_found", "GET", f"/v1/replays/{begun['id']}")
    await world.refused("work_not_found", "GET", "/v1/erasures/nonsense")
