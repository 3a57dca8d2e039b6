"""Lanes: which deliveries to attempt now, in which order.

The unit of order is the lane (integration, call): its deliveries go strictly in event order, one at a time. Lanes
never wait for each other, and integrations take turns, so that a long backlog of one keeps no other waiting. Pure: the
dispatcher alone calls it, with the time (ms). Costs: `poll` grows with what it starts and with the integrations whose
time has come, the other calls with log n at most (`drop`: with what it gives back).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from heapq import heapify, heappop, heappush
from operator import attrgetter
from typing import Final

from msgspec import Struct

from ringpost.model.delivery import Owed

_seq = attrgetter("seq")
_SPARE_ALARMS: Final = 64  # stale entries that are not worth clearing away


class Start(Struct, frozen=True):
    """The command to attempt this delivery now; `finished` must follow."""

    owed: Owed


class LaneStatistics(Struct, frozen=True, kw_only=True):
    """Now: deliveries that wait, attempts under way, lanes with either, integrations with such a lane."""

    waiting: int
    under_way: int
    lanes: int
    integrations: int

    @property
    def owed(self) -> int:
        """Deliveries that wait or are under way."""
        return self.waiting + self.under_way


class _Lane:
    """One lane. `head` is its first delivery, waiting or under way; `rest` follows it, in event order.

    A list and no deque: most lanes hold few deliveries, and an empty deque takes 600 bytes.
    turn: the number of its entry in its integration's `later`, 0 where it has none.
    """

    __slots__ = ("call", "head", "rest", "turn", "under_way")

    def __init__(self, call: str, head: Owed) -> None:
        self.call = call
        self.head: Owed | None = head  # None: under way, and dropped meanwhile
        self.rest: list[Owed] | None = None
        self.turn = 0
        self.under_way = False


class _Share:
    """What one integration is owed: its lanes, those that may start (`ready`), those that wait for a time (`later`)."""

    __slots__ = ("alarm", "alarm_due", "integration", "lanes", "later", "listed", "ready", "under_way")

    def __init__(self, integration: str) -> None:
        self.integration = integration
        self.lanes: dict[str, _Lane] = {}
        self.ready: deque[_Lane] = deque()
        self.later: list[tuple[int, int, _Lane]] = []  # a heap of (due, turn, lane)
        self.under_way = 0
        self.listed = False  # it stands in the rota
        self.alarm = 0  # the number of its entry among the alarms, 0: none
        self.alarm_due = 0

    def next_due(self) -> int | None:
        """When the first of `later` is due. Entries that a replay made stale go away here."""
        later = self.later
        while later and later[0][2].turn != later[0][1]:
            heappop(later)
        return later[0][0] if later else None


class Lanes:
    """All lanes of one dispatcher, with bounds on the attempts under way: for each integration, and in all."""

    def __init__(self, per_integration: int, total: int) -> None:
        self._per_integration = per_integration
        self._total = total
        self._shares: dict[str, _Share] = {}
        self._paused: set[str] = set()
        self._rota: deque[_Share] = deque()  # integrations that may start something, in turn
        self._alarms: list[tuple[int, int, _Share]] = []  # a heap of (due, number, share); stale: the number differs
        self._armed = 0  # how many of the alarms are not stale
        self._number = 0
        self._under_way = 0
        self._waiting = 0
        self._lanes = 0

    def offer(self, owed: Owed, now: int) -> bool:
        """Take a delivery into its lane, by its event's number. False: it is there already, waiting or under way."""
        share = self._shares.get(owed.integration)
        if share is None:
            share = self._shares[owed.integration] = _Share(owed.integration)
        lane = share.lanes.get(owed.call)
        if lane is None:
            lane = share.lanes[owed.call] = _Lane(owed.call, owed)
            self._lanes += 1
            self._place(share, lane, owed.due, now)
        elif not self._insert(share, lane, owed, now):
            return False
        self._waiting += 1
        self._settle(share, now)
        return True

    def poll(self, now: int) -> list[Start]:
        """What to attempt now: due heads of free lanes, within the bounds; one of each integration in turn."""
        while self._alarms and self._alarms[0][0] <= now:
            _, number, share = heappop(self._alarms)
            if share.alarm == number:
                self._disarm(share)
                self._settle(share, now)
        starts: list[Start] = []
        while self._rota and self._under_way < self._total:
            share = self._rota.popleft()
            share.listed = False
            if self._may_start(share) and (owed := self._take(share, now)) is not None:
                starts.append(Start(owed))
            self._settle(share, now)
        return starts

    def finished(self, owed: Owed, again: Owed | None, now: int) -> None:
        """An attempt under way ended. again: the same delivery, to be tried at its `due`; None: it ended for good."""
        share = self._shares[owed.integration]
        lane = share.lanes[owed.call]
        lane.under_way = False
        share.under_way -= 1
        self._under_way -= 1
        if again is not None and lane.head is not None:
            lane.rest = lane.rest or []
            insort(lane.rest, again, key=_seq)  # first, unless an earlier event was replayed meanwhile
            self._waiting += 1
        if lane.rest:
            lane.head = lane.rest.pop(0)
            self._place(share, lane, lane.head.due, now)
        else:
            del share.lanes[lane.call]
            self._lanes -= 1
        self._settle(share, now)
        self._forget_if_empty(share)

    def pause(self, integration: str) -> None:
        """Start nothing of this integration any more; what it is owed is kept."""
        self._paused.add(integration)
        if (share := self._shares.get(integration)) is not None:
            self._disarm(share)

    def resume(self, integration: str, now: int) -> None:
        self._paused.discard(integration)
        if (share := self._shares.get(integration)) is not None:
            self._settle(share, now)

    def drop(self, integration: str) -> list[Owed]:
        """Forget a deleted integration and give back what it was owed; attempts under way end by themselves."""
        self._paused.discard(integration)
        share = self._shares.get(integration)
        if share is None:
            return []
        dropped: list[Owed] = []
        for lane in list(share.lanes.values()):
            if not lane.under_way:
                del share.lanes[lane.call]
                self._lanes -= 1
                dropped += (lane.head,) if lane.head else ()
            dropped += lane.rest or ()
            lane.head = lane.rest = None
        share.ready.clear()
        share.later.clear()
        self._disarm(share)
        self._waiting -= len(dropped)
        self._forget_if_empty(share)
        return dropped

    def wake_at(self) -> int | None:
        """When to poll again (ms; 0: at once), unless something is offered, finished or resumed before; None: never."""
        if self._rota and self._under_way < self._total:
            return 0
        alarms = self._alarms
        while alarms and alarms[0][2].alarm != alarms[0][1]:
            heappop(alarms)
        return alarms[0][0] if alarms else None

    def statistics(self) -> LaneStatistics:
        return LaneStatistics(
            waiting=self._waiting, under_way=self._under_way, lanes=self._lanes, integrations=len(self._shares)
        )

    def _insert(self, share: _Share, lane: _Lane, owed: Owed, now: int) -> bool:
        head, rest = lane.head, lane.rest
        if head is not None and owed.seq == head.seq:
            return False
        if head is not None and owed.seq < head.seq and not lane.under_way:  # a replay of an earlier event
            lane.head, lane.rest = owed, [head, *(rest or ())]
            if lane.turn:
                self._place(share, lane, owed.due, now)
        elif not rest:
            lane.rest = [owed]
        elif owed.seq > rest[-1].seq:
            rest.append(owed)
        else:
            place = bisect_left(rest, owed.seq, key=_seq)
            if rest[place].seq == owed.seq:
                return False
            rest.insert(place, owed)
        return True

    def _place(self, share: _Share, lane: _Lane, due: int, now: int) -> None:
        """Let a lane with a new head wait where it belongs: for its turn, or for its time."""
        if due <= now:
            lane.turn = 0
            share.ready.append(lane)
        else:
            self._number += 1
            lane.turn = self._number
            heappush(share.later, (due, lane.turn, lane))

    def _take(self, share: _Share, now: int) -> Owed | None:
        """The next of an integration. Of those whose time came one joins at each turn, so that neither kind starves."""
        due = share.next_due()
        if due is not None and due <= now:
            lane = heappop(share.later)[2]
            lane.turn = 0
            share.ready.append(lane)
        while share.ready:
            lane = share.ready.popleft()
            head = lane.head
            if head is not None and head.due > now:  # an earlier event came into the lane that waits for its time
                self._place(share, lane, head.due, now)
                continue
            lane.under_way = True
            share.under_way += 1
            self._under_way += 1
            self._waiting -= 1
            return head
        return None

    def _may_start(self, share: _Share) -> bool:
        return share.under_way < self._per_integration and share.integration not in self._paused

    def _settle(self, share: _Share, now: int) -> None:
        """Put an integration into the rota if it may start something now, or set its alarm for when it may."""
        if share.listed or not self._may_start(share):
            return
        due = None if share.ready else share.next_due()
        if share.ready or (due is not None and due <= now):
            share.listed = True
            self._rota.append(share)
        elif due is not None and (not share.alarm or due < share.alarm_due):
            self._arm(share, due)

    def _arm(self, share: _Share, due: int) -> None:
        self._disarm(share)
        if len(self._alarms) > 2 * self._armed + _SPARE_ALARMS:
            self._alarms = [entry for entry in self._alarms if entry[2].alarm == entry[1]]
            heapify(self._alarms)
        self._number += 1
        share.alarm, share.alarm_due = self._number, due
        self._armed += 1
        heappush(self._alarms, (due, self._number, share))

    def _disarm(self, share: _Share) -> None:
        if share.alarm:
            share.alarm = 0
            self._armed -= 1

    def _forget_if_empty(self, share: _Share) -> None:
        if not share.lanes:
            self._disarm(share)
            del self._shares[share.integration]
