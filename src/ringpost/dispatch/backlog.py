"""How much of a backlog is in memory, and what comes from the ledger next.

The lanes hold a part of what an integration is owed: all pending deliveries up to a number, its *horizon* (none: all of
them). What is accepted beyond it stays in the ledger until the lanes have room, and is read on from there, in the order
of the numbers: so a lane's deliveries come into memory in event order, and the order of each lane is kept. Lanes that
wait long for a retry would fill the room and keep newer calls out: then they are *put off*, that is, forgotten until
their time; meanwhile everything that comes for such a lane stays in the ledger too.

Room: an integration may hold as many deliveries as are free in all, and a few in any case. So one alone may take half
of the memory, two a third each, and whatever they do the others find room. (Dynamic thresholds, as in switches:
Choudhury and Hahne, IEEE/ACM Transactions on Networking 6 (2), 1998.) Few reads are under way at once, in turn, however
many have a backlog: the events of attempts are read by the same reader.

Pure; the dispatcher alone calls it, with the time (ms). It answers with the reads to be made, one at a time for an
integration; who makes them first lets everything be recorded that had ended by then, so that nothing is read as pending
that is not.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import Final

from msgspec import Struct

from ringpost.model.delivery import Owed

from .lanes import Lanes
from .window import Window

FLOOR: Final = 64  # deliveries that an integration may hold in any case
PAGE: Final = 2_000  # deliveries in one read
LANES_AT_ONCE: Final = 100  # lanes in one read
LANE_PAGE: Final = 200  # deliveries of one lane in one read
PUT_OFF_LEAST: Final = 5_000  # ms: a lane that comes sooner stays
PUT_OFF_AT_ONCE: Final = 1_000  # lanes
AGAIN: Final = 1_000  # ms until a read that failed, or a look for lanes to put off, is repeated
READS_AT_ONCE: Final = 16
REPLAYS_AHEAD: Final = 100  # deliveries that may wait still when more are replayed
LOOKS_AT_ONCE: Final = 200  # integrations looked at in one turn of the loop
_SPARE_ALARMS: Final = 64  # stale entries that are not worth clearing away


class ReadOn(Struct, frozen=True):
    """The command to read what is pending with numbers after this one; `read_on` or `failed` must follow."""

    company: str
    integration: str
    after: int
    limit: int


class ReadLanes(Struct, frozen=True):
    """The command to read what is pending of these calls, so much each; `read_lanes` or `failed` must follow."""

    company: str
    integration: str
    calls: tuple[str, ...]
    limit: int


Read = ReadOn | ReadLanes


class Backlog:
    """All integrations' backlogs. limit: how many deliveries may wait in the lanes, in all."""

    def __init__(self, lanes: Lanes, limit: int) -> None:
        self._lanes = lanes
        self._limit = limit
        self._windows: dict[str, Window] = {}  # of integrations that have something in the ledger alone
        self._stirred: OrderedDict[str, None] = OrderedDict()  # integrations to look at again, in turn
        self._alarms: list[tuple[int, str]] = []  # a heap of (time, integration); stale: its window has another alarm
        self._owed: dict[str, int] = {}  # how much each integration is owed
        self._put_off = 0  # lanes, in all
        self._reading = 0  # reads under way
        self._expected = 0  # deliveries that they may bring
        self._looked = 0  # when reads were asked for last (ms)

    @property
    def owed(self) -> int:
        """How many deliveries are pending, in memory or not."""
        return sum(self._owed.values())

    @property
    def _floor(self) -> int:
        """Deliveries that an integration may hold in any case: fewer, where many have a backlog."""
        return max(min(FLOOR, self._limit // max(len(self._windows), 16)), 4)

    @property
    def is_at_rest(self) -> bool:
        """Nothing is to be read now."""
        return not self._stirred and not self._reading

    def has_room(self, integration: str) -> bool:
        """Whether some deliveries may be replayed to this integration now: not before most of those before are gone,
        so that a replay goes at the pace of the receiver."""
        return self._lanes.held(integration) < REPLAYS_AHEAD and self._room(integration) > 0

    # --- what comes and goes ---------------------------------------------------------------------------------------
    def load(self, company: str, integration: str, count: int) -> None:
        """At the start: so much is pending, all of it in the ledger."""
        self._owed[integration] = count
        self._windows[integration] = Window(company, integration, 0)
        self._stirred[integration] = None

    def committed(self, owed: Owed, now: int) -> bool:
        """A delivery was committed, with a higher number than all before it; whether the lanes took it."""
        self._owed[owed.integration] = self._owed.get(owed.integration, 0) + 1
        window = self._windows.get(owed.integration)
        if window is None or not window.leave(owed):
            if self._lanes.waiting * 2 < self._limit or self._room(owed.integration) > 0:
                return self._lanes.offer(owed, now)
            if window is None:
                window = self._windows[owed.integration] = Window(owed.company, owed.integration, None)
            window.horizon = owed.seq - 1
        self._stirred[owed.integration] = None
        return False

    def replayed(self, owed: Owed, now: int) -> None:
        """A delivery that had ended is pending again."""
        self._owed[owed.integration] = self._owed.get(owed.integration, 0) + 1
        window = self._windows.get(owed.integration)
        if window is None or not window.leave_replay(owed):
            self._lanes.offer(owed, now)
        else:
            self._ring(window, now)

    def ended(self, owed: Owed) -> None:
        """A delivery is no longer pending."""
        left = self._owed.get(owed.integration, 0) - 1
        if left > 0:
            self._owed[owed.integration] = left
        else:
            self._owed.pop(owed.integration, None)

    def moved(self, owed: Owed, now: int) -> None:
        """An attempt of this delivery ended, so its lane and integration may have room."""
        window = self._windows.get(owed.integration)
        if window is not None:
            if not self._lanes.has_lane(owed.integration, owed.call):
                window.lane_ended(owed.call, now)
            self._stirred[owed.integration] = None

    def resumed(self, integration: str) -> None:
        """An integration may be read for again."""
        if integration in self._windows:
            self._stirred[integration] = None

    def drop(self, integration: str) -> None:
        """The integration was deleted: it is owed nothing."""
        self._owed.pop(integration, None)
        self._stirred.pop(integration, None)
        window = self._windows.pop(integration, None)
        if window is not None:
            self._put_off -= len(window.put_off)
            self._expected -= window.expected
            self._reading -= window.reading

    def forget(self, integration: str, call: str, count: int) -> None:
        """So many pending deliveries of a lane were taken out of the ledger."""
        left = self._owed.get(integration, 0) - count
        if left > 0:
            self._owed[integration] = left
        else:
            self._owed.pop(integration, None)
        window = self._windows.get(integration)
        if window is not None and window.forget(call):
            self._put_off -= 1
            if not window.reading:
                self._settle(window)

    # --- reading ---------------------------------------------------------------------------------------------------
    def reads(self, now: int) -> list[Read]:
        """What to read now."""
        if now < self._looked - AGAIN:  # the clock was set back: what was to be soon is far away now
            self._stirred.update(dict.fromkeys(self._windows))
        self._looked = now
        while (at := self._next_alarm()) is not None and at <= now:
            _, integration = heappop(self._alarms)
            self._windows[integration].alarm = None
            self._stirred[integration] = None
        found: list[Read] = []
        for _ in range(min(len(self._stirred), LOOKS_AT_ONCE)):
            if self._reading == READS_AT_ONCE:
                break
            integration, _ = self._stirred.popitem(last=False)
            read = self._next_read(integration, now)
            if read is not None:
                found.append(read)
        return found

    def wake_at(self) -> int | None:
        """When to ask for reads again (ms; 0: at once), unless something comes or goes before; None: never."""
        if self._stirred and self._reading < READS_AT_ONCE:
            return 0
        return self._next_alarm()

    def read_on(self, read: ReadOn, page: Sequence[Owed], now: int) -> None:
        """Take the answer to a `ReadOn`."""
        window = self._arrived(read, now)
        if window is None:
            return
        for owed in window.read_on(page, is_last=len(page) < read.limit):
            self._lanes.offer(owed, now)
        self._settle(window)

    def read_lanes(self, read: ReadLanes, found: Sequence[Owed], now: int) -> None:
        """Take the answer to a `ReadLanes`."""
        window = self._arrived(read, now)
        if window is None:
            return
        before = len(window.put_off)
        for owed in window.read_lanes(read.calls, found, read.limit, now):
            self._lanes.offer(owed, now)
        self._put_off += len(window.put_off) - before
        self._settle(window)

    def failed(self, read: Read, now: int) -> None:
        """The ledger could not be read: try again later."""
        window = self._arrived(read, now)
        if window is not None:
            self._let_be(window, now)
            window.not_before = now + AGAIN
            self._ring(window, window.not_before)

    def _arrived(self, read: Read, now: int) -> Window | None:
        """Whose read it was; None: it is of no use, for it was deleted meanwhile, or a part of it may have been."""
        window = self._windows.get(read.integration)
        if window is None or not window.reading:
            return None
        self._reading -= 1
        self._expected -= window.expected
        window.expected = 0
        if not window.is_outdated:
            return window
        self._let_be(window, now)
        self._stirred[read.integration] = None
        return None

    def _let_be(self, window: Window, now: int) -> None:
        """A read brought nothing."""
        for owed in window.not_read():
            self._lanes.offer(owed, now)

    def _next_read(self, integration: str, now: int) -> Read | None:
        window = self._windows.get(integration)
        if window is None or window.reading or self._lanes.is_paused(integration):
            return None
        if now < window.not_before <= now + AGAIN:
            self._ring(window, window.not_before)
            return None
        due = window.next_due()
        room = self._room(integration)
        if due is not None and due <= now:
            if room <= 0:
                room = self._make_room(window, now)
            if room > 0:
                calls = window.due_lanes(now, max(min(room // 8, LANES_AT_ONCE), 1))
                limit = min(room // len(calls), LANE_PAGE)
                self._expect(window, limit * len(calls))
                return ReadLanes(window.company, integration, calls, limit)
        elif due is not None:
            self._ring(window, due)
        if window.horizon is None:
            return None
        if not self._is_worth_reading(integration, room) and self._put_off < self._limit:
            room = self._make_room(window, now)
        if not self._is_worth_reading(integration, room):
            self._ring(window, now + AGAIN)  # others may have given back some
            return None
        limit = min(room, PAGE)
        self._expect(window, limit)
        return ReadOn(window.company, integration, window.horizon, limit)

    def _expect(self, window: Window, count: int) -> None:
        """A read is begun that may bring so many deliveries."""
        window.reading = True
        window.expected = count
        self._reading += 1
        self._expected += count

    def _room(self, integration: str) -> int:
        """How many deliveries more the integration may hold.

        Half of what separates it from its allowance: each that it takes also lowers that by one.
        """
        held = self._lanes.held(integration)
        free = self._limit - self._lanes.waiting - self._expected
        return max((free - held) // 2, self._floor - held)

    def _is_worth_reading(self, integration: str, room: int) -> bool:
        """Not a few at a time, where there is more to wait for."""
        return room >= min(PAGE // 2, max(self._lanes.held(integration) // 8, self._floor // 8, 1))

    def _make_room(self, window: Window, now: int) -> int:
        """Put off lanes that wait long, so that others do not wait for them; the room that there is then.

        Each costs some memory still, so there is a bound to how many are put off for newer calls.
        """
        if not now < window.next_make_room <= now + AGAIN:
            keep = self._lanes.held(window.integration) // 2
            taken = self._lanes.put_off(window.integration, now + PUT_OFF_LEAST, keep, PUT_OFF_AT_ONCE)
            if len(taken) < PUT_OFF_AT_ONCE:
                window.next_make_room = now + AGAIN
            before = len(window.put_off)
            window.put_lanes_off(taken)
            self._put_off += len(window.put_off) - before
        self._ring(window, now + AGAIN)
        return self._room(window.integration)

    def _settle(self, window: Window) -> None:
        """After a read: go on, or let go of a window that has everything in memory."""
        if window.horizon is None and not window.put_off:
            del self._windows[window.integration]
        else:
            self._stirred[window.integration] = None

    def _ring(self, window: Window, at: int) -> None:
        """Look at it again at this time."""
        if window.alarm is not None and window.alarm <= at:
            return
        window.alarm = at
        heappush(self._alarms, (at, window.integration))
        if len(self._alarms) > 2 * len(self._windows) + _SPARE_ALARMS:
            alarms = ((window.alarm, integration) for integration, window in self._windows.items())
            self._alarms = [(at, integration) for at, integration in alarms if at is not None]
            heapify(self._alarms)

    def _next_alarm(self) -> int | None:
        alarms = self._alarms
        while alarms:
            at, integration = alarms[0]
            window = self._windows.get(integration)
            if window is not None and window.alarm == at:
                return at
            heappop(alarms)
        return None
