"""The catalogue of notices: what is documented is what is sent."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from ringpost.model.notice import NOTICE_KEYS, NOTICE_TYPES
from ringpost.wire import canonical
from ringpost.wire.notices import NOTICE_CATALOG
from ringpost.wire.schema import ENVELOPE_KEYS

pytestmark = pytest.mark.parametrize("kind", NOTICE_TYPES)


def test_the_catalogue_has_every_type_in_their_order(kind: str) -> None:
    assert tuple(NOTICE_CATALOG) == NOTICE_TYPES
    assert NOTICE_CATALOG[kind].type == kind


def test_an_example_fits_its_schema_and_is_as_it_is_sent(kind: str) -> None:
    schema, example = NOTICE_CATALOG[kind].schema, NOTICE_CATALOG[kind].example
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(example)
    assert canonical.parse(canonical.encode(example)) == example
    assert tuple(example) == tuple(schema["properties"]) == ENVELOPE_KEYS
    data = schema["properties"]["data"]
    assert tuple(example["data"]) == tuple(data["properties"]) == tuple(data["required"]) == NOTICE_KEYS


@pytest.mark.parametrize(
    "change", [{"type": "call:end"}, {"data": {}}, {"time": None}], ids=lambda one: next(iter(one))
)
def test_what_is_no_such_notice_does_not_fit(kind: str, change: dict[str, Any]) -> None:
    kinds = NOTICE_CATALOG[kind]
    assert not Draft202012Validator(kinds.schema).is_valid({**kinds.example, **change})


def test_everything_is_described(kind: str) -> None:
    def check(schema: dict[str, Any]) -> None:
        assert schema["description"].endswith("."), schema
        for part in schema.get("properties", {}).values():
            check(part)

    assert NOTICE_CATALOG[kind].summary.endswith(".")
    assert NOTICE_CATALOG[kind].description.endswith(".")
    check(NOTICE_CATALOG[kind].schema)
