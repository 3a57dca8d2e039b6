"""Calling somebody: who calls whom, whose phone rings, how it ended; and queues, which call their members.

Pure: it changes the roster's records and tells nothing.
"""

from __future__ import annotations

from .observation import DialEnded, Dials, JoinsQueue, QueueCallEnds, Rings
from .parties import Numbering
from .records import CallRecord, LegRecord
from .roster import Roster


def dials(roster: Roster, seen: Dials, numbering: Numbering, now: int) -> None:
    leg = roster.see(seen.leg, now) if seen.leg is not None else None
    target = roster.see(seen.to, now)
    if target is None:
        return
    if leg is not None:
        _joins_call_of(roster, leg, target, now)
    call = roster.calls[target.call]
    call.engaged = True
    target.called, target.dial_status = True, None
    target.by = leg.id if leg is not None else None
    if numbering.is_outside(target):  # the number called: before, the leg may show the trunk's own, or a feature's
        target.number = seen.number or seen.to.number or target.number
    if leg is None and target.id == call.key:
        call.flag("click2call")  # a program asked for it: it rings at the one who is to make the call
    if leg is not None:
        leg.turns_to()
        if target is not call.caller:
            call.destination = call.destination or (seen.leg.dialled if seen.leg is not None else None)
        _calls_for(call, leg, target)
        if leg.call != target.call:
            roster.touch(roster.calls[leg.call])
    call.tries(target)


def _calls_for(call: CallRecord, leg: LegRecord, target: LegRecord) -> None:
    if call.caller is target and leg.kind == "real" and leg.call == call.key and not call.restored:
        call.caller = leg  # whose appearance was not told, or later
    if call.ender is not leg and call.talking:
        call.ender = None  # it left, and somebody else is called: it did not end the call


def _joins_call_of(roster: Roster, leg: LegRecord, target: LegRecord, now: int) -> None:
    """Who is called from an older call belongs to that one: who picked it up, or was asked first about a transfer."""
    if roster.calls[leg.call].order < roster.calls[target.call].order:
        roster.move(target, leg.call, now)


def rings(roster: Roster, seen: Rings, now: int) -> None:
    """The state is in the leg; beside it, this says that the leg is being called, where the dial was not told."""
    if seen.leg is not None:
        roster.known(seen.leg, now)
    target = roster.known(seen.to, now)
    if target is not None and target.kind == "real" and target.state == "down":
        target.state = "ringing"


def dial_ended(roster: Roster, seen: DialEnded, now: int) -> None:
    leg = roster.known(seen.leg, now) if seen.leg is not None else None
    target = roster.known(seen.to, now)
    if target is None:
        return
    if leg is not None and seen.status == "ANSWER":
        _joins_call_of(roster, leg, target, now)
    if target.dial_status is None:  # it may be told twice, the second time as CANCEL
        target.dial_status = seen.status
    if target.kind == "local" and seen.status != "ANSWER":
        roster.calls[target.call].dial_status = seen.status


def joins_queue(roster: Roster, seen: JoinsQueue, now: int) -> None:
    leg = roster.see(seen.leg, now)
    if leg is not None:
        call = roster.calls[leg.call]
        call.queue, call.engaged, call.sent_on = seen.queue, True, False
        leg.turns_to()


def queue_call_ends(roster: Roster, seen: QueueCallEnds, now: int) -> None:
    leg = roster.known(seen.leg, now)
    if leg is not None and seen.by_caller is not None:
        roster.calls[leg.call].queue_ender = "CALLER" if seen.by_caller else "CALLEE"
