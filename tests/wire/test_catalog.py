"""What is documented of the event types is what is sent."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from ringpost.model.data import DATA_KEYS, EXTRA_KEYS, PARTY_KEYS, TIME_KEYS, CallData, to_wire
from ringpost.model.event import CALL_END, CALL_START, CALL_UPDATE, EVENT_TYPES
from ringpost.wire import canonical
from ringpost.wire.catalog import EVENT_CATALOG
from ringpost.wire.schema import ENVELOPE_KEYS
from tests.strategies import call_data, ended_call_data

pytestmark = pytest.mark.parametrize("kind", EVENT_TYPES)


def properties(schema: dict[str, Any]) -> tuple[str, ...]:
    return tuple(schema["properties"])


def as_sent(kind: str, data: CallData, *, extra_keys: bool) -> object:
    wire = to_wire(data, ended=kind == CALL_END, extra_keys=extra_keys)
    body = canonical.splice(
        call="it_w000042_1.2",
        pbx="42",
        time=1,
        company="it_w000042",
        type=kind,
        integration="8qkmnq",
        data=canonical.encode(wire),
    )
    return canonical.parse(body)


def test_the_catalog_has_the_event_types_in_their_order(kind: str) -> None:
    assert tuple(EVENT_CATALOG) == EVENT_TYPES
    assert EVENT_CATALOG[kind].type == kind


def test_a_schema_is_valid_and_its_example_fits(kind: str) -> None:
    schema = EVENT_CATALOG[kind].schema
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(EVENT_CATALOG[kind].example)


def test_an_example_is_what_is_sent_byte_for_byte(kind: str) -> None:
    example = EVENT_CATALOG[kind].example
    raw = canonical.encode(example)
    assert canonical.encode(canonical.parse(raw)) == raw
    data = msgspec.convert(example["data"], CallData)
    assert as_sent(kind, data, extra_keys=True) == {
        **example,
        "id": "it_w000042_1.2",
        "pbx": "42",
        "time": 1,
    }


def test_keys_are_those_of_the_wire_in_their_order(kind: str) -> None:
    example, schema = EVENT_CATALOG[kind].example, EVENT_CATALOG[kind].schema
    extra = EXTRA_KEYS if kind == CALL_END else tuple(key for key in EXTRA_KEYS if key not in TIME_KEYS)
    assert tuple(example) == properties(schema) == ENVELOPE_KEYS
    assert tuple(example["data"]) == properties(schema["properties"]["data"]) == (*DATA_KEYS, *extra)
    assert tuple(example["data"]["caller"]) == PARTY_KEYS
    for party in ("caller", "callee"):
        assert properties(schema["properties"]["data"]["properties"][party]) == PARTY_KEYS


def test_all_keys_but_ours_are_required(kind: str) -> None:
    schema = EVENT_CATALOG[kind].schema
    data = schema["properties"]["data"]
    assert schema["required"] == list(ENVELOPE_KEYS)
    assert data["required"] == list(DATA_KEYS)
    assert data["properties"]["caller"]["required"] == list(PARTY_KEYS)


def test_everything_is_described(kind: str) -> None:
    def check(schema: dict[str, Any]) -> None:
        assert schema["description"].endswith("."), schema
        for part in schema.get("properties", {}).values():
            check(part)

    assert EVENT_CATALOG[kind].summary
    assert EVENT_CATALOG[kind].description
    check(EVENT_CATALOG[kind].schema)


@given(ended=ended_call_data, going_on=call_data)
def test_every_event_of_a_source_fits_its_schema(kind: str, ended: CallData, going_on: CallData) -> None:
    validator = Draft202012Validator(EVENT_CATALOG[kind].schema)
    for extra_keys in (True, False):
        validator.validate(as_sent(kind, ended if kind == CALL_END else going_on, extra_keys=extra_keys))


@pytest.mark.parametrize(
    "change",
    [{"type": "call:other"}, {"time": "1"}, {"id": None}, {"integrationId": "8QKMNQ"}, {"data": {}}],
    ids=lambda change: next(iter(change)),
)
def test_what_is_not_such_an_event_does_not_fit(kind: str, change: dict[str, Any]) -> None:
    validator = Draft202012Validator(EVENT_CATALOG[kind].schema)
    assert not validator.is_valid({**EVENT_CATALOG[kind].example, **change})


def test_before_the_end_nothing_is_said_of_it(kind: str) -> None:
    ended = EVENT_CATALOG[CALL_END].example
    fits = Draft202012Validator(EVENT_CATALOG[kind].schema).is_valid({**ended, "type": kind})
    assert fits == (kind not in {CALL_START, CALL_UPDATE})
