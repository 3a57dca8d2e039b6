"""Hostile text from callers, directories, receivers, integrations and PBXs in a real browser: nothing of it runs,
nothing is asked of anybody else, no page is wider than a phone for it. Every declared page is visited."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Browser, Dialog

from ringpost.console.screen import Screen
from ringpost.console.screens import all_screens
from ringpost.integrations.requests import InstallRequest
from ringpost.node import start_node
from ringpost.settings import Settings
from tests.browser.test_pages import watched
from tests.console.hostile import COMPANY, SERIAL, TEXTS, Lost, address_of, plant
from tests.real.receiver import Answer, Receiver

pytestmark = pytest.mark.real

# uPlot sets the style of its own elements by script, which a policy does not refuse.
PLANTED: Final = """[...document.querySelectorAll("zqx, [zqx], [style], base, iframe, img:not([src^='/static/'])")]
    .filter(found => !found.closest(".uplot")).map(found => found.outerHTML.slice(0, 200))
    .concat(window.zqx === undefined ? [] : ["it ran"])"""
WIDE: Final = """[...document.querySelectorAll("body *")].filter(one => one.getBoundingClientRect().right > innerWidth)
    .map(one => `${one.tagName} ${one.className} ${one.getAttribute("name")}`).slice(0, 8)"""
# What a receiver answers with: the text in its body, its headers and where it leads.
WAYS: Final[dict[str, Callable[[str], Answer]]] = {
    "its body": lambda mean: Answer(500, body=mean.encode(), headers=(("content-type", "text/html"),)),
    "its headers": lambda mean: Answer(503, headers=(("retry-after", mean), ("set-cookie", mean), ("server", mean))),
    "where it leads": lambda mean: Answer(302, headers=(("location", mean),)),
    "no answer at all": lambda mean: Answer(raw=mean.encode()),
}


@pytest.mark.parametrize("kind", ["all in one", "very long", "long words", "control characters"])
async def test_hostile_text_does_nothing_in_a_browser(
    chromium: Browser, tmp_path: Path, subtests: pytest.Subtests, kind: str
) -> None:
    mean = TEXTS.get(kind) or " ".join(TEXTS.values())
    plain = mean.encode("ascii", "ignore").decode().translate(dict.fromkeys(range(32)))[:900]  # as a header may have it
    receivers = [Receiver(make(mean if "body" in way or "no" in way else plain)) for way, make in WAYS.items()]
    settings = Settings(
        data=str(tmp_path), port=0, allow_networks=("127.0.0.0/8",), retry_delays_ms=(3_600_000,),
    )  # fmt: skip
    node = await start_node(settings, later=[(COMPANY, SERIAL)])
    try:
        await node.listen_to(COMPANY, SERIAL, Lost(mean))
        for receiver in receivers:
            await receiver.start()
            request = InstallRequest(type="webhook", url=receiver.url, name=mean[:100])
            await node.registry.install(COMPANY, request)
        planted = await plant(node.services, mean, url=receivers[0].url)
        for receiver in receivers:
            await receiver.wait_for(1)
        faults: list[str] = []
        context = await chromium.new_context(viewport={"width": 390, "height": 844})
        page = await context.new_page()
        await page.goto(f"{node.local_url}/login/{node.sessions.make_link()}")
        watched(page, faults, node.local_url)

        async def noticed(dialog: Dialog) -> None:
            faults.append(f"{page.url}: a dialog: {dialog.message}")
            await dialog.dismiss()

        page.on("dialog", noticed)
        for screen in all_screens():
            if isinstance(screen, Screen) and screen.path != "/overview/curves":
                await page.goto(f"{node.local_url}{address_of(screen, planted)}")
                with subtests.test(page=screen.path):
                    assert await page.evaluate(PLANTED) == []
                    wide = await page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
                    assert wide[0] <= wide[1], await page.evaluate(WIDE)
        assert faults == []
    finally:
        await node.stop()
        for receiver in receivers:
            await receiver.stop()
