"""Signing in (by a one-time link, a password or an API key), signing out, and the choice between light and dark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from litestar import Request, Response
from litestar.types import ControllerRouterHandler

from ringpost.access.guesses import network_of
from ringpost.access.keys import Caller
from ringpost.errors import RingpostError

from .door import COOKIE, Door, local
from .route import plain_route

_HOME: Final = "/"

AnyRequest = Request[Any, Any, Any]


class _Signing:
    """What the addresses do that nobody needs a session for."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._services = door.services

    async def show(self, request: AnyRequest) -> Response[Any]:
        if self._door.session(request) is not None:
            return _home()
        return self._door.sign_in_page(request, None, _HOME)

    async def sign_in(self, request: AnyRequest) -> Response[Any]:
        """With a name and a password, or with an API key."""
        to = _HOME
        try:
            form = await self._door.form(request)
            to = local(form.get("to", _HOME))
            caller = await self._caller(form, network_of(request.client.host if request.client else None))
            return self._door.signed_in(self._services.sessions.begin(caller), to)
        except RingpostError as error:
            return self._door.sign_in_page(request, error, to)

    async def _caller(self, form: Mapping[str, str], address: str) -> Caller:
        name = form.get("name", "") if "key" not in form else None
        guesses = self._services.guesses
        guesses.check(address, name)
        guesses.wrong(address, name)
        if name is None:
            caller = self._services.keys.caller(form["key"].strip())
            caller.require("read")
        else:
            caller = await self._services.users.caller(name, form.get("password", ""))
        guesses.right(address, name)
        return caller

    async def link(self, request: AnyRequest) -> Response[Any]:
        token = self._services.sessions.redeem(request.path_params["token"])
        if token is not None:
            return self._door.signed_in(token, _HOME)
        if self._door.session(request) is not None:
            return _home()
        return self._door.sign_in_page(request, RingpostError("link_invalid"), _HOME)

    async def sign_out(self, request: AnyRequest) -> Response[Any]:
        try:
            form = await self._door.form(request)
            session = self._door.session(request)
            if session is not None and not session.is_from_here(form.get("csrf", "")):
                raise RingpostError("form_not_ours")
        except RingpostError as error:
            return await self._door.refused(request, error)
        if session is not None and form.get("everywhere"):
            self._services.sessions.end_all(session.caller)
        return self._door.signed_out(request.cookies.get(COOKIE))

    async def theme(self, request: AnyRequest) -> Response[Any]:
        try:
            form = await self._door.form(request)
        except RingpostError as error:
            return await self._door.refused(request, error)
        return self._door.themed(form.get("theme", ""), form.get("to", _HOME))


def signing_routes(door: Door) -> list[ControllerRouterHandler]:
    """The addresses that nobody needs a session for."""
    signing = _Signing(door)
    return [
        plain_route("GET", "/sign-in", signing.show),
        plain_route("POST", "/sign-in", signing.sign_in),
        plain_route("GET", "/login/{token}", signing.link, head=False),
        plain_route("POST", "/sign-out", signing.sign_out),
        plain_route("POST", "/theme", signing.theme),
    ]


def _home() -> Response[Any]:
    return Response("", status_code=303, headers={"location": _HOME, "cache-control": "no-store"})
