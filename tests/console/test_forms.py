"""Forms: none that is not ours does anything, all work without a script, and what is wrong is told beside them."""

from __future__ import annotations

import pytest

from tests.console.world import CSRF, OURS, World


async def key_names(world: World) -> set[str]:
    return {key.name for key in world.services.keys.all()}


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
)
async def test_a_form_of_another_site_does_nothing(world: World, headers: dict[str, str]) -> None:
    browser = await world.signed_in("admin")
    found = CSRF.search((await browser.get("/keys")).text)
    assert found
    fields = {"csrf": found[1], "role": "viewer", "name": "planted"}
    refused = await browser.send("/keys", fields, **headers)
    assert refused.status_code == 403
    assert "nothing was done" in refused.text
    assert "planted" not in await key_names(world)
    assert (await world.browser().send("/sign-in", {"key": world.keys["admin"]}, **headers)).status_code == 403
    done = await browser.send("/keys", fields, origin="http://ringpost.test", sec_fetch_site="same-origin")
    assert done.status_code == 201


@pytest.mark.parametrize("token", [None, "", "made-up", "of another session"])
async def test_a_form_without_the_sessions_own_token_does_nothing(world: World, token: str | None) -> None:
    browser, other = await world.signed_in("admin"), await world.signed_in("admin")
    if token == "of another session":
        found = CSRF.search((await other.get("/keys")).text)
        assert found
        token = found[1]
    fields = {"role": "viewer", "name": "planted", **({} if token is None else {"csrf": token})}
    for path in ("/keys", "/sign-out"):
        assert (await browser.send(path, fields)).status_code == 403
    assert "planted" not in await key_names(world)
    assert (await browser.get("/keys")).status_code == 200


async def test_a_script_of_ours_sends_the_token_in_a_header(world: World) -> None:
    browser = await world.signed_in("admin")
    found = CSRF.search((await browser.get("/keys")).text)
    assert found
    reply = await browser.send("/keys", {"role": "viewer", "name": "by script"}, x_csrf_token=found[1])
    assert reply.status_code == 201


async def test_a_key_is_made_shown_once_and_revoked_by_forms_alone(world: World) -> None:
    browser = await world.signed_in("admin")
    made = await browser.submit("/keys", {"role": "viewer", "name": "dashboard"})
    assert made.status_code == 201
    [key] = [key for key in world.services.keys.all() if key.name == "dashboard"]
    assert (key.role, key.company) == ("viewer", OURS)
    text = made.text.partition("rp_")[2].partition("<")[0]
    assert text.startswith(key.id)
    assert f"rp_{text}" not in (await browser.get("/keys")).text
    asked = await browser.get(f"/keys/{key.id}/revoke")
    assert "Revoke the key <strong>dashboard</strong>" in asked.text
    gone = await browser.submit(f"/keys/{key.id}/revoke", {})
    page = await browser.follow(gone)
    assert "The key dashboard is revoked." in page.text
    assert "The key dashboard is revoked." not in (await browser.get("/keys")).text
    [key] = [key for key in world.services.keys.all() if key.name == "dashboard"]
    assert key.revoked is not None


async def test_what_is_wrong_is_told_on_the_form_with_what_was_typed(world: World) -> None:
    browser = await world.signed_in("operator")
    refused = await browser.submit("/keys", {"role": "viewer", "name": "dashboard", "company": "No Company"})
    assert refused.status_code == 422
    assert "invalid_value" in refused.text
    assert 'value="dashboard"' in refused.text
    assert 'value="No Company"' in refused.text
    assert 'aria-invalid="true"' in refused.text
    assert "dashboard" not in await key_names(world)


async def test_an_admin_makes_no_operators_key(world: World) -> None:
    browser = await world.signed_in("admin")
    assert (await browser.submit("/keys", {"role": "operator", "name": "grasp"})).status_code == 403
    assert "grasp" not in await key_names(world)


@pytest.mark.parametrize("field", ["name", "company"])
async def test_a_form_that_is_too_large_or_no_text_is_refused(world: World, field: str) -> None:
    browser = await world.signed_in("admin")
    large = await browser.submit("/keys", {"role": "viewer", field: "x" * 70_000})
    assert large.status_code == 413
    bad = await browser.http.post(
        "/keys", content=b"csrf=%ff%fe", headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert bad.status_code == 422


async def test_the_look_is_kept_in_a_cookie(world: World) -> None:
    browser = await world.signed_in("viewer")
    assert 'data-theme="auto"' in (await browser.get("/notices")).text
    page = await browser.follow(await browser.submit("/account", {"theme": "dark", "to": "/notices"}, to="/theme"))
    assert 'data-theme="dark"' in page.text
    await browser.submit("/account", {"theme": '"><script>', "to": "/notices"}, to="/theme")
    assert 'data-theme="auto"' in (await browser.get("/notices")).text


async def test_an_operators_key_is_made_for_no_company(world: World) -> None:
    browser = await world.signed_in("operator")
    refused = await browser.submit("/keys", {"role": "operator", "company": OURS, "name": "x"})
    assert refused.status_code == 422
    assert "leave the company empty" in refused.text
    assert (await browser.submit("/keys", {"role": "operator", "company": "", "name": "x"})).status_code == 201
