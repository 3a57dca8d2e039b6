"""Which data has to do with a person: numbers by their digits, alone or inside texts, addresses and userIds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost.errors import RingpostError
from ringpost.upkeep.person import Person, check_person, matcher


def phone(number: str, value: Any) -> bool:
    return matcher(check_person(number, None, None))(json.dumps({"data": value}).encode())


@pytest.mark.parametrize(
    "text",
    [
        "+390461555", "00390461555", "390461555", "+39 0461 555", "+39-0461/555", "+39 (0461) 555", " +39.0461.555 ",
        "tel:+390461555", "sip:+390461555@pbx.example", "sip:00390461555@10.0.0.1:5060;user=phone",
        "call from +39 0461 555, then 1001", "(+390461555)", "<+390461555>", "x, 390461555 2 times",
    ],
)  # fmt: skip
def test_a_number_is_found_in_each_of_its_spellings_and_in_texts(text: str) -> None:
    for given_as in ("+390461555", "0039 0461-555", "390461555"):
        assert phone(given_as, {"caller": [{"deep": text}]})
    assert phone("+390461555", {text: 1})


@pytest.mark.parametrize(
    "text",
    ["+3904615556", "1+390461555", "0461555", "390461555a", "x390461555", "+1390461555", "39046155", "", "abc",
     "id-a390461555", "390461555_1", "390461555-7"],
)  # fmt: skip
def test_another_number_or_word_is_not_it(text: str) -> None:
    assert not phone("+390461555", text)


def test_an_extension_is_no_part_of_another_number() -> None:
    assert phone("1001", "1001")
    assert phone("1001", "extension 1001")
    for text in ("11001", "1001-5550", "+1 1001 5550100", "55 1001", "PJSIP/1001x"):
        assert not phone("1001", text)


def test_a_whole_number_counts_from_seven_digits_on() -> None:
    assert phone("390461555", 390461555)
    assert not phone("1001", {"duration": 1001})
    assert not phone("390461555", [True, None, 1.5])


def test_an_address_is_found_in_any_case_and_as_a_whole() -> None:
    wanted = matcher(check_person(None, "Anna@Example.com", None))
    assert wanted(b'{"caller":{"email":"anna@example.COM"}}')
    assert not wanted(b'{"caller":{"email":"joanna@example.com"}}')
    assert not wanted(b'{"caller":{"email":null}}')


def test_a_user_id_is_the_value_of_a_key_of_that_name() -> None:
    wanted = matcher(check_person(None, None, "42"))
    assert wanted(b'{"callee":{"userId":"42"}}')
    assert not wanted(b'{"callee":{"userId":"421","userExtension":"42"}}')


@pytest.mark.parametrize(
    ("given_as", "code", "field"),
    [
        ((None, None, None), "missing_field", "phone"),
        (("1001", "a@b", None), "invalid_value", "phone"),
        ((None, "a@b", "1"), "invalid_value", "email"),
        (("12", None, None), "invalid_value", "phone"),
        (("1" * 21, None, None), "invalid_value", "phone"),
        (("anna", None, None), "invalid_value", "phone"),
        (("", None, None), "invalid_value", "phone"),
        ((None, "anna", None), "invalid_value", "email"),
        ((None, None, ""), "invalid_value", "userId"),
    ],
)
def test_what_is_no_person_is_refused_and_not_repeated(
    given_as: tuple[str | None, str | None, str | None], code: str, field: str
) -> None:
    with pytest.raises(RingpostError) as refused:
        check_person(*given_as)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert "anna " not in refused.value.message


def test_a_person_is_not_printed() -> None:
    assert "1001" not in repr(Person(phone="1001"))


numbers = st.text("0123456789", min_size=5, max_size=15).filter(lambda text: not text.startswith("00"))
separators = st.sampled_from(["", " ", "-", ".", "/", " - "])


@given(number=numbers, prefix=st.sampled_from(["", "+", "00"]), data=st.data())
def test_any_number_is_found_however_it_is_written(number: str, prefix: str, data: st.DataObject) -> None:
    written = prefix + "".join(digit + data.draw(separators) for digit in number[:-1]) + number[-1]
    assert phone(number, written)
    assert phone(number, f"a text with {written}; and more")
    assert not phone(number + "1", written)


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_data_can_be_looked_at(value: Any) -> None:
    text = json.dumps(value).encode("utf-8", "surrogatepass")
    for person in (Person(phone="+390461555"), Person(email="a@b"), Person(user_id="x")):
        matcher(person)(text)
