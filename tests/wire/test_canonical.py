"""The wire's JSON, case by case: what comes out in which form, and what is refused, with which code and path."""

from __future__ import annotations

import json
import sys
from enum import IntEnum, StrEnum
from typing import Any

import pytest

from ringpost.errors import RingpostError
from ringpost.wire import canonical
from tests.strategies import nested


def refusal(raw: bytes) -> tuple[str, str | None]:
    with pytest.raises(RingpostError) as caught:
        canonical.parse(raw)
    return caught.value.code, caught.value.field


def refusal_of_value(value: object, at: tuple[str | int, ...] = ()) -> tuple[str, str | None]:
    with pytest.raises(RingpostError) as caught:
        canonical.encode(value, at)
    return caught.value.code, caught.value.field


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("1.0", "1"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("1E2", "100"),
        ("0.10", "0.1"),
        ("1e-400", "0"),
        ("0.000001", "0.000001"),
        ("0.0000001", "1e-7"),
        ("0.00001234", "0.00001234"),
        ("-1.5e-7", "-1.5e-7"),
        ("1e16", "10000000000000000"),
        ("123456789012345680000.0", "123456789012345680000"),
        ("1e21", "1e+21"),
        ("1.25e21", "1.25e+21"),
        ("0.1234567890123456789", "0.12345678901234568"),
        ("5e-324", "5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("9007199254740991", "9007199254740991"),
        ("-9007199254740991", "-9007199254740991"),
    ],
)
def test_numbers_take_the_form_of_javascript(written: str, form: str) -> None:
    assert canonical.encode(canonical.parse(f'{{"n":[{written}]}}'.encode())).decode() == f'{{"n":[{form}]}}'


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ('"', '"\\""'),
        ("\\ /", '"\\\\ /"'),
        ("\b\t\n\f\r", '"\\b\\t\\n\\f\\r"'),
        ("\0\x1f", '"\\u0000\\u001f"'),
        ("\x7f", '"\x7f"'),
        ("\u2028\u2029", '"\u2028\u2029"'),
        ("Ñandú 📞", '"Ñandú 📞"'),
        ("\ufffd\ufeff\U0001fffe", '"\ufffd\ufeff\U0001fffe"'),
        ("<b>&'", '"<b>&\'"'),
    ],
)
def test_texts_are_escaped_only_where_javascript_escapes(text: str, form: str) -> None:
    for written in (json.dumps(text), json.dumps(text, ensure_ascii=False)):
        assert canonical.encode(canonical.parse(written.encode())).decode() == form


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ('{"b":1,"a":2}', '{"b":1,"a":2}'),
        ('{"b":1,"10":2,"9":3}', '{"9":3,"10":2,"b":1}'),
        ('{"b":{"x":0,"0":1},"-1":0}', '{"b":{"0":1,"x":0},"-1":0}'),
        ('{"01":1,"1.5":2,"1":3}', '{"1":3,"01":1,"1.5":2}'),
        ('{"a":1,"4294967295":2,"4294967294":3}', '{"4294967294":3,"a":1,"4294967295":2}'),
        ('{"":1,"__proto__":2,"٣":3}', '{"":1,"__proto__":2,"٣":3}'),
    ],
)
def test_keys_that_are_array_indexes_move_to_where_javascript_puts_them(written: str, form: str) -> None:
    assert canonical.encode(canonical.parse(written.encode())).decode() == form


def test_spaces_around_and_in_a_document_are_left_out() -> None:
    assert canonical.encode(canonical.parse(b'\r\n { "a" :\t[ 1 , 2 ] } \n')) == b'{"a":[1,2]}'


@pytest.mark.parametrize("raw", [b"null", b"true", b'"a"', b"7", b"[]", b"{}", b'{"":[]}'])
def test_any_value_can_be_a_document(raw: bytes) -> None:
    assert canonical.encode(canonical.parse(raw)) == raw


@pytest.mark.parametrize(
    ("raw", "code", "field"),
    [
        # not one document of JSON in UTF-8
        (b"", "invalid_json", None),
        (b"  ", "invalid_json", None),
        (b"\xef\xbb\xbf{}", "invalid_json", None),
        (b'{"a":"\xff"}', "invalid_json", None),
        (b'"\xed\xa0\x80"', "invalid_json", None),
        (b"{}{}", "invalid_json", None),
        (b'{"a":1} x', "invalid_json", None),
        (b'{"data":{"tags":["a",]}}', "invalid_json", "data.tags[1]"),
        (b'{"data":{"name":"a\nb"}}', "invalid_json", "data.name"),
        (b'{"data":{"name":\'a\'}}', "invalid_json", "data.name"),
        (b'{"data":{"a b":[{"c":"cut off', "invalid_json", 'data["a b"][0].c'),
        (b'{"n":[1,01]}', "invalid_json", "n[1]"),
        (b'{"n":1_000}', "invalid_json", "n"),
        (b'{"n":NaN}', "invalid_json", "n"),
        (b'{"n":[0,-Infinity]}', "invalid_json", "n[1]"),
        (b'{"n":nan}', "invalid_json", "n"),
        # keys
        (b'{"a":1,"a":1}', "duplicate_key", "a"),
        (b'{"a":1,"\\u0061":1}', "duplicate_key", "a"),
        (b'{"data":[{"b":{}},{"x y":1,"z":2,"x y":3}]}', "duplicate_key", 'data[1]["x y"]'),
        (b'{"caller":{"name":"a"},"callee":{"name":"b"},"name":"c","name":"d"}', "duplicate_key", "name"),
        (b'{"a":"b","b":{"c":1,"c":2}}', "duplicate_key", "b.c"),
        # texts
        (b'{"data":{"name":"\\ud83d"}}', "lone_surrogate", "data.name"),
        (b'["\\udcde\\ud83d"]', "lone_surrogate", "[0]"),
        (b'{"data":{"\\ud800":1}}', "lone_surrogate", 'data["\\ud800"]'),
        (b'{"data":{"name":"\\uffff"}}', "forbidden_character", "data.name"),
        ('{"data":["a","\ufffe"]}'.encode(), "forbidden_character", "data[1]"),
        ('{"\uffff":1}'.encode(), "forbidden_character", '["\\uffff"]'),
        # numbers
        (b'{"a":{"n":9007199254740992}}', "number_not_representable", "a.n"),
        (b"[-9007199254740992]", "number_not_representable", "[0]"),
        (b"[1,2,100000000000000000000]", "number_not_representable", "[2]"),
        (b'{"n":1e400}', "number_not_representable", "n"),
        (b'{"n":-1.5E+309}', "number_not_representable", "n"),
        (b'{"n":' + b"9" * 5000 + b"}", "number_not_representable", "n"),
        (b'{"n":' + b"9" * 400 + b".5}", "number_not_representable", "n"),
        # what comes first in the document is told, whatever a parser finds first
        (b'{"n":9007199254740993,"a":1,"a":', "number_not_representable", "n"),
        (b'{"a":1,"a":9007199254740993}', "duplicate_key", "a"),
    ],
)
def test_what_cannot_go_over_the_wire_is_refused_with_its_path(raw: bytes, code: str, field: str | None) -> None:
    assert refusal(raw) == (code, field)


def test_a_document_may_be_nested_32_deep_and_no_deeper() -> None:
    raw = canonical.encode(nested(32))
    assert canonical.encode(canonical.parse(raw)) == raw
    assert refusal(json.dumps(nested(33)).encode()) == ("nesting_too_deep", "[0].a" * 16)
    assert refusal_of_value(nested(33)) == ("nesting_too_deep", "[0].a" * 16)


def test_brackets_in_texts_and_side_by_side_are_no_nesting() -> None:
    value = {"text": '[[[{{{"' * 20, "list": [[]] * 40, 'key "[': [{}] * 40}
    assert canonical.parse(canonical.encode(value)) == value


def test_the_levels_above_a_value_count_to_its_depth() -> None:
    inner = nested(31)
    canonical.encode(inner, ("data",))
    assert refusal_of_value(inner, ("data", "more"))[0] == "nesting_too_deep"


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 10_000,
        b"[" * 131_072 + b"]" * 131_072,
        b'{"a":' * 43_000,
        b'[{"a":' * 40_000,
        b'"' + b'\\"' * 131_000,
        b"[[]," * 40 + b'"' + b'\\"' * 130_000,
        b"[]," * 40 + b'"\\' * 130_000,
        b"{" * 40 + b'\\"' * 130_000,
        b"9" * 262_144,
        b"-" * 262_144,
        b"1e" + b"9" * 262_000,
        b"[" + b"1," * 131_000 + b"9007199254740993]",
        b"[" + b'"",' * 87_000 + b'{"a":1,"a":2}]',
        b'{"' + b"k" * 262_000 + b'":9007199254740993}',
        b" " * 262_144,
        b"\xff" * 262_144,
    ],
    ids=lambda raw: f"{raw[:8]!r} {len(raw)}",
)
def test_hostile_input_is_refused_and_nothing_else(raw: bytes) -> None:
    code, field = refusal(raw)
    assert code in {"invalid_json", "nesting_too_deep", "number_not_representable", "duplicate_key"}
    assert field is None or len(field) < 300


def test_a_byte_order_mark_is_told_by_its_name() -> None:
    with pytest.raises(RingpostError, match="byte order mark"):
        canonical.parse(b"\xef\xbb\xbf{}")


def test_an_error_names_the_place_what_is_wrong_and_what_would_be_right() -> None:
    with pytest.raises(RingpostError) as caught:
        canonical.parse(b'{"data":{"accountId":9007199254740993}}')
    assert caught.value.message == (
        "`data.accountId` is a whole number beyond 9007199254740991, which JavaScript rounds; send it as a string."
    )
    with pytest.raises(RingpostError) as caught:
        canonical.parse(b'{"data":\n{"tags":[1 2]}}')
    assert caught.value.message == (
        "The body is not valid JSON: Expecting ',' delimiter (line 2, column 12, in `data.tags[0]`)."
    )


@pytest.mark.parametrize(
    ("value", "code", "field"),
    [
        ({"a": [float("nan")]}, "number_not_representable", "a[0]"),
        ({"a": float("inf")}, "number_not_representable", "a"),
        ({"a": 2**53}, "number_not_representable", "a"),
        ({"a": {1: 2}}, "wrong_type", "a"),
        ({"a": {"b": 1, 2: 3}}, "wrong_type", "a"),
        ({None: 1}, "wrong_type", None),
        ({True: 1}, "wrong_type", None),
        ({"a": b"bytes"}, "wrong_type", "a"),
        ({"a": [{1, 2}]}, "wrong_type", "a[0]"),
        (object(), "wrong_type", None),
        ({"a": ("ok", "\ud800")}, "lone_surrogate", "a[1]"),
        ({"a\uffff": 1}, "forbidden_character", '["a\\uffff"]'),
    ],
)
def test_values_that_have_no_form_are_refused_with_their_path(value: object, code: str, field: str | None) -> None:
    assert refusal_of_value(value) == (code, field)


def test_a_path_begins_where_the_value_belongs() -> None:
    assert refusal_of_value({"caller": {"name": "\ud800"}}, ("data",)) == ("lone_surrogate", "data.caller.name")


def test_tuples_are_lists_and_subclasses_are_what_they_extend() -> None:
    class Status(StrEnum):
        TALKING = "TALKING"

    class Cause(IntEnum):
        NORMAL = 16

    class Many(dict[str, Any]):
        pass

    assert (
        canonical.encode(Many(a=(1, True, Status.TALKING, Cause.NORMAL, None))) == b'{"a":[1,true,"TALKING",16,null]}'
    )


def test_a_value_that_contains_itself_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert refusal_of_value(loop)[0] == "nesting_too_deep"
    assert sys.getrecursionlimit() >= 1000


def test_whole_numbers_come_as_integers_however_they_are_written() -> None:
    value = canonical.parse(b"[1.0,1e3,-0.0,0.5]")
    assert value == [1, 1000, 0, 0.5]
    assert isinstance(value, list)
    assert [type(number) for number in value] == [int, int, int, float]


def test_one_head_serves_all_integrations_of_an_event() -> None:
    event = {"call": "it_w000042_1.2", "pbx": "42", "time": 1693389850810, "company": "it_w000042"}
    head = canonical.envelope_head(**event, type="call:start")  # type: ignore[arg-type]
    for integration in ("8qkmnq", "000000"):
        body = canonical.body(head, integration, b'{"status":"CONNECTING"}')
        assert body.decode() == (
            '{"id":"it_w000042_1.2","pbx":"42","time":1693389850810,"company":"it_w000042","type":"call:start",'
            f'"integrationId":"{integration}","data":{{"status":"CONNECTING"}}}}'
        )


def test_an_envelope_with_what_cannot_be_sent_is_refused() -> None:
    with pytest.raises(RingpostError) as caught:
        canonical.envelope_head(call="a\uffff", pbx="42", time=1, company="c", type="call:start")
    assert (caught.value.code, caught.value.field) == ("forbidden_character", "id")
