"""How the API answers: `{"success": true, "result": …}`, or `{"success": false, "error": …}` with the code's status.

What is no refusal of ours is logged under the request's id and shown as `internal`, with nothing of what it was.
"""

from __future__ import annotations

import traceback
from typing import Any, Final

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from ringpost.errors import RingpostError
from ringpost.intake.accept import error_object

from .operation import JSON, Listed, Sent

_log = structlog.get_logger("ringpost.api")
_encode = msgspec.json.Encoder().encode
_COMMON: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
_FRAMEWORK: Final = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}

AnyRequest = Request[Any, Any, Any]


def answer(result: object, status: int) -> Response[bytes]:
    """The reply to a request that was done."""
    if isinstance(result, Sent):
        return Response(result.body, status_code=result.status, media_type=result.media_type, headers=_COMMON)
    told: dict[str, object] = {"success": True, "result": result}
    if isinstance(result, Listed):
        told |= {"result": result.items, "next": result.next}
    return Response(_encode(told), status_code=status, media_type=JSON, headers=_COMMON)


def refuse(error: RingpostError, **headers: str) -> Response[bytes]:
    """The reply to a request that was refused."""
    told = {"success": False, "error": error_object(error)}
    return Response(
        _encode(told),
        status_code=error.status,
        media_type=JSON,
        headers={**_COMMON, **refusal_headers(error.status), **headers},
    )


def refusal_headers(status: int) -> dict[str, str]:
    """The headers that go with an error's status."""
    if status in {429, 503}:
        return {"retry-after": "1"}
    return {"www-authenticate": "Bearer"} if status == 401 else {}


def on_refusal(_: AnyRequest, error: RingpostError) -> Response[bytes]:
    return refuse(error)


def on_framework_refusal(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """What the framework refuses by itself: an unknown address, a method that is not taken, a bad Host header."""
    if error.status_code >= 500:
        return on_fault(request, error)
    code = _FRAMEWORK.get(error.status_code)
    if code is None:
        return refuse(RingpostError("invalid_value", f"The request is not one that is taken: {error.detail}."))
    allow = (error.headers or {}).get("allow")
    return refuse(RingpostError(code), **({"allow": allow} if allow else {}))


def on_fault(request: AnyRequest, error: Exception) -> Response[bytes]:
    log_fault(request, error)
    return refuse(RingpostError("internal"))


def log_fault(request: AnyRequest, error: Exception) -> None:
    """A fault of ours. Only where it happened is logged: an exception's text could hold a part of the request."""
    where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    _log.error(
        "request failed",
        method=request.scope["method"],
        route=request.scope.get("path_template"),
        exception=type(error).__name__,
        where=where[-12:],
    )
