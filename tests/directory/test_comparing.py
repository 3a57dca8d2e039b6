"""What a file would change, and files that a directory wrote."""

from __future__ import annotations

import csv

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringpost.directory.comparing import SHOWN, Comparison, FieldChange, Mode, NumbersChange, PersonChange, compare
from ringpost.directory.table import read_directory
from ringpost.directory.writing import write_directory
from ringpost.errors import RingpostError
from ringpost.model.directory import NumberingPlan, Person
from tests.directory.making import PEOPLE, PLANS

ALICE = Person(extension="1001", name="Alice", email="alice@example.com")
PLAN = NumberingPlan(region="IT", trunks=("old",), emergency=("118",), queues=(("500", "Help"),))
MODES = st.sampled_from(["merge", "replace"])


def compared(people: list[Person], raw: bytes, mode: Mode, plan: NumberingPlan = PLAN) -> Comparison:
    return compare({person.extension: person for person in people}, plan, read_directory(raw), mode)


def after(people: list[Person], found: Comparison) -> dict[str, Person]:
    """The directory after it."""
    kept = {person.extension: person for person in people if person.extension not in found.gone}
    return kept | {person.extension: person for person in found.put}


def test_a_merge_keeps_what_the_file_does_not_say() -> None:
    bob = Person(extension="1002", name="Bob")
    raw = b"extension,name,email,userId,trunk\n1001,Alicia,,u-1,\n1003,Carla,,,\n,,,,new\n"
    found = compared([ALICE, bob], raw, "merge")
    assert after([ALICE, bob], found) == {
        "1001": Person(extension="1001", name="Alicia", email="alice@example.com", user_id="u-1"),
        "1002": bob,
        "1003": Person(extension="1003", name="Carla"),
    }
    assert found.plan == NumberingPlan(region="IT", trunks=("old", "new"), emergency=("118",), queues=PLAN.queues)
    assert (found.added, found.changed, found.removed, found.unchanged) == (1, 1, 0, 0)
    assert found.changes == (
        PersonChange("1001", "changed", (FieldChange("name", "Alice", "Alicia"), FieldChange("userId", None, "u-1"))),
        PersonChange("1003", "added", (FieldChange("name", None, "Carla"),)),
    )


def test_a_replacement_leaves_nobody_who_is_not_in_the_file() -> None:
    found = compared([ALICE, Person(extension="9")], b"extension,name\n1001,Alice\n", "replace")
    assert after([ALICE], found) == {"1001": Person(extension="1001", name="Alice")}
    assert found.gone == ("9",)
    assert found.changes[0].fields == (FieldChange("email", "alice@example.com", None),)
    assert found.changes[1] == PersonChange("9", "removed", ())


def test_numbers_are_replaced_only_where_the_file_has_their_column() -> None:
    assert compared([], b"extension\n1\n", "replace").plan == PLAN
    found = compared([], b"extension,trunk,queue,name\n,new,,\n,,500,Sales\n", "replace")
    assert found.plan == NumberingPlan(region="IT", trunks=("new",), emergency=("118",), queues=(("500", "Sales"),))
    assert found.trunks == NumbersChange(("new",), ("old",))
    assert found.queues == NumbersChange(("500: Sales",), ("500: Help",))
    assert found.emergency == NumbersChange((), ())


def test_more_trunks_than_are_kept_are_refused() -> None:
    raw = b"trunk\n" + b"".join(b"t%d\n" % number for number in range(1_001))
    with pytest.raises(RingpostError) as refused:
        compared([], raw, "merge")
    assert (refused.value.code, refused.value.field) == ("invalid_value", "trunks")


def test_of_many_changes_the_first_are_listed_and_all_are_counted() -> None:
    people = [Person(extension=str(number), name="A") for number in range(SHOWN + 5)]
    raw = b"extension,name\nnew,B\n" + b"".join(b"%d,B\n" % number for number in range(SHOWN + 5))
    found = compared(people, raw, "merge")
    assert (found.changed, found.added, len(found.changes), found.unlisted) == (SHOWN + 5, 1, SHOWN, 6)
    assert {change.kind for change in found.changes} == {"changed"}


def test_a_name_that_a_spreadsheet_would_run_is_written_as_text() -> None:
    names = ['=HYPERLINK("x")', "+39", "-1", "@a", "'=1", "'t Hooft", "''"]
    people = [Person(extension=f"10{place}", name=name) for place, name in enumerate(names)]
    raw = write_directory([*people, Person(extension="+39")], NumberingPlan())
    cells = [row[:2] for row in csv.reader(raw.decode().splitlines())][1:]
    assert [name for _, name in cells[:-1]] == ['\'=HYPERLINK("x")', "'+39", "'-1", "'@a", "''=1", "'t Hooft", "''"]
    assert cells[-1][0] == "'+39"
    assert compared([], raw, "merge").put == (*people, Person(extension="+39"))


@given(people=PEOPLE, plan=PLANS, mode=MODES)
def test_what_was_written_is_read_back_as_the_same(people: list[Person], plan: NumberingPlan, mode: Mode) -> None:
    raw = write_directory(people, plan)
    found = compared([], raw, mode, NumberingPlan(region=plan.region))
    assert (list(found.put), found.plan) == (people, plan)
    again = compared(people, raw, mode, plan)
    assert (again.put, again.gone, again.plan, again.changes) == ((), (), plan, ())
    assert again.unchanged == len(people)


@settings(max_examples=50)
@given(people=PEOPLE, others=PEOPLE, plan=PLANS, other=PLANS, mode=MODES)
def test_a_comparison_counts_what_it_changes(
    people: list[Person], others: list[Person], plan: NumberingPlan, other: NumberingPlan, mode: Mode
) -> None:
    raw = write_directory(others, other)
    found = compared(people, raw, mode, plan)
    result = after(people, found)
    before = {person.extension: person for person in people}
    assert found.added == len(result.keys() - before.keys())
    assert found.removed == len(before.keys() - result.keys())
    assert found.changed == sum(before.get(extension, person) != person for extension, person in result.items())
    assert {change.extension for change in found.changes} == {
        extension for extension in before | result if before.get(extension) != result.get(extension)
    }
    if mode == "replace":
        assert result == {person.extension: person for person in others}
        assert (found.plan.trunks, found.plan.queues) == (other.trunks, other.queues)
    again = compared(list(result.values()), raw, mode, found.plan)
    assert (again.put, again.gone, again.plan) == ((), (), found.plan)
