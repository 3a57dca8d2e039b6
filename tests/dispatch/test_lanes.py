"""The lanes: order, bounds, turns and what becomes of each delivery."""

from __future__ import annotations

from typing import Final

import hypothesis.strategies as st
from hypothesis import given
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from ringpost.dispatch.lanes import Lanes
from ringpost.model.delivery import Owed

INTEGRATIONS: Final = ("aaaaaa", "bbbbbb", "cccccc")
CALLS: Final = ("it_1", "it_2", "it_3")
Lane = tuple[str, str]


def owed(seq: int, integration: str = "aaaaaa", call: str = "it_1", due: int = 0) -> Owed:
    return Owed(company="it", integration=integration, call=call, seq=seq, due=due)


def started(lanes: Lanes, now: int = 0) -> list[int]:
    return [start.owed.seq for start in lanes.poll(now)]


class LanesMachine(RuleBasedStateMachine):
    """The lanes beside a plain model: what waits in each lane, what is under way, what was dropped under way."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000
        self.seq = 0
        self.waiting: dict[Lane, dict[int, Owed]] = {}
        self.under_way: dict[Lane, Owed] = {}
        self.orphans: set[Lane] = set()  # dropped while under way
        self.paused: set[str] = set()
        self.ended: list[Owed] = []
        self.offered = 0
        self.done = 0
        self.dropped = 0

    @initialize(per_integration=st.integers(1, 3), total=st.integers(1, 5))
    def begin(self, per_integration: int, total: int) -> None:
        self.per_integration, self.total = per_integration, total
        self.lanes = Lanes(per_integration, total)

    @rule(
        integration=st.sampled_from(INTEGRATIONS), call=st.sampled_from(CALLS), wait=st.sampled_from((0, 0, 0, 7, 50))
    )
    def offer(self, integration: str, call: str, wait: int) -> None:
        self.seq += 1
        self._offer(Owed(company="it", integration=integration, call=call, seq=self.seq, due=self.now + wait))

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
        for start in self.lanes.poll(self.now):
            one = start.owed
            lane = (one.integration, one.call)
            assert lane not in self.under_way, "at most one under way in a lane"
            assert one.integration not in self.paused
            assert one.due <= self.now
            assert one == self.waiting[lane].pop(min(self.waiting[lane])), "a lane goes in event order"
            self.under_way[lane] = one
            assert self._under_way_of(one.integration) <= self.per_integration
        assert len(self.under_way) <= self.total
        if len(self.under_way) < self.total:
            assert all(one.due > self.now for one in self._heads()), "what may start has started"

    def _under_way_of(self, integration: str) -> int:
        return sum(lane[0] == integration for lane in self.under_way)

    def _heads(self) -> list[Owed]:
        """The first of each lane that is free, of integrations that may start something."""
        return [
            waiting[min(waiting)]
            for lane, waiting in self.waiting.items()
            if waiting
            and lane not in self.under_way
            and lane[0] not in self.paused
            and self._under_way_of(lane[0]) < self.per_integration
        ]

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), wait=st.sampled_from((None, None, 0, 5, 90)))
    def finish(self, data: st.DataObject, wait: int | None) -> None:
        lane = data.draw(st.sampled_from(sorted(self.under_way)))
        one = self.under_way.pop(lane)
        again = None if wait is None else replace(one, attempts=one.attempts + 1, due=self.now + wait)
        self.lanes.finished(one, again, self.now)
        if lane in self.orphans:
            self.orphans.discard(lane)
            self.dropped += 1
        elif again is None:
            self.done += 1
            self.ended.append(one)
        else:
            self.waiting.setdefault(lane, {})[one.seq] = again

    @rule(integration=st.sampled_from(INTEGRATIONS))
    def pause(self, integration: str) -> None:
        self.lanes.pause(integration)
        self.paused.add(integration)

    @rule(integration=st.sampled_from(INTEGRATIONS))
    def resume(self, integration: str) -> None:
        self.lanes.resume(integration, self.now)
        self.paused.discard(integration)

    @rule(integration=st.sampled_from(INTEGRATIONS))
    def drop(self, integration: str) -> None:
        expected = {one.seq for lane, held in self.waiting.items() if lane[0] == integration for one in held.values()}
        given_back = self.lanes.drop(integration)
        assert {one.seq for one in given_back} == expected
        assert len(given_back) == len(expected)
        self.dropped += len(given_back)
        self.waiting = {lane: held for lane, held in self.waiting.items() if lane[0] != integration}
        self.orphans |= {lane for lane in self.under_way if lane[0] == integration}
        self.paused.discard(integration)

    @rule(ms=st.sampled_from((-30, 1, 6, 100)))
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

    @invariant()
    def it_wakes_no_later_than_something_may_start(self) -> None:
        if self.offered and len(self.under_way) < self.total and (heads := self._heads()):
            wake_at = self.lanes.wake_at()
            assert wake_at is not None
            assert wake_at <= max(self.now, min(one.due for one in heads))

    def teardown(self) -> None:
        """Whatever happened before: all that waits is started, once everything goes well."""
        for integration in INTEGRATIONS if self.offered else ():
            self.resume(integration)
        while any(self.waiting.values()) or self.under_way:
            self.now = max([self.now, *(one.due for held in self.waiting.values() for one in held.values())])
            self.poll()
            assert self.under_way, "something is due, and nothing under way holds it up"
            for lane, one in list(self.under_way.items()):
                del self.under_way[lane]
                self.lanes.finished(one, None, self.now)
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
    lanes = Lanes(per_integration=4, total=4)
    for seq in range(1_000):
        lanes.offer(owed(seq, integration="aaaaaa", call=f"it_{seq}"), now=0)
    first = lanes.poll(0)
    assert len(first) == 4
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
