"""A batch falls into its events, and one that is broken takes no other with it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost.errors import RingpostError
from ringpost.intake.split import split_batch
from tests.strategies import nasty_values

GOOD = b'{"id":"1","text":"a ] } , \\" \xc3\xa9"}'
HALF = b'{"text":"\\ud800"}'
DEEP = b"[" * 20_000 + b"]" * 20_000

spaces = st.sampled_from([b"", b" ", b"\n\t ", b"\r\n"])


@given(st.lists(nasty_values, max_size=5), spaces)
def test_a_batch_comes_apart_into_the_very_bytes_of_its_events(values: list[object], space: bytes) -> None:
    events = [json.dumps(value).encode() for value in values]
    body = space + b'{"events":' + space + b"[" + (space + b"," + space).join(events) + space + b"]" + space + b"}"
    assert split_batch(body) == events


@pytest.mark.parametrize("bad", [HALF, DEEP, b'{"text":"\\ud800","a":[{"b":[1,2]},3]}'])
def test_an_event_that_cannot_be_decoded_leaves_the_others_whole(bad: bytes) -> None:
    body = b'{ "events" : [ ' + GOOD + b" , " + bad + b"," + GOOD + b" ] } "
    assert split_batch(body) == [GOOD, bad, GOOD]


def test_an_event_that_is_missing_between_two_commas_is_one_that_is_refused_alone() -> None:
    assert split_batch(b'{"events":[' + HALF + b",," + GOOD + b"]}") == [HALF, b"", GOOD]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b'{"events":[' + HALF, "invalid_json"),
        (b'{"events":[' + HALF + b"]}}", "invalid_json"),
        (b'{"events":[' + HALF + b"}", "invalid_json"),
        (b'{"events":[' + HALF + b'],"more":1}', "lone_surrogate"),
        (b'{"event":[' + HALF + b"]}", "wrong_type"),
        (b'{"event":[]}', "wrong_type"),
        (b'{"events":{}}', "wrong_type"),
        (b"[]", "wrong_type"),
        (b'{"x":' + DEEP + b"}", "wrong_type"),
    ],
)
def test_what_is_no_batch_is_refused_whole(body: bytes, code: str) -> None:
    with pytest.raises(RingpostError) as refused:
        split_batch(body)
    assert refused.value.code == code


@given(st.binary(max_size=60))
def test_any_bytes_are_split_or_refused(body: bytes) -> None:
    try:
        split_batch(body)
    except RingpostError:
        return
    assert body.strip().startswith(b"{")
