"""Makes the pictures of docs/console.md: an hour of the simulated office, seen in a real browser.

    ./run pictures          (about four minutes; needs Chromium, which ./run test fetches)

The node is a real one on a fresh folder, with a simulator as its PBX and three receivers, of which one goes down near
the end. Its clock goes twenty times as fast, so an hour takes three minutes; nothing else is made up.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, Page, async_playwright

from ringpost.clock import wall_clock
from ringpost.integrations.requests import InstallRequest
from ringpost.ledger.views import CallSearch
from ringpost.model.directory import Person
from ringpost.node import Node, start_node
from ringpost.settings import Settings
from ringpost.sources.simulator import Pace, Simulator
from tests.real.prerequisites import chromium
from tests.real.receiver import Answer, Receiver

FOLDER: Final = Path(__file__).resolve().parents[1] / "docs/pictures"
COMPANY: Final = "demo"
_SPEED: Final = 20
_HOUR_MS: Final = 3_600_000
_DOWN_SECONDS: Final = 18  # before the end: six minutes of the office
_BUSY: Final = Pace(gap=(3_000, 16_000), ring=(4_000, 12_000), patience=(8_000, 30_000), talk=(20_000, 180_000))
_DESK: Final = {"width": 1280, "height": 800}
_PHONE: Final = {"width": 390, "height": 800}


async def make() -> None:
    with tempfile.TemporaryDirectory(prefix="ringpost-pictures-") as folder:
        receivers = [Receiver(), Receiver(), Receiver()]
        for receiver in receivers:
            await receiver.start()
        settings = Settings(data=folder, port=0, allow_networks=("127.0.0.0/8",), log_level="error")
        node = await start_node(settings, now=_fast_clock(), later=[(COMPANY, "office")])
        try:
            await _an_hour(node, receivers)
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=str(chromium()), args=["--no-sandbox"])
                await _take(node, browser)
                await browser.close()
        finally:
            await node.stop()
            for receiver in receivers:
                await receiver.stop()


def _fast_clock() -> Callable[[], int]:
    """An hour ago, and on from there."""
    start, began = wall_clock() - _HOUR_MS, time.monotonic()
    return lambda: start + int((time.monotonic() - began) * 1_000 * _SPEED)


async def _an_hour(node: Node, receivers: list[Receiver]) -> None:
    for name, receiver in zip(("CRM", "Wallboard", "Call statistics"), receivers, strict=True):
        kinds = ["call:end"] if name == "Call statistics" else ["call:*", "notice:*"]
        url = receiver.url.replace("/hook", f"/{name.lower().replace(' ', '-')}")
        await node.registry.install(COMPANY, InstallRequest(type="webhook", url=url, name=name, filter=kinds))
    for extension, name in (("101", "Ada Fontana"), ("105", "Noor Haddad")):
        person = Person(extension=extension, name=name, email=f"{name.split()[0].lower()}@office.example")
        await node.directories.enter(COMPANY, person)
    office = Simulator(3, now=node.now, pace=_BUSY, speed=_SPEED)
    await node.listen_to(COMPANY, "office", office, trunks=("provider",))
    seconds = _HOUR_MS / 1_000 / _SPEED
    for second in range(int(seconds)):
        print(f"\r{second * 100 // int(seconds):3} % of an hour", end="", file=sys.stderr, flush=True)
        if second == int(seconds) - _DOWN_SECONDS:
            receivers[0].answer = Answer(status=503, body=b"upstream connect error")
        await node.curves.keep()
        await asyncio.sleep(1)
    print(file=sys.stderr)


async def _take(node: Node, browser: Browser) -> None:
    FOLDER.mkdir(exist_ok=True)
    failing = CallSearch(mark="failing")
    call = (await node.ledger.find_calls(COMPANY, failing, cursor=None, limit=10)).items[-1]
    crm = next(one.id for one in node.registry.of(COMPANY) if one.name == "CRM")
    await _picture(node, browser, "overview", "/overview")
    await _picture(node, browser, "calls", "/calls")
    await _picture(node, browser, "call", f"/calls/{call.id}?company={COMPANY}")
    await _picture(node, browser, "deliveries", f"/deliveries?state=failing&company={COMPANY}", look="dark")
    await _picture(node, browser, "integration", f"/integrations/{crm}")
    await _picture(node, browser, "phone", "/calls", look="dark", size=_PHONE)


async def _picture(
    node: Node, browser: Browser, name: str, address: str, *, look: str = "light", size: dict[str, int] = _DESK
) -> None:
    context = await browser.new_context(viewport=size, color_scheme=look, timezone_id="Europe/Rome")  # type: ignore[arg-type]
    page: Page = await context.new_page()
    await page.goto(f"{node.local_url}/login/{node.sessions.make_link()}")
    await page.goto(f"{node.local_url}{address}")
    if name == "overview":
        await page.locator("[data-chart] canvas").nth(2).wait_for()
    await page.screenshot(path=FOLDER / f"{name}.png")
    print(f"docs/pictures/{name}.png: {(FOLDER / f'{name}.png').stat().st_size:,} bytes")
    await context.close()


if __name__ == "__main__":
    asyncio.run(make())
