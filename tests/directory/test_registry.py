"""The directories of all companies: durable before they show, learned without waiting, and the same after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from ringpost.directory import registry
from ringpost.directory.registry import Directories
from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger
from ringpost.ledger.open import open_ledger
from ringpost.model.directory import DirectoryChange, Entry, NumberingPlan, Person
from tests.world import Clock

ALICE = Person(extension="1001", name="Alice")


class Office:
    """Directories over a real ledger, whose writes are counted, and can be made to fail or to wait."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.clock = Clock()
        self.changed: list[str] = []
        self.writes: list[DirectoryChange] = []
        self.failure: Exception | None = None
        self.go_on = asyncio.Event()
        self.go_on.set()
        self._news = asyncio.Event()
        self._write = ledger.change_directory
        ledger.change_directory = self._change  # type: ignore[method-assign]
        self.directories = Directories(ledger, self.clock, on_change=self.changed.append)

    async def _change(self, company: str, change: DirectoryChange) -> None:
        self.writes.append(change)
        self._news.set()
        await self.go_on.wait()
        if self.failure is not None:
            raise self.failure
        await self._write(company, change)

    async def wait_for_writes(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.writes) < count:
                self._news.clear()
                await self._news.wait()

    async def learned(self, *people: Person, company: str = "acme") -> None:
        """Until it is written down."""
        self.directories.learn(company, people)
        if self.directories._learning is not None:
            await self.directories._learning

    async def restarted(self) -> Directories:
        again = Directories(self.ledger, self.clock, on_change=self.changed.append)
        await again.load()
        return again


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    ledger = await open_ledger(tmp_path / "ringpost.db", now=Clock())
    office = Office(ledger)
    yield office
    await office.directories.close()
    await ledger.close()


async def test_a_company_that_said_nothing_has_an_empty_directory(office: Office) -> None:
    assert office.directories.of("acme").people == ()
    assert office.directories.plan("acme") == NumberingPlan()
    assert office.directories.count("acme") == (0, 0)
    with pytest.raises(RingpostError, match="nobody"):
        office.directories.get("acme", "1001")
    assert await office.directories.find("acme", None, "", 10) == []


async def test_all_of_it_is_there_after_a_restart(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_READ_AT_ONCE", 2)
    plan = NumberingPlan(region="IT", trunks=("SIP*",), emergency=("118",), queues=(("500", "Help"),))
    for number in range(5):
        await office.directories.enter("acme", Person(extension=str(number), name="A"))
    await office.directories.enter("zeta", ALICE)
    await office.directories.edit_plan("acme", lambda _: plan)
    await office.learned(Person(extension="1", email="a@example.com"), Person(extension="9", name="N"))
    again = await office.restarted()
    for company in ("acme", "zeta"):
        before, after = office.directories.of(company), again.of(company)
        assert sorted(after.people, key=lambda one: one.extension) == sorted(
            before.people, key=lambda one: one.extension
        )
        assert again.plan(company) == office.directories.plan(company)
        assert again.count(company) == office.directories.count(company)
    assert again.get("acme", "1") == office.directories.get("acme", "1")
    assert again.of("acme").region == "IT"


async def test_a_change_shows_once_it_is_durable_and_not_before(office: Office) -> None:
    office.go_on.clear()
    entering = asyncio.create_task(office.directories.enter("acme", ALICE))
    await office.wait_for_writes(1)
    assert office.directories.of("acme").person("1001") is None
    assert office.changed == []
    office.go_on.set()
    assert (await entering).person == office.directories.of("acme").person("1001") == ALICE
    assert office.changed == ["acme"]


async def test_a_change_that_the_ledger_refuses_shows_nowhere(office: Office) -> None:
    await office.directories.enter("acme", ALICE)
    office.failure = RingpostError("ledger_full")
    for change in (
        office.directories.enter("acme", replace(ALICE, name="B")),
        office.directories.remove("acme", "1001"),
        office.directories.edit_plan("acme", lambda plan: replace(plan, region="IT")),
        office.directories.take_file("acme", b"extension,name\n1001,C\n1002,D\n", "merge", dry_run=False),
    ):
        with pytest.raises(RingpostError, match="full"):
            await change
    assert office.directories.of("acme").people == (ALICE,)
    assert office.directories.plan("acme").region is None
    assert office.changed == ["acme"]


async def test_edits_at_the_same_time_do_not_undo_each_other(office: Office) -> None:
    def adding(trunk: str) -> asyncio.Future[NumberingPlan]:
        edit = office.directories.edit_plan("acme", lambda plan: replace(plan, trunks=(*plan.trunks, trunk)))
        return asyncio.ensure_future(edit)

    await asyncio.gather(*(adding(f"t{number}") for number in range(10)))
    assert sorted(office.directories.of("acme").trunks) == sorted(f"t{number}" for number in range(10))


async def test_a_dry_run_and_a_file_that_changes_nothing_write_nothing(office: Office) -> None:
    raw = b"extension,name\n1001,Alice\n"
    assert (await office.directories.take_file("acme", raw, "merge", dry_run=True)).added == 1
    assert office.writes == []
    await office.directories.take_file("acme", raw, "merge", dry_run=False)
    await office.directories.take_file("acme", raw, "replace", dry_run=False)
    assert len(office.writes) == 1
    assert office.changed == ["acme"]


async def test_a_replacement_leaves_what_was_learned(office: Office) -> None:
    await office.directories.enter("acme", ALICE)
    await office.learned(Person(extension="1001", email="a@example.com"), Person(extension="1002", name="Bob"))
    await office.directories.take_file("acme", b"extension\n1003\n", "replace", dry_run=False)
    extensions = {person.extension: person for person in office.directories.of("acme").people}
    assert sorted(extensions) == ["1001", "1002", "1003"]
    assert extensions["1001"] == Person(extension="1001", email="a@example.com")


async def test_a_directory_takes_so_many_people_and_no_more(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "ROWS_LIMIT", 2)
    await office.directories.take_file("acme", b"extension\n1\n2\n", "merge", dry_run=False)
    for change in (
        office.directories.enter("acme", ALICE),
        office.directories.take_file("acme", b"extension\n3\n", "merge", dry_run=True),
    ):
        with pytest.raises(RingpostError) as refused:
            await change
        assert refused.value.code == "directory_full"
    await office.directories.enter("acme", Person(extension="2", name="B"))
    await office.directories.take_file("acme", b"extension\n3\n4\n", "replace", dry_run=False)


# --- learning --------------------------------------------------------------------------------------------------------
async def test_the_same_people_are_written_down_once(office: Office) -> None:
    for _ in range(20):
        await office.learned(ALICE, Person(extension="1002", name="Bob"))
    assert len(office.writes) == 1
    assert office.changed == ["acme"]
    assert office.directories.of("acme").people == (ALICE, Person(extension="1002", name="Bob"))


async def test_what_comes_while_it_is_written_down_is_written_down_next(office: Office) -> None:
    office.go_on.clear()
    office.directories.learn("acme", [ALICE])
    await office.wait_for_writes(1)
    office.directories.learn("acme", [Person(extension="1001", email="a@example.com"), Person(extension="2", name="B")])
    office.directories.learn("zeta", [ALICE])
    office.go_on.set()
    await office.learned()
    assert office.directories.of("acme").person("1001") == replace(ALICE, email="a@example.com")
    assert office.directories.of("acme").person("2") == Person(extension="2", name="B")
    assert (await office.restarted()).of("zeta").people == (ALICE,)


async def test_so_many_people_are_learned_and_no_more(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "LEARNED_LIMIT", 3)
    await office.learned(*(Person(extension=str(number), name="A") for number in range(5)))
    await office.learned(Person(extension="7", name="A"), Person(extension="1", email="a@example.com"))
    assert sorted(office.directories.of("acme").extensions) == ["0", "1", "2"]
    assert office.directories.get("acme", "1").person.email == "a@example.com"


async def test_what_the_ledger_does_not_take_is_offered_again(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_LEARN_RETRY_SECONDS", 0)
    office.failure = RingpostError("ledger_full")
    office.directories.learn("acme", [ALICE])
    await office.wait_for_writes(3)
    assert office.directories.of("acme").people == ()
    office.failure = None
    await office.learned()
    assert office.directories.of("acme").people == (ALICE,)


async def test_a_person_who_is_removed_is_learned_again(office: Office) -> None:
    await office.learned(ALICE)
    await office.directories.remove("acme", "1001")
    assert office.directories.of("acme").people == ()
    assert (await office.restarted()).of("acme").people == ()
    await office.learned(ALICE)
    assert office.directories.of("acme").people == (ALICE,)


async def test_a_close_waits_for_nothing_that_can_be_learned_again(office: Office) -> None:
    office.go_on.clear()
    office.directories.learn("acme", [ALICE])
    await office.wait_for_writes(1)
    await office.directories.close()
    assert office.writes == [
        DirectoryChange(put=(Entry(company="acme", known="pbx", person=ALICE, updated=office.clock()),))
    ]
