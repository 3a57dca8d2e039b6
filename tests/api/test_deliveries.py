"""Looking up calls, events and deliveries, and asking for a delivery again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.world import OURS, START, THEIRS, World, event

CALL = f"{OURS}_1693389850.110"


async def owed(world: World, *kinds: str, call: str = "1693389850.110") -> list[dict[str, Any]]:
    """Events of one call, owed to a new integration; their deliveries, in order."""
    await world.install()
    for kind in kinds or ("call:start",):
        await world.done("POST", "/v1/events", event(kind, call))
    told = await world.done("GET", f"/v1/calls/{OURS}_{call}")
    return [delivery for shown in told["events"] for delivery in shown["deliveries"]]


async def test_a_call_is_shown_with_its_events_their_deliveries_and_attempts(world: World) -> None:
    first, second = await owed(world, "call:start", "call:end")
    await world.conclude(first["id"], "pending", error="status")
    await world.conclude(first["id"], "delivered")
    call = await world.done("GET", f"/v1/calls/{CALL}")
    assert (call["id"], call["company"], call["eventCount"], call["ended"]) == (CALL, OURS, 2, START)
    start, end = call["events"]
    assert list(start)[3:9] == ["id", "pbx", "time", "company", "type", "data"]
    assert start["data"]["status"] == "CONNECTING"
    assert start["sequence"] == 1
    [delivery] = start["deliveries"]
    assert (delivery["state"], delivery["attemptCount"]) == ("delivered", 2)
    assert [(tried["number"], tried["error"]) for tried in delivery["attempts"]] == [(1, "status"), (2, None)]
    assert end["deliveries"][0] == {**second, "attempts": []}


async def test_the_events_of_a_call_are_shown_in_pages_with_the_deliveries_of_these_alone(world: World) -> None:
    deliveries = await owed(world, "call:start", *["call:update"] * 3, "call:end")
    await world.conclude(deliveries[2]["id"], "pending", error="status")
    path, seen = f"/v1/calls/{CALL}?limit=2", []
    call = await world.done("GET", path)
    while call["next"] is not None:
        assert call["eventCount"] == 5
        seen.append([[shown["sequence"], *(one["id"] for one in shown["deliveries"])] for shown in call["events"]])
        call = await world.done("GET", f"{path}&cursor={call['next']}")
    assert seen == [[[n + 1, deliveries[n]["id"]] for n in page] for page in ([0, 1], [2, 3])]
    assert [shown["sequence"] for shown in call["events"]] == [5]
    error = await world.refused("cursor_invalid", "GET", f"{path}&cursor=5")
    assert error["field"] == "cursor"
    event = await world.done("GET", f"/v1/events/{deliveries[2]['event']}")
    [shown] = event["deliveries"]
    assert (shown["id"], [tried["error"] for tried in shown["attempts"]]) == (deliveries[2]["id"], ["status"])


async def test_a_call_with_large_events_is_shown_in_pages_of_a_bounded_size(world: World) -> None:
    note = "x" * 200_000
    for kind in ("call:start", *["call:update"] * 7):
        await world.done("POST", "/v1/events", event(kind, data={"status": "RINGING", "note": note}))
    reply = await world.ask("GET", f"/v1/calls/{CALL}")
    assert len(reply.content) < 1_400_000  # the data of the latest event is there twice
    assert [shown["sequence"] for shown in reply.json()["result"]["events"]] == [1, 2, 3, 4, 5]
    assert reply.json()["result"]["next"] is not None


async def test_an_event_that_no_integration_wanted_says_so(world: World) -> None:
    told = await world.done("POST", "/v1/events", event())
    assert told["deliveries"] == 0
    shown = await world.done("GET", f"/v1/events/{told['event']}")
    assert shown["deliveries"] == []
    assert "No integration" in shown["note"]


async def test_calls_are_listed_newest_first_in_pages_without_gaps(world: World) -> None:
    for number in range(5):
        world.time = START + number
        await world.done("POST", "/v1/events", event(call=f"c{number}"))
    seen: list[str] = []
    path = "/v1/calls?limit=2"
    while True:
        answer = (await world.ask("GET", path)).json()
        seen += [call["id"] for call in answer["result"]]
        if answer["next"] is None:
            break
        path = f"/v1/calls?limit=2&cursor={answer['next']}"
    assert seen == [f"{OURS}_c{number}" for number in (4, 3, 2, 1, 0)]


async def test_open_calls_are_those_without_an_end(world: World) -> None:
    await world.done("POST", "/v1/events", event(call="over"))
    await world.done("POST", "/v1/events", event("call:end", call="over"))
    await world.done("POST", "/v1/events", event(call="on"))
    assert [call["id"] for call in await world.done("GET", "/v1/calls?open=true")] == [f"{OURS}_on"]
    assert len(await world.done("GET", "/v1/calls?open=false")) == 2


async def test_deliveries_are_filtered(world: World) -> None:
    failing, done, waiting = await owed(world, "call:start", "call:update", "call:end")
    await world.conclude(failing["id"], "pending", error="timeout")
    await world.conclude(done["id"], "delivered")
    wanted = {
        "state=failing": [failing],
        "state=delivered": [done],
        "state=exhausted": [],
        "type=call:end": [waiting],
        f"integration={failing['integration']}": [waiting, done, failing],
        "integration=nobody": [],
        f"call={CALL}&state=pending": [waiting, failing],
        f"since={START + 1}": [],
        f"since={START}": [waiting, done, failing],
        f"until={START - 1}": [],
        f"until={START}&limit=1": [waiting],
    }
    for query, rows in wanted.items():
        found = await world.done("GET", f"/v1/deliveries?{query}")
        assert [row["id"] for row in found] == [row["id"] for row in rows], query


async def test_a_delivery_is_shown_with_its_attempts(world: World) -> None:
    [delivery] = await owed(world)
    await world.conclude(delivery["id"], "pending", error="status")
    shown = await world.done("GET", f"/v1/deliveries/{delivery['id']}", key="viewer")
    assert (shown["state"], shown["status"], shown["error"], shown["due"]) == ("pending", 500, "status", START + 5_000)
    assert shown["attempts"] == [
        {
            "number": 1,
            "time": START,
            "duration": 12,
            "status": 500,
            "error": "status",
            "detail": None,
            "reply": "thanks",
            "replay": 0,
        }
    ]


async def test_a_replay_makes_a_delivery_go_out_again_under_the_same_id(world: World) -> None:
    [delivery] = await owed(world)
    path = f"/v1/deliveries/{delivery['id']}"
    await world.refused("delivery_pending", "POST", path + "/replay")
    await world.conclude(delivery["id"], "exhausted", error="status")
    reply = await world.ask("POST", path + "/replay")
    assert reply.status_code == 202
    assert (reply.json()["result"]["state"], reply.json()["result"]["replay"]) == ("pending", 1)
    [replayed] = world.replayed
    assert (replayed.id, replayed.replay) == (delivery["id"], 1)


async def test_a_delivery_of_a_deleted_integration_cannot_be_replayed(world: World) -> None:
    [delivery] = await owed(world)
    await world.done("DELETE", f"/v1/integrations/{delivery['integration']}")
    await world.refused("integration_deleted", "POST", f"/v1/deliveries/{delivery['id']}/replay")
    assert world.replayed == []


async def test_an_operator_names_the_company_where_the_id_does_not_tell_it(world: World) -> None:
    [delivery] = await owed(world)
    calls, events = f"/v1/calls/{CALL}", f"/v1/events/{delivery['event']}"
    for path in (calls, events):
        error = await world.refused("company_missing", "GET", path, key="operator")
        assert error["field"] == "company"
        await world.done("GET", f"{path}?company={OURS}", key="operator")
    path = f"/v1/deliveries/{delivery['id']}"
    await world.done("GET", path, key="operator")
    await world.done("DELETE", f"/v1/integrations/{delivery['integration']}")
    await world.refused("company_missing", "GET", path, key="operator")
    await world.done("GET", f"{path}?company={OURS}", key="operator")


@pytest.mark.parametrize("key", ["admin", "operator"])
async def test_what_is_not_there_is_told_by_its_kind(world: World, key: str) -> None:
    await owed(world)
    query = f"?company={OURS}"
    for path, code in {
        "/v1/calls/nothing": "call_not_found",
        "/v1/events/nothing": "event_not_found",
        "/v1/events/evt_0000000000001": "event_not_found",
        "/v1/deliveries/nothing": "delivery_not_found",
        "/v1/deliveries/dlv_0000000000001abcdef": "delivery_not_found",
        "/v1/integrations/nothin": "integration_not_found",
    }.items():
        await world.refused(code, "GET", path + query, key=key)


async def test_lists_hold_nothing_of_another_company(world: World) -> None:
    await owed(world)
    assert await world.done("GET", "/v1/calls", key="foreign") == []
    assert await world.done("GET", "/v1/deliveries", key="foreign") == []
    assert await world.done("GET", f"/v1/calls?company={THEIRS}", key="operator") == []
    assert len(await world.done("GET", "/v1/calls", key="operator")) == 1
