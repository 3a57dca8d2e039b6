"""docs/calls.md is what the tests' table and its recordings yield, and names every kind of call."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.calls.kinds import GROUPS, Kind
from tests.calls.page import PAGE, causes_explained, causes_told, page
from tests.calls.table import TABLE, Told

KINDS = [kind for group in GROUPS for kind in group.kinds]


def test_the_page_is_what_comes_out() -> None:
    assert PAGE.read_text("utf-8") == page(), "docs/calls.md is not what the call machine tells: ./run docs"


def test_every_recording_is_shown_once() -> None:
    shown = Counter(name for kind in KINDS for name in (kind.recording, *kind.like))
    assert shown == Counter(list(TABLE))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.like], ids=lambda kind: kind.recording)
def test_recordings_of_one_kind_tell_the_same(kind: Kind) -> None:
    def plain(calls: list[Told]) -> list[Told]:
        return [told._replace(destination=None) for told in calls]

    for other in kind.like:
        assert plain(TABLE[other]) == plain(TABLE[kind.recording])


def test_titles_are_plain_and_lead_to_one_place_each() -> None:
    titles = [group.title for group in GROUPS] + [kind.title for kind in KINDS]
    assert len({title.casefold() for title in titles}) == len(titles)
    assert all(re.fullmatch(r"[A-Z][A-Za-z0-9 ]*", title) for title in titles)


def test_every_cause_that_a_kind_ends_with_is_explained() -> None:
    assert causes_told() <= causes_explained()
