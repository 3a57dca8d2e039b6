"""Directories: who is behind an extension, by each way that it is known, and numbering plans."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringpost.ledger.ledger import FIRST_ENTRY, Ledger
from ringpost.model.directory import DirectoryChange, Entry, Known, NumberingPlan, Person
from tests.contract.ledger.making import NOW

Reopen = Callable[[], Awaitable[Ledger]]

texts = st.none() | st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
persons = st.builds(
    Person,
    extension=st.sampled_from(["1", "10", "1001", "*8", "abc"]),
    name=texts, email=texts, user_id=texts, department=texts, group_id=texts, group=texts, company=texts,
)  # fmt: skip
entries = st.builds(
    Entry,
    company=st.just("acme"),
    known=st.sampled_from(["entered", "pbx"]),
    person=persons,
    updated=st.integers(0, NOW),
)


def entry(extension: str, *, company: str = "acme", known: Known = "entered", name: str | None = None) -> Entry:
    return Entry(company=company, known=known, person=Person(extension=extension, name=name), updated=NOW)


async def all_entries(ledger: Ledger, limit: int = 2) -> list[Entry]:
    found: list[Entry] = []
    after = FIRST_ENTRY
    while page := await ledger.entries(after, limit):
        assert len(page) <= limit
        found += page
        after = (page[-1].company, page[-1].person.extension, page[-1].known)
    return found


async def test_entries_are_read_in_their_order_page_by_page(ledger: Ledger, reopen: Reopen) -> None:
    of_acme = [entry("1001"), entry("1001", known="pbx"), entry("2"), entry("abc")]
    of_zeta = [entry("1001", company="zeta")]
    await ledger.change_directory("zeta", DirectoryChange(put=tuple(of_zeta)))
    await ledger.change_directory("acme", DirectoryChange(put=tuple(reversed(of_acme))))
    ledger = await reopen()
    assert await all_entries(ledger) == [*of_acme, *of_zeta]


async def test_an_entry_takes_the_place_of_that_of_the_same_way_alone(ledger: Ledger) -> None:
    learned = entry("1001", known="pbx", name="A. R.")
    await ledger.change_directory("acme", DirectoryChange(put=(entry("1001", name="Alice"), learned)))
    await ledger.change_directory("acme", DirectoryChange(put=(entry("1001"),)))
    assert await all_entries(ledger) == [entry("1001"), learned]


async def test_what_is_removed_is_gone_and_nothing_else_is(ledger: Ledger) -> None:
    there = (entry("1001"), entry("1001", known="pbx"), entry("1002"))
    await ledger.change_directory("acme", DirectoryChange(put=there))
    await ledger.change_directory("zeta", DirectoryChange(put=(entry("1001", company="zeta"),)))
    change = DirectoryChange(removed=(("1001", "entered"), ("1002", "pbx"), ("none", "entered")))
    await ledger.change_directory("acme", change)
    assert await all_entries(ledger) == [there[1], there[2], entry("1001", company="zeta")]


async def test_what_is_removed_and_put_in_one_change_is_there(ledger: Ledger) -> None:
    await ledger.change_directory("acme", DirectoryChange(put=(entry("1001", name="Alice"),)))
    change = DirectoryChange(removed=(("1001", "entered"),), put=(entry("1001", name="Bob"),))
    await ledger.change_directory("acme", change)
    assert await all_entries(ledger) == [entry("1001", name="Bob")]


async def test_a_numbering_plan_is_kept_for_each_company(ledger: Ledger, reopen: Reopen) -> None:
    assert await ledger.numbering_plans() == {}
    plan = NumberingPlan(region="IT", trunks=("SIP*", 'a"b'), emergency=("118",), queues=(("500", "Größe"),))
    await ledger.change_directory("acme", DirectoryChange(plan=NumberingPlan(region="DE")))
    await ledger.change_directory("acme", DirectoryChange(plan=plan))
    await ledger.change_directory("zeta", DirectoryChange(plan=NumberingPlan()))
    await ledger.change_directory("acme", DirectoryChange(put=(entry("1001"),)))
    ledger = await reopen()
    assert await ledger.numbering_plans() == {"acme": plan, "zeta": NumberingPlan()}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.lists(entries, max_size=6), min_size=1, max_size=3))
async def test_whatever_is_put_comes_back_as_it_was(ledger: Ledger, changes: list[list[Entry]]) -> None:
    kept = {(one.person.extension, one.known): one for one in await all_entries(ledger)}
    for change in changes:
        await ledger.change_directory("acme", DirectoryChange(put=tuple(change)))
        kept |= {(one.person.extension, one.known): one for one in change}
    assert await all_entries(ledger) == [kept[place] for place in sorted(kept)]
