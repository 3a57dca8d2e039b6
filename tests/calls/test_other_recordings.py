"""The calls of `table` made on an Asterisk 16 by either of its SIP drivers, and calls through other dialplans."""

from __future__ import annotations

from pathlib import Path

import pytest

import tests.recordings
from ringpost.calls.events import CallEvent
from ringpost.sources.asterisk.recording import read_recording
from ringpost.sources.asterisk.replay import said_in
from tests.calls.dialplans import CONSULTATIONS, DIALPLANS
from tests.calls.table import TABLE
from tests.calls.test_recordings import by_call, told
from tests.recordings.play import feed, machine

FOLDER = Path(next(iter(tests.recordings.__path__)))
OF_16 = sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.glob("asterisk16/*/*.ami"))


def play(name: str) -> list[CallEvent]:
    heard = read_recording((FOLDER / f"{name}.ami").read_bytes()).heard
    return feed(machine(), list(said_in(heard)))


@pytest.mark.parametrize("name", OF_16)
def test_an_older_asterisk_tells_the_same_calls_with_either_of_its_drivers(name: str) -> None:
    assert [told(events) for events in by_call(play(name)).values()] == TABLE[Path(name).name]


@pytest.mark.parametrize("name", DIALPLANS)
def test_a_call_through_another_dialplan_is_told_right(name: str) -> None:
    right = [call for call in (DIALPLANS[name], CONSULTATIONS.get(name)) if call is not None]
    assert [told(events) for events in by_call(play(f"dialplans/{name}")).values()] == right


def test_three_who_talk_are_told_as_a_conference_until_one_leaves() -> None:
    (events,) = by_call(play("dialplans/30-atxfer-threeway")).values()
    tags = [event.data.tags for event in events]
    assert ("conference",) in tags
    assert (tags[0], tags[-1]) == ((), ())


def test_every_recording_is_looked_at() -> None:
    assert {path.stem for path in FOLDER.glob("dialplans/*.ami")} == set(DIALPLANS)
    assert {name.split("/")[1] for name in OF_16} == {"pjsip", "sip"}
    assert len(OF_16) > 70
