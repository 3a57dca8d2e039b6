"""The call machine: observations of one PBX in, call events out.

Promise: every call has one call:start first and one call:end last, nothing follows it, and `time` never goes back;
a call ends when its last leg has hung up. An update is told only when what it says changed, changes within
`coalesce` ms in one. A call:start is held back until somebody is called, talked to or put in a queue, for `hold` ms at
most, and never one to an emergency number: what vanishes before (scanners), or becomes part of another call (feature
codes that take a call), is counted, not told. What the PBX answered is told in any case, if only with its end.

Pure: `now` is ms since the epoch. After every call of a method that takes `now`, arm a timer for `wake_at()` and call
`poll` when it is due. Whatever is observed, in whatever order, nothing is raised. What each observation does is in
`dialling`, `transfers`, `services` and `leaving`; what follows from it in `assess` and `states`; why a call ended in
`ending`, who is who in `parties`, what is connected in `board`, snapshots in `reconcile`.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Container, Iterable, Sequence
from typing import Final, assert_never

from msgspec import Struct, structs

from ringpost.model.call import Call
from ringpost.model.data import CallData
from ringpost.model.event import CALL_END, CALL_START, CALL_UPDATE

from . import dialling, leaving, services, transfers
from .assess import assess
from .causes import RECONCILED
from .ending import judge
from .events import CallEvent
from .ids import CallIds
from .observation import (
    Alive,
    DialEnded,
    Dials,
    Ends,
    EntersConference,
    HandsOver,
    HangupRequested,
    Holds,
    HungUp,
    JoinsBridge,
    JoinsQueue,
    LeavesBridge,
    LeavesQueue,
    LegAppeared,
    LegChanged,
    LocalPair,
    Observation,
    Parks,
    PicksUp,
    Purpose,
    QueueCallEnds,
    Rings,
    Runs,
    SendsOn,
    Snapshot,
    Unholds,
    Unparks,
)
from .parties import EMERGENCY, Numbering
from .payload import end_payload, payload
from .reconcile import Audit, callers_first
from .records import CallRecord
from .roster import Roster

HOLD: Final = 1_000  # ms
COALESCE: Final = 150  # ms


class MachineStatistics(Struct, frozen=True, kw_only=True):
    """Now: calls told and going on, legs. Since the beginning: calls started and ended; unheard: calls that vanished
    before they were worth telling; reconciled: ends, and resumed: starts, that a snapshot made up for."""

    open: int
    legs: int
    started: int
    ended: int
    unheard: int
    reconciled: int
    resumed: int


class CallMachine:
    """The machine of one PBX. short: ids leave the PBX's serial out; trunks, emergency, extensions: see `Numbering`;
    describe: adds what is known beside the PBX of the people in a call; an update is told only where that changes."""

    def __init__(
        self,
        *,
        company: str,
        pbx: str,
        short: bool,
        trunks: Sequence[str] = (),
        emergency: Sequence[str] = EMERGENCY,
        extensions: Container[str] = frozenset(),
        hold: int = HOLD,
        coalesce: int = COALESCE,
        describe: Callable[[CallData], CallData] = lambda data: data,
    ) -> None:
        self._ids = CallIds(company, pbx, short=short)
        self._numbering = Numbering(trunks, emergency, extensions)
        self._hold = hold
        self._coalesce = coalesce
        self._describe = describe
        self._roster = Roster(self._ids)
        self._audit = Audit()
        self._timers: list[tuple[int, int, CallRecord]] = []
        self._out: list[CallEvent] = []
        self._open = self._started = self._ended = self._unheard = self._reconciled = self._resumed = 0

    # --- what is called from outside -------------------------------------------------------------------------------
    def observe(self, observation: Observation, now: int) -> list[CallEvent]:  # noqa: C901, PLR0912, PLR0915 - a case for each
        roster = self._roster
        match observation:
            case LegAppeared(leg):
                roster.see(leg, now, again=True)
            case LegChanged(leg) | Unholds(leg) | Holds(leg):
                record = roster.see(leg, now)
                if record is not None and not isinstance(observation, LegChanged):
                    record.holds = isinstance(observation, Holds)
                    roster.calls[record.call].held = False
            case Dials():
                dialling.dials(roster, observation, self._numbering, now)
            case Rings():
                dialling.rings(roster, observation, now)
            case DialEnded():
                dialling.dial_ended(roster, observation, now)
            case JoinsBridge():
                self._joins(observation, now)
            case LeavesBridge(leg, bridge):
                record = roster.known(leg, now)
                if record is not None:
                    leaving.departs(roster, record)
                    record.parked = record.parked and roster.board.purpose(bridge) != "park"
                    roster.board.leave(record, bridge)
                    roster.touch_members(bridge)
            case LocalPair(one, two):
                first, second = roster.see(one, now), roster.see(two, now)
                if first is not None and second is not None:
                    roster.board.pair(first, second)
            case JoinsQueue():
                dialling.joins_queue(roster, observation, now)
            case LeavesQueue(leg):
                roster.known(leg, now)
            case QueueCallEnds():
                dialling.queue_call_ends(roster, observation, now)
            case SendsOn():
                transfers.sends_on(roster, observation, now)
            case HandsOver():
                transfers.hands_over(roster, observation, now)
            case PicksUp():
                transfers.picks_up(roster, observation, now)
            case Parks() | Unparks():
                transfers.park_told(roster, observation, now)
            case EntersConference():
                services.enters_conference(roster, observation, now)
            case Runs():
                services.runs(roster, observation, now)
            case HangupRequested():
                leaving.asks(roster, observation, now)
            case Ends():
                leaving.ends(roster, observation, now)
            case HungUp():
                leaving.hung_up(roster, observation, now)
            case _:
                assert_never(observation)
        return self._told(now)

    def poll(self, now: int) -> list[CallEvent]:
        """What is due by now."""
        while self._timers and self._timers[0][0] <= now:
            when, _, call = heapq.heappop(self._timers)
            if call.wake == when:
                call.wake = None
                self._roster.touch(call)
        return self._told(now)

    def wake_at(self) -> int | None:
        """When `poll` is to be called next (ms), None where nothing is due."""
        while self._timers and self._timers[0][2].wake != self._timers[0][0]:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def flush(self, now: int) -> list[CallEvent]:
        """Tell pending updates at once: before the machine is left alone."""
        for call in self._roster.calls.values():
            if call.flush_at is not None:
                call.flush_at = now
                self._roster.touch(call)
        return self._told(now)

    def restore(self, calls: Iterable[Call]) -> None:
        """Calls that the ledger knows as going on. Call it once, before anything is observed; they wait for the first
        snapshot, or for one of their legs."""
        for call in calls:
            self._roster.restored.add(call, self._ids.prefix, self._roster.board.count())
            self._open += 1

    def resync(self, snapshot: Snapshot, now: int) -> list[CallEvent]:
        """Bring everything in line with the legs that the PBX has now. Calls that vanished end with cause 31 and the
        flag `reconciled`; calls that were not known start with the flag `resumed`."""
        if snapshot.audit:
            difference = self._audit.compare(snapshot, self._roster.board.legs.keys())
            self._adopt(difference.new, now)  # first, so that a call with nobody left of before goes on with these
            self._drop(difference.gone, now)
            for alive in snapshot.legs:
                known = self._roster.board.legs.get(alive.leg.id)
                if known is not None:
                    services.listed(self._roster, known, alive)
            return self._told(now)
        self._audit.clear()
        if snapshot.restarted:
            self._drop(list(self._roster.board.legs), now)
            self._roster.board.forget_gone()
            self._end_restored(now)
        before = list(self._roster.board.legs.values())
        for leg in before:
            self._roster.board.leave(leg)
        self._adopt(snapshot.legs, now)
        there = frozenset(alive.leg.id for alive in snapshot.legs)
        self._drop([leg.id for leg in before if leg.id not in there], now)
        self._end_restored(now)
        return self._told(now)

    def renumber(
        self, trunks: Sequence[str], emergency: Sequence[str], extensions: Container[str] = frozenset()
    ) -> None:
        """Another numbering, for whatever is observed from now on."""
        self._numbering = Numbering(trunks, emergency, extensions)

    def another_id(self, call: str) -> str:
        """The ledger has had this id before: give its call another. Events of it that wait are to be renamed, too."""
        record = next((record for record in self._roster.calls.values() if record.told and record.id == call), None)
        other = self._ids.another(call)
        if record is not None:
            record.id = other
        return other

    def statistics(self) -> MachineStatistics:
        return MachineStatistics(
            open=self._open,
            legs=len(self._roster.board.legs),
            started=self._started,
            ended=self._ended,
            unheard=self._unheard,
            reconciled=self._reconciled,
            resumed=self._resumed,
        )

    # --- bridges ---------------------------------------------------------------------------------------------------
    def _joins(self, joins: JoinsBridge, now: int) -> None:
        leg = self._roster.see(joins.leg, now)
        if leg is None:
            return
        other = self._roster.board.legs.get(joins.instead_of) if joins.instead_of is not None else None
        if other is not None:
            self._roster.touch(self._roster.calls[other.call])
            self._roster.board.leave(other, joins.bridge)
        self._roster.board.join(leg, joins.bridge, joins.purpose)
        self._roster.touch_members(joins.bridge)
        leg.parked = leg.holds = False  # whom it held was where it comes from
        if joins.purpose == "park":
            transfers.parks(self._roster, joins.leg, now)
        if joins.purpose != "talk":
            return
        leg.turns_to()
        # The PBX gives all legs of such a bridge the oldest call's id, and tells nobody (Asterisk: bridge_basic.c); it
        # shows on their next observations only, so it is foreseen here.
        members = self._roster.board.members(joins.bridge)
        oldest = min((self._roster.calls[member.call] for member in members), key=lambda call: call.order)
        for member in members:
            self._roster.move(member, oldest.key, now)
        oldest.held = False

    # --- snapshots -------------------------------------------------------------------------------------------------
    def _drop(self, legs: Iterable[str], now: int) -> None:
        """Legs whose end was not seen; a call that has none left ends as reconciled."""
        for leg in legs:
            record = self._roster.board.legs[leg]
            call = self._roster.calls[record.call]
            self._roster.remove(record)
            if not call.live:
                self._end(call, now, reconciled=True)

    def _end_restored(self, now: int) -> None:
        for call in self._roster.restored.take_all():
            self._end(call, now, reconciled=True)

    def _adopt(self, legs: Sequence[Alive], now: int) -> None:
        """Legs of a snapshot. They tell neither who called whom nor of bridges' purposes: the leg that the call is
        named after called, all others were called."""
        known = set(self._roster.calls)
        for alive in callers_first(legs):
            fresh = alive.leg.id not in self._roster.board.legs
            leg = self._roster.see(alive.leg, now, again=True)
            if leg is None:
                continue
            call = self._roster.calls[leg.call]
            leg.called = leg.called or (fresh and leg is not call.caller)
            before = call.known_caller
            if call.caller is None and before is not None and self._numbering.is_party(leg, before):
                call.caller = leg  # a transfer had made it the caller
            if not call.told and call.key not in known:
                call.engaged = True
                call.flag("resumed")
            if alive.bridge is not None:
                purpose: Purpose = "conference" if alive.conference is not None else "talk"
                self._roster.board.join(leg, alive.bridge, self._roster.board.purpose(alive.bridge) or purpose)
            if call.restored:  # who is alone in a bridge now may be there since long: that is no answer yet to be seen
                call.together = self._roster.board.count()
            services.listed(self._roster, leg, alive)

    # --- telling ---------------------------------------------------------------------------------------------------
    def _told(self, now: int) -> list[CallEvent]:
        for call in self._roster.take_touched():
            self._settle(call, now)
        out, self._out = self._out, []
        return out

    def _settle(self, call: CallRecord, now: int) -> None:
        if not call.live:
            self._end(call, now, reconciled=False)
            return
        call.clock = max(call.clock, now)
        assess(call, self._roster.board, call.clock)
        open_yet = call.direction is None or (call.direction == "OUTBOUND" and call.talked_at is None)
        if call.told and call.callee is not None and open_yet:
            # Who called whom does not change with whoever takes a caller's or callee's place later.
            call.direction = self._numbering.direction_of(call)
        if not call.told:
            if call.caller is None:
                return  # halves of local pairs alone are no call yet
            urgent = call.engaged or call.status != "CONNECTING" or self._numbering.is_emergency(call.destination)
            if not urgent and now < call.started + self._hold:
                self._wake(call, call.started + self._hold)
                return
            self._start(call, now)
        data = self._payload(call)
        if data == call.sent:
            call.flush_at = None
            return
        if call.flush_at is None:
            call.flush_at = now + self._coalesce
        if now >= call.flush_at:
            self._tell(call, CALL_UPDATE, data, now)
        else:
            self._wake(call, call.flush_at)

    def _payload(self, call: CallRecord) -> CallData:
        return self._describe(payload(call, self._numbering))

    def _wake(self, call: CallRecord, when: int) -> None:
        if call.wake != when:
            call.wake = when
            heapq.heappush(self._timers, (when, self._roster.board.count(), call))

    def _start(self, call: CallRecord, now: int) -> None:
        call.id = self._ids.new(call.key)
        call.told, call.wake = True, None
        self._open += 1
        self._started += 1
        self._resumed += "resumed" in call.flags
        data = self._payload(call)
        if "resumed" not in call.flags:
            data = structs.replace(data, status="CONNECTING")  # how every call begins, also one that was held back
        self._tell(call, CALL_START, data, min(now, call.started))

    def _end(self, call: CallRecord, now: int, *, reconciled: bool) -> None:
        self._roster.forget(call)
        call.wake = None
        if not call.told:
            if not (call.answered or call.tried) or call.became is not None or call.caller is None:
                self._unheard += 1
                return
            self._start(call, now)
        self._open -= 1
        self._ended += 1
        self._reconciled += reconciled
        unseen = call.restored and call.caller is None and call.callee is None
        data = call.sent if unseen and call.sent is not None else self._payload(call)
        if data != call.sent:
            self._tell(call, CALL_UPDATE, data, now)
        if reconciled:
            call.flag("reconciled")
        elif call.became is not None:
            call.flag(call.became)
        cause, end_by = (RECONCILED, None) if reconciled else judge(call, told=self._roster.tells_requests)
        call.clock = max(call.clock, call.time, now)
        self._tell(call, CALL_END, end_payload(call, data, cause, end_by, call.clock), call.clock)

    def _tell(self, call: CallRecord, kind: str, data: CallData, now: int) -> None:
        call.time = max(call.time, now)
        call.sent, call.shown, call.flush_at = data, call.callee, None
        self._out.append(CallEvent(call=call.id, type=kind, time=call.time, data=data))
