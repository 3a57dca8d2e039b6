"""What a file would change in a company's directory.

`merge` adds what the file has: a cell that is empty, and whoever is not in the file, stays as it is. `replace` makes
the people that were entered exactly those of the file, and so the trunks, emergency numbers and queues where the file
has a column for them. What was learned from the PBX stays either way. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, Literal

from msgspec import Struct

from ringpost.model.directory import NumberingPlan, Person

from .book import both
from .checks import FIELDS, check_emergency, check_queues, check_trunks
from .table import Table

SHOWN: Final = 200  # changes of people that are listed
Mode = Literal["merge", "replace"]


class FieldChange(Struct, frozen=True):
    """One value that is other."""

    field: str
    old: str | None
    new: str | None


class PersonChange(Struct, frozen=True):
    """One person who is other; fields: what is, by the names that the file has."""

    extension: str
    kind: Literal["changed", "removed", "added"]
    fields: tuple[FieldChange, ...]


class NumbersChange(Struct, frozen=True):
    """Which trunks, emergency numbers or queues are other; a queue as `number: name`."""

    added: tuple[str, ...]
    removed: tuple[str, ...]


class Comparison(Struct, frozen=True, kw_only=True):
    """put, gone, plan: the directory after it; changes: the changed first, then the removed, then the added, up to
    `SHOWN`; unlisted: how many are not among them; the counts are of people."""

    put: tuple[Person, ...]
    gone: tuple[str, ...]
    plan: NumberingPlan
    added: int
    changed: int
    removed: int
    unchanged: int
    changes: tuple[PersonChange, ...]
    unlisted: int
    trunks: NumbersChange
    emergency: NumbersChange
    queues: NumbersChange
    unused: tuple[str, ...]


def compare(people: Mapping[str, Person], plan: NumberingPlan, table: Table, mode: Mode) -> Comparison:
    """people: those that were entered, by extension. Raises `invalid_value` where there are too many numbers."""
    wanted = {person.extension: person for person in table.directory.people}
    if mode == "merge":
        wanted = {extension: _merged(person, people.get(extension)) for extension, person in wanted.items()}
    new = [person for extension, person in wanted.items() if extension not in people]
    changed = [person for extension, person in wanted.items() if people.get(extension, person) != person]
    gone = [extension for extension in people if extension not in wanted] if mode == "replace" else []
    after = _plan(plan, table, mode)
    count = len(changed) + len(gone) + len(new)
    return Comparison(
        put=(*new, *changed),
        gone=tuple(gone),
        plan=after,
        added=len(new),
        changed=len(changed),
        removed=len(gone),
        unchanged=len(wanted) - len(new) - len(changed),
        changes=tuple(islice(_changes(people, changed, gone, new), SHOWN)),
        unlisted=max(0, count - SHOWN),
        trunks=_numbers(plan.trunks, after.trunks),
        emergency=_numbers(plan.emergency, after.emergency),
        queues=_numbers(map(": ".join, plan.queues), map(": ".join, after.queues)),
        unused=table.unused,
    )


def _merged(person: Person, known: Person | None) -> Person:
    return person if known is None else both(person, known)


def _plan(plan: NumberingPlan, table: Table, mode: Mode) -> NumberingPlan:
    found = table.directory

    def kept(column: str) -> bool:
        return mode == "merge" or column not in table.columns

    queues = {**(dict(plan.queues) if kept("queue") else {}), **found.queues}
    return NumberingPlan(
        region=plan.region,
        trunks=check_trunks((*(plan.trunks if kept("trunk") else ()), *found.trunks)),
        emergency=check_emergency((*(plan.emergency if kept("emergency") else ()), *found.emergency)),
        queues=check_queues(queues),
    )


def _changes(
    people: Mapping[str, Person], changed: Sequence[Person], gone: Sequence[str], new: Sequence[Person]
) -> Iterator[PersonChange]:
    for person in changed:
        yield PersonChange(person.extension, "changed", _fields(people[person.extension], person))
    for extension in gone:
        yield PersonChange(extension, "removed", _fields(people[extension], Person(extension=extension)))
    for person in new:
        yield PersonChange(person.extension, "added", _fields(Person(extension=person.extension), person))


def _fields(old: Person, new: Person) -> tuple[FieldChange, ...]:
    values = ((name, getattr(old, field), getattr(new, field)) for name, field in FIELDS.items())
    return tuple(FieldChange(*value) for value in values if value[1] != value[2])


def _numbers(old: Iterable[str], new: Iterable[str]) -> NumbersChange:
    before, after = dict.fromkeys(old), dict.fromkeys(new)
    return NumbersChange(
        tuple(one for one in after if one not in before), tuple(one for one in before if one not in after)
    )
