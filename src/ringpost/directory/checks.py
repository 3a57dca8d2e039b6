"""What a directory takes: the forms of an extension, of what is known of a person, of trunks and emergency numbers.

The CSV file, the API and what is learned from a PBX are held to the same, so that what one of them took the others take
too. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import structs

from ringpost.errors import RingpostError
from ringpost.model.directory import Person

FILE_LIMIT: Final = 8_388_608  # bytes
CELL_LIMIT: Final = 256  # characters
NUMBERS_LIMIT: Final = 1_000  # trunks of a company, and emergency numbers

EXTENSION: Final = re.compile(r"[0-9A-Za-z*#+._-]{1,40}")
EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
# Control characters and line separators, and what SQS cannot carry.
UNWANTED: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff\ud800-\udfff]")

# What a spreadsheet would take for a formula, or for a number without its plus, has an apostrophe before it in a file.
FORMULA: Final = re.compile("'*[=+@-]")

# What is known of a person: as the API and the file write it, and its field.
FIELDS: Final[Mapping[str, str]] = {
    "name": "name",
    "email": "email",
    "userId": "user_id",
    "department": "department",
    "group": "group",
    "groupId": "group_id",
    "company": "company",
}


def check_extension(extension: str) -> str:
    """Raises `invalid_value`."""
    if EXTENSION.fullmatch(extension) is None:
        raise RingpostError(
            "invalid_value",
            "An extension is 1 to 40 letters, digits and characters of *#+._-, as 1001.",
            field="extension",
        )
    return extension


def check_person(extension: str, given: Mapping[str, str | None]) -> Person:
    """The person; given: by the names of `FIELDS`. Blanks around a value are taken off, an empty one is unknown.
    Raises `invalid_value` with the field."""
    values = {name: _text(name, value) for name, value in given.items() if value is not None}
    email = values.get("email")
    if email is not None and EMAIL.fullmatch(email) is None:
        raise RingpostError("invalid_value", "`email` is one address, such as anna@example.com.", field="email")
    fields = {FIELDS[name]: value for name, value in values.items()}
    return Person(extension=check_extension(extension), **fields)


def check_trunks(trunks: Iterable[str]) -> tuple[str, ...]:
    """Raises `invalid_value` with the field."""
    return _each_once("trunks", (_needed("trunks", place, trunk) for place, trunk in enumerate(trunks)))


def check_queues(queues: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """(the PBX's own name, the name for people) of each. Raises `invalid_value` with the field."""
    if len(queues) > NUMBERS_LIMIT:
        raise RingpostError("invalid_value", f"`queues` takes up to {NUMBERS_LIMIT}.", field="queues")
    named = {}
    for queue, name in queues.items():
        field = f"queues.{queue[:64]}"
        own, shown = _text(field, queue), _text(field, name)
        if own is None or shown is None:
            raise RingpostError("invalid_value", "A queue has a number or name of its own, and one for people.",
                                field="queues")  # fmt: skip
        named[own] = shown
    return tuple(named.items())


def check_emergency(numbers: Iterable[str]) -> tuple[str, ...]:
    """Raises `invalid_value` with the field."""
    found = []
    for place, number in enumerate(numbers):
        if EXTENSION.fullmatch(number) is None:
            raise RingpostError(
                "invalid_value", "An emergency number is written without blanks, as 112.", field=f"emergency[{place}]"
            )
        found.append(number)
    return _each_once("emergency", found)


def presentable(person: Person) -> Person | None:
    """What a directory takes of a person whom nobody checked; None where the extension is none."""
    if EXTENSION.fullmatch(person.extension) is None:
        return None
    values = {}
    for field in FIELDS.values():
        value = getattr(person, field)
        text = None if value is None else UNWANTED.sub(" ", value).strip()[:CELL_LIMIT].strip() or None
        values[field] = text if field != "email" or text is None or EMAIL.fullmatch(text) else None
    return structs.replace(person, **values)


def _needed(field: str, place: int, text: str) -> str:
    found = _text(f"{field}[{place}]", text)
    if found is None:
        raise RingpostError("invalid_value", f"`{field}[{place}]` is empty; leave it out.", field=f"{field}[{place}]")
    return found


def _text(field: str, text: str) -> str | None:
    stripped = text.strip()
    if len(stripped) > CELL_LIMIT or UNWANTED.search(stripped) is not None:
        right = f"`{field}` is a text of up to {CELL_LIMIT} characters, without control characters."
        raise RingpostError("invalid_value", right, field=field)
    return stripped or None


def _each_once(field: str, texts: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(texts))
    if len(found) > NUMBERS_LIMIT:
        raise RingpostError("invalid_value", f"`{field}` takes up to {NUMBERS_LIMIT}.", field=field)
    return found
