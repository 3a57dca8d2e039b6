"""A route of the framework for a function of a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal

from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler

from ringpost.api.operation import PART


def plain_route(
    method: Literal["GET", "POST"],
    path: str,
    do: Callable[[Request[Any, Any, Any]], Awaitable[Response[Any]]],
    *,
    head: bool = True,
) -> HTTPRouteHandler:
    """The function under an address, whose parts that vary are in braces. head: a GET is taken as HEAD, too; not
    where it changes something or goes on for ever."""
    methods: list[Literal["GET", "POST", "HEAD"]] = [method]
    if method == "GET" and head:
        methods.append("HEAD")  # RFC 9110, 9.1; the server leaves the body out

    async def handle(request: Request[Any, Any, Any]) -> Response[Any]:
        return await do(request)

    return HTTPRouteHandler(PART.sub(r"{\1:str}", path), http_method=methods, status_code=200)(handle)
