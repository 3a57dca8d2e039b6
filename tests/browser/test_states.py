"""What pages look like in the middle of something, for everybody: a dialog that is open, the help of the keyboard, a
form that was refused, names without end. Light and dark, on a desk and on a phone."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Browser, Page

from ringpost.integrations.requests import InstallRequest
from ringpost.node import Node
from tests.browser.pages import LOOKS, WIDTHS
from tests.browser.test_pages import check
from tests.real.prerequisites import npm_package

pytestmark = pytest.mark.real
LONG = "Donaudampfschifffahrtsgesellschaft" * 40


async def looked_at(page: Page, axe: str) -> list[Any]:
    await page.evaluate(axe)
    found = await page.evaluate("axe.run()")
    return [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found["violations"]]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("width", WIDTHS)
async def test_pages_in_the_middle_of_something_can_be_used_by_everybody(
    chromium: Browser, node: Node, sign_in: Any, subtests: pytest.Subtests, look: Any, width: int
) -> None:
    axe = npm_package("axe-core@4.14.1", "axe-core/axe.min.js").read_text("utf-8")
    await node.keys.create(company="acme_gmbh", role="viewer", name=LONG)
    await node.registry.install("acme_gmbh", InstallRequest(type="webhook", url=f"{node.local_url}/{LONG}", name="X"))
    crm = next(one for one in node.registry.all() if one.name == "CRM of the house")
    page = await sign_in(await chromium.new_context(color_scheme=look, viewport={"width": width, "height": 844}))

    async def go(path: str) -> None:
        await page.goto(f"{node.local_url}{path}")

    for name, path, link in (
        ("delete", f"/integrations/{crm.id}?company=acme_gmbh", "Delete…"),
        ("rotate", f"/integrations/{crm.id}?company=acme_gmbh", "Another secret…"),
        ("body", "/calls/acme_gmbh_k1?company=acme_gmbh", "Body"),
    ):
        await go(path)
        await page.get_by_role("link", name=link).first.click()
        await page.locator("dialog[open] h1, dialog[open] h2, dialog[open] form").first.wait_for()
        with subtests.test(dialog=name):
            assert await looked_at(page, axe) == []
    await go("/keys")
    await page.keyboard.press("?")
    await page.locator("#keys-help").wait_for()
    with subtests.test(dialog="keys"):
        assert await looked_at(page, axe) == []
    for path, fields in (
        ("/keys", {"Name": "x", "Company": "No Company"}),
        ("/integrations/install", {"URL": "not an address", "Company": LONG[:60]}),
        ("/add-pbx", {"Company": "?", "Serial": "?", "Host": LONG}),
    ):
        await go(path)
        main = page.locator("main")
        if path == "/keys":
            await page.get_by_text("Make a key").click()
        for label, value in fields.items():
            await main.get_by_label(label, exact=True).fill(value)
        await main.locator("form[method=post] button.main").first.click()
        await page.locator('[role="alert"], [aria-invalid="true"]').first.wait_for()
        with subtests.test(refused=path):
            await check(page)
            assert await looked_at(page, axe) == []
    for path in ("/keys", "/integrations"):
        await go(path)
        with subtests.test(long=path):
            if width < 1_000:
                await check(page)
            assert await looked_at(page, axe) == []
