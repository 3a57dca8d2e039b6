"""Who sees which page and does what: each role on each screen, nobody without a session, no company another's.

The table names every screen; one that is missing from it fails a test.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

import pytest

from ringpost.console.screen import Action, Screen
from ringpost.sources.source import SourceStatus
from ringpost.sources.standing import PbxStanding
from tests.console.world import OURS, THEIRS, World

ALL: Final = frozenset({"operator", "admin", "viewer"})
CHANGERS: Final = frozenset({"operator", "admin"})
# method and address: who may. A `source` key signs in nowhere.
TABLE: Final[dict[tuple[str, str], frozenset[str]]] = {
    ("GET", "/overview"): ALL,
    ("GET", "/overview/curves"): ALL,
    ("GET", "/calls"): ALL,
    ("GET", "/calls/{id}"): ALL,
    ("GET", "/calls/{id}/sent/{delivery}"): ALL,
    ("GET", "/calls/{id}/replay"): CHANGERS,
    ("POST", "/calls/{id}/replay"): CHANGERS,
    ("GET", "/deliveries"): ALL,
    ("GET", "/deliveries/{id}"): ALL,
    ("GET", "/deliveries/{id}/attempts/{number}"): ALL,
    ("POST", "/deliveries/{id}/replay"): CHANGERS,
    ("GET", "/replays"): ALL,
    ("GET", "/replays/{id}"): ALL,
    ("POST", "/replays/count"): CHANGERS,
    ("POST", "/replays"): CHANGERS,
    ("POST", "/replays/{id}/cancel"): CHANGERS,
    ("GET", "/integrations"): ALL,
    ("GET", "/integrations/{id}"): ALL,
    ("POST", "/integrations/{id}/pause"): CHANGERS,
    ("POST", "/integrations/{id}/resume"): CHANGERS,
    ("POST", "/integrations/{id}/test"): CHANGERS,
    ("POST", "/integrations/{id}/reveal"): CHANGERS,
    ("GET", "/integrations/{id}/delete"): CHANGERS,
    ("POST", "/integrations/{id}/delete"): CHANGERS,
    ("GET", "/integrations/install"): CHANGERS,
    ("POST", "/integrations/install"): CHANGERS,
    ("GET", "/integrations/{id}/edit"): CHANGERS,
    ("POST", "/integrations/{id}/edit"): CHANGERS,
    ("GET", "/integrations/{id}/rotate"): CHANGERS,
    ("POST", "/integrations/{id}/rotate"): CHANGERS,
    ("GET", "/pbxs"): ALL,
    ("GET", "/add-pbx"): frozenset({"operator"}),
    ("POST", "/add-pbx"): frozenset({"operator"}),
    ("POST", "/add-pbx/try"): frozenset({"operator"}),
    ("GET", "/pbxs/{serial}"): ALL,
    ("POST", "/pbxs/{serial}/check"): CHANGERS,
    ("GET", "/people"): ALL,
    ("POST", "/people"): CHANGERS,
    ("POST", "/people/numbering"): CHANGERS,
    ("POST", "/people/preview"): CHANGERS,
    ("POST", "/people/import"): CHANGERS,
    ("GET", "/people/{extension}"): ALL,
    ("POST", "/people/{extension}/edit"): CHANGERS,
    ("POST", "/people/{extension}/remove"): CHANGERS,
    ("GET", "/keys"): CHANGERS,
    ("POST", "/keys"): CHANGERS,
    ("GET", "/keys/{id}/revoke"): CHANGERS,
    ("POST", "/keys/{id}/revoke"): CHANGERS,
    ("GET", "/notices"): ALL,
    ("GET", "/account"): ALL,
    ("POST", "/account"): frozenset({"operator"}),
    ("POST", "/account/password"): frozenset(),  # a user's alone; here all came by keys
}


def named(screen: Screen | Action) -> tuple[str, str]:
    return "GET" if isinstance(screen, Screen) else "POST", screen.path


async def address(world: World, path: str) -> str:
    """The address with the id of something of ours."""
    world.pbxs = [PbxStanding(company=OURS, serial="PBX2", address="", status=SourceStatus())]
    path = path.replace("{serial}", "PBX2")
    if path.startswith("/keys/{id}"):
        made = await world.done("POST", "/v1/keys", {"role": "viewer"})
        return path.replace("{id}", made["id"])
    if path.startswith("/integrations/{id}"):
        return path.replace("{id}", (await world.install())["id"])
    if path.startswith("/people/{extension}"):
        await world.done("PUT", "/v1/directory/people/1001", {"name": "Ours"})
        return path.replace("{extension}", "1001")
    if path.startswith(("/deliveries/{id}", "/replays/{id}")):
        _, delivery = await world.call()
        await world.conclude(delivery, "exhausted", error="status")
        if path.startswith("/replays"):
            delivery = (await world.done("POST", "/v1/replays", {"state": "exhausted"}))["id"]
        return path.replace("{id}", delivery).replace("{number}", "1")
    if path.startswith("/calls/{id}"):
        call, delivery = await world.call()
        await world.conclude(delivery, "delivered")
        return path.replace("{id}", call).replace("{delivery}", delivery)
    return path


def without(at: str, page: str) -> str:
    """The page without the address that was asked for, which may come back in it: a call's id names its company."""
    return page.replace(at, "").replace(quote(at, safe=""), "").replace(quote(at), "")


def test_the_table_names_every_screen() -> None:
    from ringpost.console.screens import all_screens

    assert [named(screen) for screen in all_screens()] == list(TABLE)


async def test_each_role_sees_and_does_what_the_table_says_and_no_more(world: World, subtests: pytest.Subtests) -> None:
    for role in sorted(ALL):
        browser = await world.signed_in(role)
        for (method, path), may in TABLE.items():
            with subtests.test(role=role, method=method, path=path):
                at = await address(world, path)
                fields = {"role": "viewer", "company": OURS, "name": "ann"}
                reply = await (browser.get(at) if method == "GET" else browser.submit("/account", fields, to=at))
                if role in may:
                    assert reply.status_code in {200, 201, 303, 422}, reply.text
                else:
                    assert reply.status_code in {403, 404}, reply.text
                    assert 'role="alert"' in reply.text


async def test_nothing_is_shown_or_done_without_a_session(world: World, subtests: pytest.Subtests) -> None:
    for method, path in TABLE:
        with subtests.test(method=method, path=path):
            browser = world.browser()
            at = await address(world, path)
            reply = await (browser.get(at) if method == "GET" else browser.send(at, {"csrf": "x"}))
            assert reply.status_code == 401
            assert "<h1>Sign in</h1>" in reply.text
            assert OURS not in without(at, reply.text)


async def test_a_company_sees_nothing_of_another(world: World, subtests: pytest.Subtests) -> None:
    await world.notice(message="Of ours alone.")
    foreign = await world.signed_in("foreign")
    for method, path in TABLE:
        if method == "GET":
            with subtests.test(path=path):
                at = await address(world, path)
                reply = await foreign.get(at)
                assert reply.status_code == (404 if "{" in path else 200 if "admin" in TABLE[method, path] else 403)
                assert not re.search(rf"{OURS}|Of ours alone", without(at, reply.text))
                named_ours = await foreign.get(f"{await address(world, path)}?company={OURS}")
                assert named_ours.status_code == 403 if path in {"/keys", "/notices"} else named_ours.status_code < 500
                assert not re.search("Of ours alone", named_ours.text)
    made = await foreign.submit("/keys", {"role": "viewer", "company": OURS})
    assert made.status_code == 403
    assert {key.company for key in world.services.keys.all()} == {None, OURS, THEIRS}


async def test_an_operator_sees_all_companies_or_the_one_that_was_chosen(world: World) -> None:
    await world.notice(message="Of ours alone.")
    await world.notice(message="Of theirs alone.", company=THEIRS)
    browser = await world.signed_in("operator")
    both = (await browser.get("/notices")).text
    assert "Of ours alone." in both
    assert "Of theirs alone." in both
    one = (await browser.get(f"/notices?company={OURS}")).text
    assert "Of theirs alone." not in one
    assert f'href="/keys?company={OURS}"' in one


async def test_a_source_key_signs_in_nowhere(world: World) -> None:
    reply = await world.browser().send("/sign-in", {"key": world.keys["source"]})
    assert reply.status_code == 403
    assert "set-cookie" not in reply.headers


@pytest.mark.parametrize(
    ("role", "first"), [("operator", "/overview"), ("admin", "/overview"), ("viewer", "/overview")]
)
async def test_each_role_begins_at_the_first_page_that_it_may_see(world: World, role: str, first: str) -> None:
    reply = await (await world.signed_in(role)).get("/")
    assert (reply.status_code, reply.headers["location"]) == (303, first)
