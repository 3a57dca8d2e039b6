"""The lanes: order, bounds, turns and what becomes of each delivery."""

from __future__ import annotations

from typing import Final

import hypothesis.strategies as st
from hypothesis import given
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from ringpost.dispatch.breaker import LONGEST_WAIT, Breaker, Closed, Opened, Probe, Wait
from ringpost.dispatch.fairness import SLOW
from ringpost.dispatch.lanes import Lanes
from ringpost.model.delivery import Owed
from ringpost.model.outcome import BUSY, Outcome

INTEGRATIONS: Final = {"aaaaaa": "it", "bbbbbb": "it", "cccccc": "fr"}
CALLS: Final = tuple(f"call {number}" for number in range(7))
Lane = tuple[str, str]
OK: Final = Outcome(status=200)
FAILED: Final = Outcome(status=500, error="status")
LATER: Final = Outcome(status=503, error="status", retry_after=90_000)


def owed(seq: int, integration: str = "aaaaaa", call: str = "it_1", due: int = 0) -> Owed:
    return Owed(company="it", integration=integration, call=call, seq=seq, due=due)


def started(lanes: Lanes, now: int = 0) -> list[int]:
    return [start.owed.seq for start in lanes.poll(now)]


class LanesMachine(RuleBasedStateMachine):
    """The lanes beside a plain model: what waits in each lane, what is under way, what was dropped under way, and each
    integration's breaker and manners."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000
        self.seq = 0
        self.waiting: dict[Lane, dict[int, Owed]] = {}
        self.under_way: dict[Lane, Owed] = {}
        self.started: dict[Lane, int] = {}
        self.watched: dict[Lane, int] = {}  # the same, of those not slow yet, unless the clock was set back since
        self.slow: set[Lane] = set()
        self.quick: set[str] = set()
        self.breakers = {integration: Breaker() for integration in INTEGRATIONS}
        self.probes: dict[str, Lane] = {}
        self.orphans: set[Lane] = set()  # of an integration that was dropped while they were under way
        self.forgotten: set[Lane] = set()  # dropped by themselves while under way
        self.paused: set[str] = set()
        self.ended: list[Owed] = []
        self.offered = 0
        self.done = 0
        self.dropped = 0

    @initialize(per_integration=st.integers(1, 9), total=st.integers(1, 12))
    def begin(self, per_integration: int, total: int) -> None:
        self.per_integration, self.total = per_integration, total
        self.lanes = Lanes(per_integration, total)

    @rule(
        integration=st.sampled_from(tuple(INTEGRATIONS)),
        calls=st.sets(st.sampled_from(CALLS), min_size=1),
        wait=st.sampled_from((0, 0, 0, 7, 50)),
    )
    def offer(self, integration: str, calls: set[str], wait: int) -> None:
        for call in sorted(calls):
            self.seq += 1
            self._offer(
                Owed(
                    company=INTEGRATIONS[integration],
                    integration=integration,
                    call=call,
                    seq=self.seq,
                    due=self.now + wait,
                )
            )

    def _offer(self, one: Owed) -> None:
        assert self.lanes.offer(one, self.now)
        self.waiting.setdefault((one.integration, one.call), {})[one.seq] = one
        self.offered += 1

    @precondition(lambda self: self.ended)
    @rule(data=st.data(), wait=st.sampled_from((0, 0, 20)))
    def replay(self, data: st.DataObject, wait: int) -> None:
        one = data.draw(st.sampled_from(self.ended))
        self.ended.remove(one)
        self._offer(replace(one, due=self.now + wait, replay=one.replay + 1))

    @precondition(lambda self: any(self.waiting.values()))
    @rule(data=st.data())
    def offer_again(self, data: st.DataObject) -> None:
        known = [one for lane in self.waiting.values() for one in lane.values()]
        assert not self.lanes.offer(data.draw(st.sampled_from(known)), self.now)

    @rule()
    def poll(self) -> None:
        for lane, began in list(self.watched.items()):
            if not 0 <= self.now - began < SLOW:
                del self.watched[lane]
                self.slow |= {lane} if began <= self.now else set()
        for start in self.lanes.poll(self.now):
            one = start.owed
            lane = (one.integration, one.call)
            assert lane not in self.under_way, "at most one under way in a lane"
            assert one.due <= self.now
            assert self._may_start(one.integration), "paused, at its limit, or its breaker waits"
            assert one == self.waiting[lane].pop(min(self.waiting[lane])), "a lane goes in event order"
            self.under_way[lane] = one
            self.started[lane] = self.watched[lane] = self.now
            if self.breakers[one.integration].begin():
                self.probes[one.integration] = lane
        assert all(one.due > self.now for one in self._heads()), "what may start has started"

    def _under_way_of(self, integration: str) -> int:
        return sum(lane[0] == integration for lane in self.under_way)

    def _is_prompt(self, integration: str) -> bool:
        is_slow = any(lane[0] == integration for lane in self.slow)
        return integration in self.quick and not is_slow and self.breakers[integration].state == "closed"

    def _may_start(self, integration: str) -> bool:
        """Whether one more attempt may be begun for it; the rule in plain words is in `fairness`."""
        prompt = self._is_prompt(integration)
        on_trial = sum(not self._is_prompt(lane[0]) for lane in self.under_way)
        answer = self.breakers[integration].ask(self.now)
        return (
            integration not in self.paused
            and len(self.under_way) < self.total
            and (prompt or on_trial < max(self.total - max(self.total // 4, 1), 1))
            and self._under_way_of(integration)
            < (self.per_integration if prompt else max(self.per_integration // 4, 1))
            and (not isinstance(answer, Wait) or (answer.until is not None and answer.until <= self.now))
        )

    def _heads(self, integrations: set[str] | None = None) -> list[Owed]:
        """The first of each lane that is free, of integrations that may start something."""
        return [
            waiting[min(waiting)]
            for lane, waiting in self.waiting.items()
            if waiting
            and lane not in self.under_way
            and (self._may_start(lane[0]) if integrations is None else lane[0] in integrations)
        ]

    @precondition(lambda self: self.under_way)
    @rule(
        data=st.data(),
        wait=st.sampled_from((None, None, 0, 5, 90)),
        outcome=st.sampled_from((OK, OK, FAILED, FAILED, FAILED, LATER, Outcome(error=BUSY), None)),
        jitter=st.floats(0, 1, exclude_max=True),
        many=st.integers(1, 6),
    )
    def finish(self, data: st.DataObject, wait: int | None, outcome: Outcome | None, jitter: float, many: int) -> None:
        for _ in range(min(many, len(self.under_way))):
            lane = data.draw(st.sampled_from(sorted(self.under_way)))
            self._finish(lane, wait, outcome, jitter)

    def _finish(self, lane: Lane, wait: int | None, outcome: Outcome | None, jitter: float) -> None:
        one = self.under_way.pop(lane)
        again = None if wait is None else replace(one, attempts=one.attempts + 1, due=self.now + wait)
        told = self.lanes.finished(one, again, self.now, outcome, jitter)
        assert told == self._learn(lane, one, outcome, jitter)
        self.watched.pop(lane, None)
        self.slow.discard(lane)
        if lane in self.orphans | self.forgotten:
            self.orphans.discard(lane)
            self.forgotten.discard(lane)
            self.dropped += 1
        elif again is None:
            self.done += 1
            self.ended.append(one)
        else:
            self.waiting.setdefault(lane, {})[one.seq] = again

    def _learn(self, lane: Lane, one: Owed, outcome: Outcome | None, jitter: float) -> Opened | Closed | None:
        integration = lane[0]
        if lane in self.orphans:
            return None
        made = None if outcome is None or outcome.error == BUSY else outcome
        if made is not None:
            (self.quick.add if self.now - self.started[lane] < SLOW else self.quick.discard)(integration)
        probe = self.probes.get(integration) == lane
        if probe:
            del self.probes[integration]
        return self.breakers[integration].tell(made, self.now, jitter, probe=probe, replay=one.replay > 0)

    @rule(integration=st.sampled_from(tuple(INTEGRATIONS)))
    def pause(self, integration: str) -> None:
        self.lanes.pause(integration)
        self.paused.add(integration)

    @rule(integration=st.sampled_from(tuple(INTEGRATIONS)))
    def resume(self, integration: str) -> None:
        self.lanes.resume(integration, self.now)
        self.paused.discard(integration)
        self.breakers[integration].hurry(self.now)

    @rule(integration=st.sampled_from(tuple(INTEGRATIONS)))
    def drop(self, integration: str) -> None:
        expected = {one.seq for lane, held in self.waiting.items() if lane[0] == integration for one in held.values()}
        given_back = self.lanes.drop(integration)
        assert {one.seq for one in given_back} == expected
        assert len(given_back) == len(expected)
        self.dropped += len(given_back)
        self.waiting = {lane: held for lane, held in self.waiting.items() if lane[0] != integration}
        self.orphans |= {lane for lane in self.under_way if lane[0] == integration}
        self.paused.discard(integration)
        self.breakers[integration] = Breaker()
        self.quick.discard(integration)
        self.probes.pop(integration, None)

    @precondition(lambda self: self.under_way or any(self.waiting.values()))
    @rule(data=st.data())
    def drop_lane(self, data: st.DataObject) -> None:
        known = sorted({lane for lane, held in self.waiting.items() if held} | set(self.under_way))
        lane = data.draw(st.sampled_from(known))
        held = self.waiting.pop(lane, {})
        assert self.lanes.drop_lane(*lane) == [held[seq] for seq in sorted(held)]
        self.dropped += len(held)
        self.forgotten |= {lane} & set(self.under_way)

    @rule(integration=st.sampled_from(tuple(INTEGRATIONS)), wait=st.sampled_from((0, 10)), keep=st.integers(0, 9))
    def put_off_and_bring_back(self, integration: str, wait: int, keep: int) -> None:
        before = self.lanes.held(integration)
        taken = self.lanes.put_off(integration, self.now + wait, keep, 100)
        for lane in taken:
            held = self.waiting[integration, lane.call]
            assert lane.owed == [held[seq] for seq in sorted(held)], "a lane goes as a whole"
            assert lane.due == lane.owed[0].due > self.now + wait
            assert (integration, lane.call) not in self.under_way
            assert not self.lanes.has_lane(integration, lane.call)
        assert self.lanes.held(integration) == before - sum(len(lane.owed) for lane in taken)
        for lane in taken:
            for one in lane.owed:
                assert self.lanes.offer(one, self.now)

    @rule(ms=st.sampled_from((-30, 1, 6, 100, SLOW, 70_000)))
    def time_goes_on_or_is_set_back(self, ms: int) -> None:
        self.now += ms

    @invariant()
    def nothing_is_lost(self) -> None:
        if self.offered:
            statistics = self.lanes.statistics()
            waiting = sum(len(held) for held in self.waiting.values())
            assert statistics.waiting == waiting
            assert statistics.under_way == len(self.under_way)
            assert statistics.lanes == len({lane for lane, held in self.waiting.items() if held} | set(self.under_way))
            assert self.offered == self.done + waiting + len(self.under_way) + self.dropped
            assert statistics.breakers_open == sum(breaker.state != "closed" for breaker in self.breakers.values())

    @invariant()
    def it_wakes_no_later_than_something_may_start(self) -> None:
        if self.offered and (heads := self._heads()):
            wake_at = self.lanes.wake_at()
            assert wake_at is not None
            assert wake_at <= max(self.now, min(one.due for one in heads))

    @invariant()
    def it_wakes_no_later_than_the_next_probe(self) -> None:
        for integration, breaker in self.breakers.items() if self.offered else ():
            answer = breaker.ask(self.now)
            if not isinstance(answer, Probe | Wait) or integration in self.paused or self.orphans:
                continue
            heads = self._heads({integration})
            if heads and integration not in self.probes and not self.under_way:
                until = answer.until if isinstance(answer, Wait) else None
                wake_at = self.lanes.wake_at()
                assert wake_at is not None
                assert wake_at <= max(self.now, until or 0, min(one.due for one in heads))

    def teardown(self) -> None:
        """Whatever happened before: all that waits is started, once everything goes well."""
        for integration in INTEGRATIONS if self.offered else ():
            self.resume(integration)
        while any(self.waiting.values()) or self.under_way:
            waits = [breaker.ask(self.now) for breaker in self.breakers.values()]
            untils = [wait.until or 0 for wait in waits if isinstance(wait, Wait)]
            dues = [one.due for held in self.waiting.values() for one in held.values()]
            self.now = max([self.now, *dues, *untils])
            self.poll()
            assert self.under_way, "something is due, and nothing under way holds it up"
            for lane in list(self.under_way):
                self._finish(lane, None, OK, 0.5)
        if self.offered:
            assert self.lanes.statistics().integrations == 0


TestLanes = LanesMachine.TestCase


@given(
    sizes=st.lists(st.integers(1, 12), min_size=1, max_size=6),
    per_integration=st.integers(1, 4),
    total=st.integers(1, 6),
    late=st.sets(st.tuples(st.integers(0, 5), st.integers(0, 11))),
)
def test_every_due_lane_is_started_within_a_bounded_number_of_polls(
    sizes: list[int], per_integration: int, total: int, late: set[tuple[int, int]]
) -> None:
    lanes = Lanes(per_integration, total)
    waiting = set()
    for i, size in enumerate(sizes):
        for j in range(size):
            due = 1 if (i, j) in late else 0
            lanes.offer(owed(j, integration=f"{i:06}", call=f"it_{j}", due=due), now=0)
            waiting.add((f"{i:06}", f"it_{j}"))
    turns = 2 * max(sizes) * len(sizes)  # a turn each for every integration, and for both kinds of its lanes
    for _ in range(turns):
        for start in lanes.poll(1):
            waiting.discard((start.owed.integration, start.owed.call))
            lanes.finished(start.owed, start.owed, 1)  # it fails, and is due again at once: it comes last
    assert not waiting


def test_one_with_a_long_backlog_keeps_no_other_waiting() -> None:
    lanes = Lanes(per_integration=16, total=4)
    for seq in range(1_000):
        lanes.offer(owed(seq, integration="aaaaaa", call=f"it_{seq}"), now=0)
    first = lanes.poll(0)
    assert len(first) == 3
    lanes.offer(owed(2_000, integration="bbbbbb"), now=0)
    for start in first[:2]:
        lanes.finished(start.owed, None, 0)
    assert 2_000 in started(lanes)


def test_events_of_one_call_never_overtake_a_failing_one() -> None:
    lanes = Lanes(16, 256)
    first = owed(1)
    lanes.offer(first, 0)
    lanes.offer(owed(2), 0)
    assert started(lanes) == [1]
    lanes.finished(first, replace(first, attempts=1, due=5_000), 0)
    assert started(lanes, 4_999) == []
    assert lanes.wake_at() == 5_000
    assert started(lanes, 5_000) == [1]
    lanes.finished(first, None, 5_000)
    assert started(lanes, 5_000) == [2]


def test_calls_of_one_integration_do_not_wait_for_each_other() -> None:
    lanes = Lanes(16, 256)
    lanes.offer(owed(1, call="it_1"), 0)
    lanes.offer(owed(2, call="it_2"), 0)
    assert started(lanes) == [1, 2]


def test_a_replayed_event_goes_before_later_ones_that_wait() -> None:
    lanes = Lanes(16, 256)
    later = owed(5, due=9_000)
    lanes.offer(later, 0)
    lanes.offer(owed(3), 0)
    assert started(lanes, 0) == [3]
    lanes.finished(owed(3), None, 0)
    assert started(lanes, 0) == []
    assert started(lanes, 9_000) == [5]


def test_an_earlier_event_that_comes_late_keeps_its_own_time() -> None:
    lanes = Lanes(16, 256)
    lanes.offer(owed(5), 0)
    lanes.offer(owed(3, due=60_000), 0)
    assert started(lanes, 59_999) == []
    assert lanes.wake_at() == 60_000
    assert started(lanes, 60_000) == [3]


def test_what_was_dropped_under_way_is_not_tried_again() -> None:
    lanes = Lanes(16, 256)
    lanes.offer(owed(1), 0)
    lanes.offer(owed(2), 0)
    assert started(lanes) == [1]
    assert [one.seq for one in lanes.drop("aaaaaa")] == [2]
    lanes.finished(owed(1), owed(1, due=10), 0)
    assert started(lanes, 10) == []
    assert lanes.wake_at() is None
    assert lanes.statistics().integrations == 0


def test_a_paused_one_keeps_what_it_is_owed_in_order() -> None:
    lanes = Lanes(16, 256)
    lanes.pause("aaaaaa")
    for seq in (1, 2):
        lanes.offer(owed(seq), 0)
    assert started(lanes) == []
    lanes.resume("aaaaaa", 0)
    assert started(lanes) == [1]


def test_retries_beside_a_long_wait_leave_no_trail() -> None:
    lanes = Lanes(16, 256)
    lanes.offer(owed(1, call="it_long", due=86_400_000), 0)
    lanes.offer(owed(2, call="it_short"), 0)
    for now in range(0, 20_000, 10):
        for start in lanes.poll(now):
            lanes.finished(start.owed, replace(start.owed, due=now + 10), now)
    assert len(lanes._alarms) < 200


def test_while_the_breaker_is_open_the_lane_that_waited_longest_goes_alone() -> None:
    lanes = Lanes(16, 256)
    for seq in range(5):
        lanes.offer(owed(seq, call=f"call {seq}"), 0)
    for now in range(2):
        for start in lanes.poll(now):
            lanes.finished(start.owed, replace(start.owed, due=300 + start.owed.seq), now, FAILED)
    assert lanes.statistics().breakers_open == 1
    lanes.offer(owed(100, call="a new one"), 400)
    assert started(lanes, 999) == []
    assert lanes.wake_at() == 1_001
    assert started(lanes, 1_001) == [0]
    assert started(lanes, 100_000) == [], "one at a time"
    lanes.finished(owed(0, call="call 0"), owed(0, call="call 0", due=1_001), 1_001, FAILED)
    assert started(lanes, 3_001) == [1]
    lanes.finished(owed(1, call="call 1"), None, 3_001, OK)
    assert sorted(started(lanes, 3_001)) == [0, 2, 3, 4, 100]


def test_what_is_known_of_a_receiver_outlasts_what_it_is_owed() -> None:
    lanes = Lanes(16, 256)
    for seq in range(5):
        lanes.offer(owed(seq, call=f"call {seq}"), 0)
        (start,) = lanes.poll(0)
        lanes.finished(start.owed, None, 0, FAILED)
    assert lanes.statistics().integrations == 0
    lanes.offer(owed(6), 0)
    assert started(lanes, 999) == []
    lanes.drop("aaaaaa")
    assert lanes.statistics().breakers_open == 0
    lanes.offer(owed(7), 0)
    assert started(lanes, 0) == [7], "a deleted one leaves no trace"


def test_how_a_dropped_attempt_ends_says_nothing_about_what_is_installed_later() -> None:
    lanes = Lanes(32, 256)
    under_way = [owed(seq, call=f"call {seq}") for seq in range(8)]
    for one in under_way:
        lanes.offer(one, 0)
    assert started(lanes) == list(range(8))
    lanes.drop("aaaaaa")
    for one in under_way:
        assert lanes.finished(one, None, 0, FAILED) is None
    lanes.offer(owed(9), 0)
    assert started(lanes) == [9]


def test_a_clock_that_is_set_back_makes_nobody_slow() -> None:
    lanes = Lanes(16, 256)
    for seq in range(3):
        lanes.offer(owed(seq, call=f"call {seq}"), 100_000)
    lanes.poll(100_000)
    lanes.finished(owed(0, call="call 0"), None, 100_000, OK)
    lanes.poll(1_000)
    for seq in range(10, 24):
        lanes.offer(owed(seq, call=f"call {seq}"), 1_000)
    assert len(lanes.poll(1_000)) == 14


def test_a_probe_whose_lane_was_dropped_says_all_the_same_whether_the_receiver_is_back() -> None:
    lanes = Lanes(4, 16)
    for seq in range(1, 11):
        lanes.offer(owed(seq, call=f"c{seq}"), 0)
    while not lanes.statistics().breakers_open:
        for command in lanes.poll(0):
            lanes.finished(command.owed, None, 0, FAILED)
    now = 10 * LONGEST_WAIT
    [probe] = lanes.poll(now)
    assert lanes.drop_lane("aaaaaa", probe.owed.call) == []
    lanes.finished(probe.owed, None, now, OK)
    assert lanes.statistics().breakers_open == 0
    assert lanes.poll(now), "the others go on"


def test_however_much_is_replayed_what_is_new_waits_for_one_of_it_at_most() -> None:
    lanes = Lanes(1, 1)
    for seq in range(1, 101):
        lanes.offer(replace(owed(seq, call=f"old {seq}"), replay=1), 0)
    assert started(lanes) == [1]
    for seq in range(101, 104):
        lanes.offer(owed(seq, call=f"new {seq}"), 0)
    order = []
    under_way = replace(owed(1, call="old 1"), replay=1)
    for _ in range(6):
        lanes.finished(under_way, None, 0, OK)
        [start] = lanes.poll(0)
        under_way = start.owed
        order.append(under_way.seq)
    assert order == [101, 2, 102, 3, 103, 4], "and neither keeps the other out"
