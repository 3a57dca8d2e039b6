"""The console of a whole application over a real ledger, in process; and browsers with cookies, without scripts."""

from __future__ import annotations

import re
from typing import Any, Final

import httpx

from ringpost.access.keys import Caller
from ringpost.access.sessions import Sessions
from ringpost.access.users import is_user
from ringpost.api.app import build_app
from ringpost.console.console import Console
from ringpost.console.live import Live
from ringpost.intake.notices import notice_event
from ringpost.model.delivery import delivery_id
from ringpost.model.event import decode_seq
from ringpost.model.notice import Notice
from tests.api import world as api_world
from tests.api.world import Serving, event

OURS: Final = api_world.OURS
THEIRS: Final = api_world.THEIRS
PASSWORD: Final = "four words make one"
CSRF: Final = re.compile(r'name="csrf" value="([^"]+)"')
COOKIE: Final = "ringpost_session"


class Browser:
    """One person's browser: cookies, forms with the token of the page before, no redirect followed unasked."""

    def __init__(self, app: Any, host: str = "127.0.0.1") -> None:
        transport = httpx.ASGITransport(app=app, client=(host, 1234))
        self.http = httpx.AsyncClient(base_url="http://ringpost.test", transport=transport)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(path, headers=headers)

    async def send(self, path: str, fields: dict[str, str] | None = None, **headers: str) -> httpx.Response:
        """A form as it is, without a token of its own accord."""
        return await self.http.post(
            path, data=fields or {}, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )

    async def submit(self, page: str, fields: dict[str, str], to: str | None = None) -> httpx.Response:
        """Load a page, fill in its form, send it."""
        found = CSRF.search((await self.get(page)).text)
        assert found, page
        return await self.send(to or page, {"csrf": found[1], **fields})

    async def follow(self, reply: httpx.Response) -> httpx.Response:
        assert reply.status_code == 303, reply.text
        return await self.get(reply.headers["location"])

    @property
    def session(self) -> str | None:
        return self.http.cookies.get(COOKIE)


class ServingPages(Serving):
    """With the console."""

    console: Console

    def make_app(self) -> Any:
        self.console = Console(self.current, "")
        return build_app(self.current, extra_routes=self.console.routes(), refusal_page=self.console.unknown)


class World(api_world.World):
    """The API's world, with the console; every role has a browser that is signed in."""

    def make_serving(self) -> Serving:
        serving = ServingPages.of(self.services)
        serving.console.live = Live()
        self.console = serving.console
        self.browsers: list[Browser] = []
        return serving

    def application(self, console: Console) -> Any:
        return build_app(self.services, extra_routes=console.routes(), refusal_page=console.unknown)

    def make_sessions(self) -> Sessions:
        def is_good(caller: Caller) -> bool:
            if caller.key_id == "link":
                return True
            return self.users.is_good(caller) if is_user(caller) else self.services.keys.is_good(caller)

        return Sessions(self.now, is_good)

    def browser(self, host: str = "127.0.0.1") -> Browser:
        """One that is not signed in."""
        browser = Browser(self.app, host)
        self.browsers.append(browser)
        return browser

    async def signed_in(self, role: str) -> Browser:
        """One that signed in with the key of that name."""
        browser = self.browser()
        reply = await browser.send("/sign-in", {"key": self.keys[role]})
        assert reply.status_code == 303, reply.text
        return browser

    async def notice(self, **more: Any) -> None:
        """A notice that was accepted."""
        given = {"company": OURS, "type": "notice:paused", "time": self.time, "message": "Paused.", **more}
        await self.ledger.commit([notice_event(Notice(**given), ())])

    async def call(self) -> tuple[str, str]:
        """A call of ours that goes on, and its delivery to an integration of its own."""
        made = await self.install(name="Desk")
        caller = {"phone": "1001", "name": "<b>Alice", "type": "LOCAL"}
        data = {"status": "RINGING", "caller": caller, "callee": {"phone": "1002", "type": "LOCAL"}}
        self.time += 1_000
        sent = await self.done("POST", "/v1/events", event(call=f"{self.time}.1", data=data), key="source")
        call = f"{OURS}_{self.time}.1"
        return call, delivery_id(decode_seq(sent["event"][4:]) or 0, made["id"])

    async def stop(self) -> None:
        for browser in self.browsers:
            await browser.http.aclose()
        self.console.live.close()
        await super().stop()
