from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost.errors import RingpostError
from ringpost.transports.headers import HEADERS_LIMIT, RESERVED_HEADERS, SIZE_LIMIT, check_headers
from ringpost.transports.message import message_of
from tests.transports.receivers import make_sending


def test_custom_headers_are_taken_as_they_are_and_in_their_order() -> None:
    headers = {"X-My-Token": "s3cret = yes", "authorization": "Bearer é", "x-empty": ""}
    assert check_headers(headers) == tuple(headers.items())
    assert check_headers({}) == ()


@pytest.mark.parametrize("name", [*sorted(RESERVED_HEADERS), "webhook-id", "webhook-x", "x-ringpost-x", "proxy-auth"])
def test_reserved_names_are_refused_in_any_case(name: str) -> None:
    for spelling in (name, name.upper(), name.title()):
        with pytest.raises(RingpostError) as caught:
            check_headers({spelling: "x"})
        assert (caught.value.code, caught.value.field) == ("header_reserved", f"headers.{spelling}")


def test_every_header_that_we_send_is_reserved() -> None:
    for name, _ in message_of(make_sending("http://x.example", replay=1)).fields:
        with pytest.raises(RingpostError, match="reserved"):
            check_headers({name: "x"})


@pytest.mark.parametrize("name", ["", "x y", "x:", "x\r", "x\n", "é", "x\x00", "x" * 129, "(x)", "x\ty"])
def test_names_that_http_does_not_know_are_refused(name: str) -> None:
    with pytest.raises(RingpostError) as caught:
        check_headers({name: "x"})
    assert (caught.value.code, caught.value.field) == ("header_invalid", f"headers.{name[:128]}")


@pytest.mark.parametrize(
    "value", ["a\r\nx: y", "a\n", "\r", "a\x00", "\x7f", "a\tb", " a", "a ", "€", "\x85", "\ud800"]
)
def test_values_that_could_end_a_line_are_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(RingpostError) as caught:
        check_headers({"x-a": value})
    assert (caught.value.code, caught.value.field) == ("header_invalid", "headers.x-a")
    assert value not in caught.value.message or len(value.strip()) < 2


def test_the_number_and_size_of_headers_are_bounded() -> None:
    check_headers({f"x-{number}": "v" for number in range(HEADERS_LIMIT)})
    with pytest.raises(RingpostError, match="Up to"):
        check_headers({f"x-{number}": "v" for number in range(HEADERS_LIMIT + 1)})
    check_headers({"x-a": "v" * (SIZE_LIMIT - 7)})
    with pytest.raises(RingpostError, match="larger"):
        check_headers({"x-a": "v" * (SIZE_LIMIT - 6)})


def test_a_name_in_two_spellings_is_refused() -> None:
    with pytest.raises(RingpostError, match="twice"):
        check_headers({"x-a": "1", "X-A": "2"})


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3))
def test_what_is_taken_makes_one_line_each(headers: dict[str, str]) -> None:
    try:
        taken = check_headers(headers)
    except RingpostError:
        return
    text = "".join(f"{name}: {value}\r\n" for name, value in taken).encode("latin-1")
    assert text.count(b"\n") == text.count(b"\r") == len(headers)
    assert len(text.splitlines()) == len(headers)
