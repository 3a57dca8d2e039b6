from __future__ import annotations

from ringpost.calls.causes import BY_DIAL_STATUS, CAUSES, OF_CALLEE, cause_text, known
from tests.recordings.play import messages
from tests.recordings.reader import NAMES


def test_the_texts_are_asterisks_own() -> None:
    """Every pair of Cause and Cause-txt that the recordings show; 0 is Asterisk's "not set"."""
    seen = {
        (int(message.get("cause")), message.get("cause-txt"))
        for name in NAMES
        for _, message in messages(name)
        if message is not None and message.event == "Hangup"
    }
    assert {(16, "Normal Clearing"), (17, "User busy"), (21, "Call Rejected")} <= seen
    assert all(text == cause_text(cause) for cause, text in seen)


def test_there_are_49_causes() -> None:
    assert len(CAUSES) == 49


def test_what_says_nothing_is_not_known() -> None:
    assert [known(cause) for cause in (None, 0, 26, 127, 128, -1, 16)] == [None, None, None, None, None, None, 16]


def test_every_derived_cause_has_a_text() -> None:
    assert {*BY_DIAL_STATUS.values(), *OF_CALLEE} <= CAUSES.keys()
