"""Installing, listing, showing, changing, revealing, testing and deleting integrations."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from ringpost.wire.signature import standard_form
from tests.api.world import AWS, HOOK, OURS, QUEUE, START, THEIRS, World, event


async def test_a_webhook_without_a_secret_gets_one_which_is_told_once(world: World) -> None:
    made = await world.install(name="CRM", filter=["call:*"])
    assert made["secret"].startswith("whsec_")
    assert made["standardSecret"] == made["secret"]
    assert made["filter"] == ["call:*"]
    shown = await world.done("GET", f"/v1/integrations/{made['id']}")
    assert shown["secret"] == shown["key"] == ""
    assert made["secret"] not in json.dumps(await world.done("GET", "/v1/integrations"))


async def test_a_given_secret_is_told_in_both_its_forms(world: World) -> None:
    made = await world.install(secret="correct horse battery")
    assert made["secret"] == "correct horse battery"
    assert made["standardSecret"] == standard_form("correct horse battery")


async def test_an_installation_is_answered_with_201(world: World) -> None:
    reply = await world.ask("POST", "/v1/integrations", {"type": "webhook", "url": HOOK})
    assert reply.status_code == 201
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "no-store"


async def test_an_sqs_queue_is_installed_with_its_aws_key(world: World) -> None:
    made = await world.done("POST", "/v1/integrations", {"type": "sqs", "url": QUEUE, **AWS})
    assert (made["key"], made["secret"], made["standardSecret"]) == (AWS["key"], AWS["secret"], None)


async def test_the_list_has_the_form_that_clients_rely_on(world: World) -> None:
    made = await world.install(name="CRM")
    answer = (await world.ask("GET", "/v1/integrations")).json()
    assert list(answer) == ["success", "result", "next"]
    assert answer["next"] is None
    assert list(answer["result"][0].items()) == [
        ("companyId", OURS),
        ("type", "webhook"),
        ("url", HOOK),
        ("key", ""),
        ("secret", ""),
        ("filter", ["*"]),
        ("id", made["id"]),
        ("integrationId", made["id"]),
        ("name", "CRM"),
        ("state", "active"),
        ("created", START),
        ("updated", START),
        ("paused", None),
        ("pauseReason", None),
        ("retryDelaysMs", None),
    ]


async def test_an_operator_lists_every_company_or_the_one_it_names(world: World) -> None:
    await world.install()
    await world.done("POST", "/v1/integrations", {"type": "webhook", "url": HOOK, "company": THEIRS}, key="operator")
    both = await world.done("GET", "/v1/integrations", key="operator")
    assert [row["companyId"] for row in both] == [OURS, THEIRS]
    theirs = await world.done("GET", f"/v1/integrations?company={THEIRS}", key="operator")
    assert [row["companyId"] for row in theirs] == [THEIRS]
    assert [row["companyId"] for row in await world.done("GET", "/v1/integrations", key="foreign")] == [THEIRS]


async def test_an_operator_has_to_name_the_company_that_it_installs_for(world: World) -> None:
    body = {"type": "webhook", "url": HOOK}
    error = await world.refused("company_missing", "POST", "/v1/integrations", body, key="operator")
    assert error["field"] == "company"


async def test_details_tell_the_names_of_custom_headers_but_no_value(world: World) -> None:
    made = await world.install(headers={"x-token": "open sesame"})
    await world.done("POST", "/v1/events", event())
    reply = await world.ask("GET", f"/v1/integrations/{made['id']}", key="viewer")
    shown = reply.json()["result"]
    assert list(shown["headers"]) == ["x-token"]
    assert shown["pending"] == 1
    assert shown["previousUntil"] is None
    assert "sesame" not in reply.text


async def test_what_is_shown_of_the_secrets_is_recorded_with_who_saw_it(world: World) -> None:
    made = await world.install(headers={"x-token": "open sesame"})
    assert await world.done("GET", f"/v1/integrations/{made['id']}/reveals") == []
    shown = await world.done("POST", f"/v1/integrations/{made['id']}/reveal")
    assert shown == {
        "id": made["id"],
        "key": "",
        "secret": made["secret"],
        "standardSecret": made["standardSecret"],
        "headers": {"x-token": "open sesame"},
    }
    key_id = (await world.done("GET", "/v1/whoami"))["keyId"]
    assert await world.done("GET", f"/v1/integrations/{made['id']}/reveals") == [{"time": START, "keyId": key_id}]


async def test_an_edit_changes_what_is_given_and_null_clears(world: World) -> None:
    made = await world.install(name="CRM", headers={"x-token": "open sesame"})
    path = f"/v1/integrations/{made['id']}"
    edited = await world.done("PATCH", path, {"filter": ["call:end"], "headers": None})
    assert (edited["filter"], edited["headers"], edited["name"]) == (["call:end"], {}, "CRM")
    assert (await world.done("PATCH", path, {"name": None}))["name"] is None
    assert (await world.done("GET", path))["url"] == HOOK


async def test_an_integration_is_paused_and_resumed(world: World) -> None:
    path = f"/v1/integrations/{(await world.install())['id']}"
    assert (await world.done("POST", path + "/pause"))["state"] == "paused"
    assert (await world.done("GET", path))["state"] == "paused"
    assert (await world.done("POST", path + "/resume"))["state"] == "active"


@pytest.mark.parametrize("body", [None, {}, {"graceMs": 86_400_000}])
async def test_a_rotation_tells_the_new_secret_once_and_until_when_the_old_one_is_good(
    world: World, body: dict[str, int] | None
) -> None:
    made = await world.install()
    path = f"/v1/integrations/{made['id']}"
    rotated = await world.done("POST", path + "/rotate", body)
    assert rotated["secret"].startswith("whsec_")
    assert rotated["secret"] != made["secret"]
    shown = await world.done("GET", path)
    assert shown["previousUntil"] == rotated["previousUntil"] == START + 86_400_000
    assert shown["secret"] == ""


async def test_a_deleted_integration_is_gone_and_what_it_was_owed_is_cancelled(world: World) -> None:
    path = f"/v1/integrations/{(await world.install())['id']}"
    await world.done("POST", "/v1/events", event())
    assert await world.done("DELETE", path) == {"cancelled": 1}
    await world.refused("integration_not_found", "GET", path)
    await world.refused("integration_not_found", "DELETE", path)
    assert [row["state"] for row in await world.done("GET", "/v1/deliveries")] == ["cancelled"]


async def test_a_test_call_is_a_whole_call_to_that_integration_alone(world: World) -> None:
    made, _ = await world.install(), await world.install(name="another")
    reply = await world.ask("POST", f"/v1/integrations/{made['id']}/test")
    assert reply.status_code == 202
    sent = reply.json()["result"]
    call = await world.done("GET", f"/v1/calls/{sent['call']}")
    assert [told["type"] for told in call["events"]] == ["call:start", "call:update", "call:update", "call:end"]
    assert [told["data"]["status"] for told in call["events"]] == ["CONNECTING", "RINGING", "TALKING", "TALKING"]
    assert all(told["data"]["tags"] == ["test"] for told in call["events"])
    owed = [delivery for told in call["events"] for delivery in told["deliveries"]]
    assert [delivery["id"] for delivery in owed] == sent["deliveries"]
    assert {delivery["integration"] for delivery in owed} == {made["id"]}
    end = call["events"][-1]["data"]
    assert (end["endBy"], end["endCause"]) == ("CALLER", "16")
    assert end["duration"] == end["waitTime"] + end["talkTime"] == call["ended"] - call["started"]


async def test_a_test_call_keeps_to_the_integrations_filter(world: World) -> None:
    made = await world.install(filter=["call:end"])
    sent = await world.done("POST", f"/v1/integrations/{made['id']}/test")
    assert len(sent["deliveries"]) == 1


async def test_an_operator_finds_any_companys_integration_by_its_id(world: World) -> None:
    made = await world.install()
    assert (await world.done("GET", f"/v1/integrations/{made['id']}", key="operator"))["companyId"] == OURS
    path = f"/v1/integrations/{made['id']}?company={THEIRS}"
    await world.refused("integration_not_found", "GET", path, key="operator")


async def test_the_told_secret_is_the_one_that_is_signed_with(world: World) -> None:
    made = await world.install(secret="correct horse battery")
    installed = world.registry.installed(made["id"])
    assert installed is not None
    signed, told = (
        hmac.new(secret.encode(), b"{}", hashlib.sha256).hexdigest() for secret in (installed[1].secret, made["secret"])
    )
    assert signed == told


async def test_a_viewer_sees_no_value_of_a_urls_query(world: World) -> None:
    made = await world.install(url=f"{HOOK}?token=hidden-from-viewers&tenant=7")
    for path in ("/v1/integrations", f"/v1/integrations/{made['id']}"):
        for key, url in (("admin", made["url"]), ("viewer", f"{HOOK}?token=••••&tenant=••••")):
            shown = await world.done("GET", path, key=key)
            [one] = shown if isinstance(shown, list) else [shown]
            assert one["url"] == url
