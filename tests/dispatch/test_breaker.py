"""The breaker: when it opens, one probe at a time, growing waits, and that it never stays open for ever."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import hypothesis.strategies as st
import pytest
from hypothesis import given
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ringpost.dispatch import breaker as module
from ringpost.dispatch.breaker import (
    FIRST_WAIT,
    IN_A_ROW,
    LONGEST_WAIT,
    WINDOW,
    WINDOW_FAILURES,
    Allow,
    Breaker,
    Closed,
    Opened,
    Probe,
    Wait,
)
from ringpost.dispatch.retry import RETRY_AFTER_LIMIT, SOON
from ringpost.model.outcome import Outcome

OK: Final = Outcome(status=200)
FAILED: Final = Outcome(status=500, error="status")
MIDDLE: Final = 0.5  # the jitter that leaves a wait as it is
NOW: Final = 1_700_000_000_000
outcomes = st.sampled_from((OK, FAILED, FAILED, Outcome(status=503, error="status", retry_after=90_000)))


def tell(
    breaker: Breaker, outcome: Outcome | None, now: int = NOW, *, probe: bool = False, replay: bool = False
) -> str:
    return type(breaker.tell(outcome, now, MIDDLE, probe=probe, replay=replay)).__name__


def closed() -> Breaker:
    breaker = Breaker()
    for _ in range(IN_A_ROW - 2):
        breaker.tell(FAILED, NOW, MIDDLE)
    return breaker


def opened() -> Breaker:
    breaker = Breaker()
    for _ in range(IN_A_ROW):
        breaker.tell(FAILED, NOW, MIDDLE)
    return breaker


def probing() -> Breaker:
    breaker = opened()
    assert breaker.begin()
    return breaker


def hurry(breaker: Breaker) -> None:
    breaker.hurry(NOW)


# Each row of the table: how to get there, what happens, what is said, and what the next question is answered with.
Transition = tuple[str, str, Callable[[], Breaker], Callable[[Breaker], object], str, str, object]
TRANSITIONS: Final[list[Transition]] = [
    ("closed", "success", closed, lambda b: tell(b, OK), "NoneType", "closed", Allow()),
    ("closed", "failure, few", closed, lambda b: tell(b, FAILED), "NoneType", "closed", Allow()),
    (
        "closed",
        "failure, one too many",
        closed,
        lambda b: (tell(b, FAILED), tell(b, FAILED))[1],
        "Opened",
        "open",
        Wait(NOW + FIRST_WAIT),
    ),
    ("closed", "uncounted", closed, lambda b: [tell(b, FAILED, replay=True), tell(b, None)] * 9, "", "closed", Allow()),
    ("open", "begin", opened, Breaker.begin, "", "probing", Wait(None)),
    (
        "open",
        "straggler",
        opened,
        lambda b: (tell(b, OK), tell(b, Outcome(error="status", retry_after=7_000)))[1],
        "NoneType",
        "open",
        Wait(NOW + 7_000),
    ),
    ("open", "hurry", opened, hurry, "", "open", Probe()),
    ("probing", "straggler", probing, lambda b: tell(b, OK), "NoneType", "probing", Wait(None)),
    ("probing", "hurry", probing, hurry, "", "probing", Wait(None)),
    ("probing", "probe succeeded", probing, lambda b: tell(b, OK, probe=True), "Closed", "closed", Allow()),
    (
        "probing",
        "probe failed",
        probing,
        lambda b: tell(b, FAILED, probe=True),
        "NoneType",
        "open",
        Wait(NOW + 2 * FIRST_WAIT),
    ),
    (
        "probing",
        "probe replayed, succeeded",
        probing,
        lambda b: tell(b, OK, probe=True, replay=True),
        "NoneType",
        "open",
        Probe(),
    ),
    (
        "probing",
        "probe replayed, failed",
        probing,
        lambda b: tell(b, FAILED, probe=True, replay=True),
        "NoneType",
        "open",
        Wait(NOW + FIRST_WAIT),
    ),
    ("probing", "probe not made", probing, lambda b: tell(b, None, probe=True), "NoneType", "open", Wait(NOW + SOON)),
]


@pytest.mark.parametrize("row", TRANSITIONS, ids=lambda row: f"{row[0]}-{row[1]}")
def test_every_transition_is_as_the_table_says(row: Transition) -> None:
    state, _, make, happen, said, after, answer = row
    breaker = make()
    assert breaker.state == state
    result = happen(breaker)
    assert not said or result == said
    assert (breaker.state, breaker.ask(NOW)) == (after, answer)


def test_the_table_in_the_docstring_is_the_one_that_is_tested() -> None:
    assert module.__doc__
    documented = re.findall(
        r"^    (closed|open|probing) +(\S.*?)  +(closed|open|probing) ", module.__doc__, re.MULTILINE
    )
    assert documented == [(row[0], row[1], row[5]) for row in TRANSITIONS]


def test_a_success_between_failures_keeps_it_closed() -> None:
    breaker = Breaker()
    for outcome in [FAILED] * (IN_A_ROW - 1) + [OK] + [FAILED] * (IN_A_ROW - 1):
        assert tell(breaker, outcome) == "NoneType"


@given(st.lists(st.sampled_from((True, True, False, False, False)), max_size=80))
def test_it_opens_on_failures_in_a_row_or_on_their_rate_and_on_nothing_else(failures: list[bool]) -> None:
    breaker = Breaker()
    for made, failed in enumerate(failures, 1):
        said = breaker.tell(FAILED if failed else OK, NOW, MIDDLE)
        so_far = failures[:made]
        is_row = made >= IN_A_ROW and all(so_far[-IN_A_ROW:])
        is_rate = made >= WINDOW and sum(so_far[-WINDOW:]) >= WINDOW_FAILURES
        assert isinstance(said, Opened) == (failed and (is_row or is_rate))
        if said is not None:
            return


def test_half_of_the_last_twenty_open_it_though_never_five_in_a_row() -> None:
    breaker = Breaker()
    said = [tell(breaker, outcome) for outcome in [OK, FAILED] * 10]
    assert said == ["NoneType"] * 19 + ["Opened"]


def test_what_lies_further_back_than_the_window_counts_no_longer() -> None:
    breaker = Breaker()
    for outcome in [OK] * 30 + [FAILED, OK] * 9:
        assert tell(breaker, outcome) == "NoneType"
    assert tell(breaker, FAILED) == "Opened"


def test_waits_between_probes_grow_to_a_minute() -> None:
    breaker, now, waits = opened(), NOW, []
    for _ in range(9):
        answer = breaker.ask(now)
        assert isinstance(answer, Wait)
        assert answer.until is not None
        waits.append(answer.until - now)
        now = answer.until
        assert breaker.ask(now - 1) == answer
        assert breaker.ask(now) == Probe()
        breaker.begin()
        breaker.tell(FAILED, now, MIDDLE, probe=True)
    assert waits == [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]


@given(st.integers(1, 10**12), st.integers(0, IN_A_ROW - 1))
def test_no_probe_goes_before_a_retry_after_whichever_failure_asked_for_it(asked_for: int, place: int) -> None:
    breaker = Breaker()
    for number in range(IN_A_ROW):
        breaker.tell(Outcome(error="status", retry_after=asked_for) if number == place else FAILED, NOW, MIDDLE)
    assert breaker.ask(NOW) == Wait(NOW + max(min(asked_for, RETRY_AFTER_LIMIT), FIRST_WAIT))


def test_a_success_takes_back_what_was_asked_for_before() -> None:
    asked = Outcome(error="status", retry_after=3_600_000)
    breaker = Breaker()
    for outcome in [asked, OK] + [FAILED] * IN_A_ROW:
        breaker.tell(outcome, NOW, MIDDLE)
    assert breaker.ask(NOW) == Wait(NOW + FIRST_WAIT)
    breaker = probing()
    breaker.tell(asked, NOW, MIDDLE)
    breaker.tell(OK, NOW, MIDDLE, probe=True)
    for _ in range(IN_A_ROW):
        breaker.tell(FAILED, NOW, MIDDLE)
    assert breaker.ask(NOW) == Wait(NOW + FIRST_WAIT)


def test_once_closed_it_knows_nothing_of_the_failures_before() -> None:
    breaker = Breaker()
    for outcome in [OK, FAILED] * 10:
        breaker.tell(outcome, NOW, MIDDLE)
    breaker.begin()
    breaker.tell(OK, NOW, MIDDLE, probe=True)
    assert [tell(breaker, outcome) for outcome in [FAILED, OK] * 9] == ["NoneType"] * 18


def test_an_edited_integration_need_not_wait_for_what_the_old_receiver_asked_for() -> None:
    breaker = opened()
    breaker.tell(Outcome(error="status", retry_after=3_600_000), NOW, MIDDLE)
    breaker.hurry(NOW + 5)
    assert breaker.ask(NOW + 5) == Probe()
    breaker.begin()
    breaker.tell(FAILED, NOW + 5, MIDDLE, probe=True)
    assert breaker.ask(NOW + 5) == Wait(NOW + 5 + 2 * FIRST_WAIT)


class BreakerMachine(RuleBasedStateMachine):
    """Attempts that are started as it allows, and end in any order and way."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker()
        self.now = NOW
        self.under_way: list[tuple[bool, bool]] = []  # probe, replay
        self.is_open = False
        self.not_before = 0

    @rule(replay=st.sampled_from((False, False, False, True)), many=st.integers(1, 8))
    def start(self, replay: bool, many: int) -> None:
        for _ in range(many):
            if isinstance(self.breaker.ask(self.now), Wait):
                return
            assert self.now >= self.not_before or not self.is_open
            probe = self.breaker.begin()
            assert probe == self.is_open
            self.under_way.append((probe, replay))

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), outcome=st.one_of(st.none(), outcomes), jitter=st.floats(0, 1, exclude_max=True))
    def end(self, data: st.DataObject, outcome: Outcome | None, jitter: float) -> None:
        probe, replay = self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))
        said = self.breaker.tell(outcome, self.now, jitter, probe=probe, replay=replay)
        counts = outcome is not None and not replay
        if outcome is not None and not outcome.ok:
            self.not_before = max(self.not_before, self.now + (outcome.retry_after or 0))
        elif counts and probe == self.is_open:
            self.not_before = 0
        if isinstance(said, Opened):
            assert counts
            assert not self.is_open
            self.is_open = True
        elif isinstance(said, Closed):
            assert counts
            assert probe
            self.is_open = False
        assert isinstance(said, Closed) == bool(probe and counts and outcome and outcome.ok)

    @rule(ms=st.sampled_from((1, 500, 1_000, 20_000, 100_000)))
    def time_goes_on(self, ms: int) -> None:
        self.now += ms

    @rule()
    def edited(self) -> None:
        self.breaker.hurry(self.now)
        self.not_before = 0

    @invariant()
    def at_most_one_probe_is_under_way(self) -> None:
        probes = sum(probe for probe, _ in self.under_way)
        assert probes <= 1
        assert self.breaker.state == ("closed" if not self.is_open else "probing" if probes else "open")

    @invariant()
    def the_next_probe_is_within_bounds(self) -> None:
        answer = self.breaker.ask(self.now)
        if isinstance(answer, Wait) and answer.until is not None:
            assert answer.until <= max(self.now + round(1.2 * LONGEST_WAIT), self.not_before)

    def teardown(self) -> None:
        """Once the receiver is well, one probe closes it."""
        while self.under_way:
            probe, replay = self.under_way.pop()
            self.breaker.tell(OK, self.now, MIDDLE, probe=probe, replay=replay)
        answer = self.breaker.ask(self.now)
        if isinstance(answer, Wait):
            assert answer.until is not None
            self.now = answer.until
        probe = self.breaker.begin()
        self.breaker.tell(OK, self.now, MIDDLE, probe=probe)
        assert self.breaker.ask(self.now) == Allow()


TestBreaker = BreakerMachine.TestCase
