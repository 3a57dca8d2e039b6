"""The board: which legs there are, and which of them are connected, as far as observations told.

Pure. It knows nothing of events. Everything in it is bounded: legs by `LEG_LIMIT`, and by `GONE_LIMIT` the ids of legs
that hung up, which are kept so that what is said of them late makes no ghosts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from .observation import Leg, Purpose
from .parties import is_extension
from .records import BridgeRecord, LegRecord

LEG_LIMIT: Final = 50_000
GONE_LIMIT: Final = 20_000

_CONNECT: Final = frozenset({"talk", "conference"})  # in bridges of other purposes, nobody hears another
_RANK: Final = {"down": 0, "calling": 1, "ringing": 2, "up": 3}


class Board:
    def __init__(self) -> None:
        self.legs: dict[str, LegRecord] = {}
        self._bridges: dict[str, BridgeRecord] = {}
        self._gone: dict[str, None] = {}
        self._halves: dict[str, LegRecord] = {}  # local legs whose other half has not been seen
        self._counter = 0

    def count(self) -> int:
        """A counter that orders legs, joins and calls by when they were first seen."""
        self._counter += 1
        return self._counter

    def add(self, seen: Leg, *, again: bool) -> LegRecord | None:
        """A leg that is not on the board. None: it hung up before (again: it is a new one), or there is no room."""
        if (seen.id in self._gone and not again) or len(self.legs) >= LEG_LIMIT:
            return None
        self._gone.pop(seen.id, None)
        leg = LegRecord(id=seen.id, call=seen.call, kind=seen.kind, order=self.count(), endpoint=seen.endpoint)
        leg.first_number = seen.number
        self.legs[seen.id] = leg
        if leg.kind == "local" and leg.endpoint is not None:
            half = self._halves.pop(leg.endpoint, None)
            if half is None:
                self._halves[leg.endpoint] = leg
            else:
                self.pair(half, leg)
        return leg

    def refresh(self, leg: LegRecord, seen: Leg) -> None:
        """Take over what is new. The first number and name stay; a state never goes back (what is said of a leg in
        another leg's observation may be older than what the leg said itself)."""
        leg.number = leg.number or seen.number
        if leg.extension is None and is_extension(seen.number):
            leg.extension = seen.number
        leg.name = leg.name or seen.name
        leg.endpoint = leg.endpoint or seen.endpoint
        leg.inside = seen.inside if leg.inside is None else leg.inside
        if _RANK[seen.state] > _RANK[leg.state]:
            leg.state = seen.state

    def remove(self, leg: LegRecord) -> None:
        self.leave(leg)
        other = self.legs.get(leg.pair) if leg.pair is not None else None
        if other is not None:
            other.pair = None
        if leg.endpoint is not None and self._halves.get(leg.endpoint) is leg:
            del self._halves[leg.endpoint]
        del self.legs[leg.id]
        self._gone[leg.id] = None
        if len(self._gone) > GONE_LIMIT:
            del self._gone[next(iter(self._gone))]

    def forget_gone(self) -> None:
        """The PBX was restarted: ids may come again."""
        self._gone.clear()

    def join(self, leg: LegRecord, bridge: str, purpose: Purpose) -> None:
        if leg.bridge != bridge:
            self.leave(leg)
            leg.joined = self.count()
        record = self._bridges.setdefault(bridge, BridgeRecord(purpose))
        record.members[leg.id] = leg
        leg.bridge = bridge

    def leave(self, leg: LegRecord, bridge: str | None = None) -> None:
        """Take a leg out of its bridge, or out of `bridge` where it is in that one."""
        if leg.bridge is None or (bridge is not None and leg.bridge != bridge):
            return
        record = self._bridges[leg.bridge]
        del record.members[leg.id]
        if not record.members:
            del self._bridges[leg.bridge]
        leg.bridge = None

    def pair(self, one: LegRecord, two: LegRecord) -> None:
        one.pair, two.pair = two.id, one.id

    def members(self, bridge: str) -> list[LegRecord]:
        record = self._bridges.get(bridge)
        return [] if record is None else list(record.members.values())

    def purpose(self, bridge: str) -> Purpose | None:
        record = self._bridges.get(bridge)
        return None if record is None else record.purpose

    def talking(self, legs: Iterable[LegRecord], caller: LegRecord | None) -> list[LegRecord]:
        """The real legs that are connected with one of these: two or more, in the order of joining; the caller's
        group first. Empty: nobody talks with anybody."""
        in_bridge = sorted((leg for leg in legs if leg.bridge is not None), key=lambda leg: leg is not caller)
        seen: set[str] = set()
        for leg in in_bridge:
            if leg.id in seen or leg.kind != "real" or leg.left:
                continue
            group = list(self._reach(leg, seen))
            if len(group) > 1:
                return sorted(group, key=lambda one: one.joined)
        return []

    def alone(self, leg: LegRecord) -> bool:
        """Whether nobody is connected with it."""
        return len(list(self._reach(leg, set()))) < 2

    def caller_of(self, leg: LegRecord) -> LegRecord | None:
        """The real leg on whose behalf this one is called, through local pairs; None where that is not known."""
        seen: set[str] = set()
        while leg.by is not None and leg.id not in seen:
            seen.add(leg.id)
            by = self.legs.get(leg.by)
            if by is None or by.kind == "real":
                return by
            other = self.legs.get(by.pair) if by.pair is not None else None
            if other is None:
                return None
            leg = other
        return None

    def _reach(self, start: LegRecord, seen: set[str]) -> Iterator[LegRecord]:
        """The real legs that can hear this one: through its bridge, and through local pairs into others."""
        todo = [start]
        seen.add(start.id)
        while todo:
            leg = todo.pop()
            if leg.kind == "real" and not leg.left:
                yield leg
            for other in self._next_to(leg):
                if other.id not in seen:
                    seen.add(other.id)
                    todo.append(other)

    def _next_to(self, leg: LegRecord) -> Iterator[LegRecord]:
        if leg.bridge is not None:
            record = self._bridges[leg.bridge]
            if record.purpose in _CONNECT:
                yield from record.members.values()
        if leg.pair is not None and leg.pair in self.legs:
            yield self.legs[leg.pair]
