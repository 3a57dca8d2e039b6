"""What one integration is owed, lane by lane, and how its receiver did lately.

Pure data with what keeps it consistent; `Lanes` alone holds these and decides.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import Final

from msgspec import Struct

from ringpost.model.delivery import Owed

from .breaker import Breaker


class Lane:
    """One lane. `head` is its first delivery, waiting or under way; `rest` follows it, in event order.

    A list and no deque: most lanes hold few deliveries, and an empty deque takes 600 bytes.
    turn: the number of its entry in its integration's `later`, or of its start while it is under way, else 0;
    since: when it came to wait for its turn, or was started (ms); health: what its last start counts for.
    """

    __slots__ = ("call", "head", "health", "rest", "since", "turn", "under_way")

    def __init__(self, call: str, head: Owed) -> None:
        self.call = call
        self.head: Owed | None = head  # None: under way, and dropped meanwhile
        self.rest: list[Owed] | None = None
        self.health: Health | None = None
        self.turn = 0
        self.since = 0
        self.under_way = False

    def waiting(self) -> list[Owed]:
        """All deliveries of it but the one under way."""
        head = (self.head,) if self.head is not None and not self.under_way else ()
        return [*head, *(self.rest or ())]


class PutOff(Struct, frozen=True):
    """A lane that was let go of: what it held, and when its first delivery is due (ms)."""

    call: str
    due: int
    owed: list[Owed]


class LaneStatistics(Struct, frozen=True, kw_only=True):
    """Now: deliveries that wait, attempts under way, lanes with either, integrations with such a lane; and integrations
    whose breaker is open."""

    waiting: int
    under_way: int
    lanes: int
    integrations: int
    breakers_open: int

    @property
    def owed(self) -> int:
        """Deliveries that wait or are under way."""
        return self.waiting + self.under_way


class Health:
    """How a receiver did lately. It outlives the share of an integration that is owed nothing for a while."""

    __slots__ = ("breaker", "is_quick")

    def __init__(self) -> None:
        self.breaker: Final = Breaker()
        self.is_quick = False  # the last attempt ended soon; no matter how, for what counts is how long it held a slot

    @property
    def is_blank(self) -> bool:
        """It says no more than a new one."""
        return not self.is_quick and self.breaker.is_blank


class Share:
    """One integration: its lanes, those that may start (`ready`), those that wait for a time (`later`)."""

    __slots__ = (
        "alarm",
        "alarm_due",
        "company",
        "health",
        "held",
        "integration",
        "is_prompt",
        "is_turn_of_replay",
        "lanes",
        "later",
        "listed",
        "probe",
        "ready",
        "replayed",
        "slow",
        "under_way",
    )

    def __init__(self, company: str, integration: str, health: Health) -> None:
        self.company = company
        self.integration = integration
        self.health = health
        self.lanes: dict[str, Lane] = {}
        self.ready: deque[Lane] = deque()
        self.replayed: deque[Lane] = deque()  # the same, of lanes that begin with a replay
        self.is_turn_of_replay = False
        self.later: list[tuple[int, int, Lane]] = []  # a heap of (due, turn, lane)
        self.held = 0  # deliveries that wait
        self.under_way = 0
        self.slow: list[Lane] = []  # those whose attempt under way takes long: few
        self.probe: Lane | None = None  # the one that the last probe was made in
        self.is_prompt = self.deserves_prompt  # as it is counted in the slots
        self.listed = False  # it stands in a rota
        self.alarm = 0  # the number of its entry among the alarms, 0: none
        self.alarm_due = 0

    @property
    def deserves_prompt(self) -> bool:
        return self.health.is_quick and not self.slow and self.health.breaker.state == "closed"

    def next_due(self) -> int | None:
        """When its first waiting lane may start, as far as the lane is concerned (ms; 0: now); None: it has none.

        Entries of `later` that a replay made stale go away here.
        """
        return 0 if self.ready or self.replayed else self._later_due()

    def wait_for_turn(self, lane: Lane, now: int) -> None:
        lane.turn = 0
        lane.since = now
        self._queue_of(lane).append(lane)

    def next_ready(self) -> Lane | None:
        """The lane whose turn it is. Replays and what is new take turns: however much is replayed, a call that goes on
        now does not wait for it."""
        if not self.ready and not self.replayed:
            return None
        self.is_turn_of_replay = bool(self.replayed) and (not self.ready or not self.is_turn_of_replay)
        return (self.replayed if self.is_turn_of_replay else self.ready).popleft()

    def _queue_of(self, lane: Lane) -> deque[Lane]:
        return self.replayed if lane.head is not None and lane.head.replay else self.ready

    def wait_for_time(self, lane: Lane, due: int, turn: int) -> None:
        lane.turn = turn
        heappush(self.later, (due, turn, lane))

    def join_one(self, now: int) -> None:
        """Of the lanes whose time came, one joins those that wait for their turn: last, so that neither kind starves.

        While the breaker is open it comes first if it has waited longest: few get a turn then.
        """
        due = self._later_due()
        if due is None or due > now:
            return
        lane = heappop(self.later)[2]
        lane.turn = 0
        lane.since = due
        queue = self._queue_of(lane)
        is_first = self.health.breaker.state != "closed" and queue and due < queue[0].since
        (queue.appendleft if is_first else queue.append)(lane)

    def take_out(self, lane: Lane) -> None:
        """Forget a lane that waits for its turn or its time."""
        del self.lanes[lane.call]
        if lane.turn:
            lane.turn = 0
        elif lane in self.ready:
            self.ready.remove(lane)
        else:
            self.replayed.remove(lane)

    def put_off(self, until: int, keep: int, limit: int) -> list[PutOff]:
        """Let go of lanes whose time comes after `until`, until no more than so many deliveries are held. So many lanes
        are looked at, from the end of the heap: what stands there waits long, as a rule."""
        taken: list[PutOff] = []
        stay: list[tuple[int, int, Lane]] = []
        while self.later and self.held > keep and len(taken) + len(stay) < limit:
            due, turn, lane = self.later.pop()
            if lane.turn != turn:
                continue
            if due <= until:
                stay.append((due, turn, lane))
                continue
            del self.lanes[lane.call]
            owed = lane.waiting()
            self.held -= len(owed)
            taken.append(PutOff(lane.call, due, owed))
        for entry in stay:
            heappush(self.later, entry)
        return taken

    def _later_due(self) -> int | None:
        later = self.later
        while later and later[0][2].turn != later[0][1]:
            heappop(later)
        return later[0][0] if later else None
