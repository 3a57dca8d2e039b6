"""A directory as a CSV file, which `table` reads back as the same. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Final

from ringpost.model.directory import NumberingPlan, Person

from .checks import FIELDS, FORMULA

COLUMNS: Final = ("extension", *FIELDS, "trunk", "emergency", "queue")


def write_directory(people: Iterable[Person], plan: NumberingPlan) -> bytes:
    """In UTF-8, the people first, then trunks, emergency numbers and queues. The region is not in it.

    What a PBX shows as a name may be made to harm whoever opens the file in a spreadsheet: see `FORMULA`.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for person in people:
        values = {name: _cell(getattr(person, field) or "") for name, field in FIELDS.items()}
        writer.writerow({"extension": _cell(person.extension), **values})
    writer.writerows({"trunk": _cell(trunk)} for trunk in plan.trunks)
    writer.writerows({"emergency": _cell(number)} for number in plan.emergency)
    writer.writerows({"queue": _cell(queue), "name": _cell(name)} for queue, name in plan.queues)
    return text.getvalue().encode()


def _cell(text: str) -> str:
    return f"'{text}" if FORMULA.match(text) is not None else text
