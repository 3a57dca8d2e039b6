"""A directory from a CSV file.

The first line names the columns, in any order and case: `extension`, `name`, `email`, `userId`, `department`, `group`,
`groupId`, `company`; and for the rows that tell of those instead of a person `trunk` (an endpoint's name, or a pattern
with `*`), `emergency` (a number) and `queue` (the PBX's own name of a queue; `name` is the one that people know it by).
Separated by commas, semicolons or tabs, in UTF-8; an empty cell is unknown, and columns of other names are left out.
Promise: a file is taken whole or refused with the line and the column that are wrong. Pure.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from ringpost.errors import RingpostError
from ringpost.model.directory import Person

from .checks import CELL_LIMIT, EMAIL, EXTENSION, FORMULA, UNWANTED
from .directory import Directory

ROWS_LIMIT: Final = 100_000

_COLUMNS: Final = {  # as written, without spaces and punctuation, in lower case: the field
    "extension": "extension",
    "ext": "extension",
    "userextension": "extension",
    "name": "name",
    "fullname": "name",
    "displayname": "name",
    "email": "email",
    "mail": "email",
    "userid": "user_id",
    "department": "department",
    "userdepartment": "department",
    "group": "group",
    "groupname": "group",
    "groupid": "group_id",
    "company": "company",
    "trunk": "trunk",
    "emergency": "emergency",
    "queue": "queue",
    "queueid": "queue",
}
_KINDS: Final = ("extension", "trunk", "emergency", "queue")  # a row tells of one of these


class Table(Struct, frozen=True):
    """columns: the fields that it has a column for; unused: the columns that were left out, as they are written."""

    directory: Directory
    columns: frozenset[str]
    unused: tuple[str, ...]


def read_directory(raw: bytes, *, region: str | None = None) -> Table:
    """region: that of the directory. Raises `directory_invalid`, with the line and the column, and `invalid_value` for
    a region that there is not."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _refusal(line, None, "The file is not in UTF-8; save it as UTF-8.") from None
    people: dict[str, Person] = {}
    trunks: list[str] = []
    emergency: list[str] = []
    queues: dict[str, str] = {}
    used: set[str] = set()
    unused: list[str] = []
    for line, row in _rows(text, used, unused):
        kinds = [kind for kind in _KINDS if row.get(kind)]
        if len(kinds) != 1:
            text = "A row tells of one of these: an extension, a trunk, an emergency number or a queue."
            raise _refusal(line, None, text)
        if kinds[0] == "trunk":
            trunks.append(row["trunk"])
        elif kinds[0] == "emergency":
            emergency.append(_matching(EXTENSION, row["emergency"], line, "emergency", "a number, as 112"))
        elif kinds[0] == "queue":
            queue = row["queue"]
            if queue in queues:
                raise _refusal(line, "queue", f"Queue {queue} is there twice.")
            if not row.get("name"):
                raise _refusal(line, "name", f"Write the name of queue {queue}.")
            queues[queue] = row["name"]
        else:
            person = _person(line, row)
            if person.extension in people:
                raise _refusal(line, "extension", f"Extension {person.extension} is there twice.")
            people[person.extension] = person
    directory = Directory(people.values(), trunks=trunks, emergency=emergency, queues=queues, region=region)
    return Table(directory, frozenset(used), tuple(unused))


def _person(line: int, row: dict[str, str]) -> Person:
    extension = _matching(EXTENSION, row["extension"], line, "extension", "an extension, as 1001")
    if row.get("email"):
        _matching(EMAIL, row["email"], line, "email", "an e-mail address")
    fields = {name: value for name, value in row.items() if value and name not in _KINDS}
    return Person(extension=extension, **fields)


def _rows(text: str, used: set[str], unused: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row that is not empty: its line, and its cells by field. used, unused: are given the columns."""
    lines = text.splitlines()
    head = next((line for line in lines if line.strip()), "")
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    columns: list[str] | None = None
    count = 0
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if columns is None:
                columns = _columns(reader.line_num, cells)
                used |= {column for column in columns if column}
                unused += [cell.strip() for cell, column in zip(cells, columns, strict=True) if not column]
                continue
            count += 1
            if count > ROWS_LIMIT:
                raise _refusal(reader.line_num, None, f"It has more than {ROWS_LIMIT} rows.")
            yield reader.line_num, _cells(reader.line_num, columns, cells)
    except csv.Error as error:
        raise _refusal(reader.line_num, None, f"The line is no CSV: {error}.") from None
    if columns is None:
        raise _refusal(1, None, "The file is empty; its first line names the columns.")


def _columns(line: int, cells: list[str]) -> list[str]:
    """The field of each column, empty where it has none."""
    columns: list[str] = []
    for cell in cells:
        field = _COLUMNS.get(re.sub(r"[^a-z]", "", cell.casefold()), "")
        if field and field in columns:
            raise _refusal(line, cell.strip(), f"The column {cell.strip()!r} is there twice.")
        columns.append(field)
    if not set(columns) & set(_KINDS):
        raise _refusal(line, "extension", "The column `extension` is missing.")
    return columns


def _cells(line: int, columns: list[str], cells: list[str]) -> dict[str, str]:
    if any(cell.strip() for cell in cells[len(columns) :]):
        raise _refusal(line, None, f"The line has more cells than there are columns ({len(columns)}).")
    row = {}
    for column, cell in zip(columns, cells, strict=False):
        value = cell.strip()
        if value.startswith("'") and FORMULA.match(value) is not None:
            value = value[1:]  # as a spreadsheet takes it
        if not column:
            continue
        if len(value) > CELL_LIMIT or UNWANTED.search(value) is not None:
            raise _refusal(line, column, f"Write up to {CELL_LIMIT} characters, without control characters.")
        row[column] = value
    return row


def _matching(pattern: re.Pattern[str], value: str, line: int, column: str, right: str) -> str:
    if pattern.fullmatch(value) is None:
        raise _refusal(line, column, f"{value!r} is not {right}.")
    return value


def _refusal(line: int, column: str | None, message: str) -> RingpostError:
    where = f"line {line}" if column is None else f"line {line}, column {column}"
    return RingpostError("directory_invalid", f"{where}: {message}", field=column)
