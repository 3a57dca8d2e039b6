"""Work that takes a while, as the file keeps it. Functions of a connection; those that write are called in the writer's
thread and transaction.

Whoever does a batch of a work writes in one transaction: `held` first, the batch if it still runs, then `keep`.
"""

from __future__ import annotations

import apsw
from msgspec.structs import replace

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Page
from ringpost.model.work import Work, WorkKind, parse_work_id, work_id

from .cursors import read_cursor, write_cursor
from .rows import Row
from .sql import QUERIES

_HIGHEST = (1 << 63) - 1


def add(connection: apsw.Connection, work: Work) -> None:
    kind, number = _parsed(work.id)
    values = (
        number, kind, work.company, work.request, work.state, work.total, work.done, work.place, work.report,
        work.error, work.created, work.updated,
    )  # fmt: skip
    try:
        connection.execute(QUERIES["add_work"], values)
    except apsw.ConstraintError as error:
        raise RingpostError("invalid_value", "The id is taken.", field="id") from error


def find(connection: apsw.Connection, company: str | None, work_id: str) -> Work | None:
    parsed = parse_work_id(work_id)
    if parsed is None:
        return None
    names = {"kind": parsed[0], "number": parsed[1], "company": company}
    row = connection.execute(QUERIES["work"], names).fetchone()
    return None if row is None else to_work(row)


def page(
    connection: apsw.Connection, company: str | None, kind: WorkKind | None, cursor: str | None, limit: int
) -> Page[Work]:
    place = read_cursor("works", cursor)
    before = _HIGHEST if place is None else place[0]
    names = {"company": company, "kind": kind, "before": before, "limit": limit + 1}
    found = [to_work(row) for row in connection.execute(QUERIES["works"], names)]
    shown = found[:limit]
    return Page(shown, write_cursor("works", _parsed(shown[-1].id)[1]) if len(found) > limit else None)


def held(connection: apsw.Connection, work: Work) -> Work:
    """The work as it is now. Raises `work_not_found`."""
    found = find(connection, work.company, work.id)
    if found is None:
        raise RingpostError("work_not_found")
    return found


def is_as(found: Work, before: Work) -> bool:
    """Whether a batch that was prepared for `before` is still to be done."""
    return found.state == "running" and (found.place, found.done) == (before.place, before.done)


def keep(connection: apsw.Connection, work: Work) -> None:
    """Write how far it came."""
    _, number = _parsed(work.id)
    values = (
        work.state, work.total, work.done, work.place, work.report, work.error, work.updated, work.request, number,
    )  # fmt: skip
    connection.execute(QUERIES["advance_work"], values)


def advance(connection: apsw.Connection, before: Work, after: Work) -> Work:
    found = held(connection, before)
    if not is_as(found, before):
        return found
    keep(connection, after)
    return after


def cancel(connection: apsw.Connection, company: str | None, work_id: str, now: int) -> Work:
    found = find(connection, company, work_id)
    if found is None:
        raise RingpostError("work_not_found")
    if found.state != "running":
        return found
    cancelled = replace(found, state="cancelled", updated=now)
    keep(connection, cancelled)
    return cancelled


def to_work(row: Row) -> Work:
    number, kind, company, request, state, total, done, place, report, error, created, updated = row
    return Work(
        id=work_id(kind, number),
        company=company,
        kind=kind,
        request=request,
        created=created,
        updated=updated,
        state=state,
        total=total,
        done=done,
        place=place,
        report=report,
        error=error,
    )


def _parsed(work_id: str) -> tuple[WorkKind, int]:
    parsed = parse_work_id(work_id)
    assert parsed is not None  # noqa: S101 - ids are made by `new_work_id`
    return parsed
