"""Hostile text from callers, directories, receivers, integrations and PBXs is text on every page, and nothing else.

Each page that is declared is parsed; what a browser makes of them is in `tests/browser/test_hostile.py`.
"""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlencode

import pytest

from ringpost.console.screen import Screen
from ringpost.console.screens import all_screens
from ringpost.sources.standing import PbxStanding
from tests.console.hostile import COMPANY, SERIAL, TEXTS, Lost, address_of, plant
from tests.console.world import Browser, World

_ADDRESSES: Final = {"href", "src", "action", "formaction", "hx-get", "hx-post", "poster", "srcset"}
# Where each page says what the text was put into: a page that shows it nowhere would prove nothing.
SHOWS: Final = {
    "/calls", "/calls/{id}", "/calls/{id}/sent/{delivery}", "/deliveries", "/deliveries/{id}", "/integrations",
    "/deliveries/{id}/attempts/{number}", "/integrations/{id}", "/people", "/people/{extension}", "/keys", "/notices",
    "/pbxs", "/pbxs/{serial}",
}  # fmt: skip


class Page(HTMLParser):
    """What of a page is anything but text, and hostile."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"zqx", "base", "iframe", "object", "math"}:
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            if "zqx" in name or name == "style" or name.startswith(("on", "hx-on")):
                self.faults.append(f"<{tag} {name}>")
            if name in _ADDRESSES and not (value or "/").startswith(("/", "#", "?")):
                self.faults.append(f"<{tag} {name}={value!r}>")
            if name in _ADDRESSES and (value or "").startswith(("//", "/\\")):
                self.faults.append(f"<{tag} {name}={value!r}>")
        if tag == "script" and not dict(attrs).get("src"):
            self.faults.append("<script>")

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"<!--{data}-->")

    def handle_data(self, data: str) -> None:
        self.text += data


def squeezed(text: str) -> str:
    return "".join(one for one in text if one.isalnum())


async def test_all_hostile_texts_in_one_are_text_on_every_page(world: World) -> None:
    await look_everywhere(world, await world.signed_in("operator"), " ".join(TEXTS.values()))


@pytest.mark.slow
async def test_hostile_text_is_text_on_every_page(world: World, subtests: pytest.Subtests) -> None:
    browser = await world.signed_in("operator")
    for kind, mean in TEXTS.items():
        with subtests.test(kind):
            await look_everywhere(world, browser, mean)


async def look_everywhere(world: World, browser: Browser, mean: str) -> None:
    planted = await plant(world.services, mean)
    world.pbxs = [PbxStanding(company=COMPANY, serial=SERIAL, address="", status=Lost(mean).status())]
    begins = {squeezed(mean)[:20], squeezed(json.dumps(mean))[:20]}  # a body is shown as the JSON that was sent
    shown = set()
    for screen in all_screens():
        if isinstance(screen, Screen):
            at = address_of(screen, planted)
            reply = await browser.get(at)
            assert reply.status_code == 200, at
            if reply.headers["content-type"].startswith("text/html"):
                page = Page(reply.text)
                assert page.faults == [], screen.path
                if any(text in squeezed(page.text) for text in begins):
                    shown.add(screen.path)
            if screen.query:
                values = {parameter.name: mean[:60] for parameter in screen.query}
                assert Page((await browser.get(f"{at}&{urlencode(values)}")).text).faults == [], screen.path
    assert shown >= SHOWS


async def test_hostile_text_in_a_form_comes_back_as_text(world: World, subtests: pytest.Subtests) -> None:
    browser = await world.signed_in("operator")
    for number, (kind, mean) in enumerate(TEXTS.items()):
        with subtests.test(kind):
            await fill_every_form(world, browser, mean, f"203.0.113.{number}")


async def fill_every_form(world: World, browser: Browser, mean: str, host: str) -> None:
    forms = {
        "/keys": ("role", "name", "company"),
        "/integrations/install": ("type", "url", "name", "key", "headers", "retry", "company"),
        f"/people?company={COMPANY}": ("extension", "name", "email", "userId", "department", "group", "firm"),
        "/add-pbx": ("company", "serial", "host", "port", "user", "ours"),
    }
    for path, fields in forms.items():
        reply = await browser.submit(path, dict.fromkeys(fields, mean))
        assert reply.status_code in {403, 422}, (path, reply.status_code)
        assert Page(reply.text).faults == [], path
    reply = await browser.submit(
        f"/people?company={COMPANY}", {"file": f"extension,{mean}\n{mean},1"}, "/people/preview"
    )
    assert Page(reply.text).faults == []
    for name in ("name", "key"):
        reply = await world.browser(host).send("/sign-in", {name: mean, "password": mean, "to": mean})
        assert reply.status_code in {401, 422}
        assert Page(reply.text).faults == []


async def test_the_parser_finds_what_is_hostile() -> None:
    for mean in TEXTS.values():
        if "<" in mean:
            assert Page(f'<p title="{mean}">{mean}</p><a href="{mean}">').faults
