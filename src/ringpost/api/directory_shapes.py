"""Directories as the API takes and shows them."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from ringpost.directory.book import Listing
from ringpost.directory.comparing import Comparison, Mode, NumbersChange
from ringpost.model.directory import Known, NumberingPlan, Person

from .shapes import Shape

_REGION: Final = (
    "The country, in two letters, whose numbers are dialled without a country code: with it, numbers of people outside "
    "are told in their international form (E.164). Null: as the PBX shows them."
)
_TRUNKS: Final = "Endpoints of the PBX that lead outside: names, or patterns with `*`; beside those of the settings."
_EMERGENCY: Final = "Emergency numbers, beside 112, 911 and 933. A call to one is told at once."
_QUEUES: Final = "The names of queues, by the PBX's own names of them."


class DirectoryEdit(Struct, kw_only=True, forbid_unknown_fields=True):
    """What is given takes the place of what was; what is left out stays."""

    region: Annotated[str | None, Meta(description=_REGION)] | msgspec.UnsetType = msgspec.UNSET
    trunks: Annotated[list[str], Meta(description=_TRUNKS)] | msgspec.UnsetType = msgspec.UNSET
    emergency: Annotated[list[str], Meta(description=_EMERGENCY)] | msgspec.UnsetType = msgspec.UNSET
    queues: Annotated[dict[str, str], Meta(description=_QUEUES)] | msgspec.UnsetType = msgspec.UNSET


class PersonEntered(Struct, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What is known of the person. All of what was entered before is replaced; null or left out: unknown, so that what
    the PBX shows is told."""

    name: str | None = None
    email: str | None = None
    user_id: str | None = None
    department: str | None = None
    group: str | None = None
    group_id: str | None = None
    company: Annotated[str | None, Meta(description="The person's company, as events show it.")] = None


class DirectoryShown(Shape, frozen=True, kw_only=True):
    """A company's directory, without its people. people: how many were entered; learned: how many the PBX alone
    showed."""

    company_id: str
    region: str | None
    trunks: tuple[str, ...]
    emergency: tuple[str, ...]
    queues: dict[str, str]
    people: int
    learned: int


class PersonShown(Shape, frozen=True, kw_only=True):
    """A person in the directory. known: `entered`, or `pbx` where nothing was; learned: the fields that the PBX told;
    updated: when anything of it changed last."""

    extension: str
    name: str | None
    email: str | None
    user_id: str | None
    department: str | None
    group: str | None
    group_id: str | None
    company: str | None
    known: Known
    learned: tuple[str, ...]
    updated: int


class FieldChanged(Shape, frozen=True, kw_only=True):
    """A value that is other."""

    field: str
    old: str | None
    new: str | None


class PersonChanged(Shape, frozen=True, kw_only=True):
    """A person who is other. kind: `changed`, `removed` or `added`."""

    extension: str
    kind: str
    fields: list[FieldChanged]


class NumbersChanged(Shape, frozen=True, kw_only=True):
    """Trunks, emergency numbers or queues that are other; a queue as `number: name`."""

    added: tuple[str, ...]
    removed: tuple[str, ...]


class DirectoryImport(Shape, frozen=True, kw_only=True):
    """What a file changed, or with `dryRun` would change. The counts are of people; changes: the changed, then the
    removed, then the added, 200 at most; unlisted: how many are not among them; columnsLeftOut: as the file names
    them."""

    dry_run: bool
    mode: Mode
    added: int
    changed: int
    removed: int
    unchanged: int
    changes: list[PersonChanged]
    unlisted: int
    trunks: NumbersChanged
    emergency: NumbersChanged
    queues: NumbersChanged
    columns_left_out: tuple[str, ...]


def show_directory(company: str, plan: NumberingPlan, count: tuple[int, int]) -> DirectoryShown:
    return DirectoryShown(
        company_id=company,
        region=plan.region,
        trunks=plan.trunks,
        emergency=plan.emergency,
        queues=dict(plan.queues),
        people=count[0],
        learned=count[1],
    )


def show_person(listing: Listing) -> PersonShown:
    values: dict[str, Any] = {name: getattr(listing.person, name) for name in Person.__struct_fields__}
    return PersonShown(**values, known=listing.known, learned=listing.learned, updated=listing.updated)


def show_import(found: Comparison, mode: Mode, *, dry_run: bool) -> DirectoryImport:
    return DirectoryImport(
        dry_run=dry_run,
        mode=mode,
        added=found.added,
        changed=found.changed,
        removed=found.removed,
        unchanged=found.unchanged,
        changes=[
            PersonChanged(
                extension=change.extension,
                kind=change.kind,
                fields=[FieldChanged(field=one.field, old=one.old, new=one.new) for one in change.fields],
            )
            for change in found.changes
        ],
        unlisted=found.unlisted,
        trunks=_numbers(found.trunks),
        emergency=_numbers(found.emergency),
        queues=_numbers(found.queues),
        columns_left_out=found.unused,
    )


def _numbers(change: NumbersChange) -> NumbersChanged:
    return NumbersChanged(added=change.added, removed=change.removed)
