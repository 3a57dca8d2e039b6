"""What an administrator does in a browser, as the stories of the console tell it."""

from __future__ import annotations

import re
from typing import Final

from playwright.async_api import Browser, Page, expect

from ringpost.wire.signature import verify_standard, verify_x
from tests.real.receiver import Request

COMPANY: Final = "acme"
_PATIENCE: Final = 30_000  # ms that a page may take to show what is waited for


class Administrator:
    """Somebody at a browser, who signed in by a one-time link."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))
        page.on("console", lambda told: self.faults.append(told.text) if told.type == "error" else None)

    async def goes(self, path: str) -> None:
        await self.page.goto(f"{self.url}{path}")

    async def presses(self, name: str | re.Pattern[str]) -> None:
        await self.page.locator("main").get_by_role("button", name=name).first.click()

    async def installs(self, url: str, *, retry: str = "") -> str:
        """A webhook for all of the company's calls; its secret, as it is shown."""
        page = self.page
        await self.goes(f"/integrations/install?company={COMPANY}")
        await page.get_by_label("URL").fill(url)
        await page.get_by_label("Name", exact=True).fill("CRM")
        if retry:
            await page.get_by_text("Headers and retries").click()
            await page.get_by_label("Retries after").fill(retry)
        await self.presses("Install it")
        return await self.secret()

    async def secret(self) -> str:
        shown = self.page.locator("#secret")
        await expect(shown).to_contain_text("whsec_")
        return (await shown.text_content() or "").strip()


def is_signed(secret: str, request: Request) -> bool:
    """Whether a receiver that knows this secret takes the request for ours, in both forms."""
    names = ("x-signature", "webhook-id", "webhook-timestamp", "webhook-signature")
    x, identifier, timestamp, standard = (request.header(name) or "" for name in names)
    return verify_x(secret, request.body, x) and verify_standard(secret, identifier, timestamp, request.body, standard)


async def signed_in(chromium: Browser, url: str, link: str) -> Administrator:
    page = await (await chromium.new_context()).new_page()
    page.set_default_timeout(_PATIENCE)
    expect.set_options(timeout=_PATIENCE)
    await page.goto(link)
    return Administrator(page, url)
