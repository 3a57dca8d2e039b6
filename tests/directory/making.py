"""People and numbering plans as a directory takes them, for properties."""

from __future__ import annotations

from hypothesis import strategies as st

from ringpost.directory.checks import UNWANTED
from ringpost.model.directory import NumberingPlan, Person

EXTENSIONS = st.from_regex(r"[0-9A-Za-z*#+._-]{1,8}", fullmatch=True)
TEXTS = (
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
    | st.text(",;\t\"' =+-@ab", min_size=1, max_size=6)
).map(str.strip)
GOOD_TEXTS = TEXTS.filter(lambda text: text != "" and UNWANTED.search(text) is None)
PERSONS = st.builds(
    Person,
    extension=EXTENSIONS,
    name=st.none() | GOOD_TEXTS,
    email=st.none() | st.from_regex(r"[a-z'+]{1,4}@[a-z]{1,4}", fullmatch=True),
    user_id=st.none() | GOOD_TEXTS,
    department=st.none() | GOOD_TEXTS,
    group=st.none() | GOOD_TEXTS,
    group_id=st.none() | GOOD_TEXTS,
    company=st.none() | GOOD_TEXTS,
)
PEOPLE = st.lists(PERSONS, max_size=5, unique_by=lambda person: person.extension)
PLANS = st.builds(
    NumberingPlan,
    region=st.none() | st.just("IT"),
    trunks=st.lists(GOOD_TEXTS, max_size=3, unique=True).map(tuple),
    emergency=st.lists(EXTENSIONS, max_size=3, unique=True).map(tuple),
    queues=st.dictionaries(GOOD_TEXTS, GOOD_TEXTS, max_size=3).map(lambda named: tuple(named.items())),
)
