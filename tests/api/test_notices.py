"""Notices over the API: who sees which, and integrations that want them."""

from __future__ import annotations

from typing import Any

import pytest

from ringpost.model.notice import LEDGER_NEARLY_FULL, NOTICE_TYPES, PAUSED, PBX_LOST, RESUMED, SERVICE_COMPANY, Notice
from tests.api.world import HOOK, OURS, START, THEIRS, World, event


async def pause(world: World, integration: str, *, key: str = "admin") -> None:
    await world.done("POST", f"/v1/integrations/{integration}/pause", key=key)


async def test_a_pause_is_a_notice_in_the_list_and_an_event_with_its_deliveries(world: World) -> None:
    made = await world.install(name="CRM")
    other = await world.install(filter=["notice:*"])
    await pause(world, made["id"])
    [notice] = await world.done("GET", "/v1/notices", key="viewer")
    shown = await world.done("GET", f"/v1/events/{notice['event']}")
    message = notice["message"]
    data = {
        "message": message, "integration": made["id"], "pbx": None, "delivery": None, "reason": "asked", "since": None,
        "count": None,
    }  # fmt: skip
    assert notice == {"event": notice["event"], "company": OURS, "type": PAUSED, "time": START, **data}
    assert "(CRM)" in message
    assert (shown["type"], list(shown["data"].items())) == (PAUSED, list(data.items()))
    [delivery] = shown["deliveries"]
    assert (delivery["integration"], delivery["state"]) == (other["id"], "pending")
    assert await world.done("GET", f"/v1/deliveries?call={shown['id']}") == [
        {key: value for key, value in delivery.items() if key != "attempts"}
    ]
    assert [one["id"] for one in await world.done("GET", f"/v1/deliveries?type={PAUSED}")] == [delivery["id"]]
    await world.conclude(delivery["id"], "delivered")
    again = await world.done("POST", f"/v1/deliveries/{delivery['id']}/replay")
    assert (again["state"], world.replayed[0].call) == ("pending", shown["id"])
    assert await world.done("GET", "/v1/calls") == []


async def test_each_sees_those_of_its_company_and_an_operator_all(world: World) -> None:
    ours = await world.install()
    theirs = await world.done("POST", "/v1/integrations", {"type": "webhook", "url": HOOK}, key="foreign")
    await pause(world, ours["id"])
    await pause(world, theirs["id"], key="foreign")
    full = Notice(company=SERVICE_COMPANY, type=LEDGER_NEARLY_FULL, time=START, message="Nearly full.", count=9)
    await world.services.intake.accept_notices([full])

    async def companies(query: str = "", **more: Any) -> list[str]:
        return [one["company"] for one in await world.done("GET", f"/v1/notices{query}", **more)]

    assert await companies() == [OURS]
    assert await companies(key="foreign") == [THEIRS]
    assert await companies(key="operator") == [SERVICE_COMPANY, THEIRS, OURS]
    assert await companies(f"?company={SERVICE_COMPANY}", key="operator") == [SERVICE_COMPANY]
    await world.refused("company_foreign", "GET", f"/v1/notices?company={THEIRS}")


async def test_they_are_filtered_and_shown_in_pages(world: World) -> None:
    made = await world.install()
    for _ in range(3):
        await pause(world, made["id"])
        world.time += 1
        await world.done("POST", f"/v1/integrations/{made['id']}/resume")
        world.time += 1
    first = (await world.ask("GET", "/v1/notices?limit=4")).json()
    second = (await world.ask("GET", f"/v1/notices?limit=4&cursor={first['next']}")).json()
    types = [one["type"] for one in (*first["result"], *second["result"])]
    assert (types, second["next"]) == ([RESUMED, PAUSED] * 3, None)
    assert [one["time"] for one in await world.done("GET", f"/v1/notices?type={PAUSED}")] == [
        START + 4, START + 2, START,
    ]  # fmt: skip
    between = await world.done("GET", f"/v1/notices?since={START + 1}&until={START + 2}")
    assert [one["time"] for one in between] == [START + 2, START + 1]
    assert (await world.refused("cursor_invalid", "GET", "/v1/notices?cursor=x"))["field"] == "cursor"
    assert (await world.refused("unknown_event_type", "GET", "/v1/notices?type=call:end"))["field"] == "type"


@pytest.mark.parametrize("kind", [*NOTICE_TYPES, "notice:*", "notice:other"])
async def test_no_client_can_send_a_notice(world: World, kind: str) -> None:
    error = await world.refused("unknown_event_type", "POST", "/v1/events", event(kind))
    assert error["field"] == "type"
    batch = await world.done("POST", "/v1/events/batch", {"events": [event(kind)]})
    assert batch["refused"] == 1
    error = await world.refused("invalid_value", "POST", "/v1/events", event(call=f"{OURS}_notice/aaaaaa"))
    assert error["field"] == "id"
    assert await world.done("GET", "/v1/notices") == []


async def test_who_asked_for_all_gets_no_notice(world: World) -> None:
    made = await world.install()
    await world.install(filter=["*"])
    await world.install(filter=["call:*"])
    await pause(world, made["id"])
    assert await world.done("GET", "/v1/deliveries") == []


@pytest.mark.parametrize(("wanted", "sent"), [("notice:*", RESUMED), (PBX_LOST, PBX_LOST)])
async def test_one_that_wants_notices_alone_gets_a_test_notice(world: World, wanted: str, sent: str) -> None:
    made = await world.install(filter=[wanted])
    await world.install(filter=["*", "notice:*"])
    test = await world.done("POST", f"/v1/integrations/{made['id']}/test")
    [delivery] = [await world.done("GET", f"/v1/deliveries/{one}") for one in test["deliveries"]]
    assert (delivery["type"], delivery["integration"], delivery["call"]) == (sent, made["id"], test["call"])
    [notice] = await world.done("GET", "/v1/notices")
    assert (notice["reason"], notice["pbx"]) == ("test", "test")
    assert "test" in notice["message"]
    assert len(await world.done("GET", "/v1/deliveries")) == 1


async def test_one_that_wants_both_gets_a_test_call(world: World) -> None:
    made = await world.install(filter=["call:end", "notice:*"])
    test = await world.done("POST", f"/v1/integrations/{made['id']}/test")
    assert [(await world.done("GET", f"/v1/deliveries/{one}"))["type"] for one in test["deliveries"]] == ["call:end"]
    assert await world.done("GET", "/v1/notices") == []


async def test_since_when_and_why_it_is_paused_is_shown(world: World) -> None:
    made = await world.install()
    world.time += 7
    paused = await world.done("POST", f"/v1/integrations/{made['id']}/pause")
    assert (paused["state"], paused["paused"], paused["pauseReason"]) == ("paused", START + 7, "asked")
    await world.done("POST", f"/v1/integrations/{made['id']}/resume")
    await world.registry.pause_unfit(made["id"], "gone", START)
    [row] = await world.done("GET", "/v1/integrations")
    assert (row["state"], row["paused"], row["pauseReason"]) == ("paused", START + 7, "gone")


async def test_a_retry_schedule_is_installed_shown_changed_and_cleared(world: World) -> None:
    made = await world.install(retryDelaysMs=[5_000, 2_592_000_000])
    one = f"/v1/integrations/{made['id']}"
    assert made["retryDelaysMs"] == [5_000, 2_592_000_000]
    assert [row["retryDelaysMs"] for row in await world.done("GET", "/v1/integrations")] == [made["retryDelaysMs"]]
    assert (await world.done("PATCH", one, {"name": "CRM"}))["retryDelaysMs"] == made["retryDelaysMs"]
    assert (await world.done("PATCH", one, {"retryDelaysMs": [0] * 50}))["retryDelaysMs"] == [0] * 50
    assert (await world.done("PATCH", one, {"retryDelaysMs": []}))["retryDelaysMs"] == []
    assert (await world.done("PATCH", one, {"retryDelaysMs": None}))["retryDelaysMs"] is None


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ([5_000, 1, -1], "invalid_value", "retryDelaysMs[2]"),
        ([2_592_000_001], "invalid_value", "retryDelaysMs[0]"),
        ([1, 1.5], "wrong_type", "retryDelaysMs[1]"),
        ([1, "5s"], "wrong_type", "retryDelaysMs[1]"),
        ([True], "wrong_type", "retryDelaysMs[0]"),
        ([1, None], "wrong_type", "retryDelaysMs[1]"),
        ([0] * 51, "invalid_value", "retryDelaysMs"),
        ("5s", "wrong_type", "retryDelaysMs"),
        ({}, "wrong_type", "retryDelaysMs"),
    ],
)
async def test_a_wrong_retry_schedule_is_refused_at_its_place(
    world: World, given: object, code: str, field: str
) -> None:
    made = await world.install(retryDelaysMs=[7])
    for method, path, body in (
        ("POST", "/v1/integrations", {"type": "webhook", "url": HOOK}),
        ("PATCH", f"/v1/integrations/{made['id']}", {"name": "changed"}),
    ):
        error = await world.refused(code, method, path, {**body, "retryDelaysMs": given})
        assert error["field"] == field
    [row] = await world.done("GET", "/v1/integrations")
    assert (row["retryDelaysMs"], row["name"]) == ([7], None)
