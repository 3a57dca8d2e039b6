"""docs/console.md says of the console what is true, and shows it."""

from __future__ import annotations

import re
from pathlib import Path

from ringpost.access.sessions import ABSOLUTE_MS, IDLE_MS
from ringpost.console.calls import SIGNS
from ringpost.console.screen import Screen
from ringpost.console.screens import all_screens

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "console.md").read_text("utf-8")
PICTURE_LIMIT = 200_000  # bytes


def test_each_page_of_the_navigation_has_its_letter_there() -> None:
    for screen in all_screens():
        if isinstance(screen, Screen) and screen.nav:
            assert f"`{screen.letter}`" in GUIDE
            assert screen.nav.casefold() in GUIDE.replace("`", "").casefold()


def test_how_long_a_session_lasts_is_what_it_lasts() -> None:
    days, hours = ABSOLUTE_MS // 86_400_000, IDLE_MS // 3_600_000
    assert f"ends after {days} days, or after {hours} hours" in " ".join(GUIDE.split())


def test_marks_are_explained_as_they_are_shown() -> None:
    for mark in ("delivered", "waiting", "failing", "exhausted"):
        assert f"{SIGNS[mark]} {mark}" in " ".join(GUIDE.split())


def test_six_pictures_are_there_each_with_words_and_none_is_large() -> None:
    shown = re.findall(r"!\[([^\]]{20,})\]\(pictures/([a-z]+\.png)\)", GUIDE)
    there = sorted(file.name for file in (DOCS / "pictures").glob("*"))
    assert sorted(name for _, name in shown) == there
    assert len(there) == 6
    assert all((DOCS / "pictures" / name).stat().st_size < PICTURE_LIMIT for name in there)
