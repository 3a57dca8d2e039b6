"""A small office that telephones: a source without a PBX, for the demo, for trying receivers, for load.

`script` is pure: the same seed makes the same calls, as (ms from the beginning, observation), without end. The
`Simulator` plays it at any speed. What it says is what an Asterisk would say, so everything behind it is the real
thing. Names are made up; numbers are of the range kept free for fiction (555-0100 to 555-0199).
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Final

from msgspec import Struct, structs

from ringpost.calls.observation import (
    DialEnded,
    Dials,
    HangupRequested,
    HungUp,
    JoinsBridge,
    JoinsQueue,
    LeavesBridge,
    LeavesQueue,
    Leg,
    LegAppeared,
    LegChanged,
    LegState,
    Observation,
    SendsOn,
    Snapshot,
)

from .source import Say, SourceStatus

KINDS: Final = ("answered", "missed", "busy", "queue", "cancelled", "rejected", "abandoned")
TRANSFER: Final = "transfer"  # a blind one; no office makes it by chance
TRUNK: Final = "provider"

_WEIGHTS: Final = {"answered": 50, "missed": 10, "busy": 8, "rejected": 5, "cancelled": 7, "queue": 15, "abandoned": 5}
_OFFICE: Final = {
    "101": "Ada Fontana",
    "102": "Jürgen Maßmann",
    "103": "Chloé Lefèvre",
    "104": "Sam O'Neill",
    "105": "Noor Haddad",
    "106": "Mateo Núñez",
    "107": "Ingrid Ødegård",
    "108": "Ken Watanabe",
}
_OUTSIDE: Final = ("Olivia Park", "Green Grocers Ltd", "Łukasz Wójcik", "Harbour Dental", None, None)
_QUEUES: Final = {"Sales": ("101", "102", "103"), "Support": ("105", "106", "107")}
_MAIN_NUMBER: Final = "+15555550100"


class Pace(Struct, frozen=True, kw_only=True):
    """How long things take, (least, most) in ms: from one call to the next, until a phone is picked up or refused,
    until somebody gives up waiting, and talking."""

    gap: tuple[int, int]
    ring: tuple[int, int]
    patience: tuple[int, int]
    talk: tuple[int, int]


OFFICE: Final = Pace(gap=(4_000, 30_000), ring=(2_000, 12_000), patience=(15_000, 30_000), talk=(20_000, 300_000))
DEMO: Final = Pace(gap=(2_000, 4_000), ring=(900, 2_000), patience=(2_500, 4_500), talk=(3_000, 6_000))


def script(
    seed: int, *, epoch: int, kinds: Sequence[str] = KINDS, pace: Pace = OFFICE, phones: int = len(_OFFICE)
) -> Iterator[tuple[int, Observation]]:
    """Calls without end, in the order of time. epoch: what the ids of calls begin with, a run's start in seconds;
    kinds: of `KINDS`, or `TRANSFER`; the first call begins at 200 ms, and one of each comes, in their order, before
    chance decides; phones: how many the office has, each in one call at a time."""
    chance = random.Random(seed)  # noqa: S311 - no secret is made of it
    office = _Office(chance, epoch, pace, phones)
    coming: list[tuple[int, int, Observation]] = []
    count = 0
    begins = 200
    for kind in chain(kinds, _by_chance(chance, kinds)):
        for at, observation in office.call(kind, begins):
            count += 1
            heapq.heappush(coming, (at, count, observation))
        begins += chance.randint(*pace.gap)
        while coming and coming[0][0] < begins:
            at, _, observation = heapq.heappop(coming)
            yield at, observation


def _by_chance(chance: random.Random, kinds: Sequence[str]) -> Iterator[str]:
    weights = [_WEIGHTS.get(kind, 5) for kind in kinds]
    while True:
        yield chance.choices(kinds, weights)[0]


class _Office:
    def __init__(self, chance: random.Random, epoch: int, pace: Pace, phones: int) -> None:
        names = list(_OFFICE.values())
        self._people = {str(101 + number): names[number % len(names)] for number in range(phones)}
        self._chance = chance
        self._epoch = epoch
        self._pace = pace
        self._busy: dict[str, int] = {}
        self._legs = 0

    def call(self, kind: str, at: int) -> list[tuple[int, Observation]]:
        """One call that begins at `at` (ms); none where all phones are in use."""
        line = _Line(at)
        inward = kind in {"queue", "abandoned"} or self._chance.random() < 0.6
        free = [extension for extension in self._people if self._busy.get(extension, 0) <= at]
        if len(free) < 2:
            return []
        me, colleague = self._chance.sample(free, 2)
        if kind in {"queue", "abandoned"}:
            self._queue(kind, line, free)
        elif kind == TRANSFER:
            self._transfer(line, self._outside(_MAIN_NUMBER), self._inside(me), self._inside(colleague))
        elif inward:
            self._direct(kind, line, self._outside(_MAIN_NUMBER), self._inside(me))
        elif self._chance.random() < 0.6:
            number = self._number()
            caller = structs.replace(self._inside(me), dialled=number)
            self._direct(kind, line, caller, Leg(id=self._id(), call="", endpoint=TRUNK, number=number))
        else:
            caller = structs.replace(self._inside(me), dialled=colleague)
            self._direct(kind, line, caller, self._inside(colleague))
        for phone in line.phones & self._people.keys():
            self._busy[phone] = line.at + 1_000
        return line.said

    def _direct(self, kind: str, line: _Line, caller: Leg, callee: Leg) -> None:
        caller, callee = (
            structs.replace(caller, call=caller.id, state="calling"),
            structs.replace(callee, call=caller.id),
        )
        line.say(LegAppeared(caller))
        line.after(5).say(LegAppeared(callee)).say(Dials(caller, callee))
        if kind == "busy":
            line.after(self._chance.randint(40, 200)).refuses(caller, callee, 17, "BUSY")
            return
        callee = line.after(self._chance.randint(60, 400)).changes(callee, "ringing")
        if kind == "rejected":
            line.after(self._between(self._pace.ring)).refuses(caller, callee, 21, "NOANSWER")
        elif kind == "missed":
            line.after(self._between(self._pace.patience)).say(DialEnded(caller, callee, "NOANSWER"))
            line.say(HungUp(callee, 0)).say(HungUp(caller, 19))
        elif kind == "cancelled":
            line.after(self._between(self._pace.patience)).say(HangupRequested(caller, 127))
            line.say(DialEnded(caller, callee, "CANCEL")).say(HungUp(callee, 127)).say(HungUp(caller, 127))
        else:
            callee = line.after(self._between(self._pace.ring)).changes(callee, "up")
            line.say(DialEnded(caller, callee, "ANSWER"))
            caller = line.changes(caller, "up")
            self._talk(line, caller, callee)

    def _transfer(self, line: _Line, caller: Leg, first: Leg, second: Leg) -> None:
        """Who answers sends the caller on to a colleague, and is out of it."""
        caller = structs.replace(caller, call=caller.id, state="calling")
        first, second = (structs.replace(leg, call=caller.id) for leg in (first, second))
        line.say(LegAppeared(caller)).after(5)
        for leg, bridge in ((first, f"bridge-{first.id}"), (second, f"bridge-{second.id}")):
            line.say(LegAppeared(leg)).say(Dials(caller, leg))
            ringing = line.after(self._chance.randint(60, 400)).changes(leg, "ringing")
            up = line.after(self._between(self._pace.ring)).changes(ringing, "up")
            line.say(DialEnded(caller, up, "ANSWER"))
            caller = line.changes(caller, "up")
            line.after(5).say(JoinsBridge(up, bridge)).say(JoinsBridge(caller, bridge))
            line.after(self._between(self._pace.talk))
            if leg is first:
                line.say(SendsOn(up, caller, second.number))
            else:
                line.say(HangupRequested(caller, 16))
            line.say(LeavesBridge(up, bridge)).say(LeavesBridge(caller, bridge)).say(HungUp(up, 16))
        line.after(2).say(HungUp(caller, 16))

    def _queue(self, kind: str, line: _Line, free: list[str]) -> None:
        name = self._chance.choice(list(_QUEUES))
        caller = self._outside(_MAIN_NUMBER)
        caller = structs.replace(caller, call=caller.id, state="calling")
        line.say(LegAppeared(caller))
        caller = line.changes(caller, "up")
        line.after(300).say(JoinsQueue(caller, name))
        members = [
            structs.replace(self._inside(extension), call=caller.id) for extension in _QUEUES[name] if extension in free
        ]
        for member in members:
            line.say(LegAppeared(member)).say(Dials(caller, member))
        line.after(200)
        members = [line.changes(member, "ringing") for member in members]
        if kind == "abandoned" or not members:
            line.after(self._between(self._pace.patience)).say(HangupRequested(caller, None))
            line.say(LeavesQueue(caller, name, abandoned=True))
            for member in members:
                line.say(DialEnded(caller, member, "CANCEL")).say(HungUp(member, 0))
            line.say(HungUp(caller, 0))
            return
        agent = self._chance.choice(members)
        line.after(self._between(self._pace.ring))
        for member in members:
            if member is not agent:
                line.say(DialEnded(caller, member, "CANCEL")).say(HungUp(member, 26))
        agent = line.changes(agent, "up")
        line.say(DialEnded(caller, agent, "ANSWER")).say(LeavesQueue(caller, name))
        self._talk(line, caller, agent)

    def _talk(self, line: _Line, caller: Leg, callee: Leg) -> None:
        bridge = f"bridge-{caller.id}"
        line.after(5).say(JoinsBridge(callee, bridge)).say(JoinsBridge(caller, bridge))
        leaver, other = self._chance.sample((caller, callee), 2)
        line.after(self._between(self._pace.talk)).say(HangupRequested(leaver, 16))
        line.say(LeavesBridge(leaver, bridge)).say(LeavesBridge(other, bridge))
        line.after(2).say(HungUp(leaver, 16)).say(HungUp(other, 16))

    def _inside(self, extension: str) -> Leg:
        return Leg(id=self._id(), call="", endpoint=extension, number=extension, name=self._people[extension])

    def _outside(self, dialled: str) -> Leg:
        name = self._chance.choice(_OUTSIDE)
        return Leg(id=self._id(), call="", endpoint=TRUNK, number=self._number(), name=name, dialled=dialled)

    def _number(self) -> str:
        return f"+1555555{self._chance.randint(101, 199):04}"

    def _id(self) -> str:
        self._legs += 1
        return f"{self._epoch}.{self._legs}"

    def _between(self, limits: tuple[int, int]) -> int:
        return self._chance.randint(*limits)


class _Line:
    """What happens to one call, one after the other. at: ms."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.said: list[tuple[int, Observation]] = []
        self.phones: set[str] = set()

    def say(self, observation: Observation) -> _Line:
        self.said.append((self.at, observation))
        if isinstance(observation, LegAppeared) and observation.leg.endpoint is not None:
            self.phones.add(observation.leg.endpoint)
        return self

    def after(self, wait: int) -> _Line:
        self.at += wait
        return self

    def changes(self, leg: Leg, state: LegState) -> Leg:
        leg = structs.replace(leg, state=state)
        self.say(LegChanged(leg))
        return leg

    def refuses(self, caller: Leg, callee: Leg, cause: int, status: str) -> None:
        self.say(HangupRequested(callee, cause)).say(DialEnded(caller, callee, status))
        self.say(HungUp(callee, cause)).say(HungUp(caller, cause))


class Simulator:
    """Plays a script. phones: how many the office has; speed: 1 is as in life, 60 a minute in a second. Calls of a run
    before end as `reconciled`."""

    def __init__(
        self,
        seed: int,
        *,
        now: Callable[[], int],
        kinds: Sequence[str] = KINDS,
        pace: Pace = OFFICE,
        phones: int = len(_OFFICE),
        speed: float = 1.0,
    ) -> None:
        self._seed = seed
        self._now = now
        self._kinds = kinds
        self._pace = pace
        self._phones = phones
        self._speed = speed
        self._status = SourceStatus()

    def status(self) -> SourceStatus:
        return self._status

    async def run(self, say: Say) -> None:
        began = self._now()
        self._status = SourceStatus(connected_since=began, version="simulator")
        loop = asyncio.get_running_loop()
        beginning = loop.time()
        say(Snapshot())
        try:
            epoch = began // 1_000
            for at, observation in script(
                self._seed, epoch=epoch, kinds=self._kinds, pace=self._pace, phones=self._phones
            ):
                wait = beginning + at / 1_000 / self._speed - loop.time()
                await asyncio.sleep(max(0, wait))
                say(observation)
                self._status = structs.replace(self._status, heard=self._now())
        finally:
            self._status = SourceStatus(version="simulator")
