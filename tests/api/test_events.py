"""The way in for events: accepted, refused, batched, bounded."""

from __future__ import annotations

import asyncio
import json

import pytest

from ringpost.intake.accept import BATCH_LIMIT, EVENT_LIMIT
from tests.api.world import OURS, START, THEIRS, World, event


@pytest.fixture
def world(served: World) -> World:
    return served


async def test_an_accepted_event_is_answered_with_202_and_can_be_looked_up(world: World) -> None:
    await world.install()
    reply = await world.ask("POST", "/v1/events", event(), key="source")
    assert reply.status_code == 202
    assert reply.headers["content-type"] == "application/json"
    told = reply.json()["result"]
    assert told == {
        "event": told["event"],
        "id": f"{OURS}_1693389850.110",
        "type": "call:start",
        "sequence": 1,
        "time": START,
        "deliveries": 1,
    }
    shown = await world.done("GET", f"/v1/events/{told['event']}")
    assert (shown["id"], shown["event"], len(shown["deliveries"])) == (told["id"], told["event"], 1)


async def test_a_batch_has_a_verdict_for_each_event_in_their_order(world: World) -> None:
    batch = {"events": [event(), event("call:update", time="now"), event("call:end")]}
    reply = await world.ask("POST", "/v1/events/batch", batch, key="source")
    assert reply.status_code == 200
    told = reply.json()["result"]
    assert (told["accepted"], told["refused"]) == (2, 1)
    assert [verdict["success"] for verdict in told["events"]] == [True, False, True]
    assert told["events"][1]["error"]["code"] == "wrong_type"
    assert told["events"][1]["error"]["field"] == "time"


async def test_an_event_of_a_foreign_company_is_refused_and_an_operator_must_name_one(world: World) -> None:
    error = await world.refused("company_foreign", "POST", "/v1/events", event(company=THEIRS))
    assert error["field"] == "company"
    await world.refused("company_missing", "POST", "/v1/events", event(), key="operator")
    told = await world.done("POST", "/v1/events", event(company=THEIRS), key="operator")
    assert told["id"].startswith(THEIRS)


async def test_events_out_of_a_calls_order_are_refused(world: World) -> None:
    await world.refused("call_not_started", "POST", "/v1/events", event("call:update"))
    await world.done("POST", "/v1/events", event())
    await world.refused("call_already_started", "POST", "/v1/events", event())
    await world.done("POST", "/v1/events", event("call:end"))
    await world.refused("call_already_ended", "POST", "/v1/events", event("call:update"))


async def test_a_body_is_refused_by_its_announced_length_before_any_of_it_is_sent(world: World) -> None:
    for path, limit in (("/v1/events", EVENT_LIMIT), ("/v1/events/batch", BATCH_LIMIT)):
        reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
        writer.write(
            f"POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {world.keys['source']}\r\n"
            f"content-length: {limit + 1}\r\n\r\n".encode()
        )
        assert b" 413 " in await reader.readline()
        writer.close()


async def test_a_body_without_length_is_refused_as_soon_as_it_is_too_large(world: World) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(
        f"POST /v1/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {world.keys['source']}\r\n"
        "transfer-encoding: chunked\r\n\r\n".encode()
    )
    chunk = b"%x\r\n%b\r\n" % (65_536, b" " * 65_536)
    writer.write(chunk * 5)  # and never an end
    assert b" 413 " in await reader.readline()
    writer.close()


async def test_a_connection_goes_on_after_a_body_that_was_too_large(world: World) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", world.port)
    body = b" " * 4_000_000
    writer.write(
        f"POST /v1/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {world.keys['source']}\r\n"
        f"content-length: {len(body)}\r\n\r\n".encode()
        + body
        + b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"
    )
    assert b" 413 " in await reader.readline()
    assert b'"body_too_large"' in await reader.readuntil(b"HTTP/1.1 200 OK")
    writer.close()


async def test_an_event_of_just_the_limit_is_read(world: World) -> None:
    body = json.dumps(event()).encode()
    padded = body + b" " * (EVENT_LIMIT - len(body))
    await world.done("POST", "/v1/events", padded)
    await world.refused("body_too_large", "POST", "/v1/events", padded + b" ")


async def test_other_methods_are_not_taken(world: World) -> None:
    for method in ("GET", "PUT", "DELETE"):
        reply = await world.ask(method, "/v1/events")
        world.check_refusal(reply, "method_not_allowed")
        assert reply.headers["allow"] == "POST"


async def test_a_client_that_goes_away_after_its_body_loses_nothing(world: World) -> None:
    body = json.dumps(event()).encode()
    _, writer = await asyncio.open_connection("127.0.0.1", world.port)
    writer.write(
        f"POST /v1/events HTTP/1.1\r\nhost: localhost\r\nx-api-key: {world.keys['source']}\r\n"
        f"content-length: {len(body)}\r\n\r\n".encode()
        + body
    )
    await writer.drain()
    writer.close()
    async with asyncio.timeout(10):
        while await world.ledger.call(OURS, f"{OURS}_1693389850.110") is None:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0)


async def test_the_query_takes_nothing(world: World) -> None:
    error = await world.refused("unknown_field", "POST", f"/v1/events?company={OURS}", event())
    assert error["field"] == "company"


async def test_what_was_forgotten_is_answered_as_what_is_not_there(world: World) -> None:
    made = await world.install()
    first = await world.done("POST", "/v1/events", event())
    await world.done("POST", "/v1/events", event("call:end"))
    for delivery in await world.done("GET", f"/v1/deliveries?integration={made['id']}"):
        await world.conclude(delivery["id"], "delivered")
    await world.ledger.forget("attempts", world.time + 86_400_000, None, 100)
    shown = await world.done("GET", f"/v1/calls/{first['id']}")
    assert [(one["deliveries"][0]["attemptCount"], one["deliveries"][0]["attempts"]) for one in shown["events"]] == [
        (1, [])
    ] * 2
    delivery_id = shown["events"][0]["deliveries"][0]["id"]
    await world.ledger.forget("calls", world.time + 86_400_000, None, 100)
    await world.refused("call_not_found", "GET", f"/v1/calls/{first['id']}")
    await world.refused("event_not_found", "GET", f"/v1/events/{first['event']}")
    await world.refused("delivery_not_found", "GET", f"/v1/deliveries/{delivery_id}")
    await world.refused("delivery_not_found", "POST", f"/v1/deliveries/{delivery_id}/replay")
    assert await world.done("GET", "/v1/deliveries") == []
