"""The reason of every failure in words: what happened and what helps, whatever the code and the status."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost.console.reasons import HELPS, SHORT, reason_of
from ringpost.model.outcome import FAILURES


def test_every_code_has_what_helps_and_a_few_words_and_nothing_else_has() -> None:
    assert list(HELPS) == list(SHORT) == list(FAILURES)
    assert max(map(len, SHORT.values())) <= 20


@pytest.mark.parametrize("code", FAILURES)
def test_every_code_is_told_in_whole_sentences(code: str) -> None:
    reason = reason_of(code)
    assert reason is not None
    for sentence in (reason.happened, reason.helps):
        assert sentence[0].isupper()
        assert sentence.endswith(".")
    assert reason.happened != reason.helps


def test_a_success_has_no_reason() -> None:
    assert reason_of(None, status=200) is None


@given(status=st.integers(100, 999))
def test_every_status_is_told_with_its_number(status: int) -> None:
    reason = reason_of("status", status=status)
    assert reason is not None
    assert str(status) in reason.short
    assert str(status) in reason.happened
    assert reason.helps.endswith(".")


@pytest.mark.parametrize(
    ("status", "short", "helps"),
    [
        (503, "503 Service Unavailable", "receiver's side"),
        (404, "404 Not Found", "URL"),
        (401, "401 Unauthorized", "secret"),
        (429, "429 Too Many Requests", "fewer"),
        (599, "599", "receiver's side"),
        (450, "450", "200-299"),
    ],
)
def test_what_helps_depends_on_what_the_receiver_answered(status: int, short: str, helps: str) -> None:
    reason = reason_of("status", status=status, detail=f"The receiver answered {status}.")
    assert reason is not None
    assert reason.short == short
    assert helps in reason.helps
    assert reason.more == ""  # the detail says nothing beyond that


def test_what_else_was_seen_is_told_once() -> None:
    tls = reason_of("tls", detail="The certificate ended yesterday.")
    redirect = reason_of("redirect", status=301, detail="Install the URL that the receiver redirects to.")
    assert tls is not None
    assert tls.more == "The certificate ended yesterday."
    assert redirect is not None
    assert redirect.more == ""


def test_a_code_of_a_newer_version_is_shown_as_it_is() -> None:
    reason = reason_of("of_tomorrow")
    assert reason is not None
    assert "of_tomorrow" in reason.happened
