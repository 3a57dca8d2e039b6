"""The HTTP application: every operation under its address, behind one way of asking, answering and refusing.

Built by `node.py`, which serves it with `HttpServer`; the console adds its pages as `extra_routes`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Literal

import msgspec
from litestar import Litestar, Request, Response
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, ControllerRouterHandler

from ringpost.errors import RingpostError

from .answers import AnyRequest, answer, on_fault, on_framework_refusal, on_refusal
from .body import BODY_LIMIT, decode, header, read_body
from .deliveries import delivery_routes
from .directories import directory_routes
from .erasures import erasure_routes
from .events import ACCEPT_BATCH, ACCEPT_EVENT, event_routes
from .integrations import integration_routes
from .keys import key_routes
from .notices import notice_routes
from .openapi import describe
from .operation import PART, Asked, Method, OpenRoute, Operation, Route
from .pbxs import pbx_routes
from .presented import caller_of
from .query import read_query
from .replays import replay_routes
from .request_id import RequestIds
from .service import OPENAPI, SERVICE_ROUTES, open_routes, service_routes
from .services import Services
from .stream import STREAM, stream_route
from .users import user_routes

RefusalPage = Callable[[AnyRequest, int], "Response[Any] | None"]


def build_app(
    services: Services,
    *,
    extra_routes: Sequence[ControllerRouterHandler] = (),
    refusal_page: RefusalPage | None = None,
) -> ASGIApp:
    """The ASGI application of a node. refusal_page: for a browser that asks for what is not there."""

    def on_unknown(request: AnyRequest, error: HTTPException) -> Response[Any]:
        page = refusal_page(request, error.status_code) if refusal_page else None
        return page or on_framework_refusal(request, error)

    @cache
    def document() -> bytes:  # few ask for it, and it takes as long as all else here
        return msgspec.json.encode(describe(operations(services)))

    handlers: list[ControllerRouterHandler] = [
        *event_routes(services),
        stream_route(services),
        *(_handler(services, route) for route in _routes()),
        *(_handler(services, route) for route in service_routes(document)),
        *(_open_handler(services, route) for route in open_routes(services)),
        *extra_routes,
    ]
    app = Litestar(
        handlers,
        debug=False,
        logging_config=None,
        openapi_config=None,
        exception_handlers={
            RingpostError: on_refusal,
            HTTPException: on_unknown,
            Exception: on_fault,
        },
    )
    return RequestIds(app)


def operations(services: Services) -> list[Operation]:
    """Every operation of the API, as the documentation lists them."""
    return [
        ACCEPT_EVENT,
        ACCEPT_BATCH,
        STREAM,
        *(route.operation for route in (*_routes(), *SERVICE_ROUTES)),
        OPENAPI,
        *(route.operation for route in open_routes(services)),
    ]


def _routes() -> list[Route]:
    return [
        *integration_routes(),
        *delivery_routes(),
        *replay_routes(),
        *notice_routes(),
        *pbx_routes(),
        *directory_routes(),
        *erasure_routes(),
        *key_routes(),
        *user_routes(),
    ]


def _handler(services: Services, route: Route) -> HTTPRouteHandler:
    operation = route.operation

    async def handle(request: Request[Any, Any, Any]) -> Response[bytes]:
        return answer(await route.do(services, await _asked(services, operation, request)), operation.status)

    return _under(operation)(handle)


def _open_handler(services: Services, route: OpenRoute) -> HTTPRouteHandler:
    async def handle() -> Response[bytes]:
        return answer(await route.do(services), route.operation.status)

    return _under(route.operation)(handle)


def _under(operation: Operation) -> HTTPRouteHandler:
    """A route handler at the operation's address."""
    path = PART.sub(r"{\1:str}", operation.path)
    methods: list[Method | Literal["HEAD"]] = [operation.method]
    if operation.method == "GET":
        methods.append("HEAD")  # RFC 9110, 9.1; the server leaves the body out
    return HTTPRouteHandler(path, http_method=methods, name=operation.id, status_code=operation.status)


async def _asked(services: Services, operation: Operation, request: AnyRequest) -> Asked:
    """Who asks is settled first, before anything else of the request is looked at."""
    headers = request.scope["headers"]
    caller = caller_of(headers, services.keys)
    if operation.right is not None:
        caller.require(operation.right)
    query = read_query(request.scope["query_string"], operation.query)
    raw, body = b"", None
    if operation.takes is not None:
        raw = await read_body(headers, request.receive, BODY_LIMIT)
        body = operation.takes() if operation.optional_body and not raw else decode(raw, operation.takes)
    elif operation.takes_file is not None:
        raw = await read_body(headers, request.receive, operation.takes_file[1])
    return Asked(
        caller=caller,
        path=request.path_params,
        query=query,
        body=body,
        raw=raw,
        idempotency_key=header(headers, b"idempotency-key") if operation.idempotent else None,
    )
