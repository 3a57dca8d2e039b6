"""Doing something once for an Idempotency-Key."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

from ringpost.errors import RingpostError
from tests.api.world import HOOK, World, event

BODY = {"type": "webhook", "url": HOOK}


async def test_the_same_key_and_body_install_once_and_get_the_same_answer(world: World) -> None:
    first = await world.ask("POST", "/v1/integrations", BODY, idempotency_key="k1")
    second = await world.ask("POST", "/v1/integrations", BODY, idempotency_key="k1")
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert len(await world.done("GET", "/v1/integrations")) == 1


async def test_the_same_key_with_another_body_or_operation_is_refused(world: World) -> None:
    await world.done("POST", "/v1/integrations", BODY, idempotency_key="k1")
    code = "idempotency_key_reused"
    await world.refused(code, "POST", "/v1/integrations", {**BODY, "name": "x"}, idempotency_key="k1")
    await world.refused(code, "POST", "/v1/events", event(), idempotency_key="k1")
    assert len(await world.done("GET", "/v1/integrations")) == 1
    assert await world.done("GET", "/v1/calls") == []


async def test_the_keys_of_two_companies_are_two(world: World) -> None:
    ours = await world.done("POST", "/v1/integrations", BODY, idempotency_key="k1")
    theirs = await world.done("POST", "/v1/integrations", BODY, idempotency_key="k1", key="foreign")
    assert ours["id"] != theirs["id"]
    assert ours["secret"] != theirs["secret"]


async def test_an_installation_that_failed_can_be_tried_again_with_its_key(world: World) -> None:
    world.failing.failure = RingpostError("ledger_full")
    await world.refused("ledger_full", "POST", "/v1/integrations", BODY, idempotency_key="k1")
    world.failing.failure = None
    await world.done("POST", "/v1/integrations", BODY, idempotency_key="k1")
    assert len(await world.done("GET", "/v1/integrations")) == 1


async def test_the_remembered_answer_holds_no_secret_that_can_be_read(world: World, tmp_path: Path) -> None:
    made = await world.done(
        "POST", "/v1/integrations", {**BODY, "secret": "a very secret secret"}, idempotency_key="k1"
    )
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir())  # noqa: ASYNC240
    assert made["id"].encode() in written
    assert b"very secret" not in written


async def test_of_requests_at_once_with_one_key_one_is_done(world: World) -> None:
    for path, body in (("/v1/integrations", BODY), ("/v1/events", event())):
        replies = await asyncio.gather(
            *(world.ask("POST", path, body, idempotency_key=f"once {path}") for _ in range(8))
        )
        told = Counter(reply.json().get("error", {}).get("code", "done") for reply in replies)
        assert set(told) <= {"done", "idempotency_in_flight"}
        assert told["done"] >= 1
        assert len({reply.content for reply in replies if reply.status_code < 300}) == 1
    assert len(await world.done("GET", "/v1/integrations")) == 1
    assert len(await world.done("GET", "/v1/calls")) == 1


async def test_an_event_sent_again_with_its_key_gets_the_same_answer(world: World) -> None:
    for path, body in (("/v1/events", event()), ("/v1/events/batch", {"events": [event(call="other")]})):
        first = await world.ask("POST", path, body, idempotency_key=f"once {path}")
        second = await world.ask("POST", path, body, idempotency_key=f"once {path}")
        assert first.content == second.content
        assert json.loads(first.content)["success"] is True
        changed = {**event("call:end"), "time": 1}
        await world.refused("idempotency_key_reused", "POST", "/v1/events", changed, idempotency_key=f"once {path}")


async def test_a_bad_idempotency_key_is_refused(world: World) -> None:
    for path, body in (("/v1/integrations", BODY), ("/v1/events", event())):
        for key in ("", "x" * 256):
            error = await world.refused("idempotency_key_invalid", "POST", path, body, idempotency_key=key)
            assert error["field"] == "Idempotency-Key"
