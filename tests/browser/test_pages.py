"""Every page in a real browser, light and dark, on a desk and on a phone: sound, and nothing refused or foreign.

With RINGPOST_TEST_PICTURES=FOLDER a picture of each is left there.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from ringpost.node import Node
from tests.browser.pages import BEFORE_SIGNING_IN, LOOKS, PAGES, WIDTHS
from tests.real.prerequisites import npm_package

pytestmark = pytest.mark.real


def watched(page: Page, faults: list[str], origin: str) -> None:
    """Note what a page's scripts fail at, what its policy refuses, and what it asks of others."""
    page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
    page.on("console", lambda told: faults.append(f"{page.url}: {told.text}") if told.type == "error" else None)
    page.on("request", lambda asked: None if asked.url.startswith(origin) else faults.append(f"asked for {asked.url}"))


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("width", WIDTHS)
async def test_pages_are_sound(
    chromium: Browser, node: Node, sign_in: Any, picture: Callable[[Page, str], Any], look: Any, width: int
) -> None:
    faults: list[str] = []
    context = await chromium.new_context(color_scheme=look, viewport={"width": width, "height": 844})
    page = await context.new_page()
    watched(page, faults, node.local_url)
    for name, path in BEFORE_SIGNING_IN.items():
        await page.goto(f"{node.local_url}{path}")
        await check(page)
        await picture(page, f"{name}-{look}-{width}")
    page = await sign_in(context)
    for name, path in PAGES.items():
        if name != "refused":
            watched(page, faults, node.local_url)
        await page.goto(f"{node.local_url}{path}")
        await check(page)
        await picture(page, f"{name}-{look}-{width}")
        await page.close()
        page = await context.new_page()
    assert faults == []


async def test_pages_can_be_used_by_everybody(
    chromium: Browser, node: Node, sign_in: Any, subtests: pytest.Subtests
) -> None:
    """What axe-core finds: contrast, names, labels, order, landmarks."""
    axe = npm_package("axe-core@4.14.1", "axe-core/axe.min.js").read_text("utf-8")
    for look, width in product(LOOKS, WIDTHS):
        context = await chromium.new_context(color_scheme=look, viewport={"width": width, "height": 844})
        page = await context.new_page()
        for name, path in (BEFORE_SIGNING_IN | PAGES).items():
            if name not in BEFORE_SIGNING_IN and page.url.endswith("/sign-in"):
                page = await sign_in(context)
            await page.goto(f"{node.local_url}{path}")
            await page.evaluate(axe)
            found = await page.evaluate("axe.run()")
            told = [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found["violations"]]
            with subtests.test(page=name, look=look, width=width):
                assert told == []
        await context.close()


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("width", WIDTHS)
async def test_the_pages_behind_lists_are_sound_too(
    chromium: Browser, node: Node, sign_in: Any, picture: Callable[[Page, str], Any], look: Any, width: int
) -> None:
    axe = npm_package("axe-core@4.14.1", "axe-core/axe.min.js").read_text("utf-8")
    faults: list[str] = []
    page = await sign_in(await chromium.new_context(color_scheme=look, viewport={"width": width, "height": 844}))
    watched(page, faults, node.local_url)

    async def looked_at(name: str) -> None:
        await check(page)
        await picture(page, f"{name}-{look}-{width}")
        await page.evaluate(axe)
        found = await page.evaluate("axe.run()")
        assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found["violations"]] == [], name

    crm = next(one for one in node.registry.all() if one.name == "CRM of the house")
    for name in ("", "/edit", "/rotate", "/delete"):
        await page.goto(f"{node.local_url}/integrations/{crm.id}{name}")
        await looked_at(f"integration{name.replace('/', '-')}")
    await page.goto(f"{node.local_url}/add-pbx")
    for label, value in (("Company", "acme_gmbh"), ("Serial", "pbx7"), ("Host", "127.0.0.1"), ("Port", "9")):
        await page.locator("main").get_by_label(label, exact=True).fill(value)
    await page.get_by_role("button", name="Show what to paste").click()
    await page.get_by_role("button", name="Check it now").click()
    await looked_at("pbx-paste")
    await page.goto(f"{node.local_url}/deliveries?company=acme_gmbh&state=delivered")
    await page.locator("td.when a").last.click()
    await looked_at("delivery")
    await page.locator("td.when a").first.click()
    await looked_at("attempt")
    await page.goto(f"{node.local_url}/deliveries?company=acme_gmbh&state=delivered")
    await page.locator("button[name=all]").click()
    await looked_at("replay-count")
    await page.locator("main button.main").click()
    await looked_at("replay")
    assert faults == []


async def check(page: Page) -> None:
    """It is as wide as the window, and can be read."""
    wide = await page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide[0] <= wide[1], f"{page.url} is wider than its window: {wide}"
    assert await page.locator("h1").count() == 1
