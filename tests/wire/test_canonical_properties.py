"""The wire's JSON, for all values and all bytes."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ringpost.errors import RingpostError
from ringpost.wire import canonical
from ringpost.wire.javascript import write
from ringpost.wire.path import path
from tests.strategies import has_long_whole_number, nasty_documents, nasty_values, wire_keys, wire_values

REFUSALS_OF_VALUES = {"lone_surrogate", "forbidden_character", "number_not_representable", "nesting_too_deep"}
REFUSALS = REFUSALS_OF_VALUES | {"invalid_json", "duplicate_key"}


def same(value: Any, again: Any) -> bool:
    """Equal as JSON: JavaScript's numbers are doubles, and the order of keys does not count."""
    if isinstance(value, dict):
        return value.keys() == again.keys() and all(same(item, again[key]) for key, item in value.items())
    if isinstance(value, list):
        return len(value) == len(again) and all(map(same, value, again))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return type(again) in {int, float} and float(value) == float(again)
    return type(value) is type(again) and bool(value == again)


@given(value=wire_values)
def test_what_the_wire_carries_keeps_its_meaning(value: Any) -> None:
    assert same(value, json.loads(canonical.encode(value)))


def encoded(value: object) -> bytes | RingpostError:
    try:
        return canonical.encode(value)
    except RingpostError as error:
        return error


def encoded_again(raw: bytes) -> bytes | RingpostError:
    """encode(parse(raw)); what parse took, encode has to take."""
    try:
        value = canonical.parse(raw)
    except RingpostError as error:
        return error
    return canonical.encode(value)


@given(value=nasty_values)
def test_a_value_is_refused_with_a_path_or_encoded_as_a_fixed_point(value: Any) -> None:
    raw = encoded(value)
    if isinstance(raw, RingpostError):
        assert raw.code in REFUSALS_OF_VALUES
        assert raw.field is not None or not isinstance(value, dict | list)
        return
    again = encoded_again(raw)
    if isinstance(again, RingpostError):  # written as an integer that only a float may be
        assert again.code == "number_not_representable"
        assert has_long_whole_number(value)
    else:
        assert again == raw


@given(raw=nasty_documents() | st.binary())
@settings(max_examples=300)
@example(raw=b'{"a":1}\xff')
def test_any_bytes_are_refused_or_encoded_and_nothing_else_happens(raw: bytes) -> None:
    ours = encoded_again(raw)
    if isinstance(ours, RingpostError):
        assert ours.code in REFUSALS
        ours.message.encode()  # no half of a character gets into an answer
    else:
        ours.decode()


@given(value=wire_values)
def test_the_fast_way_and_the_complete_way_write_the_same(value: Any) -> None:
    assert canonical.encode(value) == write(value, ()).encode()


BAD_LEAVES = st.sampled_from(
    [
        ('"\\udc00"', "lone_surrogate"),
        ('"\\ufffe"', "forbidden_character"),
        ("9007199254740993", "number_not_representable"),
        ("-1e999", "number_not_representable"),
        ('{"twice":1,"twice":2}', "duplicate_key"),
        ("[" * 40 + "]" * 40, "nesting_too_deep"),
        ("Infinity", "invalid_json"),
        ("[1,?]", "invalid_json"),
    ]
)


@given(
    place=st.lists(wire_keys | st.integers(0, 4), max_size=6),
    bad=BAD_LEAVES,
    before=st.lists(wire_values, max_size=2),
    after=st.lists(wire_values, max_size=2),
)
def test_a_refusal_names_the_place_wherever_it_is(
    place: list[str | int], bad: tuple[str, str], before: list[Any], after: list[Any]
) -> None:
    leaf, code = bad
    document = leaf
    for step in reversed(place):
        if isinstance(step, str):
            document = f"{{{json.dumps(step)}:{document}}}"
        else:
            document = "[" + "null," * step + document + "]"
    # siblings that are fine, large numbers apart, which only a float may be
    sides = [json.dumps(side) for side in (before, after) if not has_long_whole_number(side)]
    raw = ("[" + ",".join([*sides, document, *sides]) + "]").encode()
    with pytest.raises(RingpostError) as caught:
        canonical.parse(raw)
    assert caught.value.code == code
    named = caught.value.field or ""
    start = path([len(sides), *place])
    if code == "nesting_too_deep":
        depth = 1 + len(place)
        assert named == start + "[0]" * (32 - depth)
    elif leaf == "[1,?]":
        assert named == start + "[1]"
    else:
        assert named == path([len(sides), *place, *(("twice",) if code == "duplicate_key" else ())])


@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_short_and_exact(number: float) -> None:
    text = canonical.encode(number).decode()
    assert float(text) == number
    assert len(text) <= 25
    assert "e" in text or math.fabs(number) < 1e21
