"""Calls that go to others: transferred, picked up at another phone, parked and taken again.

Pure: it changes the roster's records and tells nothing. The legs' bridges and dials show most of it; what is told here
says who left for good, and where a call went before anybody is called there. A PBX may tell it before, between or
after the bridges' changes, or not at all.
"""

from __future__ import annotations

from .observation import HandsOver, Leg, Parks, PicksUp, SendsOn, Unparks
from .records import CallRecord, LegRecord
from .roster import Roster


def sends_on(roster: Roster, seen: SendsOn, now: int) -> None:
    """A blind transfer: the other one goes on, to a number that is called next."""
    leg = roster.see(seen.leg, now)
    other = roster.see(seen.other, now) if seen.other is not None else None
    if leg is None:
        return
    call = roster.calls[leg.call]
    _leave(call, leg)
    if leg is call.caller:
        heir = other if other is not None and other.kind == "real" and call.has(other) else call.callee
        if heir is not None and call.has(heir):
            call.hand_to(heir)
    call.callee = call.known_callee = None
    call.sent_on, call.tried = True, []
    if seen.to is not None:
        call.former = call.former or call.destination
        call.destination = seen.to


def hands_over(roster: Roster, seen: HandsOver, now: int) -> None:
    """An attended transfer: of two calls the older goes on, with those of the younger who do not leave. Where both are
    one already, the bridges have told all."""
    legs = [leg for leg in (roster.see(seen.leg, now), roster.see(seen.second, now)) if leg is not None]
    for leg in legs:
        _leave(roster.calls[leg.call], leg)
    calls = sorted({leg.call: roster.calls[leg.call] for leg in legs}.values(), key=lambda call: call.order)
    if not calls:
        return
    older, younger = calls[0], calls[-1]
    if younger is not older:
        younger.became = "transferred"
        older.queue = older.queue or younger.queue
        for leg in [leg for leg in younger.live.values() if not leg.left]:
            roster.move(leg, older.key, now)
            if leg.is_being_called:
                older.tries(leg)
    if older.callee is not None and older.callee.left:
        older.callee = older.known_callee = None
        older.sent_on = True
        older.tried = [leg for leg in older.tried if leg.is_being_called]


def _leave(call: CallRecord, leg: LegRecord) -> None:
    """Its person is no party any more; nobody is on hold for it."""
    leg.left, call.held = leg.kind == "real", False
    for one in (leg, *call.live.values()):
        one.holds = False
    if call.ender is leg:
        call.ender = None


def picks_up(roster: Roster, seen: PicksUp, now: int) -> None:
    """The picker's own call becomes part of the one that it took."""
    leg, target = roster.see(seen.leg, now), roster.known(seen.of, now)
    if leg is None or target is None or leg is target:
        return
    leg.called = True
    target.dial_status = target.dial_status or "CANCEL"
    roster.move(leg, target.call, now)


def parks(roster: Roster, seen: Leg, now: int) -> None:
    leg = roster.see(seen, now)
    if leg is None:
        return
    leg.parked = True
    call = roster.calls[leg.call]
    if leg.kind != "real":
        return
    if leg is not call.caller and call.talked_at is not None:
        call.hand_to(leg)  # the caller parked the callee
    call.callee = call.known_callee = None
    call.sent_on, call.tried = False, []
    call.destination, call.former = call.former or call.destination, None  # the lot's number is nobody's


def park_told(roster: Roster, seen: Parks | Unparks, now: int) -> None:
    if isinstance(seen, Parks):
        parks(roster, seen.leg, now)
        return
    leg = roster.known(seen.leg, now)
    if leg is not None:
        leg.parked = False
        call = roster.calls[leg.call]
        # The lot says so of every parked leg that ends, also where the PBX or an administrator ends it.
        if seen.gave_up and leg.kind == "real":
            call.leaver = leg
