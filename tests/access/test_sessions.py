"""A sign-in link works once and for a while; a session ends by itself."""

from ringpost.access.keys import Caller
from ringpost.access.sessions import ABSOLUTE_MS, IDLE_MS, LINK_MS, Sessions

OPERATOR = Caller("abc", None, "operator")


class Clock:
    def __init__(self) -> None:
        self.ms = 1_000_000

    def __call__(self) -> int:
        return self.ms


def test_a_link_signs_in_once() -> None:
    sessions = Sessions(Clock())
    link = sessions.make_link(OPERATOR)
    session = sessions.redeem(link)
    assert sessions.caller(session) == OPERATOR
    assert sessions.redeem(link) is None


def test_a_link_that_is_too_old_or_made_up_signs_nobody_in() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    link = sessions.make_link(OPERATOR)
    clock.ms += LINK_MS + 1
    assert sessions.redeem(link) is None
    assert sessions.redeem("made-up") is None


def test_a_link_is_no_session_and_nobody_is_signed_in_without_one() -> None:
    sessions = Sessions(Clock())
    assert sessions.caller(sessions.make_link(OPERATOR)) is None
    assert sessions.caller(None) is None


def test_a_session_ends_when_it_is_idle() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    session = sessions.redeem(sessions.make_link(OPERATOR))
    clock.ms += IDLE_MS
    assert sessions.caller(session) == OPERATOR
    clock.ms += IDLE_MS + 1
    assert sessions.caller(session) is None


def test_a_session_ends_when_it_is_old_however_busy() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    session = sessions.redeem(sessions.make_link(OPERATOR))
    for _ in range(ABSOLUTE_MS // IDLE_MS):
        clock.ms += IDLE_MS
        assert sessions.caller(session) == OPERATOR
    clock.ms += IDLE_MS
    assert sessions.caller(session) is None


def test_signing_out_ends_the_session() -> None:
    sessions = Sessions(Clock())
    session = sessions.redeem(sessions.make_link(OPERATOR))
    sessions.end(session)
    assert sessions.caller(session) is None
