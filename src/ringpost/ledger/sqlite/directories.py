"""Directories: the rows of people and numbering plans as the model's values, and their changes.

`change` is called in the writer's thread and transaction; one that raises has changed nothing. Rows go in as one JSON
text, so that a whole import is one step, which lets go of the interpreter lock.
"""

from __future__ import annotations

import apsw
import msgspec

from ringpost.model.directory import DirectoryChange, Entry, NumberingPlan, Person

from .rows import Row
from .sql import QUERIES

_Texts = tuple[str, ...]
_Pairs = tuple[tuple[str, str], ...]


def to_entry(row: Row) -> Entry:
    company, extension, known, name, email, user_id, department, group_id, group, firm, updated = row
    person = Person(
        extension=extension,
        name=name,
        email=email,
        user_id=user_id,
        department=department,
        group_id=group_id,
        group=group,
        company=firm,
    )
    return Entry(company=company, known=known, person=person, updated=updated)


def to_plan(row: Row) -> tuple[str, NumberingPlan]:
    """The company and its plan."""
    company, region, trunks, emergency, queues = row
    return company, NumberingPlan(
        region=region,
        trunks=msgspec.json.decode(trunks, type=_Texts),
        emergency=msgspec.json.decode(emergency, type=_Texts),
        queues=msgspec.json.decode(queues, type=_Pairs),
    )


def change(connection: apsw.Connection, company: str, wanted: DirectoryChange) -> None:
    if wanted.removed:
        connection.execute(QUERIES["remove_people"], {"company": company, "people": _text(wanted.removed)})
    if wanted.put:
        connection.execute(QUERIES["put_people"], (_text([_columns(company, entry) for entry in wanted.put]),))
    if (plan := wanted.plan) is not None:
        values = (company, plan.region, _text(plan.trunks), _text(plan.emergency), _text(plan.queues))
        connection.execute(QUERIES["put_numbering_plan"], values)


def _columns(company: str, entry: Entry) -> tuple[str | int | None, ...]:
    person = entry.person
    return (
        company,
        person.extension,
        entry.known,
        person.name,
        person.email,
        person.user_id,
        person.department,
        person.group_id,
        person.group,
        person.company,
        entry.updated,
    )


def _text(values: object) -> str:
    return msgspec.json.encode(values).decode()
