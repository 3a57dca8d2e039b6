"""What is known of one company's people and numbers, in memory, by each way that it is known.

What was entered goes before what was learned from the PBX, field by field. Pure; `registry` owns the books and writes
every change down before it puts it in.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import islice
from typing import Final

from msgspec import Struct, structs

from ringpost.model.directory import DirectoryChange, Entry, Known, NumberingPlan, Person

from .checks import FIELDS, presentable
from .directory import Directory

LEARNED_LIMIT: Final = 10_000  # people of a company that are learned from its PBXs
LEARN_AGAIN_MS: Final = 60_000  # a name that goes to and fro is written this often at most


class Listing(Struct, frozen=True, kw_only=True):
    """A person as the directory shows it. learned: the fields that the PBX alone told; known: `entered` where anything
    was; updated: when anything of it changed last (ms)."""

    person: Person
    known: Known
    learned: tuple[str, ...]
    updated: int


class Book:
    def __init__(self) -> None:
        self.plan = NumberingPlan()
        self.entered: dict[str, Entry] = {}
        self.learned: dict[str, Entry] = {}
        self._people: dict[str, Person] = {}
        self._directory: Directory | None = None
        self._order: tuple[str, ...] | None = None

    def put(self, change: DirectoryChange) -> None:
        for extension, known in change.removed:
            self._of(known).pop(extension, None)
            self._combine(extension)
        for entry in change.put:
            self._of(entry.known)[entry.person.extension] = entry
            self._combine(entry.person.extension)
        if change.plan is not None:
            self.plan = change.plan
        self._directory = self._order = None

    def directory(self) -> Directory:
        """Made anew after a change, when it is asked for."""
        if self._directory is None:
            self._directory = Directory(
                self._people.values(),
                trunks=self.plan.trunks,
                emergency=self.plan.emergency,
                queues=dict(self.plan.queues),
                region=self.plan.region,
            )
        return self._directory

    def find(self, extension: str) -> Listing | None:
        person = self._people.get(extension)
        if person is None:
            return None
        entered, learned = self.entered.get(extension), self.learned.get(extension)
        if entered is None and learned is None:
            return None  # it was removed meanwhile
        told = () if learned is None else _given(learned.person)
        return Listing(
            person=person,
            known="pbx" if entered is None else "entered",
            learned=tuple(name for name in told if entered is None or getattr(entered.person, FIELDS[name]) is None),
            updated=max(entry.updated for entry in (entered, learned) if entry is not None),
        )

    def order(self) -> tuple[str, ...]:
        """All extensions, as text sorted."""
        if self._order is None:
            self._order = tuple(sorted(self._people))
        return self._order

    def matching(self, order: Sequence[str], search: str | None, after: str, limit: int) -> list[Listing]:
        """So many of the order after an extension, whose name, extension or e-mail address has the text, in any case.
        May run in a thread of its own."""
        wanted = (search or "").casefold()
        found: list[Listing] = []
        for extension in islice(order, bisect_right(order, after), None):
            person = self._people.get(extension)
            listing = self.find(extension) if person is not None and _has(person, wanted) else None
            if listing is not None:
                found.append(listing)
                if len(found) == limit:
                    break
        return found

    def _combine(self, extension: str) -> None:
        entered, learned = self.entered.get(extension), self.learned.get(extension)
        if entered is not None:
            self._people[extension] = entered.person if learned is None else both(entered.person, learned.person)
        elif learned is not None:
            self._people[extension] = learned.person
        else:
            self._people.pop(extension, None)

    def _of(self, known: Known) -> dict[str, Entry]:
        return self.entered if known == "entered" else self.learned


def news(company: str, known: Entry | None, seen: Person, now: int) -> Entry | None:
    """What is to be written down where the PBX shows this person; None where it is nothing new, or not yet. known:
    what was learned of the extension."""
    if known is not None and known.person == seen:
        return None
    shown = presentable(seen)
    if shown is None:
        return None
    given = _given(shown)
    if known is None:
        return Entry(company=company, known="pbx", person=shown, updated=now) if given else None
    person = both(shown, known.person)
    fills = any(getattr(known.person, FIELDS[name]) is None for name in given)
    if person == known.person or not (fills or now - known.updated >= LEARN_AGAIN_MS):
        return None
    return structs.replace(known, person=person, updated=now)


def both(first: Person, second: Person) -> Person:
    """The first, with what the second alone tells."""
    values = {field: getattr(second, field) for field in FIELDS.values() if getattr(first, field) is None}
    return structs.replace(first, **values)


def _has(person: Person, wanted: str) -> bool:
    return not wanted or any(
        text is not None and wanted in text.casefold() for text in (person.extension, person.name, person.email)
    )


def _given(person: Person) -> list[str]:
    """The names of what is known."""
    return [name for name, field in FIELDS.items() if getattr(person, field) is not None]
