"""Reading bodies and queries: whatever comes in, there is a value or a refusal that names the place."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from ringpost.api.body import decode, read_body
from ringpost.api.integration_shapes import Install
from ringpost.api.query import COMPANY, CURSOR, LIMIT, OPEN, SINCE, STATE, read_query
from ringpost.api.shapes import NewKey
from ringpost.errors import RingpostError
from ringpost.integrations.requests import EditRequest, RotateRequest

T = TypeVar("T")

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from([*Install.__struct_fields__, *RotateRequest.__struct_fields__, "other"])


def refused_or_read(read: Callable[[], T]) -> T | RingpostError:
    try:
        return read()
    except RingpostError as error:
        return error


@given(st.binary() | st.dictionaries(fields, documents).map(lambda document: json.dumps(document).encode()))
def test_any_body_is_a_request_or_a_refusal(body: bytes) -> None:
    shapes: list[type[Struct]] = [Install, EditRequest, RotateRequest]
    for shape in shapes:
        found = refused_or_read(partial(decode, body, shape))
        assert isinstance(found, shape) or (isinstance(found, RingpostError) and found.status in {400, 422})


@given(st.binary())
def test_any_query_is_values_or_a_refusal(query: bytes) -> None:
    found = refused_or_read(partial(read_query, query, (COMPANY, CURSOR, LIMIT, OPEN, SINCE, STATE)))
    if isinstance(found, RingpostError):
        assert found.code in {"unknown_field", "invalid_value"}
    else:
        assert 1 <= (found.number("limit") or 0) <= 200


@pytest.mark.parametrize(
    ("shape", "body", "message"),
    [
        (Install, b"{}", "`type` is needed."),
        (Install, b'{"type":1}', "`type` takes text, not whole number."),
        (RotateRequest, b'{"graceMs":-1}', "`graceMs` takes whole number >= 0."),
        (RotateRequest, b'{"grace":1}', "There is no `grace`; there are secret, key, graceMs."),
        (NewKey, b'{"role":"root"}', "`role` is one of operator, admin, viewer, source."),
        (EditRequest, b"[]", "The body takes object, not list."),
    ],
)
def test_a_refusal_says_what_would_be_right(shape: type[Struct], body: bytes, message: str) -> None:
    with pytest.raises(RingpostError) as refused:
        decode(body, shape)
    assert refused.value.message == message


@given(st.integers(min_value=1, max_value=200), st.integers(min_value=0, max_value=253_402_300_799_999), st.booleans())
def test_good_values_of_a_query_are_read(limit: int, since: int, is_open: bool) -> None:
    query = read_query(f"limit={limit}&since={since}&open={json.dumps(is_open)}".encode(), (LIMIT, SINCE, OPEN))
    assert (query.number("limit"), query.number("since"), query.flag("open")) == (limit, since, is_open)


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=6), st.integers(min_value=0, max_value=60))
async def test_a_body_in_parts_is_read_up_to_the_limit_and_no_further(parts: list[bytes], limit: int) -> None:
    whole, asked = b"".join(parts), 0

    async def receive() -> Any:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": parts[asked - 1], "more_body": asked < len(parts)}

    if len(whole) <= limit:
        assert await read_body([], receive, limit) == whole
        return
    with pytest.raises(RingpostError) as refused:
        await read_body([], receive, limit)
    assert refused.value.code == "body_too_large"
    assert len(b"".join(parts[: asked - 1])) <= limit  # it stopped with the part that was too much


async def test_a_client_that_goes_away_is_no_fault_of_ours() -> None:
    async def receive() -> Any:
        return {"type": "http.disconnect"}

    with pytest.raises(RingpostError) as refused:
        await read_body([], receive, 10)
    assert refused.value.code == "invalid_json"


@pytest.mark.parametrize("announced", [b"11", b"1" * 5000, b"1", b"\xb2"])
async def test_a_body_is_too_large_whatever_length_was_announced(announced: bytes) -> None:
    async def receive() -> Any:
        return {"type": "http.request", "body": b"x" * 11, "more_body": False}

    with pytest.raises(RingpostError) as refused:
        await read_body([(b"content-length", announced)], receive, 10)
    assert refused.value.code == "body_too_large"
