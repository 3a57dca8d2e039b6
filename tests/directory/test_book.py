"""A company's book: what was entered goes before what was learned, and what is worth learning."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from ringpost.directory.book import LEARN_AGAIN_MS, Book, Listing, both, news
from ringpost.directory.checks import CELL_LIMIT, EXTENSION, FIELDS, UNWANTED, check_person, presentable
from ringpost.model.directory import DirectoryChange, Entry, Known, Person
from tests.directory.making import PEOPLE, PERSONS

NOW = 1_700_000_000_000
TEXT = st.none() | st.text(max_size=300)


def entry(person: Person, known: Known = "entered", updated: int = NOW) -> Entry:
    return Entry(company="acme", known=known, person=person, updated=updated)


def book(*entries: Entry) -> Book:
    made = Book()
    made.put(DirectoryChange(put=entries))
    return made


def test_each_field_comes_from_what_was_entered_or_else_from_what_was_learned() -> None:
    entered = entry(Person(extension="1", name="Alice"), updated=NOW)
    learned = entry(Person(extension="1", name="A. R.", email="a@example.com"), "pbx", NOW + 5)
    found = book(learned, entered)
    assert found.find("1") == Listing(
        person=Person(extension="1", name="Alice", email="a@example.com"),
        known="entered", learned=("email",), updated=NOW + 5,
    )  # fmt: skip
    assert found.directory().person("1") == Person(extension="1", name="Alice", email="a@example.com")
    found.put(DirectoryChange(removed=(("1", "entered"),)))
    assert found.find("1") == Listing(person=learned.person, known="pbx", learned=("name", "email"), updated=NOW + 5)
    found.put(DirectoryChange(removed=(("1", "pbx"), ("2", "pbx"))))
    assert found.find("1") is None
    assert found.directory().person("1") is None
    assert found.order() == ()


@settings(max_examples=50)
@given(entered=PEOPLE, learned=PEOPLE, removed=st.lists(st.booleans(), max_size=8))
def test_whatever_was_put_and_removed_the_directory_has_it_merged(
    entered: list[Person], learned: list[Person], removed: list[bool]
) -> None:
    made = book(*map(entry, entered), *(entry(person, "pbx") for person in learned))
    gone = {person.extension for person, goes in zip(entered, removed, strict=False) if goes}
    made.put(DirectoryChange(removed=tuple((extension, "entered") for extension in gone)))
    people = {person.extension: person for person in learned}
    for person in entered:
        if person.extension not in gone:
            known = people.get(person.extension)
            people[person.extension] = person if known is None else both(person, known)
    assert {person.extension: person for person in made.directory().people} == people
    assert list(made.order()) == sorted(people)
    listed = made.matching(made.order(), None, "", 100)
    assert [listing.person for listing in listed] == [people[extension] for extension in sorted(people)]


@given(people=PEOPLE, search=st.text(max_size=2), limit=st.integers(1, 3))
def test_pages_together_are_all_that_match(people: list[Person], search: str, limit: int) -> None:
    made = book(*map(entry, people))
    found: list[str] = []
    after = ""
    while page := made.matching(made.order(), search, after, limit):
        assert len(page) <= limit
        found += [listing.person.extension for listing in page]
        after = found[-1]
    wanted = search.casefold()
    texts = {one.extension: (one.extension, one.name or "", one.email or "") for one in people}
    assert found == sorted(one for one, held in texts.items() if any(wanted in text.casefold() for text in held))


def test_a_person_is_news_once() -> None:
    seen = Person(extension="1", name="Alice")
    told = news("acme", None, seen, NOW)
    assert told == entry(seen, "pbx")
    assert news("acme", told, seen, NOW + LEARN_AGAIN_MS) is None
    assert news("acme", told, Person(extension="1"), NOW + LEARN_AGAIN_MS) is None
    assert news("acme", None, Person(extension="1"), NOW) is None


def test_what_was_unknown_is_news_at_once_and_what_is_other_after_a_while() -> None:
    known = entry(Person(extension="1", name="Alice"), "pbx")
    more = news("acme", known, Person(extension="1", email="a@example.com"), NOW + 1)
    assert more == entry(Person(extension="1", name="Alice", email="a@example.com"), "pbx", NOW + 1)
    other = Person(extension="1", name="Bob")
    assert news("acme", known, other, NOW + LEARN_AGAIN_MS - 1) is None
    assert news("acme", known, other, NOW + LEARN_AGAIN_MS) == entry(other, "pbx", NOW + LEARN_AGAIN_MS)


@given(extension=st.text(max_size=50), name=TEXT, email=TEXT)
def test_what_a_pbx_shows_is_brought_into_the_form_of_a_directory_or_left_out(
    extension: str, name: str | None, email: str | None
) -> None:
    shown = presentable(Person(extension=extension, name=name, email=email))
    assert (shown is None) == (EXTENSION.fullmatch(extension) is None)
    if shown is not None:
        assert shown.name is None or (0 < len(shown.name) <= CELL_LIMIT and UNWANTED.search(shown.name) is None)
        assert presentable(shown) == shown
        assert check_person(extension, {"name": shown.name, "email": shown.email}) == shown


@given(person=PERSONS)
def test_a_good_person_is_taken_as_it_is(person: Person) -> None:
    assert check_person(person.extension, {name: getattr(person, field) for name, field in FIELDS.items()}) == person
    assert presentable(person) == person
    assert structs.asdict(person).keys() - {"extension"} == set(FIELDS.values())
