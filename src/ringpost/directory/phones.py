"""Numbers of the outside in the international form (E.164, `+390461234567`), for companies that ask for it.

What a PBX shows depends on its provider: `0461 234567`, `00390461234567`, `390461234567`. With the region of the
company (the country whose numbers are dialled without a prefix) these become one. Promise: what is no such number
stays as it is, letter for letter: extensions, service codes, emergency and other short numbers, names, whatever does
not fit the numbering plan of its country; a number that has a plus keeps its digits. Nothing is raised, and a number
that was brought into the form stays so. Pure; used by the directory.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import CountryCodeSource, NumberParseException, PhoneNumber, PhoneNumberFormat, ValidationResult

from ringpost.errors import RingpostError

REGIONS: Final = frozenset(phonenumbers.SUPPORTED_REGIONS)  # ISO 3166-1, two letters

_SHORTEST: Final = 7  # digits; what has fewer is an extension or a service of its country
_CACHE: Final = 4_096  # numbers; the same people call again
_WRITTEN: Final = re.compile(r"\+?[0-9 ()./-]{7,40}")
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")  # ITU-T E.164: 15 digits at most
# The country was said: by a plus, or by the prefix that is dialled for calls abroad (00, 011).
_SAID: Final = frozenset({CountryCodeSource.FROM_NUMBER_WITH_PLUS_SIGN, CountryCodeSource.FROM_NUMBER_WITH_IDD})
_SAID_BARE: Final = CountryCodeSource.FROM_NUMBER_WITHOUT_PLUS_SIGN  # the region's own code, as many trunks send it


def region_of(text: str) -> str:
    """The region as it is kept: `it` is `IT`. Raises `invalid_value`."""
    region = text.strip().upper()
    if region not in REGIONS:
        raise RingpostError("invalid_value", "Use a country's two letters, as IT or US.", field="region")
    return region


def in_e164(phone: str, region: str, known: Collection[str] = ()) -> str:
    """The number in its international form, or as it is. known: numbers that are never changed (extensions,
    emergency numbers)."""
    if phone in known or _WRITTEN.fullmatch(phone) is None:
        return phone
    return _international(phone, region) or phone


@lru_cache(maxsize=_CACHE)
def _international(phone: str, region: str) -> str | None:
    digits = re.sub(r"[^0-9+]", "", phone)
    if digits.startswith("+") and "(" not in phone:  # +44 (0) 20 …: the bracketed digit is not dialled from abroad
        return digits if _E164.fullmatch(digits) is not None else None
    if len(digits) < _SHORTEST:
        return None
    try:
        number = phonenumbers.parse(phone, region, keep_raw_input=True)
        if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
            return None
        if number.country_code_source not in _SAID and not _is_of_region(number, digits, region):
            return None
        formatted = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    except NumberParseException:
        return None
    return formatted if _E164.fullmatch(formatted) is not None else None


def _is_of_region(number: PhoneNumber, digits: str, region: str) -> bool:
    """Whether these digits are a number of the region's plan, dialled as there. An account's name may be seven digits
    and more, too, and so may a short number be."""
    if not phonenumbers.is_valid_number(number) or phonenumbers.is_valid_short_number_for_region(number, region):
        return False
    if number.country_code_source == _SAID_BARE:
        return True
    national = re.sub(r"[^0-9]", "", phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL))
    prefix = phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True) or ""
    return digits in {national, prefix + phonenumbers.national_significant_number(number)}
