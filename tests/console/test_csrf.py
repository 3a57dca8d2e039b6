"""Every form of the console: what another site has a browser send, and what carries no token of this session, does
nothing at all. The forms are those that are declared, so that a new one is held to it by itself."""

from __future__ import annotations

from typing import Final

import pytest

from ringpost.console.screen import Action
from ringpost.console.screens import all_screens
from tests.console.test_rights import address
from tests.console.world import CSRF, OURS, Browser, World

# How a form is sent, beside one that is ours: its token, and what the browser says of where it comes from.
FORGED: Final[list[tuple[str | None, dict[str, str]]]] = [
    (None, {}),
    ("", {}),
    ("made-up", {}),
    ("of another session", {}),
    ("ours", {"origin": "https://evil.example"}),
    ("ours", {"origin": "null"}),
    ("ours", {"origin": "http://ringpost.test.evil.example"}),
    ("ours", {"sec_fetch_site": "cross-site"}),
    ("ours", {"sec_fetch_site": "same-site"}),
]
ACTIONS: Final = [screen.path for screen in all_screens() if isinstance(screen, Action)]
FIELDS: Final = {"company": OURS, "role": "viewer", "name": "planted", "state": "exhausted", "extension": "66"}


async def token_of(browser: Browser) -> str:
    found = CSRF.search((await browser.get("/account")).text)
    assert found
    return found[1]


async def test_a_form_that_is_not_ours_does_nothing(world: World, subtests: pytest.Subtests) -> None:
    browser, other = await world.signed_in("operator"), await world.signed_in("operator")
    tokens = {"ours": await token_of(browser), "of another session": await token_of(other)}

    def done() -> tuple[int, int, int]:
        return world.ledger.statistics().commits, len(world.services.keys.all()), len(world.users.all())

    for path in ACTIONS:
        with subtests.test(path=path):
            at = await address(world, path)
            await world.works.close(1_000)  # a replay that goes on would write, too
            before = done()
            for token, headers in FORGED:
                sent = FIELDS if token is None else {**FIELDS, "csrf": tokens.get(token, token)}
                reply = await browser.send(f"{at}?company={OURS}", sent, **headers)
                assert reply.status_code == 403, (token, headers)
                assert "nothing was done" in reply.text
            assert done() == before
            fields = {**FIELDS, "csrf": tokens["ours"]}
            ours = await browser.send(f"{at}?company={OURS}", fields, sec_fetch_site="same-origin")
            assert "nothing was done" not in ours.text  # refused or not: it is not for where it came from


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", "/theme"])
async def test_signing_in_and_out_and_the_look_are_ours_alone_too(world: World, path: str) -> None:
    browser = await world.signed_in("viewer")
    token = await token_of(browser)
    for headers in (sent for _, sent in FORGED if sent):
        fields = {"csrf": token, "key": world.keys["operator"], "theme": "dark"}
        reply = await browser.send(path, fields, **headers)
        assert reply.status_code == 403
        assert "set-cookie" not in reply.headers
    assert (await browser.get("/account")).status_code == 200
