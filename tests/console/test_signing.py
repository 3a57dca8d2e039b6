"""Signing in and out: links, passwords and keys, each refusal a page, guessing limited, sessions that end."""

from __future__ import annotations

import re

import pytest

from ringpost.access.guesses import TRIES, TRIES_OF_A_NAME
from ringpost.access.sessions import ABSOLUTE_MS, IDLE_MS, LINK_MS
from ringpost.console.console import Console
from tests.console.world import COOKIE, OURS, PASSWORD, Browser, World


async def sign_in(browser: Browser, name: str, password: str = PASSWORD) -> int:
    return (await browser.send("/sign-in", {"name": name, "password": password})).status_code


async def test_a_link_signs_in_once(world: World) -> None:
    link = world.sessions.make_link()
    browser, other = world.browser(), world.browser()
    reply = await browser.get(f"/login/{link}")
    assert (reply.status_code, reply.headers["location"]) == (303, "/")
    assert (await browser.get("/keys")).status_code == 200
    refused = await other.get(f"/login/{link}")
    assert refused.status_code == 401
    assert "That link was used already" in refused.text
    assert "ringpost users link" in refused.text
    assert other.session is None


async def test_a_link_that_is_too_old_signs_nobody_in(world: World) -> None:
    link = world.sessions.make_link()
    world.time += LINK_MS + 1
    assert (await world.browser().get(f"/login/{link}")).status_code == 401


async def test_a_password_signs_in_and_the_page_that_was_asked_for_follows(world: World) -> None:
    await world.users.add(name="ann", company=OURS, role="admin", password=PASSWORD)
    browser = world.browser()
    page = await browser.get("/notices?type=notice%3Apaused")
    to = re.search(r'name="to" value="([^"]+)"', page.text)
    assert to
    reply = await browser.send("/sign-in", {"name": "ann", "password": PASSWORD, "to": to[1]})
    assert reply.headers["location"] == "/notices?type=notice%3Apaused"
    assert "ann" in (await browser.follow(reply)).text


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "/\\evil.example", "\tjavascript:", ""])
async def test_signing_in_leads_to_no_other_site(world: World, to: str) -> None:
    reply = await world.browser().send("/sign-in", {"key": world.keys["viewer"], "to": to})
    assert reply.headers["location"] == "/"


async def test_a_wrong_name_and_a_wrong_password_are_told_the_same(world: World) -> None:
    await world.users.add(name="ann", company=OURS, role="admin", password=PASSWORD)
    told = [
        (await world.browser().send("/sign-in", {"name": name, "password": "not the right one"})).text
        for name in ("ann", "nobody")
    ]
    assert told[0] == told[1]
    assert "That does not sign you in." in told[0]


async def test_guessing_from_one_address_is_stopped_and_others_still_sign_in(world: World) -> None:
    await world.users.add(name="ann", company=OURS, role="admin", password=PASSWORD)
    guesser = world.browser("203.0.113.7")
    assert [await sign_in(guesser, f"user{n}", "wrong") for n in range(TRIES)] == [401] * TRIES
    stopped = await guesser.send("/sign-in", {"name": "ann", "password": PASSWORD})
    assert stopped.status_code == 429
    assert "too many wrong sign-ins" in stopped.text
    assert stopped.headers["retry-after"] == "60"
    assert await sign_in(world.browser("198.51.100.1"), "ann") == 303
    world.time += 60_000
    assert await sign_in(guesser, "ann") == 303


async def test_guessing_one_name_from_many_addresses_is_stopped_and_only_that_name(world: World) -> None:
    for name in ("ann", "bob"):
        await world.users.add(name=name, company=OURS, role="admin", password=PASSWORD)
    hosts = [f"203.0.113.{number}" for number in range(TRIES_OF_A_NAME // TRIES + 1)]
    for host in hosts[:-1]:
        guesser = world.browser(host)
        assert {await sign_in(guesser, "ann", "wrong") for _ in range(TRIES)} == {401}
    fresh = world.browser(hosts[-1])
    assert await sign_in(fresh, "ann") == 429
    assert await sign_in(world.browser(), "bob") == 303
    assert (await world.browser().send("/sign-in", {"key": world.keys["viewer"]})).status_code == 303
    assert (await world.browser().get(f"/login/{world.sessions.make_link()}")).status_code == 303
    world.time += 60_000
    assert await sign_in(fresh, "ann") == 303


async def test_a_name_that_there_is_not_is_answered_like_one_that_there_is(world: World) -> None:
    await world.users.add(name="ann", company=OURS, role="admin", password=PASSWORD)
    answers = {}
    for name, host in (("ann", "203.0.113.1"), ("zoe", "203.0.113.2")):
        guesser = world.browser(host)
        replies = [await guesser.send("/sign-in", {"name": name, "password": "wrong"}) for _ in range(TRIES + 1)]
        for reply in replies:
            del reply.headers["x-request-id"]  # another for each
        answers[name] = [(reply.status_code, sorted(reply.headers.items()), reply.text) for reply in replies]
    assert answers["ann"] == answers["zoe"]
    assert [status for status, *_ in answers["ann"]] == [401] * TRIES + [429]


async def test_a_session_that_someone_else_chose_is_never_taken(world: World) -> None:
    chosen, victim = "a" * 43, world.browser()
    victim.http.cookies.set(COOKIE, chosen, domain="ringpost.test")
    assert (await victim.get("/notices")).status_code == 401
    reply = await victim.send("/sign-in", {"key": world.keys["admin"]})
    assert f"{COOKIE}={chosen}" not in reply.headers["set-cookie"]
    attacker = world.browser()
    attacker.http.cookies.set(COOKIE, chosen, domain="ringpost.test")
    assert (await attacker.get("/notices")).status_code == 401


async def test_each_sign_in_is_a_session_of_its_own(world: World) -> None:
    browser = await world.signed_in("viewer")
    first = browser.session
    await browser.send("/sign-in", {"key": world.keys["admin"]})
    assert browser.session != first
    assert (await browser.get("/keys")).status_code == 200
    assert (await browser.submit("/account", {}, to="/sign-out")).status_code == 303
    assert (await browser.get("/keys")).status_code == 401


async def test_a_right_password_uses_up_no_try(world: World) -> None:
    await world.users.add(name="ann", company=OURS, role="admin", password=PASSWORD)
    assert {await sign_in(world.browser(), "ann") for _ in range(TRIES + 5)} == {303}


async def test_a_session_ends_when_it_is_idle_or_old(world: World) -> None:
    idle, old = await world.signed_in("viewer"), await world.signed_in("viewer")
    world.time += IDLE_MS + 1
    assert (await idle.get("/notices")).status_code == 401
    old = await world.signed_in("viewer")
    for _ in range(ABSOLUTE_MS // IDLE_MS):
        world.time += IDLE_MS
        assert (await old.get("/notices")).status_code == 200
    world.time += IDLE_MS
    assert (await old.get("/notices")).status_code == 401


async def test_a_session_ends_with_its_key_and_with_its_user(world: World) -> None:
    by_key = await world.signed_in("viewer")
    await world.users.add(name="ann", company=OURS, role="admin", password=PASSWORD)
    by_password = world.browser()
    assert await sign_in(by_password, "ann") == 303
    [key] = [key for key in world.services.keys.all() if key.name == "viewer"]
    await world.services.keys.revoke(key.id)
    await world.users.remove("ann")
    assert (await by_key.get("/notices")).status_code == 401
    assert (await by_password.get("/notices")).status_code == 401


async def test_signing_out_ends_one_session_and_everywhere_ends_all_of_the_same_key(world: World) -> None:
    first, second, third = [await world.signed_in("viewer") for _ in range(3)]
    other = await world.signed_in("admin")
    left = await first.submit("/account", {}, to="/sign-out")
    assert left.headers["location"] == "/sign-in"
    assert (await second.get("/notices")).status_code == 200
    await second.submit("/account", {"everywhere": "yes"}, to="/sign-out")
    assert (await third.get("/notices")).status_code == 401
    assert (await other.get("/notices")).status_code == 200


async def test_the_cookie_is_kept_from_scripts_and_from_other_sites_and_from_plain_http(world: World) -> None:
    reply = await world.browser().send("/sign-in", {"key": world.keys["viewer"]})
    assert re.fullmatch(
        r"ringpost_session=[\w-]{43}; HttpOnly; Max-Age=604800; Path=/; SameSite=lax", reply.headers["set-cookie"]
    )
    behind_https = Browser(world.application(Console(world.services, "https://calls.example.com")))
    reply = await behind_https.send("/sign-in", {"key": world.keys["viewer"]})
    assert "; Secure" in reply.headers["set-cookie"]
    await behind_https.http.aclose()


async def test_the_first_operator_makes_an_account_of_the_link(world: World) -> None:
    browser = world.browser()
    await browser.get(f"/login/{world.sessions.make_link()}")
    differ = await browser.submit("/account", {"name": "root", "password": PASSWORD, "again": "another one here"})
    assert differ.status_code == 422
    assert "The two passwords are not the same." in differ.text
    assert 'value="root"' in differ.text
    made = await browser.submit("/account", {"name": "root", "password": PASSWORD, "again": PASSWORD})
    assert "You are root now." in (await browser.follow(made)).text
    assert await sign_in(world.browser(), "root") == 303


async def test_a_changed_password_ends_every_other_session(world: World) -> None:
    await world.users.add(name="ann", company=OURS, role="viewer", password=PASSWORD)
    one, other = world.browser(), world.browser()
    assert {await sign_in(one, "ann"), await sign_in(other, "ann")} == {303}
    new = {"password": "four other words", "again": "four other words"}
    wrong = await one.submit("/account", {"current": "something else", **new}, to="/account/password")
    assert wrong.status_code == 422
    done = await one.submit("/account", {"current": PASSWORD, **new}, to="/account/password")
    assert "Your password is changed" in (await one.follow(done)).text
    assert (await other.get("/account")).status_code == 401
    assert (await sign_in(other, "ann"), await sign_in(other, "ann", "four other words")) == (401, 303)


async def test_who_finds_a_session_open_does_not_find_out_its_password_by_it(world: World) -> None:
    await world.users.add(name="ann", company=None, role="operator", password=PASSWORD)
    browser = world.browser()
    await browser.send("/sign-in", {"name": "ann", "password": PASSWORD})
    new = {"password": "another of four words", "again": "another of four words"}
    codes = []
    for number in range(12):
        tried = {"current": f"a guess, number {number}", **new}
        codes.append((await browser.submit("/account", tried, to="/account/password")).status_code)
    assert codes == [422] * 10 + [429] * 2
    assert (await browser.submit("/account", {"current": PASSWORD, **new}, to="/account/password")).status_code == 429
    world.time += 120_000
    assert (await browser.submit("/account", {"current": PASSWORD, **new}, to="/account/password")).status_code == 303
