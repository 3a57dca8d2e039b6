"""The screens of people: a company's directory, one person, and importing a file with a look at what it changes first.

A directory is one company's: an operator chooses it. What the PBX told is shown beside what was entered, and is never
changed here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from litestar import Response
from msgspec import Struct
from msgspec.structs import replace

from ringpost.api.query import Parameter
from ringpost.directory.book import Listing
from ringpost.directory.checks import FIELDS, check_emergency, check_person, check_trunks
from ringpost.directory.comparing import Comparison, Mode
from ringpost.directory.phones import region_of
from ringpost.errors import RingpostError
from ringpost.model.directory import NumberingPlan, Person

from .frame import with_the_only_company
from .screen import Action, Go, Screen, View, Visit

PAGE: Final = 50
FILE_LIMIT: Final = 2_000_000  # bytes of a form with a file's text in it; larger ones go by the command line
SEARCH: Final = Parameter(name="q", meaning="A part of an extension, a name or an e-mail address.")
AFTER: Final = Parameter(name="after", meaning="The extension that the page before ended with.")


class PeoplePage(Struct, frozen=True, kw_only=True):
    """next: the extension to go on after; counts: entered, learned; companies: to choose from, where none is chosen."""

    company: str | None
    rows: Sequence[Listing]
    next: str | None
    wanted: str
    plan: NumberingPlan
    counts: tuple[int, int]
    companies: Sequence[str]


async def show_people(visit: Visit) -> View | Response[str]:
    elsewhere = await with_the_only_company(visit)
    if elsewhere is not None:
        return elsewhere
    company, wanted = visit.companies, visit.query.text("q") or ""
    if company is None:
        names = sorted({one.company for one in visit.services.registry.all()})
        return View("people.html", _page(None, [], None, wanted, NumberingPlan(), (0, 0), names))
    directories = visit.services.directories
    found = await directories.find(company, wanted or None, visit.query.text("after") or "", PAGE + 1)
    following = found[PAGE - 1].person.extension if len(found) > PAGE else None
    plan, counts = directories.plan(company), directories.count(company)
    return View("people.html", _page(company, found[:PAGE], following, wanted, plan, counts, ()))


def _page(
    company: str | None,
    rows: Sequence[Listing],
    following: str | None,
    wanted: str,
    plan: NumberingPlan,
    counts: tuple[int, int],
    companies: Sequence[str],
) -> PeoplePage:
    return PeoplePage(
        company=company, rows=rows, next=following, wanted=wanted, plan=plan, counts=counts, companies=companies
    )


async def enter_person(visit: Visit) -> Go:
    person = _given(visit, visit.form.get("extension", "").strip())
    directories = visit.services.directories
    try:
        is_entered = directories.get(visit.company, person.extension).known == "entered"
    except RingpostError:
        is_entered = False
    if is_entered:  # what the form leaves empty would be lost
        told = f"Extension {person.extension} is entered already: change it on its page."
        raise RingpostError("invalid_value", told, field="extension")
    await directories.enter(visit.company, person)
    return Go(_back(visit), f"Extension {person.extension} is entered; it shows in the next events.")


async def edit_person(visit: Visit) -> Go:
    """What the form has is all that is entered of the person then."""
    person = _given(visit, visit.path["extension"])
    await visit.services.directories.enter(visit.company, person)
    return Go(_back(visit), f"Extension {person.extension} is changed; it shows in the next events.")


def _given(visit: Visit, extension: str) -> Person:
    """The person in a form, whose `company` is whose directory it is; the person's own is `firm`."""
    given = {name: visit.form.get("firm" if name == "company" else name, "").strip() or None for name in FIELDS}
    return check_person(extension, given)


async def show_person(visit: Visit) -> View:
    listing = visit.services.directories.get(visit.company, visit.path["extension"])
    values = {name: getattr(listing.person, field) or "" for name, field in FIELDS.items()}
    entered = {name: "" if name in listing.learned else value for name, value in values.items()}
    shown = {"listing": listing, "values": values, "entered": entered, "company": visit.company}
    return View("person.html", shown)


async def remove_person(visit: Visit) -> Go:
    extension = visit.path["extension"]
    await visit.services.directories.remove(visit.company, extension)
    return Go(_back(visit), f"Extension {extension} is removed.")


async def edit_plan(visit: Visit) -> Go:
    form = visit.form
    region = form.get("region", "").strip()
    changes: dict[str, object] = {
        "region": region_of(region) if region else None,
        "trunks": check_trunks(form.get("trunks", "").split()),
        "emergency": check_emergency(form.get("emergency", "").split()),
    }
    await visit.services.directories.edit_plan(visit.company, lambda plan: replace(plan, **changes))
    return Go(_back(visit), "The numbering is changed, for calls from now on.")


async def preview_file(visit: Visit) -> View:
    found = await _take(visit, dry_run=True)
    return View("people_import.html", {"found": found, "form": visit.form, "company": visit.company})


async def take_file(visit: Visit) -> Go:
    found = await _take(visit, dry_run=False)
    told = f"{found.added} added, {found.changed} changed, {found.removed} removed."
    return Go(_back(visit), f"The file is imported: {told}")


async def _take(visit: Visit, *, dry_run: bool) -> Comparison:
    mode: Mode = "replace" if visit.form.get("mode") == "replace" else "merge"
    raw = visit.form.get("file", "").encode()
    return await visit.services.directories.take_file(visit.company, raw, mode, dry_run=dry_run)


def _back(visit: Visit) -> str:
    named: Mapping[str, str] = {"company": visit.company} if visit.caller.company is None else {}
    return visit.url("/people", **named)


def people_screens() -> list[Screen | Action]:
    listed = Screen(path="/people", title="People", nav="People", letter="p", show=show_people, query=(SEARCH, AFTER))
    one = Screen(path="/people/{extension}", title="Person", show=show_person)
    return [
        listed,
        Action(path="/people", do=enter_person, again=listed),
        Action(path="/people/numbering", do=edit_plan, again=listed),
        Action(path="/people/preview", do=preview_file, again=listed, limit=FILE_LIMIT),
        Action(path="/people/import", do=take_file, again=listed, limit=FILE_LIMIT),
        one,
        Action(path="/people/{extension}/edit", do=edit_person, again=one),
        Action(path="/people/{extension}/remove", do=remove_person, again=one),
    ]
