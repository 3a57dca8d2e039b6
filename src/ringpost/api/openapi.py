"""The OpenAPI 3.1 document of the API, made from the declarations of its operations and the shapes they name. Pure.

What receivers get is in it as `webhooks`, from the catalogue of the wire format.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from ringpost import __version__
from ringpost.access.keys import RIGHTS
from ringpost.errors import ERRORS
from ringpost.wire.catalog import EVENT_CATALOG
from ringpost.wire.notices import NOTICE_CATALOG
from ringpost.wire.schema import EventKind

from .operation import JSON, PART, Operation
from .query import COMPANY
from .shapes import Refusal

_REF: Final = "#/components/schemas/{name}"
_REFUSED: Final = {"$ref": "#/components/schemas/Refused"}
_OF_A_KEY: Final = ("key_missing", "key_invalid")
_OF_A_BODY: Final = (
    "invalid_json", "body_too_large", "duplicate_key", "nesting_too_deep", "lone_surrogate", "forbidden_character",
    "number_not_representable", "missing_field", "unknown_field", "wrong_type", "invalid_value",
)  # fmt: skip
_OF_AN_IDEMPOTENCY_KEY: Final = ("idempotency_key_invalid", "idempotency_key_reused", "idempotency_in_flight")
_ABOUT: Final = (
    "Times are milliseconds since the Unix epoch. An answer is `{success: true, result}`, a list's also has `next`, "
    "the cursor of the page after it; a refusal is `{success: false, error: {code, message, field?}}`. Every reply "
    "carries `X-Request-Id`, the client's own where it sent one."
)
_HEADERS: Final = {
    "x-signature": "Lower-case hex HMAC-SHA256 of the body, with the integration's secret.",
    "webhook-id": "The delivery's id; the same on every retry.",
    "webhook-timestamp": "Seconds since the Unix epoch, of the attempt.",
    "webhook-signature": "Standard Webhooks: `v1,<base64>` of HMAC-SHA256 over `id.timestamp.body`.",
    "x-ringpost-attempt": "The attempt, from 1.",
    "x-ringpost-sequence": "The event's number within its call, from 1.",
}


def describe(operations: Sequence[Operation]) -> dict[str, Any]:
    """The document."""
    shapes = [
        shape
        for operation in operations
        for shape in (operation.answers, operation.takes, operation.also and operation.also[1])
    ]
    schemas, components = msgspec.json.schema_components([*shapes, Refusal], ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for number, operation in enumerate(operations):
        result, body, other = schemas[3 * number : 3 * number + 3]
        told = _operation(operation, result)
        if operation.also is not None:
            told["responses"][str(operation.also[0])] = _answer(operation, other)
        if operation.takes is not None:
            content = {JSON: {"schema": body, "example": operation.example}}
            told["requestBody"] = {"required": not operation.optional_body, "content": content}
        elif operation.takes_file is not None:
            text = {"schema": {"type": "string"}, "example": operation.example}
            told["requestBody"] = {"required": True, "content": {operation.takes_file[0]: text}}
        paths.setdefault(operation.path, {})[operation.method.lower()] = told
    return {
        "openapi": "3.1.0",
        "info": {"title": "Ringpost", "version": __version__, "description": _ABOUT},
        "security": [{"bearer": []}, {"apiKey": []}],
        "paths": paths,
        "webhooks": {name: {"post": _webhook(kind)} for name, kind in (EVENT_CATALOG | NOTICE_CATALOG).items()},
        "components": {
            "schemas": {**components, "Refused": _refused()},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, `rp_…`."},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key"},
            },
        },
    }


def _operation(operation: Operation, result: dict[str, Any]) -> dict[str, Any]:
    about = [operation.about] if operation.about else []
    if not operation.is_open:
        roles = [role for role, rights in RIGHTS.items() if operation.right is None or operation.right in rights]
        about.append(f"Roles: {', '.join(roles)}.")
    told: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": " ".join(about),
        "tags": [operation.tag],
        "parameters": list(_parameters(operation)),
        "responses": {str(operation.status): _answer(operation, result), **_refusals(operation)},
    }
    if operation.is_open:
        told["security"] = []
    return told


def _parameters(operation: Operation) -> Iterable[dict[str, Any]]:
    for part in PART.findall(operation.path):
        yield {"name": part, "in": "path", "required": True, "schema": {"type": "string"}}
    for parameter in operation.query:
        yield {
            "name": parameter.name,
            "in": "query",
            "required": False,
            "description": parameter.meaning,
            "schema": parameter.schema(),
        }
    if operation.idempotent:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": "A request that comes again with the same key and body gets the same answer, for a day.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }


def _answer(operation: Operation, result: dict[str, Any]) -> dict[str, Any]:
    schema = result
    if not operation.is_bare:
        properties: dict[str, Any] = {"success": {"const": True}, "result": result}
        if operation.is_list:
            properties = {
                "success": {"const": True},
                "result": {"type": "array", "items": result},
                "next": {"type": ["string", "null"], "description": "The cursor of the page after this one."},
            }
        schema = {"type": "object", "properties": properties, "required": list(properties)}
    media_type = operation.media_type.partition(";")[0]
    return {"description": "Done.", "content": {media_type: {"schema": schema}}}


def _refusals(operation: Operation) -> dict[str, Any]:
    """The replies of refusals, by status, with their codes."""
    codes: list[str] = [*operation.refusals, "internal"]
    if not operation.is_open:
        codes += _OF_A_KEY
    if operation.right is not None:
        codes.append("role_too_small")
    if operation.query:
        codes += ["unknown_field", "invalid_value"]
    if operation.takes is not None:
        codes += _OF_A_BODY
    in_body = operation.takes is not None and "company" in operation.takes.__struct_fields__
    if in_body or COMPANY in operation.query:
        codes.append("company_foreign")
    if in_body:
        codes.append("company_missing")
    if operation.idempotent:
        codes += _OF_AN_IDEMPOTENCY_KEY
    if operation.method != "GET":
        codes += ["ledger_full", "ledger_unavailable"]
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(ERRORS[code].status, []).append(f"`{code}`")
    return {
        str(status): {"description": f"{', '.join(names)}.", "content": {JSON: {"schema": _REFUSED}}}
        for status, names in sorted(by_status.items())
    }


def _refused() -> dict[str, Any]:
    properties = {"success": {"const": False}, "error": {"$ref": "#/components/schemas/Refusal"}}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _webhook(kind: EventKind) -> dict[str, Any]:
    """What a receiver gets of one event type."""
    return {
        "operationId": "receive" + "".join(part.capitalize() for part in kind.type.replace("-", ":").split(":")),
        "summary": kind.summary,
        "description": kind.description,
        "tags": ["Receiving"],
        "security": [],
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": meaning, "schema": {"type": "string"}}
            for name, meaning in _HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {JSON: {"schema": kind.schema, "example": kind.example}}},
        "responses": {
            "2XX": {"description": "It was received. Answer within 5 seconds; anything else is tried again."},
            "410": {"description": "It is not wanted any more: the integration is paused."},
        },
    }
