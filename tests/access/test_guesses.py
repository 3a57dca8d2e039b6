"""Wrong sign-ins are counted by address and by name, come back with time, and take no more memory than they may."""

from __future__ import annotations

import pytest

from ringpost.access import guesses as module
from ringpost.access.guesses import TRIES, TRIES_OF_A_NAME, Guesses, network_of
from ringpost.errors import RingpostError
from tests.world import Clock


def may_try(guesses: Guesses, address: str, name: str | None = None) -> bool:
    try:
        guesses.check(address, name)
    except RingpostError as error:
        return error.code != "sign_in_too_often"
    return True


def test_one_address_has_so_many_tries_and_one_more_a_minute() -> None:
    clock = Clock()
    guesses = Guesses(clock)
    for _ in range(TRIES):
        assert may_try(guesses, "a")
        guesses.wrong("a")
    assert not may_try(guesses, "a")
    assert may_try(guesses, "b")
    clock.ms += 60_000
    assert may_try(guesses, "a")
    guesses.wrong("a")
    assert not may_try(guesses, "a")


def test_one_name_is_guarded_from_many_addresses() -> None:
    guesses = Guesses(Clock())
    for n in range(TRIES_OF_A_NAME):
        guesses.wrong(f"address {n}", "ann")
    assert not may_try(guesses, "another", "ann")
    assert may_try(guesses, "another", "bea")


def test_what_was_right_is_taken_back() -> None:
    guesses = Guesses(Clock())
    for _ in range(TRIES * 3):
        assert may_try(guesses, "a", "ann")
        guesses.wrong("a", "ann")
        guesses.right("a", "ann")


def test_what_is_kept_is_bounded_and_the_oldest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 3)
    guesses = Guesses(Clock())
    for _ in range(TRIES):
        guesses.wrong("first")
    for n in range(3):
        guesses.wrong(f"later {n}")
    assert may_try(guesses, "first")
    assert len(guesses._counted) == 3


def test_addresses_count_as_those_who_have_them() -> None:
    assert network_of("203.0.113.7") == network_of("::ffff:203.0.113.7") == "address 203.0.113.7"
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff") != network_of("2001:db8:0:1::1")
    assert network_of(None) == network_of("unix") == "address unknown"
