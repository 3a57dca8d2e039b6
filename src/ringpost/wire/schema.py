"""The pieces that the catalogues of call events and of notices are made of: JSON Schema (2020-12), and the envelope.

A schema stands alone (no `$ref`), so it can be put into any document. Keys may be added, so no object is closed.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
ENVELOPE_KEYS: Final = ("id", "pbx", "time", "company", "type", "integrationId", "data")


class EventKind(Struct, frozen=True, kw_only=True):
    """One event type. schema: of the whole body; example: a whole body, in the wire's key order."""

    type: str
    summary: str
    description: str
    schema: Schema
    example: dict[str, Any]


def text(description: str) -> Schema:
    return {"type": "string", "description": description}


def text_or_null(description: str) -> Schema:
    return {"type": ["string", "null"], "description": description}


def choice_or_null(description: str, *choices: str) -> Schema:
    return {"type": ["string", "null"], "enum": [*choices, None], "description": description}


def texts(description: str) -> Schema:
    return {"type": "array", "items": {"type": "string"}, "description": description}


def milliseconds(description: str) -> Schema:
    return {"type": ["integer", "null"], "minimum": 0, "description": description}


def object_of(properties: dict[str, Schema], required: tuple[str, ...], description: str, **more: Any) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "description": description,
        **more,
    }


def body_schema(kind: str, summary: str, *, id_is: str, pbx_is: str, data: Schema) -> Schema:
    """The schema of a whole body. id_is, pbx_is: what `id` and `pbx` say in this type; data: that of `data`."""
    properties: dict[str, Schema] = {
        "id": text(id_is),
        "pbx": text(pbx_is),
        "time": {
            "type": "integer",
            "minimum": 0,
            "description": "When it happened, in ms since the Unix epoch. Never decreases within a call.",
        },
        "company": text("The company's id."),
        "type": {"type": "string", "const": kind, "description": "The event type."},
        "integrationId": {
            "type": "string",
            "pattern": "^[0-9a-z]{6}$",
            "description": "The id of the integration that this was sent to.",
        },
        "data": data,
    }
    return {
        "$schema": DIALECT,
        "title": kind,
        **object_of({key: properties[key] for key in ENVELOPE_KEYS}, ENVELOPE_KEYS, summary),
    }
