"""API keys through the API: made, listed, revoked, and never beyond what the caller may grant."""

from __future__ import annotations

from tests.api.world import OURS, START, THEIRS, World


async def test_a_new_key_is_good_at_once_and_its_text_is_told_once(world: World) -> None:
    reply = await world.ask("POST", "/v1/keys", {"role": "viewer", "name": "dashboard"})
    assert reply.status_code == 201
    made = reply.json()["result"]
    text = made.pop("key")
    assert made == {
        "id": text[3:11],
        "company": OURS,
        "role": "viewer",
        "name": "dashboard",
        "created": START,
        "revoked": None,
    }
    assert (await world.done("GET", "/v1/whoami", key=text))["role"] == "viewer"
    assert made in await world.done("GET", "/v1/keys")
    assert text not in (await world.ask("GET", "/v1/keys")).text


async def test_a_revoked_key_is_bad_at_once_and_stays_in_the_list(world: World) -> None:
    made = await world.done("POST", "/v1/keys", {"role": "viewer"})
    world.time = START + 1
    revoked = await world.done("DELETE", f"/v1/keys/{made['id']}")
    assert revoked["revoked"] == START + 1
    await world.refused("key_invalid", "GET", "/v1/whoami", key=made["key"])
    world.time = START + 2
    assert await world.done("DELETE", f"/v1/keys/{made['id']}") == revoked
    assert revoked in await world.done("GET", "/v1/keys")


async def test_an_admin_sees_makes_and_revokes_its_own_companys_keys_alone(world: World) -> None:
    assert {key["company"] for key in await world.done("GET", "/v1/keys")} == {OURS}
    await world.refused("company_foreign", "POST", "/v1/keys", {"role": "viewer", "company": THEIRS})
    error = await world.refused("role_too_small", "POST", "/v1/keys", {"role": "operator"})
    assert error["field"] == "role"
    every = await world.done("GET", "/v1/keys", key="operator")
    for key in every:
        if key["company"] != OURS:
            await world.refused("key_not_found", "DELETE", f"/v1/keys/{key['id']}")
    assert await world.done("GET", "/v1/keys", key="operator") == every


async def test_an_operator_makes_keys_of_any_company_and_of_none(world: World) -> None:
    made = await world.done("POST", "/v1/keys", {"role": "source", "company": THEIRS}, key="operator")
    assert made["company"] == THEIRS
    assert (await world.done("POST", "/v1/keys", {"role": "operator"}, key="operator"))["company"] is None
    await world.refused("company_missing", "POST", "/v1/keys", {"role": "admin"}, key="operator")
    wrong = {"role": "operator", "company": OURS}
    await world.refused("invalid_value", "POST", "/v1/keys", wrong, key="operator")
    listed = await world.done("GET", f"/v1/keys?company={THEIRS}", key="operator")
    assert {key["company"] for key in listed} == {THEIRS}


async def test_a_key_with_an_unknown_role_or_field_is_refused(world: World) -> None:
    assert (await world.refused("invalid_value", "POST", "/v1/keys", {"role": "root"}))["field"] == "role"
    assert (await world.refused("missing_field", "POST", "/v1/keys", {"name": "x"}))["field"] == "role"
    assert (await world.refused("wrong_type", "POST", "/v1/keys", {"role": 7}))["field"] == "role"
    unknown = await world.refused("unknown_field", "POST", "/v1/keys", {"role": "viewer", "rights": []})
    assert unknown["field"] == "rights"
