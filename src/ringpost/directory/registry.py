"""The directories of all companies: the one owner of who is who, in memory and in the ledger.

Promises: `of` answers without waiting, so that every event can be described as it is told; what is changed is durable
before it shows; `learn` never waits and writes only what is new, and what was entered goes before what was learned.
Called from the event loop, by the API, the node and the sources.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import structlog

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import FIRST_ENTRY, Ledger
from ringpost.model.directory import DirectoryChange, Entry, Known, NumberingPlan, Person

from .book import LEARNED_LIMIT, Book, Listing, news
from .comparing import Comparison, Mode, compare
from .directory import Directory
from .table import ROWS_LIMIT, read_directory
from .writing import write_directory

_READ_AT_ONCE: Final = 5_000  # entries
_LEARN_RETRY_SECONDS: Final = 30.0  # while the ledger refuses
_NOBODY: Final = Directory()

_log = structlog.get_logger("ringpost.directory")


class Directories:
    """on_change: called with the company after each change that shows; now: the wall clock (ms)."""

    def __init__(self, ledger: Ledger, now: Callable[[], int], on_change: Callable[[str], None]) -> None:
        self._ledger = ledger
        self._now = now
        self._on_change = on_change
        self._books: dict[str, Book] = {}
        self._changing: dict[str, asyncio.Lock] = {}  # of a company: an import reads, waits and writes
        self._news: dict[str, dict[str, Entry]] = {}  # by company and extension: learned, and not written down yet
        self._learning: asyncio.Task[None] | None = None

    async def load(self) -> None:
        after = FIRST_ENTRY
        while entries := await self._ledger.entries(after, _READ_AT_ONCE):
            for entry in entries:
                self._book(entry.company).put(DirectoryChange(put=(entry,)))
            after = (entries[-1].company, entries[-1].person.extension, entries[-1].known)
        for company, plan in (await self._ledger.numbering_plans()).items():
            self._book(company).put(DirectoryChange(plan=plan))

    async def close(self) -> None:
        """What was learned and is not written down yet is learned again."""
        if self._learning is not None:
            self._learning.cancel()
            await asyncio.wait({self._learning})

    # --- asking ----------------------------------------------------------------------------------------------------
    def of(self, company: str) -> Directory:
        book = self._books.get(company)
        return _NOBODY if book is None else book.directory()

    def plan(self, company: str) -> NumberingPlan:
        return self._seen(company).plan

    def count(self, company: str) -> tuple[int, int]:
        """How many people were entered, and how many were learned and not entered."""
        book = self._seen(company)
        return len(book.entered), len(book.learned.keys() - book.entered.keys())

    def get(self, company: str, extension: str) -> Listing:
        """Raises `person_not_found`."""
        found = self._seen(company).find(extension)
        if found is None:
            raise RingpostError("person_not_found")
        return found

    async def find(self, company: str, search: str | None, after: str, limit: int) -> list[Listing]:
        """See `Book.matching`. A directory may be long: it is looked through in a thread."""
        book = self._seen(company)
        return await asyncio.to_thread(book.matching, book.order(), search, after, limit)

    async def export(self, company: str, *, learned: bool) -> bytes:
        """As a CSV file: what was entered, and with `learned` what the PBX told, too."""
        book = self._seen(company)
        people = book.directory().people if learned else _people(book)
        return await asyncio.to_thread(write_directory, people, book.plan)

    # --- changing --------------------------------------------------------------------------------------------------
    async def enter(self, company: str, person: Person) -> Listing:
        """Put what is entered of an extension in the place of what was. Raises `directory_full`, and what the ledger
        raises; then nothing changed."""
        async with self._lock(company):
            book = self._book(company)
            if person.extension not in book.entered and len(book.entered) >= ROWS_LIMIT:
                raise RingpostError("directory_full")
            await self._change(company, DirectoryChange(put=(self._entry(company, person),)))
            return self.get(company, person.extension)

    async def remove(self, company: str, extension: str) -> Listing:
        """Whom was removed, with what was learned of the extension. Raises `person_not_found`."""
        async with self._lock(company):
            listing = self.get(company, extension)
            self._news.get(company, {}).pop(extension, None)
            ways: tuple[Known, ...] = ("entered", "pbx")
            await self._change(company, DirectoryChange(removed=tuple((extension, known) for known in ways)))
            return listing

    async def edit_plan(self, company: str, change: Callable[[NumberingPlan], NumberingPlan]) -> NumberingPlan:
        async with self._lock(company):
            before = self.plan(company)
            plan = change(before)
            await self._change(company, DirectoryChange(plan=None if plan == before else plan))
            return plan

    async def take_file(self, company: str, raw: bytes, mode: Mode, *, dry_run: bool) -> Comparison:
        """What the file changes; it is taken whole, or not at all. Raises `directory_invalid`, `directory_full`."""
        table = await asyncio.to_thread(read_directory, raw)
        async with self._lock(company):
            book = self._seen(company)
            people = {person.extension: person for person in _people(book)}
            found = await asyncio.to_thread(compare, people, book.plan, table, mode)
            if len(people) + found.added - found.removed > ROWS_LIMIT:
                raise RingpostError("directory_full")
            if not dry_run:
                await self._change(company, self._as_change(company, book.plan, found))
            return found

    # --- learning --------------------------------------------------------------------------------------------------
    def learn(self, company: str, people: Iterable[Person]) -> None:
        """Take what a PBX showed of its own people. It is written down soon, as far as it is new."""
        book, now = self._book(company), self._now()
        waiting = self._news.setdefault(company, {})
        for person in people:
            extension = person.extension
            known = waiting.get(extension) or book.learned.get(extension)
            new = news(company, known, person, now)
            if new is not None and (known is not None or len(book.learned) + len(waiting) < LEARNED_LIMIT):
                waiting[extension] = new
        if waiting and (self._learning is None or self._learning.done()):
            self._learning = asyncio.create_task(self._write_news(), name="learn people")

    async def _write_news(self) -> None:
        while company := next((name for name, news in self._news.items() if news), None):
            try:
                async with self._lock(company):
                    learned = dict(self._news[company])
                    await self._change(company, DirectoryChange(put=tuple(learned.values())))
                    for extension, entry in learned.items():
                        if self._news[company].get(extension) is entry:
                            del self._news[company][extension]
            except RingpostError as error:
                _log.warning("people_not_learned", company=company, code=error.code)
                await asyncio.sleep(_LEARN_RETRY_SECONDS)

    # --- both ------------------------------------------------------------------------------------------------------
    async def _change(self, company: str, change: DirectoryChange) -> None:
        if change != DirectoryChange():
            await self._ledger.change_directory(company, change)
            self._book(company).put(change)
            self._on_change(company)

    def _as_change(self, company: str, plan: NumberingPlan, found: Comparison) -> DirectoryChange:
        return DirectoryChange(
            put=tuple(self._entry(company, person) for person in found.put),
            removed=tuple((extension, "entered") for extension in found.gone),
            plan=None if found.plan == plan else found.plan,
        )

    def _entry(self, company: str, person: Person) -> Entry:
        return Entry(company=company, known="entered", person=person, updated=self._now())

    def _seen(self, company: str) -> Book:
        """The book to look into; an empty one where the company has none."""
        return self._books.get(company) or Book()

    def _book(self, company: str) -> Book:
        return self._books.setdefault(company, Book())

    def _lock(self, company: str) -> asyncio.Lock:
        return self._changing.setdefault(company, asyncio.Lock())


def _people(book: Book) -> Sequence[Person]:
    """Those that were entered, in the order of their extensions."""
    return [book.entered[extension].person for extension in sorted(book.entered)]
