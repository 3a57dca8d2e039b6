"""The operations on a company's directory: who is who, trunks, emergency numbers, queues and the region.

Every operation is on one company's. A change is seen by all events that are told from then on.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final, cast

from msgspec import UNSET
from msgspec.structs import replace

from ringpost.directory.checks import FIELDS, FILE_LIMIT, check_emergency, check_person, check_queues, check_trunks
from ringpost.directory.comparing import Mode
from ringpost.directory.phones import region_of
from ringpost.errors import RingpostError
from ringpost.model.directory import NumberingPlan

from .directory_shapes import (
    DirectoryEdit,
    DirectoryImport,
    DirectoryShown,
    PersonEntered,
    PersonShown,
    show_directory,
    show_import,
    show_person,
)
from .operation import CSV, Asked, Listed, Operation, Route, Sent
from .query import COMPANY, CURSOR, LIMIT, Parameter
from .services import Services

_TAG: Final = "Directory"
_ONE: Final = "/v1/directory/people/{extension}"
_SEARCH: Final = Parameter(name="search", meaning="Only people with this text in name, extension or e-mail address.")
_MODE: Final = Parameter(
    name="mode",
    meaning="`merge`: whoever is not in the file stays, and so does what a cell leaves empty. `replace`: what was "
    "entered becomes exactly what the file has; trunks, emergency numbers and queues only where it has their column.",
    choices=("merge", "replace"),
    default="merge",
)
_DRY_RUN: Final = Parameter(name="dryRun", meaning="true: only tell what would change.", kind="flag")
_LEARNED: Final = Parameter(name="learned", meaning="true: also what was learned from the PBX.", kind="flag")
_EXAMPLE: Final = "extension,name,email,department\n1001,Alice Rossi,alice@example.com,Sales\n"


async def show(services: Services, asked: Asked) -> DirectoryShown:
    return _shown(services, asked.company)


async def edit(services: Services, asked: Asked) -> DirectoryShown:
    company, request = asked.company, asked.body
    changes: dict[str, Any] = {}
    if request.region is not UNSET:
        changes["region"] = None if request.region is None else region_of(request.region)
    for name, check in (("trunks", check_trunks), ("emergency", check_emergency), ("queues", check_queues)):
        if (given := getattr(request, name)) is not UNSET:
            changes[name] = check(given)

    def changed(plan: NumberingPlan) -> NumberingPlan:
        return replace(plan, **changes)

    await services.directories.edit_plan(company, changed)
    return _shown(services, company)


async def list_people(services: Services, asked: Asked) -> Listed:
    company, query = asked.company, asked.query
    limit = query.number("limit") or 1
    after = _read_cursor(query.text("cursor"))
    found = await services.directories.find(company, query.text("search"), after, limit + 1)
    following = _write_cursor(found[limit - 1].person.extension) if len(found) > limit else None
    return Listed([show_person(listing) for listing in found[:limit]], following)


async def show_one(services: Services, asked: Asked) -> PersonShown:
    return show_person(services.directories.get(asked.company, asked.path["extension"]))


async def enter(services: Services, asked: Asked) -> PersonShown:
    company = asked.company
    given = {name: getattr(asked.body, field) for name, field in FIELDS.items()}
    person = check_person(asked.path["extension"], given)
    return show_person(await services.directories.enter(company, person))


async def remove(services: Services, asked: Asked) -> PersonShown:
    return show_person(await services.directories.remove(asked.company, asked.path["extension"]))


async def take_file(services: Services, asked: Asked) -> DirectoryImport:
    mode = cast("Mode", asked.query.text("mode"))
    dry_run = asked.query.flag("dryRun")
    found = await services.directories.take_file(asked.company, asked.raw, mode, dry_run=dry_run)
    return show_import(found, mode, dry_run=dry_run)


async def export(services: Services, asked: Asked) -> Sent:
    raw = await services.directories.export(asked.company, learned=asked.query.flag("learned"))
    return Sent(200, raw, CSV)


def _shown(services: Services, company: str) -> DirectoryShown:
    return show_directory(company, services.directories.plan(company), services.directories.count(company))


def _write_cursor(extension: str) -> str:
    return base64.urlsafe_b64encode(extension.encode()).rstrip(b"=").decode()


def _read_cursor(cursor: str | None) -> str:
    """The extension that the page before ended with. Raises `cursor_invalid`."""
    if cursor is None:
        return ""
    try:
        extension = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        raise RingpostError("cursor_invalid", field="cursor") from None
    if _write_cursor(extension) != cursor:
        raise RingpostError("cursor_invalid", field="cursor")
    return extension


def directory_routes() -> list[Route]:
    """All operations on directories."""
    return [
        Route(
            Operation(
                method="GET", path="/v1/directory", id="showDirectory", tag=_TAG, right="read", answers=DirectoryShown,
                summary="Show a company's directory", query=(COMPANY,), refusals=("company_missing",),
            ),
            show,
        ),
        Route(
            Operation(
                method="PATCH", path="/v1/directory", id="editDirectory", tag=_TAG, right="change",
                takes=DirectoryEdit, answers=DirectoryShown, summary="Change region, trunks, emergency numbers, queues",
                query=(COMPANY,), refusals=("company_missing",),
                example={"region": "IT", "trunks": ["provider-*"], "emergency": ["118"], "queues": {"500": "Support"}},
                about="New trunks and emergency numbers are used for whatever a PBX says from then on.",
            ),
            edit,
        ),
        Route(
            Operation(
                method="GET", path="/v1/directory/people", id="listPeople", tag=_TAG, right="read",
                answers=PersonShown, is_list=True, summary="List people, by extension",
                query=(COMPANY, _SEARCH, CURSOR, LIMIT), refusals=("company_missing", "cursor_invalid"),
            ),
            list_people,
        ),
        Route(
            Operation(
                method="GET", path=_ONE, id="showPerson", tag=_TAG, right="read", answers=PersonShown,
                summary="Show who is behind an extension", query=(COMPANY,),
                refusals=("company_missing", "person_not_found"),
            ),
            show_one,
        ),
        Route(
            Operation(
                method="PUT", path=_ONE, id="enterPerson", tag=_TAG, right="change", takes=PersonEntered,
                answers=PersonShown, summary="Enter who is behind an extension", query=(COMPANY,),
                refusals=("company_missing", "directory_full"),
                example={"name": "Alice Rossi", "email": "alice@example.com", "department": "Sales"},
                about="What is entered goes before what was learned from the PBX, field by field.",
            ),
            enter,
        ),
        Route(
            Operation(
                method="DELETE", path=_ONE, id="removePerson", tag=_TAG, right="change", answers=PersonShown,
                summary="Remove an extension", query=(COMPANY,), refusals=("company_missing", "person_not_found"),
                about="Answers whom it was. What the PBX still shows of the extension may be learned again.",
            ),
            remove,
        ),
        Route(
            Operation(
                method="POST", path="/v1/directory/import", id="importDirectory", tag=_TAG, right="change",
                takes_file=(CSV, FILE_LIMIT), answers=DirectoryImport, summary="Import a CSV file", example=_EXAMPLE,
                query=(COMPANY, _MODE, _DRY_RUN),
                refusals=("company_missing", "body_too_large", "directory_invalid", "directory_full"),
                about="The first line names the columns: extension, name, email, userId, department, group, groupId, "
                "company; trunk, emergency and queue for rows that tell of those instead of a person. In UTF-8, with "
                "commas, semicolons or tabs, up to 8 MiB. It is taken whole, or refused with its line and column.",
            ),
            take_file,
        ),
        Route(
            Operation(
                method="GET", path="/v1/directory/export", id="exportDirectory", tag=_TAG, right="read", answers=str,
                is_bare=True, media_type=CSV, summary="Export as a CSV file",
                query=(COMPANY, _LEARNED), refusals=("company_missing",),
                about="What was entered, as `POST /v1/directory/import` takes it. The region is not in it.",
            ),
            export,
        ),
    ]  # fmt: skip
