"""Health, readiness, metrics, the catalogues, request ids, and faults of ours."""

from __future__ import annotations

import asyncio

import pytest
import structlog

from ringpost.errors import ERRORS, RingpostError
from ringpost.model.event import EVENT_TYPES
from ringpost.model.notice import NOTICE_TYPES
from tests.api.world import OURS, World, event


@pytest.fixture
def world(served: World) -> World:
    return served


async def test_health_is_open_and_says_ok(world: World) -> None:
    reply = await world.ask("GET", "/healthz", key=None)
    assert (reply.status_code, reply.content) == (200, b'{"success":true,"result":"ok"}')


async def test_what_can_be_got_can_be_asked_for_its_head_alone(world: World) -> None:
    for path in ("/healthz", "/v1/integrations"):
        reply = await world.ask("HEAD", path)
        assert (reply.status_code, reply.content) == (200, b"")
    assert (await world.ask("HEAD", "/v1/integrations", key=None)).status_code == 401


async def test_readiness_follows_the_node_and_the_ledger(world: World) -> None:
    assert await world.done("GET", "/readyz", key=None) == "ready"
    world.is_ready = False
    reply = await world.ask("GET", "/readyz", key=None)
    world.check_refusal(reply, "not_ready")
    assert reply.headers["retry-after"] == "1"
    world.is_ready = True
    world.failing.failure = RingpostError("ledger_full")
    await world.refused("ledger_full", "GET", "/readyz", key=None)
    await world.done("GET", "/healthz", key=None)
    world.failing.failure = None
    assert await world.done("GET", "/readyz", key=None) == "ready"


async def test_a_ledger_that_hangs_is_told_as_not_ready(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    release = asyncio.Event()
    world.is_sound = False  # a look at the ledger goes on in it

    async def hangs(_: object) -> None:
        await release.wait()

    monkeypatch.setattr("ringpost.api.service._CHECK_SECONDS", 0.01)
    monkeypatch.setattr("ringpost.ledger.sqlite.store.SqliteLedger.check", hangs)
    await world.refused("not_ready", "GET", "/readyz", key=None)
    release.set()


async def test_metrics_are_for_operators(world: World) -> None:
    await world.done("POST", "/v1/events", event())
    reply = await world.ask("GET", "/metrics", key="operator")
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'ringpost_events_accepted_total{type="call:start"} 1.0' in reply.text
    await world.refused("role_too_small", "GET", "/metrics", key="admin")


async def test_the_catalogues_are_whole(world: World) -> None:
    kinds = await world.done("GET", "/v1/event-types", key="source")
    assert [kind["type"] for kind in kinds] == [*EVENT_TYPES, *NOTICE_TYPES]
    assert {error["code"] for error in await world.done("GET", "/v1/errors", key="source")} == set(ERRORS)


async def test_a_key_tells_whose_it_is(world: World) -> None:
    told = await world.done("GET", "/v1/whoami", key="viewer")
    assert (told["company"], told["role"], told["rights"]) == (OURS, "viewer", ["read"])
    assert (await world.done("GET", "/v1/whoami", key="operator"))["company"] is None


async def test_a_key_may_come_in_either_header(world: World) -> None:
    await world.done("GET", "/v1/whoami", key=None, x_api_key=world.keys["viewer"])
    await world.done("GET", "/v1/whoami", key=None, authorization=f"bearer   {world.keys['viewer']}")
    await world.refused("key_missing", "GET", "/v1/whoami", key=None, authorization="Basic YTpi")
    await world.refused("key_missing", "GET", "/v1/whoami", key=None, authorization="Bearer")
    reply = await world.ask("GET", "/v1/whoami", key=None)
    world.check_refusal(reply, "key_missing")
    assert reply.headers["www-authenticate"] == "Bearer"


async def test_unknown_addresses_and_methods_are_answered_in_our_form(world: World, subtests: pytest.Subtests) -> None:
    for method, path, code in [
        ("GET", "/", "not_found"),
        ("GET", "/v1", "not_found"),
        ("GET", "/v1/nothing", "not_found"),
        ("GET", "/schema", "not_found"),
        ("GET", "/docs", "not_found"),
        ("PUT", "/v1/integrations", "method_not_allowed"),
        ("TRACE", "/v1/integrations", "method_not_allowed"),
        ("POST", "/healthz", "method_not_allowed"),
    ]:
        with subtests.test(method=method, path=path):
            reply = await world.ask(method, path, key=None)
            world.check_refusal(reply, code)
            assert reply.headers["x-request-id"].startswith("req_")
            assert ("allow" in reply.headers) == (code == "method_not_allowed")


async def test_a_bad_host_header_is_refused_in_our_form(world: World) -> None:
    await world.refused("invalid_value", "GET", "/healthz", key=None, host="a b")


async def test_a_request_id_is_echoed_and_made_where_it_is_none(world: World) -> None:
    for path in ("/healthz", "/v1/whoami", "/v1/nothing", "/v1/events"):
        reply = await world.ask("GET", path, x_request_id="trace-7")
        assert reply.headers["x-request-id"] == "trace-7"
        for bad in ("", "two words", "x" * 200):
            made = (await world.ask("GET", path, x_request_id=bad)).headers["x-request-id"]
            assert made.startswith("req_")


async def test_a_fault_is_logged_under_the_request_id_and_shown_to_nobody(world: World) -> None:
    world.failing.failure = ZeroDivisionError("the secret is sesame")
    processors = [structlog.contextvars.merge_contextvars]
    with structlog.testing.capture_logs(processors=processors) as lines:
        replies = [
            await world.ask("GET", f"/v1/calls/{OURS}_x", x_request_id="trace-7"),
            await world.ask("POST", "/v1/events", event(), x_request_id="trace-8"),
        ]
    for reply in replies:
        world.check_refusal(reply, "internal")
        assert "sesame" not in reply.text
    assert [line["request_id"] for line in lines] == ["trace-7", "trace-8"]
    assert [line["route"] for line in lines] == ["/v1/calls/{id}", "/v1/events"]
    assert {line["exception"] for line in lines} == {"ZeroDivisionError"}
    assert "sesame" not in str(lines)
    assert world.keys["admin"] not in str(lines)
