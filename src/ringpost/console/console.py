"""The console of a node: its screens as routes. Made by `node.py`, which serves them beside the API."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from litestar import Request, Response
from litestar.types import ControllerRouterHandler

from ringpost.access.keys import RIGHTS
from ringpost.api.services import Services
from ringpost.errors import RingpostError

from .assets import asset_reply
from .door import Door
from .live import Live
from .pages import page
from .route import plain_route
from .screen import Action, Screen
from .screens import all_screens
from .signing import signing_routes
from .streaming import LIVE_PATH, live_screen

AnyRequest = Request[Any, Any, Any]


class Console:
    """All of it. live: what the node tells its changes to; unknown: the page for an address that is not there."""

    def __init__(self, services: Services, public_url: str) -> None:
        self.live = Live()
        self._door = Door(services, public_url, lambda: self.live.position)
        self._screens: list[Screen | Action] = all_screens()
        self.unknown = self._door.unknown

    @property
    def screens(self) -> Sequence[Screen | Action]:
        """What is declared, as the tests of rights read it."""
        return self._screens

    def add(self, screens: Sequence[Screen | Action]) -> None:
        """Further screens, before the routes are made; they come first in the navigation."""
        self._screens = [*screens, *self._screens]

    def routes(self) -> list[ControllerRouterHandler]:
        """Every address of the console."""
        self._door.screens = [screen for screen in self._screens if isinstance(screen, Screen)]
        return [
            *signing_routes(self._door),
            *(self._route(screen) for screen in self._screens),
            self._route(live_screen(lambda: self.live)),
            plain_route("GET", "/", self._home),
            plain_route("GET", "/static/{version}/{name:path}", _static),
        ]

    def _route(self, screen: Screen | Action) -> ControllerRouterHandler:
        if isinstance(screen, Screen):
            head = screen.path != LIVE_PATH
            return plain_route("GET", screen.path, partial(self._door.show, screen), head=head)
        return plain_route("POST", screen.path, partial(self._door.act, screen))

    async def _home(self, request: AnyRequest) -> Response[Any]:
        """The first page in the navigation that the caller may see."""
        session = self._door.session(request)
        if session is None:
            return self._door.sign_in_page(request, RingpostError("not_signed_in"))
        may = RIGHTS[session.caller.role]
        first = next(screen for screen in self._door.screens if screen.nav and screen.right in may)
        return Response("", status_code=303, headers={"location": first.path, "cache-control": "no-store"})


async def _static(request: AnyRequest) -> Response[Any]:
    version, name = request.path_params["version"], str(request.path_params["name"]).lstrip("/")
    try:
        return asset_reply(version, name, request.headers.get("accept-encoding", ""))
    except RingpostError as error:
        return page("", error.status)
