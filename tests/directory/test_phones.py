"""Numbers of the outside in the international form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost.directory.phones import REGIONS, in_e164, region_of
from ringpost.errors import RingpostError

regions = st.sampled_from(["IT", "US", "DE", "GB", "FR", "AR", "MX", "BR", "RU", "AU"])
written = st.text(alphabet="0123456789+ ()-./*#", max_size=24)
numbers = st.one_of(written, st.text(max_size=24), st.from_regex(r"(\+|00|011|0|)[0-9]{4,16}", fullmatch=True))


@pytest.mark.parametrize(
    ("phone", "region", "told"),
    [
        ("0461123456", "IT", "+390461123456"),  # in Italy the zero is part of the number
        ("3331234567", "IT", "+393331234567"),
        ("00390461123456", "IT", "+390461123456"),
        ("390461123456", "IT", "+390461123456"),  # as many trunks send it
        ("0044 20 7946 0000", "IT", "+442079460000"),
        ("030 123456", "DE", "+4930123456"),
        ("4930123456", "DE", "+4930123456"),
        ("(500) 555-0142", "US", "+15005550142"),
        ("15005550142", "US", "+15005550142"),
        ("011390461123456", "US", "+390461123456"),
        ("+39 0461/123456", "US", "+390461123456"),
        ("+44 (0) 20 7946 0000", "IT", "+442079460000"),
    ],
)
def test_a_number_of_the_outside_is_told_with_its_country(phone: str, region: str, told: str) -> None:
    assert in_e164(phone, region) == told


@pytest.mark.parametrize(
    ("phone", "region"),
    [
        ("1001", "IT"),
        ("112", "IT"),
        ("911", "US"),
        ("116117", "DE"),
        ("*8", "IT"),
        ("*72#0461123456", "IT"),
        ("#31#0461123456", "IT"),
        ("5550142", "US"),  # without its area code it is nobody's alone
        ("30123456", "DE"),  # nor is it dialled so
        ("150010001", "DE"),  # an account's name
        ("12345678", "IT"),
        ("0039461", "IT"),
        ("anonymous", "IT"),
        ("1-800-FLOWERS", "US"),
        ("sip:0461123456@example.com", "IT"),
        ("", "IT"),
        ("+", "IT"),
        ("+0123456789", "IT"),
        ("٠٤٦١١٢٣٤٥٦", "IT"),
        ("0" * 200, "IT"),
    ],
)
def test_what_is_no_such_number_stays_as_it_is(phone: str, region: str) -> None:
    assert in_e164(phone, region) == phone


def test_extensions_and_emergency_numbers_of_the_company_are_never_changed() -> None:
    assert in_e164("0461123456", "IT", known={"0461123456"}) == "0461123456"


@given(numbers, regions)
def test_a_number_that_was_brought_into_the_form_stays_so(phone: str, region: str) -> None:
    told = in_e164(phone, region)
    assert in_e164(told, region) == told
    assert all(in_e164(told, other) == told for other in ("IT", "US") if told.startswith("+"))


@given(numbers, regions)
def test_a_number_is_told_in_the_form_or_as_it_is(phone: str, region: str) -> None:
    told = in_e164(phone, region)
    if told != phone:
        assert told[0] == "+"
        assert told[1:].isascii()
        assert told[1:].isdigit()
        assert 7 <= len(told[1:]) <= 15


@given(st.from_regex(r"[0-9*#]{1,6}", fullmatch=True), st.sampled_from(sorted(REGIONS)))
def test_short_numbers_are_never_touched(phone: str, region: str) -> None:
    assert in_e164(phone, region) == phone


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True), regions)
def test_a_number_with_a_plus_keeps_its_digits(phone: str, region: str) -> None:
    assert in_e164(phone, region) == phone


def test_a_region_is_a_country_in_two_letters() -> None:
    assert region_of(" it ") == "IT"
    for text in ("", "ITA", "XX", "39", "italy"):
        with pytest.raises(RingpostError) as caught:
            region_of(text)
        assert (caught.value.code, caught.value.field) == ("invalid_value", "region")
