"""The OpenAPI document: whole, sound, and true of what the API answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from openapi_spec_validator import OpenAPIV31SpecValidator

from ringpost.api.app import operations
from ringpost.errors import ERRORS
from ringpost.model.event import EVENT_TYPES
from ringpost.model.notice import NOTICE_TYPES
from ringpost.sources.source import SourceStatus
from ringpost.sources.standing import PbxStanding
from tests.api.world import HOOK, OURS, World, event

NO_JSON: Final = {"/v1/events/stream", "/metrics", "/v1/openapi.json", "/v1/directory/export"}


@pytest.fixture
async def document(world: World) -> dict[str, Any]:
    reply = await world.ask("GET", "/v1/openapi.json", key="source")
    found: dict[str, Any] = reply.json()
    return found


def references(node: object) -> Iterator[str]:
    """Every `$ref` below."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for below in node.values():
            yield from references(below)
    elif isinstance(node, list):
        for below in node:
            yield from references(below)


def test_it_is_a_valid_document_of_version_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in set(references(document)):
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found


def test_every_operation_is_in_it_once(world: World, document: dict[str, Any]) -> None:
    described = [
        (method.upper(), path, told["operationId"])
        for path, methods in document["paths"].items()
        for method, told in methods.items()
    ]
    assert sorted(described) == sorted((o.method, o.path, o.id) for o in operations(world.services))


def test_the_events_that_receivers_get_are_its_webhooks(document: dict[str, Any]) -> None:
    assert list(document["webhooks"]) == [*EVENT_TYPES, *NOTICE_TYPES]
    for told in document["webhooks"].values():
        content = told["post"]["requestBody"]["content"]["application/json"]
        Draft202012Validator(content["schema"]).validate(content["example"])


def test_every_operation_tells_its_refusals_with_codes_that_exist(document: dict[str, Any]) -> None:
    for methods in document["paths"].values():
        for told in methods.values():
            refused = {status: reply for status, reply in told["responses"].items() if status >= "400"}
            assert "500" in refused
            assert ("401" in refused) == (told.get("security") != [])
            for status, reply in refused.items():
                for code in reply["description"].rstrip(".").split(", "):
                    assert ERRORS[code.strip("`")].status == int(status)


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": document["components"]})


async def test_examples_of_bodies_fit_their_schemas(world: World, document: dict[str, Any]) -> None:
    for methods in document["paths"].values():
        for told in methods.values():
            if "requestBody" in told:
                [content] = told["requestBody"]["content"].values()
                resolved(document, content["schema"]).validate(content["example"])


async def replayed(world: World) -> Any:
    """A replay of a call that was delivered."""
    told = await world.done("POST", "/v1/events", event(call="again"))
    [delivery] = await world.done("GET", f"/v1/deliveries?call={told['id']}")
    await world.conclude(delivery["id"], "delivered")
    return await world.done("POST", "/v1/replays", {"call": told["id"]})


async def test_answers_are_as_documented(world: World, document: dict[str, Any]) -> None:
    made = await world.install(headers={"x-token": "1"})
    world.pbxs = [PbxStanding(company=OURS, serial="pbx1", address="", status=SourceStatus(error="pbx_unreachable"))]
    told = await world.done("POST", "/v1/events", event())
    await world.done("POST", f"/v1/integrations/{made['id']}/reveal")
    await world.done("POST", f"/v1/integrations/{made['id']}/pause")
    [delivery] = await world.done("GET", "/v1/deliveries")
    await world.conclude(delivery["id"], "pending", error="timeout")
    replay = await replayed(world)
    ids = {"integrations": made["id"], "calls": told["id"], "events": told["event"], "deliveries": delivery["id"]}
    ids["replays"] = replay["id"]
    await world.done("POST", "/v1/users", {"name": "ann", "role": "viewer", "password": "four words make one"})
    ids["erasures"] = (await world.done("POST", "/v1/erasures", {"phone": "+15550100", "dryRun": True}))["id"]
    await world.done("PUT", "/v1/directory/people/1001", {"name": "Alice"})
    checked = 0
    for path, methods in document["paths"].items():
        if "get" not in methods or path in NO_JSON:
            continue
        kind = path.split("/")[2] if path.startswith("/v1/") else ""
        address = path.replace("{id}", ids.get(kind, "")).replace("{extension}", "1001")
        reply = await world.ask("GET", address, key="admin")
        schema = methods["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        resolved(document, schema).validate(reply.json())
        assert reply.json()["result"]
        checked += 1
    assert checked > 10


async def test_answers_to_changes_and_refusals_are_as_documented(world: World, document: dict[str, Any]) -> None:
    made = await world.install()
    one = "/v1/integrations/{id}"
    for method, path, body in (
        ("post", "/v1/integrations", {"type": "webhook", "url": HOOK}),
        ("post", "/v1/integrations", {"type": "ftp", "url": HOOK}),
        ("post", "/v1/integrations", {"type": "webhook", "url": HOOK, "company": "wildix_srl"}),
        ("patch", one, {"name": "x"}),
        ("post", one + "/pause", None),
        ("post", one + "/resume", None),
        ("post", one + "/rotate", None),
        ("post", one + "/reveal", None),
        ("post", one + "/test", None),
        ("delete", one, None),
        ("delete", one, None),
        ("post", "/v1/events", event()),
        ("post", "/v1/events", event()),
        ("post", "/v1/events/batch", {"events": [event(call="new"), event(call="new")]}),
        ("post", "/v1/keys", {"role": "viewer"}),
        ("post", "/v1/replays", {"dryRun": True}),
        ("post", "/v1/replays", {"state": "cancelled", "until": 1}),
        ("post", "/v1/replays", {"call": "nonsense"}),
        ("patch", "/v1/directory", {"trunks": ["SIP*"], "queues": {"500": "Support"}}),
        ("patch", "/v1/directory", {"region": "XX"}),
        ("put", "/v1/directory/people/{extension}", {"email": "alice@example.com"}),
        ("put", "/v1/directory/people/{extension}", {"email": "nonsense"}),
        ("post", "/v1/directory/import", b"extension,trunk,mobile\n1001,,1\n,T,\n"),
        ("post", "/v1/directory/import", b"name\nAlice\n"),
        ("delete", "/v1/directory/people/{extension}", None),
        ("delete", "/v1/directory/people/{extension}", None),
    ):
        address = path.replace("{id}", made["id"]).replace("{extension}", "1001")
        reply = await world.ask(method.upper(), address, body)
        told = document["paths"][path][method]["responses"][str(reply.status_code)]
        resolved(document, told["content"]["application/json"]["schema"]).validate(reply.json())


async def test_it_is_for_callers_with_a_key(world: World) -> None:
    await world.refused("key_missing", "GET", "/v1/openapi.json", key=None)
