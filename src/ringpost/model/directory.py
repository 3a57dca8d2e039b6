"""What a company's directory holds: who is behind an extension, and the company's numbering plan."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

# Who said it: somebody who entered it (API, command line, CSV file), or the PBX, from which it was learned.
Known = Literal["entered", "pbx"]


class Person(Struct, frozen=True, kw_only=True):
    """A person (or a room, or a door) behind an extension; what is unknown is None."""

    extension: str
    name: str | None = None
    email: str | None = None
    user_id: str | None = None
    department: str | None = None
    group_id: str | None = None
    group: str | None = None
    company: str | None = None


class NumberingPlan(Struct, frozen=True, kw_only=True):
    """trunks: names of endpoints that lead outside, or patterns (`*` matches any text); emergency: numbers beside the
    usual ones; queues: how they are called, each by the PBX's own name of it (`500`, `Support`); region: where numbers
    without a country code belong (ISO 3166, two letters), None: they stay as they are."""

    region: str | None = None
    trunks: tuple[str, ...] = ()
    emergency: tuple[str, ...] = ()
    queues: tuple[tuple[str, str], ...] = ()


class Entry(Struct, frozen=True, kw_only=True):
    """What is known of an extension of a company by one way; updated: since when (ms). There may be one of each way."""

    company: str
    known: Known
    person: Person
    updated: int


class DirectoryChange(Struct, frozen=True, kw_only=True):
    """What is to be other in one company's directory. put: entries that are new or take the place of those there;
    removed: the extensions of entries to take out, with the way that they are known by; plan: None to leave it."""

    put: tuple[Entry, ...] = ()
    removed: tuple[tuple[str, Known], ...] = ()
    plan: NumberingPlan | None = None
