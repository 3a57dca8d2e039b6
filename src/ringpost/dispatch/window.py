"""What of one integration's pending deliveries is in the ledger alone: beyond its horizon, and in lanes put off.

Pure data with what keeps it consistent; `Backlog` alone holds these and decides. It promises that what it gives back to
be offered to the lanes is in no lane yet, and comes after everything pending of its lane that is in the lanes or was
offered before (a replay aside).
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Final

from ringpost.model.delivery import Owed

from .share import PutOff

LATE_LIMIT: Final = 1_000  # deliveries kept that were committed while the rest of a backlog was read


class LaneLeft:
    """A lane with something in the ledger alone, though below the horizon.

    due: when to read it (ms), None while a part of it is in the lanes; came: something came for it since it was read.
    """

    __slots__ = ("came", "due")

    def __init__(self, due: int | None) -> None:
        self.due = due
        self.came = False


class Window:
    """horizon: what is pending up to this number is in the lanes, but for lanes put off; None: all that there is."""

    __slots__ = (
        "_dues",
        "_is_late_lost",
        "_late",
        "_late_replays",
        "alarm",
        "company",
        "expected",
        "horizon",
        "integration",
        "is_outdated",
        "next_make_room",
        "not_before",
        "put_off",
        "reading",
    )

    def __init__(self, company: str, integration: str, horizon: int | None) -> None:
        self.company = company
        self.integration = integration
        self.horizon = horizon
        self.put_off: dict[str, LaneLeft] = {}
        self.reading = False
        self.expected = 0  # deliveries that the read under way may bring
        self.is_outdated = False  # something may be in it that was taken out of the ledger since it began
        self.alarm: int | None = None
        self.not_before = 0
        self.next_make_room = 0
        self._dues: list[tuple[int, str]] = []  # a heap of (due, call) of lanes put off; stale where the due differs
        self._late: list[Owed] = []
        self._late_replays: list[Owed] = []
        self._is_late_lost = False

    def leave(self, owed: Owed) -> bool:
        """Whether a delivery that was just committed stays in the ledger."""
        lane = self.put_off.get(owed.call)
        if lane is not None:
            lane.came = True
            return True
        if self.horizon is None:
            return False
        if self.reading:
            if len(self._late) < LATE_LIMIT:
                self._late.append(owed)
            else:
                self._is_late_lost = True
        return True

    def leave_replay(self, owed: Owed) -> bool:
        """Whether a delivery that is pending again stays in the ledger."""
        lane = self.put_off.get(owed.call)
        if lane is not None:
            lane.came = True
            if lane.due is not None and owed.due < lane.due:
                self._put(owed.call, lane, owed.due)
            return True
        if self.reading and self.horizon is not None:
            self._late_replays.append(owed)
            return True
        return self.horizon is not None and owed.seq > self.horizon

    def put_lanes_off(self, taken: Sequence[PutOff]) -> None:
        for lane in taken:
            known = self.put_off.get(lane.call)
            if known is None:
                known = self.put_off[lane.call] = LaneLeft(None)
            self._put(lane.call, known, lane.due)

    def lane_ended(self, call: str, now: int) -> None:
        """Nothing of this lane is in the lanes any more."""
        lane = self.put_off.get(call)
        if lane is not None and lane.due is None:
            self._put(call, lane, now)

    def forget(self, call: str) -> bool:
        """What is pending of this lane was taken out of the ledger; whether it was put off."""
        self.is_outdated = self.reading
        self._late = [owed for owed in self._late if owed.call != call]
        self._late_replays = [owed for owed in self._late_replays if owed.call != call]
        return self.put_off.pop(call, None) is not None

    def next_due(self) -> int | None:
        """When the first of the lanes put off is to be read (ms)."""
        dues = self._dues
        while dues and not self._is_current(*dues[0]):
            heappop(dues)
        return dues[0][0] if dues else None

    def due_lanes(self, now: int, limit: int) -> tuple[str, ...]:
        """The lanes to be read now, so many at most."""
        calls: list[str] = []
        taken: list[tuple[int, str]] = []
        while len(calls) < limit and (due := self.next_due()) is not None and due <= now:
            entry = heappop(self._dues)
            taken.append(entry)
            if entry[1] not in calls:
                calls.append(entry[1])
                self.put_off[entry[1]].came = False
        for entry in taken:
            heappush(self._dues, entry)  # they stay due until they are read
        return tuple(calls)

    def read_on(self, page: Sequence[Owed], *, is_last: bool) -> list[Owed]:
        """Take a page; what to offer to the lanes."""
        self.reading = False
        offered = [owed for owed in page if owed.call not in self.put_off]
        reached = page[-1].seq if page else self.horizon or 0
        self.horizon = reached
        if is_last and not self._is_late_lost:
            self.horizon = None
            offered += [owed for owed in self._late if owed.seq > reached and owed.call not in self.put_off]
        return offered + self._take_late()

    def read_lanes(self, calls: Sequence[str], found: Sequence[Owed], limit: int, now: int) -> list[Owed]:
        """Take what these lanes have; what to offer to the lanes."""
        self.reading = False
        counts = dict.fromkeys(calls, 0)
        offered: list[Owed] = []
        beyond: set[str] = set()  # lanes that have more beyond the horizon, which comes with the next page
        for owed in found:
            counts[owed.call] += 1
            if self.horizon is not None and owed.seq > self.horizon:
                beyond.add(owed.call)
            elif owed.call in self.put_off:
                offered.append(owed)
        in_lanes = {owed.call for owed in offered}
        for call, count in counts.items():
            lane = self.put_off.get(call)
            if lane is None:
                continue  # it was forgotten meanwhile
            if (count < limit or call in beyond) and not lane.came:
                del self.put_off[call]
            elif call in in_lanes:
                lane.due = None
            else:
                self._put(call, lane, now)
        return offered + self._take_late()

    def not_read(self) -> list[Owed]:
        """The read failed, or is outdated; what to offer to the lanes all the same."""
        self.reading = self.is_outdated = False
        return self._take_late()

    def _take_late(self) -> list[Owed]:
        """Replays that came while it was read, as far as they are not for a later read."""
        late, self._late_replays = self._late_replays, []
        self._late, self._is_late_lost = [], False
        return [owed for owed in late if self.horizon is None or owed.seq <= self.horizon]

    def _put(self, call: str, lane: LaneLeft, due: int) -> None:
        lane.due = due
        heappush(self._dues, (due, call))

    def _is_current(self, due: int, call: str) -> bool:
        lane = self.put_off.get(call)
        return lane is not None and lane.due == due
