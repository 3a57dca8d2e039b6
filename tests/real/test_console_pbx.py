"""The console's page of a PBX with a real Asterisk behind it: connected, its permissions, a wrong secret, gone."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from ringpost.console.live import PBX, Change
from ringpost.node import Node, start_node
from ringpost.settings import PbxSettings, Settings
from tests.real.asterisk_process import Asterisk
from tests.real.pbx import Pbx

pytestmark = pytest.mark.real


class Person:
    """Somebody with a browser that runs no script, signed in as an operator."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._csrf = ""

    async def sees(self, path: str) -> str:
        return self._text(await self._http.get(path, follow_redirects=True))

    async def sends(self, path: str, **fields: str) -> str:
        return self._text(await self._http.post(path, data={"csrf": self._csrf, **fields}))

    def _text(self, reply: httpx.Response) -> str:
        token = re.search(r'name="csrf" value="([^"]+)"', reply.text)
        self._csrf = token[1] if token else self._csrf
        return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", reply.text)))


@asynccontextmanager
async def person_at(node: Node) -> AsyncIterator[Person]:
    async with httpx.AsyncClient(base_url=node.local_url, timeout=40) as http:
        person = Person(http)
        await person.sees(f"/login/{node.sessions.make_link()}")
        yield person


def settings_of(asterisk: Asterisk, folder: Path) -> Settings:
    pbx = PbxSettings(
        company="acme", serial="pbx1", host=asterisk.host, port=asterisk.ami_port, user=asterisk.user,
        secret=asterisk.secret,
    )  # fmt: skip
    return Settings(data=str(folder / "data"), port=0, pbx=(pbx,))


async def test_a_pbx_is_connected_shows_its_permissions_and_is_gone_when_it_is_killed(
    own_pbx: Pbx, tmp_path: Path
) -> None:
    asterisk = own_pbx.asterisk
    node = await start_node(settings_of(asterisk, tmp_path))
    try:
        await node.wait_in_step()
        async with person_at(node) as person:
            told = await person.sees("/pbxs")
            assert re.search(r"pbx1 acme connected 20\S+ \S+ none yet 0 0 22\.", told), told
            assert "at the connection; nothing was missed" in await person.sees("/pbxs/pbx1?company=acme")
            checked = await person.sends("/pbxs/pbx1/check?company=acme")
            for words in (
                "logged in Asterisk 22.", "write=reporting the list of channels can be read",
                "read=system restarts are told", "it cannot change anything on the PBX",
            ):  # fmt: skip
                assert words in checked
            changes = node.console.live.follow("acme", "", "a page that is open")
            assert (await anext(changes)).change.topic == "hello"
            await asyncio.to_thread(asterisk.kill)
            async with asyncio.timeout(30):
                while (await anext(changes)).change != Change(PBX, "acme", "pbx1"):
                    pass
            await changes.aclose()  # type: ignore[attr-defined]
            assert re.search("not connected .* Check host, port, firewall", await person.sees("/pbxs"))
    finally:
        await node.stop()


async def test_a_new_pbx_is_tried_before_it_is_in_the_settings(asterisk: Asterisk, tmp_path: Path) -> None:
    node = await start_node(Settings(data=str(tmp_path / "data"), port=0))
    try:
        async with person_at(node) as person:
            await person.sees("/add-pbx")
            new = {"company": "acme", "serial": "pbx1", "host": asterisk.host, "port": str(asterisk.ami_port)}
            right = await person.sends("/add-pbx/try", **new, user=asterisk.user, secret=asterisk.secret)
            assert "logged in Asterisk 22." in right
            wrong = await person.sends("/add-pbx/try", **new, user=asterisk.user, secret="not-the-secret")
            assert "pbx_login_refused" in wrong
            needless = await person.sends("/add-pbx/try", **new, user=asterisk.driver, secret=asterisk.driver_secret)
            assert "it can do more than is needed" in needless
    finally:
        await node.stop()
