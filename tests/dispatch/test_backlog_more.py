"""The backlog under attack: floods, full memory, many integrations, erasures in between, a clock that is set back."""

from __future__ import annotations

import random
from typing import Final

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from ringpost.dispatch.backlog import AGAIN, FLOOR, Backlog, Read, ReadLanes, ReadOn
from ringpost.dispatch.lanes import Lanes
from ringpost.model.delivery import Owed

START: Final = 1_000_000
HOUR: Final = 3_600_000
A: Final = "aaaaaa"
B: Final = "bbbbbb"


def delivery(seq: int, call: str = "c1", integration: str = A, due: int = 0) -> Owed:
    return Owed(company="it", integration=integration, call=call, seq=seq, due=due)


class Memory:
    """Lanes and a backlog over a ledger that is a sorted list for each integration, and whose reads are answered at
    once."""

    def __init__(self, limit: int) -> None:
        self.now = START
        self.lanes = Lanes(16, 256)
        self.backlog = Backlog(self.lanes, limit)
        self.pending: dict[str, dict[int, Owed]] = {}
        self.reads: list[Read] = []
        self.most_held = 0

    def load(self) -> None:
        for integration, owed in self.pending.items():
            self.backlog.load("it", integration, len(owed))

    def has(self, *deliveries: Owed) -> None:
        for owed in deliveries:
            self.pending.setdefault(owed.integration, {})[owed.seq] = owed

    def commit(self, owed: Owed) -> None:
        self.has(owed)
        self.backlog.committed(owed, self.now)
        self.most_held = max(self.most_held, self.lanes.waiting)

    def seen(self, read: Read) -> list[Owed]:
        rows = sorted(self.pending.get(read.integration, {}).values(), key=lambda owed: owed.seq)
        if isinstance(read, ReadOn):
            return [owed for owed in rows if owed.seq > read.after][: read.limit]
        return [owed for call in read.calls for owed in [o for o in rows if o.call == call][: read.limit]]

    def answer(self, read: Read, seen: list[Owed] | None = None) -> None:
        found = self.seen(read) if seen is None else seen
        if isinstance(read, ReadOn):
            self.backlog.read_on(read, found, self.now)
        else:
            self.backlog.read_lanes(read, found, self.now)
        self.most_held = max(self.most_held, self.lanes.waiting)

    def read_all(self) -> None:
        """Make all reads that are wanted now."""
        while reads := self.backlog.reads(self.now):
            self.reads += reads
            for read in reads:
                self.answer(read)

    def start(self) -> list[Owed]:
        return [command.owed for command in self.lanes.poll(self.now)]

    def end(self, owed: Owed, due: int | None = None) -> None:
        """An attempt ended: for good, or to be made again then."""
        rows = self.pending[owed.integration]
        again = None
        if due is None:
            del rows[owed.seq]
            self.backlog.ended(owed)
        else:
            again = rows[owed.seq] = Owed(
                company="it",
                integration=owed.integration,
                call=owed.call,
                seq=owed.seq,
                attempts=owed.attempts + 1,
                due=due,
            )
        self.lanes.finished(owed, again, self.now)
        self.backlog.moved(owed, self.now)

    def fail_all(self, due: int) -> None:
        """Attempt what is due and let it fail, to be made again then, without the breakers' waits."""
        while started := self.start():
            for owed in started:
                self.end(owed, due)

    def run_on(self, until: int) -> None:
        """Go by `wake_at` alone up to a time; each attempt succeeds."""
        while True:
            self.read_all()
            for owed in self.start():
                self.end(owed)
            times = [at for at in (self.lanes.wake_at(), self.backlog.wake_at()) if at is not None]
            if not times or min(times) > until:
                return
            self.now = max(self.now, min(times))


def put_off_some(memory: Memory, calls: int, events: int, integration: str = A) -> None:
    """So many calls whose first event waits for an hour, put off; nothing else is left for the integration."""
    seq = 0
    for number in range(calls):
        for _ in range(events):
            seq += 1
            memory.has(delivery(seq, f"c{number}", integration, memory.now + HOUR))
    memory.load()
    for _ in range(200):
        memory.read_all()
        memory.now += AGAIN


def test_a_flood_for_one_with_lanes_put_off_and_all_else_in_memory_stays_in_the_ledger() -> None:
    memory = Memory(1_000)
    put_off_some(memory, 900, 1)
    assert memory.lanes.held(A) < 900, "some were put off"
    for seq in range(10_000, 20_000):
        memory.commit(delivery(seq, f"n{seq}"))
    assert memory.most_held <= 1_000 + FLOOR
    memory.run_on(memory.now + 2 * HOUR)
    assert memory.pending[A] == {}
    assert memory.backlog.owed == 0


def test_what_comes_back_of_lanes_put_off_is_no_more_than_there_is_room_for() -> None:
    memory = Memory(320)
    integrations = [f"i{number:05}" for number in range(4)]
    seq = 0
    for integration in integrations:
        for number in range(40):
            for place in range(50):
                seq += 1
                memory.has(delivery(seq, f"c{number}", integration, 0 if place else memory.now + HOUR))
    memory.load()
    memory.run_on(memory.now + 2 * HOUR)
    assert any(isinstance(read, ReadLanes) for read in memory.reads)
    assert memory.most_held <= 320 + 20 * len(integrations)
    assert not any(memory.pending.values())


def test_alarms_do_not_pile_up_while_there_is_no_room() -> None:
    """The first calls are put off for long; the others could go, but their receiver is down."""
    memory = Memory(200)
    for seq in range(1, 1_000):
        memory.has(delivery(seq, f"c{seq}", due=START + 1_000 * HOUR if seq <= 50 else 0))
    memory.load()
    sizes = []
    for _ in range(1_000):
        memory.now += AGAIN
        memory.read_all()
        sizes.append(len(memory.backlog._alarms))  # nothing else shows it
    assert max(sizes) < 100


def test_room_that_others_gave_back_is_taken_though_no_lane_may_be_put_off_any_more() -> None:
    """Others hold the memory; what the one holds waits for long, and as many of its lanes as may be are put off. Then
    the others' go out."""
    memory = Memory(200)
    others = [f"i{number:05}" for number in range(8)]
    for seq in range(1, 401):
        memory.has(delivery(seq, f"o{seq}", others[seq % 8]))
    memory.load()
    memory.read_all()
    for seq in range(1_001, 1_241):
        memory.has(delivery(seq, f"c{seq}", due=START + 24 * HOUR))
    memory.backlog.load("it", A, 240)
    for _ in range(300):
        memory.read_all()
        memory.now += AGAIN
    for seq in range(2_001, 2_041):
        memory.commit(delivery(seq, f"n{seq}", A))
    memory.run_on(memory.now + HOUR)
    assert not any(memory.pending[other] for other in others)
    assert min(owed.due for owed in memory.pending[A].values()) > memory.now, "the new ones did not wait for the old"


def test_what_was_taken_out_of_the_ledger_while_it_was_read_is_not_offered() -> None:
    memory = Memory(100)
    memory.has(delivery(1, "gone"), delivery(2, "kept"))
    memory.load()
    [read] = memory.backlog.reads(memory.now)
    seen = memory.seen(read)
    del memory.pending[A][1]
    memory.backlog.forget(A, "gone", 1)
    memory.answer(read, seen)
    memory.read_all()
    assert [owed.call for owed in memory.start()] == ["kept"]
    assert memory.backlog.owed == 1


def test_what_was_taken_out_of_the_ledger_while_its_lane_was_read_is_not_offered() -> None:
    memory = Memory(64)
    put_off_some(memory, 200, 1)
    memory.now += HOUR
    read = None
    while not isinstance(read, ReadLanes):
        for owed in memory.start():
            memory.end(owed)
        for read in memory.backlog.reads(memory.now):
            if isinstance(read, ReadOn):
                memory.answer(read)
    seen = memory.seen(read)
    [gone] = [owed for owed in seen if owed.call == read.calls[0]]
    del memory.pending[A][gone.seq]
    memory.backlog.forget(A, gone.call, 1)
    memory.answer(read, seen)
    assert not memory.lanes.has_lane(A, gone.call)
    memory.run_on(memory.now + HOUR)
    assert memory.pending[A] == {}
    assert memory.backlog.owed == 0


def test_a_replay_that_came_before_its_call_was_taken_out_is_not_offered() -> None:
    memory = Memory(100)
    memory.has(delivery(1, "gone"), delivery(2, "kept"))
    memory.load()
    [read] = memory.backlog.reads(memory.now)
    seen = memory.seen(read)
    memory.backlog.replayed(delivery(0, "gone"), memory.now)
    memory.backlog.forget(A, "gone", 2)
    del memory.pending[A][1]
    memory.answer(read, seen)
    memory.read_all()
    assert [owed.call for owed in memory.start()] == ["kept"]
    assert memory.backlog.owed == 1


def test_a_clock_that_is_set_back_does_not_hold_up_a_read_that_failed() -> None:
    memory = Memory(100)
    memory.has(delivery(1))
    memory.load()
    [read] = memory.backlog.reads(memory.now)
    memory.backlog.failed(read, memory.now)
    memory.now -= 24 * HOUR
    assert memory.backlog.reads(memory.now) == [read]


def test_a_clock_that_is_set_back_does_not_hold_up_what_waits_for_room() -> None:
    memory = Memory(64)
    for seq in range(1, 201):
        memory.has(delivery(seq, f"c{seq}", due=START + 24 * HOUR))
    memory.load()
    memory.read_all()
    held = memory.lanes.held(A)
    memory.now -= HOUR
    for _ in range(10):
        memory.read_all()
        memory.now += AGAIN
    assert max(read.after for read in memory.reads if isinstance(read, ReadOn)) > held


def test_few_reads_are_under_way_at_once_however_many_have_a_backlog() -> None:
    memory = Memory(1_000)
    for number in range(1, 5_001):
        memory.has(delivery(number, f"c{number}", f"i{number:05}"))
    memory.load()
    first = memory.backlog.reads(memory.now)
    assert len(first) <= 100
    assert memory.backlog.reads(memory.now) == [], "one that waits for its turn is not asked for"
    assert memory.backlog.wake_at() != 0, "the end of a read is waited for"
    is_at_rest = memory.backlog.is_at_rest
    assert not is_at_rest
    for read in first:
        memory.answer(read)
    memory.read_all()
    assert memory.backlog.is_at_rest
    assert memory.lanes.waiting == 5_000


@pytest.mark.slow
@given(seed=st.integers(0, 1 << 32), limit=st.sampled_from((16, 64, 200)))
@settings(max_examples=60, deadline=None)
def test_in_no_order_of_things_is_the_memory_exceeded_or_anything_left_behind(seed: int, limit: int) -> None:
    chance = random.Random(seed)
    memory = Memory(limit)
    integrations = [f"i{number:05}" for number in range(chance.choice((1, 3, 12)))]
    floor = max(min(FLOOR, limit // 16), 4)
    seq = 0
    for _ in range(60):
        for _ in range(chance.choice((0, 1, 10, 60))):
            seq += 1
            memory.commit(delivery(seq, f"c{chance.randrange(80)}", chance.choice(integrations)))
        memory.read_all()
        for owed in memory.start():
            memory.end(owed, memory.now + chance.choice((10_000, HOUR)) if chance.random() < 0.7 else None)
        memory.now += chance.choice((1, 1_000, 60_000))
        assert memory.most_held <= limit + (2 * floor + 2) * len(integrations)
        assert memory.backlog.owed == sum(map(len, memory.pending.values()))
    memory.run_on(memory.now + 1_000 * HOUR)
    assert not any(memory.pending.values())
    assert (memory.backlog.owed, memory.lanes.waiting, memory.backlog.wake_at()) == (0, 0, None)
