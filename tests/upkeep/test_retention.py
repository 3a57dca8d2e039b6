"""When to forget what: a pass a while after the start and every hour, in batches, with a place in each kind."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringpost.ledger.forgetting import Forgotten, Place
from ringpost.upkeep.retention import EVERY_MS, FIRST_MS, REST, Forget, Retention

DAY = 86_400_000
NOW = 1_795_573_019_000


def retention(*, events_days: int = 90, attempts_days: int = 30, notices_days: int = 365) -> Retention:
    return Retention(NOW, events_days=events_days, attempts_days=attempts_days, notices_days=notices_days)


def a_pass(policy: Retention, now: int, *, following: Place | None = None) -> list[Forget]:
    """All batches of a pass, each of which is the last of its kind."""
    asked = []
    while command := policy.next(now):
        asked.append(command)
        policy.forgotten(Forgotten(next=following), 1, now)
        now = policy.wake_at() if policy.wake_at() < now + 60_000 else now
    return asked


def test_nothing_is_forgotten_right_after_the_start() -> None:
    policy = retention()
    assert policy.next(NOW) is None
    assert policy.wake_at() == NOW + FIRST_MS
    assert policy.next(NOW + FIRST_MS - 1) is None
    assert policy.next(NOW + FIRST_MS) is not None


def test_a_pass_goes_through_every_kind_with_the_days_of_its_own() -> None:
    now = NOW + FIRST_MS
    asked = {command.kind: command for command in a_pass(retention(), now)}
    assert {kind: (now - command.before) // DAY for kind, command in asked.items()} == {
        "attempts": 30,
        "calls": 90,
        "notices": 365,
        "works": 365,
        "answers": 0,
    }
    assert all(command.place is None for command in asked.values())


def test_what_is_kept_for_ever_is_not_asked_for() -> None:
    policy = retention(events_days=0, attempts_days=0, notices_days=0)
    assert [command.kind for command in a_pass(policy, NOW + FIRST_MS)] == ["answers"]


def test_the_next_pass_is_an_hour_after_the_one_before_began() -> None:
    policy = retention()
    a_pass(policy, NOW + FIRST_MS)
    assert policy.wake_at() == NOW + FIRST_MS + EVERY_MS
    assert policy.next(policy.wake_at() - 1) is None
    assert len(a_pass(policy, policy.wake_at())) == 5


def test_a_batch_follows_at_the_place_where_the_one_before_ended_after_a_rest() -> None:
    policy, now = retention(), NOW + FIRST_MS
    first = policy.next(now)
    assert first is not None
    policy.forgotten(Forgotten(events=7, next=(5, "x", 1)), 20, now + 20)
    assert policy.next(now + 20) is None
    assert policy.wake_at() == now + 20 + 20 * REST
    second = policy.next(policy.wake_at())
    assert second is not None
    assert (second.kind, second.before, second.place) == (first.kind, first.before, (5, "x", 1))


def test_what_failed_is_asked_for_again_later_from_the_same_place() -> None:
    policy, now = retention(), NOW + FIRST_MS
    first = policy.next(now)
    policy.failed(now)
    assert policy.next(now + 1) is None
    assert policy.wake_at() > now
    assert policy.next(policy.wake_at()) == first


@given(steps=st.lists(st.tuples(st.integers(-400 * DAY, 400 * DAY), st.integers(0, 10_000), st.sampled_from("fdn"))))
def test_whatever_the_clock_does_the_next_look_is_an_hour_away_at_most(steps: list[tuple[int, int, str]]) -> None:
    policy, now = retention(), NOW
    for jump, took, what in steps:
        now = max(0, now + jump)
        command = policy.next(now)
        assert policy.wake_at() - now <= EVERY_MS
        if command is not None:
            if what == "f":
                policy.failed(now)
            else:
                policy.forgotten(Forgotten(next=(1, "", 0) if what == "n" else None), took, now)
