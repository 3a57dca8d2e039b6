"""Bad input: each kind has its stable code, names the field and says what would be right; nothing is half-written."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from ringpost.errors import RingpostError
from tests.api.world import AWS, HOOK, OURS, QUEUE, World, event

DEEP: Final = b'{"id":"c","type":"call:start","data":{"status":"X","more":' + b"[" * 10_000 + b"]" * 10_000 + b"}}"

# a name: the code, the field, and the body of POST /v1/events
EVENTS: Final[dict[str, tuple[str, str | None, Any]]] = {
    "no JSON": ("invalid_json", None, b"{"),
    "nothing at all": ("invalid_json", None, b""),
    "not UTF-8": ("invalid_json", None, b'{"id": "\xff"}'),
    "two documents": ("invalid_json", None, b"{} {}"),
    "JavaScript's NaN": ("invalid_json", None, b'{"id": NaN}'),
    "a list": ("wrong_type", None, []),
    "an id of the wrong type": ("wrong_type", "id", event() | {"id": 7}),
    "data of the wrong type": ("wrong_type", "data", event() | {"data": []}),
    "a party of the wrong type": ("wrong_type", "data.caller", event(data={"status": "X", "caller": "Anna"})),
    "a tag of the wrong type": ("wrong_type", "data.tags[1]", event(data={"status": "X", "tags": ["a", 1]})),
    "a time of the wrong type": ("wrong_type", "time", event(time="now")),
    "no id": ("missing_field", "id", {"type": "call:start", "data": {}}),
    "no status": ("missing_field", "data.status", event(data={})),
    "an unknown key": ("unknown_field", "source", event(source="x")),
    "an unknown event type": ("unknown_event_type", "type", event("call:hold")),
    "a bad call id": ("invalid_value", "id", event(call="a b")),
    "a bad party": ("invalid_value", "data.caller.type", event(data={"status": "X", "caller": {"type": "PHONE"}})),
    "a key twice": ("duplicate_key", "data.status",
                    b'{"id":"c","type":"call:start","data":{"status":"A","status":"B"}}'),
    "half a surrogate pair": ("lone_surrogate", "data.service", event(data={"status": "X", "service": "\ud83d"})),
    "a number beyond 2^53": (
        "number_not_representable", "data.more", event(data={"status": "X", "more": 9_007_199_254_740_993}),
    ),
    "a number without end": ("number_not_representable", "data.more",
                             b'{"id":"c","type":"call:start","data":{"status":"X","more":1e999}}'),
    "nesting of 10,000": ("nesting_too_deep", None, DEEP),
    "a character that SQS cannot carry": (
        "forbidden_character", "data.service", event(data={"status": "X", "service": "\ufffe"}),
    ),
    "a body over 256 KiB": ("body_too_large", None, event(data={"status": "X", "more": "x" * 262_144})),
    "a foreign company": ("company_foreign", "company", event(company="wildix_srl")),
}  # fmt: skip

# a name: the code, the field, and what of the body of POST /v1/integrations is other than good
INSTALLATIONS: Final[dict[str, tuple[str, str | None, dict[str, Any]]]] = {
    "an unknown filter": ("unknown_filter", "filter[1]", {"filter": ["*", "call:hold"]}),
    "an empty filter": ("unknown_filter", "filter", {"filter": []}),
    "a filter that is no list": ("wrong_type", "filter", {"filter": "call:*"}),
    "a pattern of the wrong type": ("wrong_type", "filter[0]", {"filter": [1]}),
    "an unknown type": ("invalid_value", "type", {"type": "ftp"}),
    "a target that is no URL": ("target_invalid", "url", {"url": "hooks"}),
    "a target of another scheme": ("target_invalid", "url", {"url": "ftp://hooks.example.com"}),
    "a target with credentials": ("target_has_credentials", "url", {"url": "https://user:pw@hooks.example.com"}),
    "a private address": ("target_refused", "url", {"url": "http://10.0.0.7/"}),
    "a loopback address": ("target_refused", "url", {"url": "http://127.0.0.1:8800/"}),
    "a metadata address": ("target_refused", "url", {"url": "http://169.254.169.254/latest/meta-data"}),
    "a loopback address, version 6": ("target_refused", "url", {"url": "http://[::1]/"}),
    "a name of a private address": ("target_refused", "url", {"url": "https://inside.example.com/"}),
    "a target too long": ("invalid_value", "url", {"url": "https://hooks.example.com/" + "x" * 2048}),
    "no queue URL": ("queue_url_invalid", "url", {"type": "sqs", "url": HOOK, **AWS}),
    "no AWS key": ("missing_field", "key", {"type": "sqs", "url": QUEUE, "secret": AWS["secret"]}),
    "no AWS secret": ("missing_field", "secret", {"type": "sqs", "url": QUEUE, "key": AWS["key"]}),
    "a bad AWS key": ("invalid_value", "key", {"type": "sqs", "url": QUEUE, **AWS, "key": "AKIA"}),
    "an AWS key for a webhook": ("invalid_value", "key", {"key": AWS["key"]}),
    "a short secret": ("secret_invalid", "secret", {"secret": "short"}),
    "a reserved header": ("header_reserved", "headers.x-signature", {"headers": {"x-signature": "1"}}),
    "a bad header name": ("header_invalid", None, {"headers": {"x token": "1"}}),
    "a header that breaks the line": ("header_invalid", "headers.x-token", {"headers": {"x-token": "a\r\nb: c"}}),
    "a header of the wrong type": ("wrong_type", "headers.x-foo", {"headers": {"x-bar": "1", "x-foo": 2}}),
    "an unknown field": ("unknown_field", "target", {"target": HOOK}),
    "a name too long": ("invalid_value", "name", {"name": "x" * 101}),
    "a foreign company": ("company_foreign", "company", {"company": "wildix_srl"}),
}


async def test_a_bad_event_is_refused_and_none_of_it_is_kept(world: World, subtests: pytest.Subtests) -> None:
    await world.install()
    for name, (code, field, body) in EVENTS.items():
        with subtests.test(name):
            error = await world.refused(code, "POST", "/v1/events", body, key="source")
            assert field is None or error["field"] == field
    assert await world.done("GET", "/v1/calls") == []
    assert await world.done("GET", "/v1/deliveries") == []


async def test_a_bad_event_in_a_batch_is_told_the_same_as_alone(world: World, subtests: pytest.Subtests) -> None:
    for number, (name, (code, field, body)) in enumerate(EVENTS.items()):
        if code in ("invalid_json", "body_too_large"):  # these break the batch itself
            continue
        bad = body if isinstance(body, bytes) else json.dumps(body).encode()
        good = json.dumps(event(call=f"good-{number}")).encode()
        with subtests.test(name):
            told = await world.done("POST", "/v1/events/batch", b'{"events": [' + bad + b", " + good + b"]}")
            assert [verdict["success"] for verdict in told["events"]] == [False, True]
            error = told["events"][0]["error"]
            assert error["code"] == code
            assert field is None or error["field"] == field


async def test_a_bad_batch_is_refused_as_a_whole(world: World) -> None:
    for code, body in {
        "invalid_json": b'{"events": [',
        "wrong_type": b'{"events": 1}',
        "too_many_events": json.dumps({"events": [1] * 1001}).encode(),
    }.items():
        await world.refused(code, "POST", "/v1/events/batch", body)


async def test_a_bad_installation_is_refused_and_none_of_it_is_kept(world: World, subtests: pytest.Subtests) -> None:
    for name, (code, field, change) in INSTALLATIONS.items():
        with subtests.test(name):
            body = {"type": "webhook", "url": HOOK, **change}
            error = await world.refused(code, "POST", "/v1/integrations", body)
            assert field is None or error["field"] == field
    assert await world.done("GET", "/v1/integrations") == []


@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("invalid_json", b"{"),
        ("duplicate_key", b'{"type":"webhook","type":"sqs"}'),
        ("nesting_too_deep", b'{"type":' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
        ("lone_surrogate", b'{"type":"webhook","url":"https://hooks.example.com","name":"\\ud83d"}'),
        ("number_not_representable", b'{"type":9007199254740993}'),
        ("body_too_large", b" " * 262_145),
        ("missing_field", b"{}"),
        ("wrong_type", b"[]"),
    ],
)
async def test_bodies_of_all_operations_are_read_strictly(world: World, code: str, body: bytes) -> None:
    made = await world.install()
    await world.refused(code, "POST", "/v1/integrations", body)
    if code != "missing_field":
        await world.refused(code, "POST", f"/v1/integrations/{made['id']}/rotate", body)


async def test_a_bad_edit_changes_nothing(world: World) -> None:
    made = await world.install()
    path = f"/v1/integrations/{made['id']}"
    before = await world.done("GET", path)
    for code, body in {
        "type_fixed": {"type": "sqs", "name": "x"},
        "target_refused": {"name": "x", "url": "http://10.0.0.7/"},
        "unknown_filter": {"name": "x", "filter": ["call:hold"]},
        "wrong_type": {"name": "x", "filter": None},
        "unknown_field": {"name": "x", "secret": "a new secret"},
        "header_reserved": {"name": "x", "headers": {"content-length": "1"}},
    }.items():
        await world.refused(code, "PATCH", path, body)
    assert await world.done("GET", path) == before


async def test_bad_values_in_a_query_are_refused_by_their_name(world: World, subtests: pytest.Subtests) -> None:
    for query, code, field in [
        ("limit=0", "invalid_value", "limit"),
        ("limit=201", "invalid_value", "limit"),
        ("limit=ten", "invalid_value", "limit"),
        ("limit=-1", "invalid_value", "limit"),
        ("limit=1&limit=2", "invalid_value", "limit"),
        ("limit=", "invalid_value", "limit"),
        ("limit=%D9%A1", "invalid_value", "limit"),
        ("since=yesterday", "invalid_value", "since"),
        ("until=1e3", "invalid_value", "until"),
        ("until=" + "9" * 400, "invalid_value", "until"),
        ("state=lost", "invalid_value", "state"),
        ("type=call:hold", "unknown_event_type", "type"),
        ("cursor=nonsense", "cursor_invalid", None),
        ("cursor=%00", "invalid_value", "cursor"),
        ("colour=red", "unknown_field", "colour"),
        ("company=", "invalid_value", "company"),
        ("call=%FF", "invalid_value", "query"),
        ("&".join(f"a{number}=1" for number in range(100)), "invalid_value", "query"),
    ]:
        with subtests.test(query):
            error = await world.refused(code, "GET", f"/v1/deliveries?{query}")
            assert error.get("field") == field or field is None
    assert (await world.refused("invalid_value", "GET", "/v1/calls?open=1"))["field"] == "open"
    error = await world.refused("invalid_value", "GET", "/v1/calls?company=NO!", key="operator")
    assert error["field"] == "company"


async def test_a_full_disk_is_told_with_503_and_nothing_is_kept(world: World) -> None:
    world.failing.failure = RingpostError("ledger_full")
    for path, body in (
        ("/v1/events", event()),
        ("/v1/events/batch", {"events": [event()]}),
        ("/v1/integrations", {"type": "webhook", "url": HOOK}),
        ("/v1/keys", {"role": "viewer"}),
    ):
        reply = await world.ask("POST", path, body)
        world.check_refusal(reply, "ledger_full")
        assert reply.headers["retry-after"] == "1"
    world.failing.failure = None
    assert await world.done("GET", "/v1/calls") == []
    assert await world.done("GET", "/v1/integrations") == []
    await world.done("POST", "/v1/events", event())
    assert {key["name"] for key in await world.done("GET", "/v1/keys")} == set(world.keys) - {"operator", "foreign"}


async def test_no_answer_but_those_that_are_for_it_holds_a_secret(world: World) -> None:
    secret, token = "a very secret secret", "open sesame"
    made = await world.install(secret=secret, headers={"x-token": token})
    await world.done("POST", "/v1/integrations", {"type": "sqs", "url": QUEUE, **AWS})
    told = await world.done("POST", "/v1/events", event())
    one = f"/v1/integrations/{made['id']}"
    asked = [
        ("GET", "/v1/integrations", None),
        ("GET", one, None),
        ("GET", one + "/reveals", None),
        ("PATCH", one, {"name": "x"}),
        ("PATCH", one, {"name": "x", "secret": secret}),
        ("PATCH", one, {"headers": {"x-token": token, "host": token}}),
        ("PATCH", one, {"headers": {"x-token": token + "\n"}}),
        ("POST", one + "/rotate", {"secret": secret, "key": AWS["secret"]}),
        ("POST", one + "/pause", None),
        ("POST", one + "/resume", None),
        ("POST", one + "/test", None),
        ("POST", "/v1/integrations", {"type": "webhook", "url": HOOK, "secret": secret + "\x7f"}),
        ("POST", "/v1/integrations", {"type": "sqs", "url": QUEUE, "key": AWS["secret"], "secret": secret}),
        ("GET", "/v1/keys", None),
        ("GET", f"/v1/calls/{told['id']}", None),
        ("GET", "/v1/deliveries", None),
        ("DELETE", one, None),
    ]
    for method, path, body in asked:
        text = (await world.ask(method, path, body)).text
        for hidden in (secret, token, AWS["secret"], AWS["key"], *world.keys.values()):
            assert hidden not in text, (method, path)


async def test_a_call_id_with_any_character_that_it_may_have_can_be_looked_up(world: World) -> None:
    told = await world.done("POST", "/v1/events", event(call="a.b_c:d@e+f~g=h*i-j"))
    assert (await world.done("GET", f"/v1/calls/{told['id']}"))["id"] == f"{OURS}_a.b_c:d@e+f~g=h*i-j"
