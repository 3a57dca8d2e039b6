"""Erasing a person: all of the calls that ended, nothing else, and no byte of it is left in the ledger's files."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ringpost.ledger.ledger import Ledger
from ringpost.ledger.open import open_ledger
from ringpost.model.event import Event
from ringpost.model.work import ERASURE, Work
from ringpost.upkeep.erasure import Erasures, Report, read_report
from ringpost.upkeep.person import Person
from tests.contract.ledger.making import NOW, Clock, all_owed, commit_one, events_of, new_event, result, whole_call

NUMBER = "+390461555"
WANTED = Person(phone=NUMBER)
FILES = ("", "-wal")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
async def ledger(path: Path, clock: Clock) -> AsyncIterator[Ledger]:
    ledger = await open_ledger(path, now=clock)
    yield ledger
    await ledger.close()


def data(number: str, size: int = 300) -> bytes:
    return json.dumps({"status": "RINGING", "caller": {"phone": number, "note": "x" * size}}).encode()


async def call(
    ledger: Ledger, name: str, number: str, *, integrations: Sequence[str] = (), size: int = 300, ends: bool = True
) -> list[Event]:
    events = whole_call(name, integrations=integrations)[: 3 if ends else 2]
    verdicts = await ledger.commit([replace(event, data=data(number, size)) for event in events])
    return [verdict for verdict in verdicts if isinstance(verdict, Event)]


class Desk:
    """Erasures on a ledger, and what the dispatcher is told."""

    def __init__(self, ledger: Ledger) -> None:
        self.dropped: list[tuple[str, str, int]] = []
        self.ledger = ledger
        self.erasures = Erasures(ledger, lambda *lane: self.dropped.append(lane), lambda: NOW + 5, Random(1).random)

    async def erase(self, person: Person = WANTED, *, dry_run: bool = False, company: str = "acme") -> Report:
        work = self.erasures.work(company, person, dry_run=dry_run)
        await self.ledger.add_work(work)
        return read_report(await self.go_on(work))

    async def go_on(self, work: Work) -> Work:
        async with asyncio.timeout(20):
            while work.state == "running":
                work = await self.erasures.step(work)
        return work


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    return Desk(ledger)


def found_in_files(path: Path, text: str) -> list[str]:
    """The files of the ledger in which the bytes are."""
    files = [path.with_name(path.name + end) for end in FILES]
    return [file.name for file in files if file.exists() and text.encode() in file.read_bytes()]


async def test_all_calls_of_a_number_go_and_no_other(ledger: Ledger, desk: Desk) -> None:
    for number in range(30):
        mine = number % 3 == 0
        events = await call(ledger, f"acme_{number}", NUMBER if mine else f"+390461{number}", integrations=["aaaaaa"])
        await ledger.record([result(event) for event in events])
    await call(ledger, "other_1", "1001")
    [theirs] = await ledger.commit([replace(new_event(company="wildix", call="wildix_1"), data=data(NUMBER))])
    counted = await desk.erase(dry_run=True)
    assert counted == Report(dry_run=True, calls=10, events=30, deliveries=30, attempts=30)
    assert await events_of(ledger, "acme", "acme_0") != []
    assert await desk.erase() == replace(counted, dry_run=False)
    left = (await ledger.calls("acme", open_only=False, cursor=None, limit=50)).items
    assert {found.id for found in left} == {"other_1", *(f"acme_{n}" for n in range(30) if n % 3)}
    assert isinstance(theirs, Event)
    assert await ledger.event("wildix", theirs.seq) == theirs
    assert desk.dropped == []
    assert (await desk.erase()).calls == 0


async def test_what_was_pending_is_cancelled_and_the_dispatcher_is_told(ledger: Ledger, desk: Desk) -> None:
    events = await call(ledger, "acme_1", NUMBER, integrations=["aaaaaa", "bbbbbb"])
    await ledger.record([result(events[0])])
    assert (await desk.erase(dry_run=True)).cancelled == 5
    assert desk.dropped == []
    report = await desk.erase()
    assert (report.deliveries, report.cancelled, report.attempts) == (6, 5, 1)
    assert sorted(desk.dropped) == [("aaaaaa", "acme_1", 2), ("bbbbbb", "acme_1", 3)]
    assert await all_owed(ledger) == []
    await ledger.record([result(events[1])])  # an attempt that was under way
    assert await ledger.attempts_of_events("acme", [events[1].seq]) == []


async def test_a_call_that_goes_on_is_left_counted_and_can_be_erased_when_it_ended(ledger: Ledger, desk: Desk) -> None:
    await call(ledger, "acme_1", NUMBER, integrations=["aaaaaa"], ends=False)
    report = await desk.erase()
    assert (report.calls, report.still_going_on) == (0, 1)
    assert len(await events_of(ledger, "acme", "acme_1")) == 2
    assert len(await all_owed(ledger)) == 2
    await commit_one(ledger, new_event("call:end", call="acme_1", data=data("none")))
    report = await desk.erase()
    assert (report.calls, report.events, report.still_going_on) == (1, 3, 0)


async def test_a_long_call_goes_in_parts(ledger: Ledger, desk: Desk) -> None:
    events = whole_call("acme_1", integrations=["aaaaaa", "bbbbbb"], updates=700)
    await ledger.commit(
        [replace(event, data=data("1001" if number else NUMBER)) for number, event in enumerate(events)]
    )
    report = await desk.erase()
    assert (report.events, report.deliveries, report.cancelled) == (702, 1_404, 1_404)
    assert await ledger.call("acme", "acme_1") is None


async def test_no_byte_of_the_number_is_left_in_the_files(path: Path, ledger: Ledger, desk: Desk) -> None:
    for number in range(200):
        size = 300 if number % 2 else 30_000 if number % 20 == 0 else 2_000
        await call(ledger, f"acme_{number}", NUMBER if number % 7 == 0 else f"+39046{number:04}", size=size)
    assert found_in_files(path, NUMBER)
    await desk.erase(dry_run=True)
    report = await desk.erase()
    assert report.calls == 29
    assert found_in_files(path, NUMBER) == []
    assert found_in_files(path, "+390460001") != []


@pytest.mark.slow
async def test_no_byte_is_left_of_what_was_forgotten_or_merged_with_others_before(
    path: Path, ledger: Ledger, desk: Desk, clock: Clock
) -> None:
    """Calls are forgotten and erased around it, so that the file's pages are emptied and merged."""
    for number in range(600):
        await call(ledger, f"acme_{number}", f"+49{number % 5}7777", size=200 + number % 900)
    for other in ("+4917777", "+4927777"):
        await desk.erase(Person(phone=other))
    clock.now += 1
    for number in range(600, 700):
        await call(ledger, f"acme_{number}", f"+49{number % 5}7777", size=200 + number % 900)
    place = None
    while place is not None or clock.now:
        batch = await ledger.forget("calls", NOW + 1, place, 50)
        place, clock.now = batch.next, 0
    for number in range(5):
        await desk.erase(Person(phone=f"+49{number}7777"))
        assert found_in_files(path, f"+49{number}7777") == []


@pytest.mark.slow
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chance=st.randoms(use_true_random=False))
async def test_whatever_was_erased_before_no_byte_is_left(
    tmp_path_factory: pytest.TempPathFactory, chance: Random
) -> None:
    path = tmp_path_factory.mktemp("erasing") / "ledger.db"
    ledger = await open_ledger(path, now=Clock())
    try:
        desk = Desk(ledger)
        numbers = [f"+49{number}8888" for number in range(8)]
        for name in range(chance.randint(20, 150)):
            size = chance.choice([10, 300, 1_500, 7_900, 20_000])
            await call(ledger, f"acme_{name}", chance.choice(numbers), size=size)
        chance.shuffle(numbers)
        for number in numbers:
            await desk.erase(Person(phone=number))
            assert found_in_files(path, number) == []
    finally:
        await ledger.close()


async def test_whom_it_was_about_is_not_kept_and_a_crash_on_the_way_is_made_good(
    path: Path, ledger: Ledger, desk: Desk
) -> None:
    for number in range(250):
        await call(ledger, f"acme_{number}", NUMBER)
    work = desk.erasures.work("acme", WANTED, dry_run=False)
    await ledger.add_work(work)
    assert await desk.erasures.step(work) != work
    [again] = await ledger.running_works()  # after a crash
    assert NUMBER.encode() in again.request
    ended = await desk.go_on(again)
    assert read_report(ended).calls == 250
    kept = await ledger.work("acme", work.id)
    assert kept is not None
    assert (kept.state, kept.request) == ("done", b"{}")
    assert found_in_files(path, NUMBER) == []


async def test_a_work_that_failed_does_not_keep_it_either(ledger: Ledger, desk: Desk) -> None:
    work = desk.erasures.work("acme", WANTED, dry_run=False)
    await ledger.add_work(work)
    await ledger.advance_work(work, replace(work, state="failed", error="internal"))
    kept = await ledger.work("acme", work.id)
    assert kept is not None
    assert (kept.kind, kept.request) == (ERASURE, b"{}")


async def test_a_reader_in_the_way_of_the_log_is_waited_for(path: Path, ledger: Ledger, desk: Desk) -> None:
    await call(ledger, "acme_1", NUMBER)
    reader = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM events").get == 3
    work = desk.erasures.work("acme", WANTED, dry_run=False)
    await ledger.add_work(work)
    work = await desk.erasures.step(work)
    assert work.request == b"{}"
    assert await desk.erasures.step(work) is work
    assert found_in_files(path, NUMBER)
    reader.execute("COMMIT")
    reader.close()
    assert (await desk.go_on(work)).state == "done"
    assert found_in_files(path, NUMBER) == []
