"""Whose data it is: a phone number, an e-mail address or a userId, and whether it is in an event's `data`. Pure.

A phone number is compared by its digits, with `+`, a leading `00` and separators set aside, and is found inside longer
texts too, where it stands alone: as a whole run of digits and separators, or, from seven digits on, as a part of one
between blanks. It is not found in another number, so each form that a number has (with and without its country code)
is asked for by itself. An e-mail address is a whole text, its case set aside; a userId is the whole value of a key of
that name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct

from ringpost.errors import RingpostError

_SEPARATORS: Final = r"[\s\-–./()\u00a0]"
_PHONE: Final = re.compile(rf"\+?(?:\d|{_SEPARATORS})+")
# A run of digits and separators that begins and ends with a digit, and is no part of a word.
_RUN: Final = re.compile(rf"(?<![\w+])\+?\(?\d(?:{_SEPARATORS}{{0,3}}\d)*(?!\w)", re.ASCII)
_DIGITS: Final = (3, 20)
_ALONE: Final = 7  # digits from which a part of a run is a number of its own
_EMAIL: Final = re.compile(r"[^@\s]{1,128}@[^@\s]{1,128}")
_USER_ID_KEYS: Final = frozenset({"userId"})

Matches = Callable[[bytes], bool]
_decode: Final = msgspec.json.Decoder().decode


class Person(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Exactly one of them is given."""

    phone: str | None = None
    email: str | None = None
    user_id: str | None = None

    def __repr__(self) -> str:
        return "Person(…)"  # who it is belongs into no log


def check_person(phone: str | None, email: str | None, user_id: str | None) -> Person:
    """Raises `missing_field`, `invalid_value`; no message repeats what was given."""
    given = {
        name: value for name, value in (("phone", phone), ("email", email), ("userId", user_id)) if value is not None
    }
    if len(given) != 1:
        code = "invalid_value" if given else "missing_field"
        raise RingpostError(
            code, "Give exactly one of `phone`, `email` and `userId`.", field=next(iter(given), "phone")
        )
    least, most = _DIGITS
    if phone is not None and not (_PHONE.fullmatch(phone) and least <= len(_digits(phone)) <= most):
        raise RingpostError(
            "invalid_value", f"`phone` is a number of {least} to {most} digits, with or without + and separators.",
            field="phone",
        )  # fmt: skip
    if email is not None and not _EMAIL.fullmatch(email):
        raise RingpostError("invalid_value", "`email` is one address, such as anna@example.com.", field="email")
    if user_id is not None and not 1 <= len(user_id) <= 256:
        raise RingpostError("invalid_value", "`userId` is a text of 1 to 256.", field="userId")
    return Person(phone=phone, email=email, user_id=user_id)


def matcher(person: Person) -> Matches:
    """Whether the data of an event (JSON) has to do with the person."""
    if person.phone is not None:
        digits = _digits(person.phone)
        return lambda data: any(_is_number(value, digits) for _, value in _values(_decode(data)))
    if person.email is not None:
        email = person.email.casefold()
        return lambda data: any(
            isinstance(text, str) and text.casefold() == email for _, text in _values(_decode(data))
        )
    user_id = person.user_id
    return lambda data: any(key in _USER_ID_KEYS and value == user_id for key, value in _values(_decode(data)))


def _digits(text: str) -> str:
    """The digits of a number, without the 00 that stands for +."""
    digits = re.sub(r"\D", "", text, flags=re.ASCII)
    return digits[2:] if digits.startswith("00") and not text.lstrip().startswith("+") else digits


def _is_number(value: object, digits: str) -> bool:
    if isinstance(value, int):  # a short one is a count or a time
        return len(digits) >= _ALONE and str(value) == digits
    if not isinstance(value, str) or not any(character.isdigit() for character in value):
        return False
    return any(_digits(number) == digits for run in _RUN.findall(value) for number in _numbers(run))


def _numbers(run: str) -> Iterator[str]:
    yield run
    for part in run.split():
        if len(_digits(part)) >= _ALONE:
            yield part


def _values(value: Any, key: str = "") -> Iterator[tuple[str, object]]:
    """Every text and number at any depth with the key that it has, and every key."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield "", name
            yield from _values(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner, key)
    elif isinstance(value, str | int) and not isinstance(value, bool):
        yield key, value
