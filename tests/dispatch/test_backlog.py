"""The backlog in memory and in the ledger: the order of lanes, bounds, and that everything comes back."""

from __future__ import annotations

import random
from typing import Final
from unittest.mock import patch

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from ringpost.dispatch import backlog as backlog_module
from ringpost.dispatch.backlog import AGAIN, FLOOR, LANE_PAGE, PAGE, REPLAYS_AHEAD, Backlog, Read, ReadLanes, ReadOn
from ringpost.dispatch.lanes import Lanes
from ringpost.model.delivery import Owed

START: Final = 1_000_000
Key = tuple[str, int]


def delivery(seq: int, call: str = "c1", integration: str = "aaaaaa", due: int = 0) -> Owed:
    return Owed(company="it", integration=integration, call=call, seq=seq, due=due)


class World:
    """Lanes and a backlog over a ledger that is a dictionary: each read takes a while, and sees what was so when it was
    begun or when it was ended."""

    def __init__(self, limit: int, chance: random.Random) -> None:
        self.limit = limit
        self.chance = chance
        self.now = START
        self.seq = 0
        self.pending: dict[Key, Owed] = {}  # as the ledger has it
        self.ended: dict[Key, Owed] = {}
        self.under_way: list[Owed] = []
        self.reads: list[tuple[Read, list[Owed] | None]] = []  # with what was seen, if it was looked at already
        self.started: list[Owed] = []
        self.most_held = 0
        self.open_anew()

    def open_anew(self) -> None:
        """A start: nothing in memory."""
        self.lanes = Lanes(4, 8)
        self.backlog = Backlog(self.lanes, self.limit)
        counts: dict[str, int] = {}
        for integration, _ in self.pending:
            counts[integration] = counts.get(integration, 0) + 1
        for integration, count in counts.items():
            self.backlog.load("it", integration, count)
        self.under_way, self.reads = [], []

    def commit(self, call: str, integration: str) -> None:
        self.seq += 1
        owed = delivery(self.seq, call, integration)
        self.pending[integration, self.seq] = owed
        self.backlog.committed(owed, self.now)

    def replay(self, key: Key) -> None:
        owed = self.ended.pop(key)
        self.pending[key] = replace(owed, due=self.now, replay=owed.replay + 1)
        self.backlog.replayed(self.pending[key], self.now)

    def look(self) -> None:
        for read in self.backlog.reads(self.now):
            self.reads.append((read, self.seen(read) if self.chance.random() < 0.5 else None))
        for command in self.lanes.poll(self.now):
            self.begin(command.owed)
        self.most_held = max(self.most_held, self.lanes.waiting)

    def begin(self, owed: Owed) -> None:
        lane = [o for o in self.pending.values() if (o.integration, o.call) == (owed.integration, owed.call)]
        before = [o for o in lane if o.seq < owed.seq and not o.replay]
        assert not before, f"{owed.seq} of {owed.call} was started before {before[0].seq}"
        assert (owed.integration, owed.seq) in self.pending, "what had ended was started again"
        assert owed == self.pending[owed.integration, owed.seq], "as the ledger has it"
        assert owed.due <= self.now
        assert all((o.integration, o.call) != (owed.integration, owed.call) for o in self.under_way), (
            "one at a time in a lane"
        )
        self.under_way.append(owed)
        self.started.append(owed)

    def finish(self, owed: Owed, wait: int | None) -> None:
        """An attempt ended: delivered, or to be tried again after so long. It is recorded at once."""
        self.under_way.remove(owed)
        key = (owed.integration, owed.seq)
        again = None if wait is None else replace(owed, attempts=owed.attempts + 1, due=self.now + wait)
        if again is None:
            self.ended[key] = self.pending.pop(key)
            self.backlog.ended(owed)
        else:
            self.pending[key] = again
        self.lanes.finished(owed, again, self.now)
        self.backlog.moved(owed, self.now)

    def answer(self, read: Read, seen: list[Owed] | None, *, fails: bool) -> None:
        if fails:
            self.backlog.failed(read, self.now)
            return
        found = self.seen(read) if seen is None else seen
        if isinstance(read, ReadOn):
            self.backlog.read_on(read, found, self.now)
        else:
            self.backlog.read_lanes(read, found, self.now)

    def seen(self, read: Read) -> list[Owed]:
        rows = sorted((o for o in self.pending.values() if o.integration == read.integration), key=lambda o: o.seq)
        if isinstance(read, ReadOn):
            return [o for o in rows if o.seq > read.after][: read.limit]
        return [o for call in read.calls for o in [o for o in rows if o.call == call][: read.limit]]

    def step(self, integrations: list[str], calls: list[str], failing: float) -> None:
        dice = self.chance.random()
        if dice < 0.35:
            self.commit(self.chance.choice(calls), self.chance.choice(integrations))
        elif dice < 0.45 and self.ended:
            self.replay(self.chance.choice(list(self.ended)))
        elif dice < 0.6 and self.reads:
            read, seen = self.reads.pop(self.chance.randrange(len(self.reads)))
            self.answer(read, seen, fails=self.chance.random() < 0.1)
        elif dice < 0.8 and self.under_way:
            wait = self.chance.choice((1_000, 30_000, 3_600_000)) if self.chance.random() < failing else None
            self.finish(self.chance.choice(self.under_way), wait)
        elif dice < 0.85:
            self.now += self.chance.choice((1, 1_000, 60_000))
        elif dice < 0.86:
            self.open_anew()
        elif dice < 0.9:
            integration = self.chance.choice(integrations)
            if self.lanes.is_paused(integration):
                self.resume(integration)
            elif self.chance.random() < 0.3:
                self.lanes.pause(integration)
        self.look()

    def resume(self, integration: str) -> None:
        self.lanes.resume(integration, self.now)
        self.backlog.resumed(integration)

    def calm_down(self, integrations: list[str]) -> None:
        """All is well from now on: everything must be delivered, by what `wake_at` says alone."""
        for integration in integrations:
            self.resume(integration)
        for _ in range(20 * len(self.pending) + 10_000):
            self.look()
            if self.reads:
                self.answer(*self.reads.pop(), fails=False)
            elif self.under_way:
                self.finish(self.under_way[0], None)
            else:
                times = [at for at in (self.lanes.wake_at(), self.backlog.wake_at()) if at is not None]
                if not times:
                    break
                self.now = max(self.now, min(times))


@given(
    seed=st.integers(0, 1 << 32),
    limit=st.sampled_from((8, 40, 160)),
    lane_page=st.sampled_from((2, LANE_PAGE)),
    failing=st.floats(0, 0.9),
)
@settings(max_examples=120, deadline=None)
@pytest.mark.slow
def test_whatever_happens_lanes_keep_their_order_and_everything_is_delivered_in_the_end(
    seed: int, limit: int, lane_page: int, failing: float
) -> None:
    world = World(limit, random.Random(seed))
    integrations = ["aaaaaa", "bbbbbb", "cccccc"]
    calls = [f"c{number}" for number in range(12)]
    with patch.object(backlog_module, "LANE_PAGE", lane_page):
        for _ in range(400):
            world.step(integrations, calls, failing)
        world.calm_down(integrations)
    assert not world.pending
    assert world.backlog.owed == 0
    assert world.lanes.waiting == 0
    assert world.backlog.wake_at() is None


def drain(world: World) -> None:
    """Answer all reads, start nothing."""
    while True:
        for read in world.backlog.reads(world.now):
            world.reads.append((read, None))
        if not world.reads:
            return
        world.answer(*world.reads.pop(), fails=False)


def test_a_long_backlog_takes_half_of_the_memory_and_leaves_room_for_others() -> None:
    world = World(10_000, random.Random(1))
    for number in range(50_000):
        world.pending["aaaaaa", number] = delivery(number, f"c{number // 4}")
    world.seq = 50_000
    world.open_anew()
    drain(world)
    assert 10_000 // 3 < world.lanes.waiting <= 10_000 // 2
    assert world.backlog.owed == 50_000
    world.commit("new", "bbbbbb")
    assert world.lanes.held("bbbbbb") == 1


def test_many_long_backlogs_hold_little_more_than_the_limit_in_all() -> None:
    world = World(2_000, random.Random(1))
    for number in range(100_000):
        world.pending[f"i{number % 50:05}", number] = delivery(number, f"c{number}", f"i{number % 50:05}")
    world.open_anew()
    drain(world)
    assert world.lanes.waiting <= 2_000 + 50 * FLOOR


@pytest.mark.slow
def test_calls_that_wait_long_for_a_retry_do_not_keep_newer_ones_out() -> None:
    world = World(200, random.Random(1))
    for number in range(1_000):
        world.commit(f"c{number}", "aaaaaa")
    started = 0
    while any(not owed.attempts for owed in world.pending.values()) and started < 4_000:
        world.look()
        while world.reads:
            world.answer(*world.reads.pop(), fails=False)
        if not world.under_way:
            world.now += AGAIN
        for number, owed in enumerate(list(world.under_way)):
            started += 1  # every second attempt fails, and is to be tried again much later
            world.finish(owed, 86_400_000 if (started + number) % 2 else None)
    assert all(owed.attempts for owed in world.pending.values()), "each was attempted"
    assert world.lanes.waiting <= 200
    assert len(world.pending) > 200
    world.calm_down(["aaaaaa"])
    assert not world.pending


def test_a_call_with_more_events_than_a_read_takes_comes_in_parts() -> None:
    world = World(40, random.Random(1))
    for _ in range(3 * LANE_PAGE):
        world.commit("long", "aaaaaa")
    for number in range(100):
        world.commit(f"c{number}", "aaaaaa")
    world.look()
    [long] = [owed for owed in world.under_way if owed.call == "long"]
    world.finish(long, 3_600_000)
    world.calm_down(["aaaaaa"])
    assert not world.pending


def test_a_read_that_fails_is_made_again_after_a_while() -> None:
    world = World(40, random.Random(1))
    for number in range(200):
        world.pending["aaaaaa", number] = delivery(number, f"c{number}")
    world.open_anew()
    [read] = world.backlog.reads(world.now)
    world.backlog.failed(read, world.now)
    assert world.backlog.reads(world.now) == []
    assert world.backlog.wake_at() == world.now + AGAIN
    assert world.backlog.reads(world.now + AGAIN) == [read]


def test_nothing_is_read_for_a_paused_integration() -> None:
    world = World(40, random.Random(1))
    world.pending["aaaaaa", 1] = delivery(1)
    world.open_anew()
    world.lanes.pause("aaaaaa")
    assert world.backlog.reads(world.now) == []
    world.resume("aaaaaa")
    assert world.backlog.reads(world.now) == [ReadOn("it", "aaaaaa", 0, 20)]


def test_what_is_committed_while_the_last_page_is_read_needs_no_other_read() -> None:
    world = World(PAGE, random.Random(1))
    world.pending["aaaaaa", 1] = delivery(1)
    world.seq = 1
    world.open_anew()
    [read] = world.backlog.reads(world.now)
    seen = world.seen(read)
    world.commit("c2", "aaaaaa")
    world.answer(read, seen, fails=False)
    assert world.lanes.held("aaaaaa") == 2
    assert world.backlog.reads(world.now) == []


def test_a_deleted_integration_is_read_for_no_more() -> None:
    world = World(40, random.Random(1))
    world.pending["aaaaaa", 1] = delivery(1)
    world.open_anew()
    [read] = world.backlog.reads(world.now)
    world.lanes.drop("aaaaaa")
    world.backlog.drop("aaaaaa")
    world.answer(read, [delivery(1)], fails=False)
    assert (world.lanes.waiting, world.backlog.owed, world.backlog.wake_at()) == (0, 0, None)


def test_a_lane_that_was_put_off_is_asked_for_when_its_time_has_come() -> None:
    world = World(16, random.Random(1))
    for number in range(40):
        world.commit(f"c{number}", "aaaaaa")
    asked: list[Read] = []
    for _ in range(200):
        world.look()
        asked += [read for read, _ in world.reads if isinstance(read, ReadLanes)]
        while world.reads:
            world.answer(*world.reads.pop(), fails=False)
        for owed in list(world.under_way):
            world.finish(owed, 60_000 if not owed.attempts else None)
        world.now += AGAIN
    assert asked
    assert not world.pending


def test_a_replay_goes_at_the_pace_of_its_receiver() -> None:
    world = World(100_000, random.Random(1))
    assert world.backlog.has_room("aaaaaa")
    for number in range(REPLAYS_AHEAD):
        world.commit(f"c{number}", "aaaaaa")
    assert not world.backlog.has_room("aaaaaa")
    assert world.backlog.has_room("bbbbbb")
