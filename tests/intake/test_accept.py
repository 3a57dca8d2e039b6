"""The one door: what is accepted is durable with its deliveries, and what is refused leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost.access.keys import Caller
from ringpost.calls.events import CallEvent
from ringpost.errors import RingpostError
from ringpost.intake.accept import BATCH_EVENTS, EVENT_LIMIT, Answer
from ringpost.intake.validate import check_event
from ringpost.integrations.requests import InstallRequest
from ringpost.model.data import DATA_KEYS, CallData, Party, to_wire
from ringpost.wire import canonical
from tests.strategies import call_data, ended_call_data
from tests.world import World, make_world

START: dict[str, Any] = {"id": "1.1", "type": "call:start", "data": {"status": "CONNECTING"}}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = await make_world(tmp_path)
    yield world
    await world.ledger.close()


def acme(named: str | None) -> str:
    if named not in (None, "acme"):
        raise RingpostError("company_foreign", field="company")
    return "acme"


def told(answer: Answer) -> Any:
    return json.loads(answer.body)


def event(**changes: Any) -> bytes:
    return json.dumps({**START, **changes}).encode()


async def refusal(world: World, body: bytes) -> tuple[str, str | None]:
    with pytest.raises(RingpostError) as refused:
        await world.intake.accept_event(body, acme)
    return refused.value.code, refused.value.field


async def test_an_accepted_event_is_durable_with_what_it_owes_and_handed_over(world: World) -> None:
    integration, _ = await world.registry.install("acme", InstallRequest(type="webhook", url="https://example.com/"))
    answer = await world.intake.accept_event(event(), acme)
    result = told(answer)["result"]
    assert answer.status == 202
    assert (result["id"], result["sequence"], result["deliveries"]) == ("acme_1.1", 1, 1)
    assert result["time"] == world.clock.ms
    [(accepted, owed_to)] = world.handed_over
    assert (accepted.id, owed_to) == (result["event"], (integration.id,))
    assert await world.ledger.owing() == [(integration.company, integration.id, 1)]


async def test_data_is_put_into_the_wire_s_order_and_missing_keys_are_null(world: World) -> None:
    data = {
        "extra": 1.0,
        "direction": "INBOUND",
        "callee": {"phone": "1", "type": "REMOTE", "vip": True},
        "status": "X",
    }
    await world.intake.accept_event(event(data=data), acme)
    [(accepted, _)] = world.handed_over
    wire = json.loads(accepted.data)
    assert list(wire) == [*DATA_KEYS, "direction", "extra"]
    assert (wire["caller"], wire["tags"], wire["extra"]) == (None, [], 1)
    assert (list(wire["callee"])[:2], wire["callee"]["vip"], wire["callee"]["name"]) == (["type", "phone"], True, None)


async def test_a_call_id_that_begins_with_the_company_is_kept(world: World) -> None:
    await world.intake.accept_event(event(id="acme_1.1"), acme)
    assert world.handed_over[0][0].call == "acme_1.1"


async def test_a_body_of_ours_can_be_sent_again_as_it_is(world: World) -> None:
    body = {"id": "acme_7", "pbx": "p", "time": 5, "company": "acme", "type": "call:start", "integrationId": "abcdef"}
    answer = await world.intake.accept_event(json.dumps({**body, "data": {"status": "RINGING"}}).encode(), acme)
    assert (answer.status, told(answer)["result"]["time"]) == (202, 5)


@pytest.mark.parametrize("named", [{}, {"pbx": "pbx1"}])
async def test_a_client_cannot_end_a_call_of_a_source_whatever_pbx_it_names(
    world: World, named: dict[str, str]
) -> None:
    call = [
        CallEvent(call="acme_1.1", type=kind, time=world.clock.ms, data=CallData(status="TALKING"))
        for kind in ("call:start", "call:update", "call:end")
    ]
    await world.intake.accept_calls("acme", "pbx1", call[:1], extra_keys=True)
    for kind in ("call:start", "call:update", "call:end"):
        answer = await world.intake.accept_event(event(type=kind, **named), acme)
        assert (answer.status, told(answer)["error"]["code"]) == (409, "call_of_source")
    await world.intake.accept_calls("acme", "pbx1", call[1:], extra_keys=True)
    assert [accepted.type for accepted, _ in world.handed_over] == [one.type for one in call]


DEEP = b'{"id":"1","type":"call:start","data":{"status":"X","x":' + b"[" * 10_000 + b"]" * 10_000 + b"}}"


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (b"{", "invalid_json", None),
        (b"\xff", "invalid_json", None),
        (b"[]", "wrong_type", None),
        (b'{"id":"1","id":"2","type":"call:start","data":{"status":"X"}}', "duplicate_key", "id"),
        (event(data={"status": "\ud800"}), "lone_surrogate", "data.status"),
        (event(data={"status": "X", "caller": {"name": "\uffff"}}), "forbidden_character", "data.caller.name"),
        (event(data={"status": "X", "n": 2**53 + 1}), "number_not_representable", "data.n"),
        (event(data={"status": "X", "n": "N"}).replace(b'"N"', b"1e999"), "number_not_representable", "data.n"),
        (DEEP, "nesting_too_deep", None),
        (event(data={"status": "X", "long": "x" * EVENT_LIMIT}), "body_too_large", None),
        (event(kind=1), "unknown_field", "kind"),
        (b'{"type":"call:start","data":{"status":"X"}}', "missing_field", "id"),
        (event(id="a b"), "invalid_value", "id"),
        (event(id=1), "wrong_type", "id"),
        (event(id="x" * 129), "invalid_value", "id"),
        (event(type="call:begin"), "unknown_event_type", "type"),
        (event(time="now"), "wrong_type", "time"),
        (event(time=True), "wrong_type", "time"),
        (event(time=-1), "invalid_value", "time"),
        (event(pbx=""), "invalid_value", "pbx"),
        (event(company="other"), "company_foreign", "company"),
        (event(data=[]), "wrong_type", "data"),
        (event(data={}), "missing_field", "data.status"),
        (event(data={"status": None}), "wrong_type", "data.status"),
        (event(data={"status": "X", "caller": {}}), "missing_field", "data.caller.type"),
        (event(data={"status": "X", "caller": {"type": "local"}}), "invalid_value", "data.caller.type"),
        (event(data={"status": "X", "callee": {"type": "LOCAL", "phone": 1}}), "wrong_type", "data.callee.phone"),
        (event(data={"status": "X", "callee": "1002"}), "wrong_type", "data.callee"),
        (event(data={"status": "X", "tags": "vip"}), "wrong_type", "data.tags"),
        (event(data={"status": "X", "tags": ["vip", 1]}), "wrong_type", "data.tags[1]"),
        (event(data={"status": "X", "endCause": "16"}), "invalid_value", "data.endCause"),
        (event(data={"status": "X", "endBy": "PBX"}), "invalid_value", "data.endBy"),
        (event(data={"status": "X", "direction": "in"}), "invalid_value", "data.direction"),
        (event(data={"status": "X", "duration": 1.5}), "wrong_type", "data.duration"),
    ],
)  # fmt: skip
async def test_a_bad_event_is_refused_by_code_and_field_and_leaves_nothing(
    world: World, body: bytes, code: str, field: str | None
) -> None:
    got, at = await refusal(world, body)
    assert got == code
    assert at == field or (code == "nesting_too_deep" and at is not None and at.startswith("data.x[0]"))
    assert world.handed_over == []
    assert (await world.ledger.calls(None, open_only=False, cursor=None, limit=10)).items == []
    assert world.metrics.events_refused.labels(code)._value.get() == 1


async def test_nothing_follows_the_end_of_a_call(world: World) -> None:
    for kind in ("call:start", "call:end"):
        await world.intake.accept_event(event(type=kind), acme)
    for kind, code in (("call:update", "call_already_ended"), ("call:start", "call_already_ended")):
        answer = await world.intake.accept_event(event(type=kind), acme)
        assert (answer.status, told(answer)["error"]["code"]) == (409, code)


async def test_each_event_of_a_batch_has_its_own_verdict(world: World) -> None:
    events = [START, {**START, "type": "call:begin"}, {**START, "type": "call:end"}, {**START, "id": "2"}]
    result = told(await world.intake.accept_batch(json.dumps({"events": events}).encode(), acme))["result"]
    assert (result["accepted"], result["refused"]) == (3, 1)
    assert [verdict["success"] for verdict in result["events"]] == [True, False, True, True]
    assert result["events"][1]["error"]["field"] == "type"
    assert [accepted.type for accepted, _ in world.handed_over] == ["call:start", "call:end", "call:start"]


async def test_a_duplicate_key_in_one_event_of_a_batch_refuses_that_one_alone(world: World) -> None:
    twice = b'{"id":"1","type":"call:start","data":{"status":"X","a":1,"a":2}}'
    body = b'{"events":[' + twice + b"," + event() + b"]}"
    result = told(await world.intake.accept_batch(body, acme))["result"]
    assert [verdict.get("error", {}).get("code") for verdict in result["events"]] == ["duplicate_key", None]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "invalid_json"),
        (b"[]", "wrong_type"),
        (b'{"event":[]}', "wrong_type"),
        (json.dumps({"events": [START] * (BATCH_EVENTS + 1)}).encode(), "too_many_events"),
    ],
)
async def test_a_batch_that_is_none_is_refused_whole(world: World, body: bytes, code: str) -> None:
    with pytest.raises(RingpostError) as refused:
        await world.intake.accept_batch(body, acme)
    assert refused.value.code == code


async def test_an_event_of_a_batch_that_is_nested_too_deep_is_refused_alone(world: World) -> None:
    body = b'{"events":[' + event() + b"," + b"[" * 100_000 + b"]" * 100_000 + b"]}"
    result = told(await world.intake.accept_batch(body, acme))["result"]
    assert [verdict.get("error", {}).get("code") for verdict in result["events"]] == [None, "nesting_too_deep"]


async def test_an_empty_batch_is_accepted_and_does_nothing(world: World) -> None:
    assert told(await world.intake.accept_batch(b'{"events":[]}', acme))["result"]["accepted"] == 0


async def test_the_same_key_and_body_get_the_same_answer_and_are_done_once(world: World) -> None:
    first = await world.intake.accept_event(event(), acme, "once")
    assert await world.intake.accept_event(event(), acme, "once") == first
    assert len(world.handed_over) == 1


async def test_the_same_key_with_another_body_is_refused(world: World) -> None:
    await world.intake.accept_event(event(), acme, "once")
    with pytest.raises(RingpostError) as refused:
        await world.intake.accept_event(event(id="2"), acme, "once")
    assert refused.value.code == "idempotency_key_reused"


async def test_a_key_that_is_being_worked_on_is_refused(world: World) -> None:
    both = await asyncio.gather(
        world.intake.accept_event(event(), acme, "once"),
        world.intake.accept_event(event(), acme, "once"),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in both) == ["Answer", "RingpostError"]
    assert len(world.handed_over) == 1


async def test_a_remembered_batch_answers_the_same(world: World) -> None:
    body = json.dumps({"events": [START, {**START, "id": 5}]}).encode()
    first = await world.intake.accept_batch(body, acme, "batch")
    assert await world.intake.accept_batch(body, acme, "batch") == first
    assert len(world.handed_over) == 1


async def test_a_batch_of_bad_events_alone_is_judged_whoever_sends_it_with_a_key(world: World) -> None:
    def operator(named: str | None) -> str:
        return Caller("k", None, "operator").company_for(named)

    body = json.dumps({"events": [{**START, "company": "acme", "type": "call:begin"}]}).encode()
    result = told(await world.intake.accept_batch(body, operator, "once"))["result"]
    assert result["events"][0]["error"]["code"] == "unknown_event_type"


async def test_an_event_of_a_caller_that_goes_away_is_still_handed_over(world: World) -> None:
    request = asyncio.create_task(world.intake.accept_event(event(), acme))
    await asyncio.sleep(0)  # it has reached the ledger
    request.cancel()
    await world.ledger.check()  # everything before it is committed
    assert len(world.handed_over) == 1


async def test_events_of_a_source_carry_our_extra_keys_unless_they_are_switched_off(world: World) -> None:
    data = CallData(status="CONNECTING", caller=Party(type="LOCAL", phone="1001"), direction="INTERNAL")
    for call, extra_keys in (("acme_1", True), ("acme_2", False)):
        start = CallEvent(call=call, type="call:start", time=1, data=data)
        await world.intake.accept_calls("acme", "pbx1", [start], extra_keys=extra_keys)
    with_keys, without = (json.loads(accepted.data) for accepted, _ in world.handed_over)
    assert (with_keys["direction"], "duration" in with_keys) == ("INTERNAL", False)
    assert list(without) == list(DATA_KEYS)


@given(call_data, ended_call_data)
def test_every_event_of_the_wire_is_a_good_event_and_says_the_same(going_on: CallData, ended: CallData) -> None:
    for kind, data in (("call:update", going_on), ("call:end", ended)):
        wire = canonical.encode(to_wire(data, ended=kind == "call:end", extra_keys=True))
        checked = check_event(canonical.parse(b'{"id":"1","type":"' + kind.encode() + b'","data":' + wire + b"}"))
        assert canonical.encode(checked.data) == wire


@given(st.recursive(st.none() | st.integers() | st.text(max_size=3), lambda x: st.lists(x) | st.dictionaries(
    st.sampled_from(["id", "type", "data", "status", "caller", "time", "x"]), x), max_leaves=8))  # fmt: skip
def test_any_document_is_checked_or_refused_with_a_code(document: Any) -> None:
    assert _code_of(document) in {
        None, "wrong_type", "unknown_field", "missing_field", "invalid_value", "unknown_event_type",
    }  # fmt: skip


def _code_of(document: Any) -> str | None:
    try:
        check_event(document)
    except RingpostError as error:
        return error.code
    return None
