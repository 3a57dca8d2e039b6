"""What is served: nothing from elsewhere, no script or style in a page, little, and a page for whatever is refused."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from importlib.resources import files

import httpx
import pytest

from ringpost.console.assets import address, assets
from ringpost.console.screen import Screen
from ringpost.console.screens import all_screens
from tests.api.world import HOOK
from tests.console.world import OURS, World

FOREIGN = re.compile(r"""(?:https?:)?//[a-z0-9]""", re.IGNORECASE)
# In comments and texts of vendored files, and the name of SVG's namespace: nothing that is loaded.
NAMED_ONLY = re.compile(r"http://www\.w3\.org/2000/svg|https://github\.com/leeoniya/uPlot|https?://four\.htmx\.org\S*")
POLICY = {
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'",
    "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'",
}  # fmt: skip
MEAN = "\"><script>alert(1)</script>'{{7*7}}"


class Tags(HTMLParser):
    """Every tag of a page with its attributes, and the text within scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[str] = []
        self._tag = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self._tag = ""

    def handle_data(self, data: str) -> None:
        if self._tag in {"script", "style"}:
            self.inside.append(data)


async def every_page(world: World) -> AsyncIterator[tuple[str, httpx.Response]]:
    """Each screen, the pages of what is refused, and the page to sign in."""
    await world.notice()
    await world.users.add(name="ann", company=None, role="operator", password="four words make one")
    made = await world.done("POST", "/v1/keys", {"role": "viewer", "name": "dashboard"})
    browser = await world.signed_in("operator")
    for screen in all_screens():
        if isinstance(screen, Screen):
            path = screen.path.replace("{id}", made["id"])
            yield path, await browser.get(path)
    yield "made", await browser.submit("/keys", {"role": "viewer", "name": "new", "company": OURS})
    yield "refused", await browser.submit("/keys", {"role": "viewer", "company": "?"})
    yield "missing", await browser.get("/keys/none/revoke")
    yield "unknown", await browser.get("/nowhere", accept="text/html")
    yield "sign in", await world.browser().get("/sign-in")
    yield "not signed in", await world.browser().get("/notices")
    yield "forbidden", await (await world.signed_in("viewer")).get("/keys")


async def test_pages_load_nothing_from_elsewhere_and_hold_no_script_or_style(
    world: World, subtests: pytest.Subtests
) -> None:
    async for name, reply in every_page(world):
        with subtests.test(page=name):
            kind = "application/json" if "curves" in name else "text/html; charset=utf-8"
            assert reply.headers["content-type"] == kind
            assert not FOREIGN.findall(reply.text)
            tags = Tags(reply.text)
            assert not tags.inside
            for tag, attributes in tags.tags:
                assert not {one for one in attributes if one.startswith(("on", "hx-on")) or one == "style"}, tag
                assert not any(
                    (value or "").strip().startswith(("javascript:", "js:")) for value in attributes.values()
                )
                if tag == "script":
                    assert attributes["src"]


async def test_every_page_has_the_headers_that_keep_foreign_code_out(world: World, subtests: pytest.Subtests) -> None:
    async for name, reply in every_page(world):
        with subtests.test(page=name):
            assert set(reply.headers["content-security-policy"].split("; ")) == POLICY
            assert reply.headers["x-content-type-options"] == "nosniff"
            assert reply.headers["x-frame-options"] == "DENY"
            assert reply.headers["cache-control"] == "no-store"
            assert reply.headers["referrer-policy"] == "same-origin"
            assert reply.headers["cross-origin-opener-policy"] == "same-origin"


async def test_a_page_with_all_that_it_loads_is_under_100_kilobytes(world: World, subtests: pytest.Subtests) -> None:
    modules = sum(len(asset.packed) for name, asset in assets().items() if "/" not in name)
    htmx = len(assets()["vendor/htmx.min.js"].packed)
    async for name, reply in every_page(world):
        with subtests.test(page=name):
            assert len(reply.content) + modules + htmx < 100_000


async def test_what_others_may_write_is_shown_as_text_alone(world: World) -> None:
    await world.notice(message=MEAN, integration=None, pbx="P1")
    browser = await world.signed_in("admin")
    await browser.submit("/keys", {"role": "viewer", "name": MEAN})
    for path in ("/notices", "/keys"):
        page = (await browser.get(path)).text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "<script>alert" not in page
        assert "{{7*7}}" in page


async def test_assets_are_kept_for_ever_under_an_address_of_their_content(world: World) -> None:
    browser = world.browser()
    for name, asset in assets().items():
        reply = await browser.get(address(name))
        assert reply.content == asset.content
        assert reply.headers["content-encoding"] == "gzip"
        assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
        plain = await browser.get(address(name), **{"accept-encoding": "identity"})
        assert plain.content == asset.content
        assert not FOREIGN.findall(NAMED_ONLY.sub("", plain.text)), name
    for path in ("/static/0123456789ab/app.css", f"{address('app.css')}x", "/static/x/../../console.py"):
        assert (await browser.get(path)).status_code == 404


def test_vendored_files_are_what_was_fetched_and_come_with_their_licences() -> None:
    folder = files("ringpost.console").joinpath("static", "vendor")
    told = json.loads(folder.joinpath("vendor.json").read_text())
    named = {"vendor.json"}
    for package in told.values():
        assert any(name.endswith(".LICENSE") for name in package["sha256"])
        for name, digest in package["sha256"].items():
            assert hashlib.sha256(folder.joinpath(name).read_bytes()).hexdigest() == digest
            named.add(name)
    assert {file.name for file in folder.iterdir()} == named


async def test_what_is_refused_is_a_page_that_says_what_helps(world: World) -> None:
    viewer = await world.signed_in("viewer")
    forbidden = await viewer.get("/keys")
    assert forbidden.status_code == 403
    assert "role admin" in forbidden.text
    unknown = await viewer.get("/nowhere", accept="text/html")
    assert unknown.status_code == 404
    assert "There is no such page." in unknown.text
    assert (await viewer.get("/v1/nowhere", accept="text/html")).headers["content-type"] == "application/json"
    assert (await viewer.get("/nowhere")).headers["content-type"] == "application/json"


async def test_a_fault_of_ours_is_a_page_that_tells_nothing_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = await world.signed_in("viewer")
    world.failing.failure = RuntimeError("the inside of the machine")
    monkeypatch.setattr(world.services.keys, "all", lambda: 1 / 0)
    reply = await browser.get("/account")
    assert reply.status_code == 500
    assert "Something went wrong on our side." in reply.text
    assert "machine" not in reply.text
    assert "division" not in reply.text


async def test_pages_stay_small_with_very_many_companies_and_integrations(world: World) -> None:
    for number in range(130):
        company = f"company_of_a_long_name_{number:03}"
        asked = {"type": "webhook", "url": HOOK, "company": company}
        await world.done("POST", "/v1/integrations", asked, key="operator")
    browser = await world.signed_in("operator")
    for path in ("/overview", "/calls", "/deliveries", "/integrations", "/pbxs", "/keys", "/people", "/notices"):
        page = (await browser.get(path)).text
        assert len(page) < 60_000, path
        assert '<select id="company"' not in page
    chosen = world.registry.all()[77]
    page = (await browser.get(f"/calls?integration={chosen.id}&company={chosen.company}")).text
    assert f'<option value="{chosen.id}" selected>' in page
    assert f'name="company" size="14" placeholder="all" autocomplete="off" value="{chosen.company}"' in page


async def test_a_page_is_asked_for_by_head_too_and_what_changes_or_never_ends_is_not(world: World) -> None:
    link = world.sessions.make_link()
    browser = await world.signed_in("viewer")
    for path in ("/notices", "/calls", "/sign-in", address("app.css")):
        got, head = await browser.get(path), await browser.http.head(path)
        assert head.status_code == got.status_code, path
        assert head.headers["content-type"] == got.headers["content-type"]
    for path in (f"/login/{link}", "/live"):
        refused = await browser.http.head(path)
        assert refused.status_code == 405, path
        assert "HEAD" not in refused.headers["allow"]
    assert (await world.browser().get(f"/login/{link}")).status_code == 303


async def test_a_method_that_an_address_does_not_take_is_refused(world: World) -> None:
    browser = await world.signed_in("viewer")
    for path in ("/notices", "/sign-in"):
        refused = await browser.http.delete(path)
        assert refused.status_code == 405
        assert "GET" in refused.headers["allow"]
