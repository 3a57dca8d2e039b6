"""What a person types to find a call, and in which calls it is found."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost.model.search import TEXT_LIMIT, Search, search_for


def looking_for(typed: str) -> Search:
    search = search_for(typed)
    assert search is not None
    return search


def data(**told: Any) -> bytes:
    return json.dumps(told, ensure_ascii=False).encode()


@pytest.mark.parametrize("typed", ["", "   ", "\n\t"])
def test_nothing_is_no_search(typed: str) -> None:
    assert search_for(typed) is None


@pytest.mark.parametrize("typed", ["+39 045 123-4567", "0039 045/1234567", "39 (045) 1234567", "390451234567"])
def test_a_number_is_found_however_it_is_written(typed: str) -> None:
    assert looking_for(typed).is_in(data(caller={"phone": "+390451234567"}))


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("+39 045 1234567", "0451234567"),
        ("+49 171 1234567", "01711234567"),
        ("01711234567", "+491711234567"),
        ("1234567", "+390451234567"),
        ("0451234567", "+39 045 1234567"),
    ],
)
def test_a_number_is_found_with_its_country_code_and_without(typed: str, told: str) -> None:
    assert looking_for(typed).is_in(data(caller={"phone": told}))
    assert looking_for(typed).ending in told


@pytest.mark.parametrize(("typed", "told"), [("+39045 1234567", "+390451234568"), ("+390451234567", "210"), ("0", "7")])
def test_another_number_is_not(typed: str, told: str) -> None:
    assert not looking_for(typed).is_in(data(caller={"phone": told}))


def test_an_extension_keeps_its_zeros() -> None:
    assert looking_for("012").is_in(data(callee={"userExtension": "012"}))
    assert not looking_for("012").is_in(data(callee={"userExtension": "112"}))


@pytest.mark.parametrize("typed", ["alice", "ALICE M", "Müller", "alice@acme.example", 'Al"x', "support"])
def test_any_part_of_a_name_is_found_in_capitals_or_not(typed: str) -> None:
    names = {"name": 'Alice MÜLLER Al"x', "email": "alice@acme.example"}
    assert looking_for(typed).is_in(data(caller=names, queueName="Support"))


def test_only_people_and_places_are_looked_at() -> None:
    told = data(status="TALKING", tags=["vip"], caller={"type": "REMOTE"}, x="y")
    assert not any(looking_for(typed).is_in(told) for typed in ("talking", "vip", "remote", "caller", "y"))


@pytest.mark.parametrize("told", [b"", b"[]", b"7", b'{"caller":5,"callee":[1],"destination":{}}', b"\xff"])
def test_whatever_the_data_is_it_is_no_match(told: bytes) -> None:
    assert not looking_for("5").is_in(told)


def lower(told: bytes) -> str:
    """As SQLite has it: of plain letters alone."""
    return told.decode().translate({letter: letter + 32 for letter in range(65, 91)})


@given(typed=st.text(min_size=1) | st.text("aBİßé .1", min_size=1), around=st.text(max_size=5))
def test_a_name_that_is_found_has_the_letters_in_its_bytes(typed: str, around: str) -> None:
    search = search_for(typed)
    told = data(caller={"name": around + typed + around})
    if search is not None and not search.digits and search.is_in(told):
        assert search.letters in lower(told)


@given(typed=st.from_regex(r"\+?0{0,2}[0-9]{1,14}", fullmatch=True), code=st.sampled_from(["", "39", "+49", "0"]))
def test_a_number_that_is_found_has_its_ending_in_its_bytes(typed: str, code: str) -> None:
    told = data(callee={"phone": code + typed})
    search = looking_for(typed)
    assert search.is_in(told)
    assert search.ending.encode() in told


def test_a_long_text_is_cut() -> None:
    assert len(looking_for("x" * 1_000).text) == TEXT_LIMIT
