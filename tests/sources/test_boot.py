"""Whether a PBX was restarted, by what it says of its start."""

from __future__ import annotations

import pytest

from ringpost.sources.asterisk.boot import Boot, known_of, restarted, started_of, uptime_of
from ringpost.sources.asterisk.frames import Message

A, B = "2026-10-25 02:30:00", "2026-10-25 03:30:00"


@pytest.mark.parametrize(
    ("before", "now", "is_new"),
    [
        (Boot(), Boot(5_000, 3, A), False),
        (Boot(0, 100, A), Boot(), False),
        (Boot(0, 100, A), Boot(60_000, 160, A), False),
        (Boot(0, 100, A), Boot(60_000, 20, A), False),
        (Boot(0, 100, A), Boot(60_000, 160, B), True),
        (Boot(0, 100, A), Boot(60_000, 158), False),
        (Boot(0, 100, A), Boot(60_000, 20), True),
        (Boot(started=A), Boot(60_000, 20), False),
    ],
)
def test_the_text_of_the_start_counts_and_the_uptime_where_there_is_none(before: Boot, now: Boot, is_new: bool) -> None:
    assert restarted(before, now) is is_new


def test_what_a_connection_did_not_say_is_as_it_was_unless_the_pbx_is_another_run() -> None:
    assert known_of(Boot(0, 100, A), Boot(60_000, 160)) == Boot(60_000, 160, A)
    assert known_of(Boot(0, 100, A), Boot(started=A)) == Boot(0, 100, A)
    assert known_of(Boot(0, 100, A), Boot()) == Boot(0, 100, A)
    assert known_of(Boot(0, 100, A), Boot(60_000, 20)) == Boot(60_000, 20)
    assert known_of(Boot(0, 100, A), Boot(started=B)) == Boot(started=B)


@pytest.mark.parametrize(("text", "uptime"), [("0", 0), ("86400", 86_400), ("", None), ("-1", None), ("9" * 13, None)])
def test_an_uptime_is_a_number_of_seconds(text: str, uptime: int | None) -> None:
    assert uptime_of(Message({"event": "FullyBooted", "uptime": text})) == uptime


def test_a_start_needs_date_and_time() -> None:
    both = {"corestartupdate": "2026-11-25", "corestartuptime": "09:00:01"}
    assert started_of(Message(both)) == "2026-11-25 09:00:01"
    assert started_of(Message({"corestartupdate": "2026-11-25"})) is None
    assert started_of(Message({})) is None
