"""Leaving a call: who asked to hang up, and which legs are gone.

Pure: it changes the roster's records and tells nothing. A request counts where it may be what ends the call: of the
caller, or of somebody who talks. Another's than the caller's does not count any more once others are called, or the
call goes on for longer than the PBX needs to clear it up (`LINGER`).
"""

from __future__ import annotations

from typing import Final

from .observation import Ends, HangupRequested, HungUp
from .records import CallRecord, LegRecord
from .roster import Roster

LINGER: Final = 1_000  # ms from the request to the end of the next leg, where the one is because of the other


def asks(roster: Roster, seen: HangupRequested, now: int) -> None:
    roster.tells_requests = True
    leg = roster.known(seen.leg, now)
    if leg is None or leg.asked or leg.kind != "real":
        return
    leg.asked, leg.asked_at, leg.asked_cause = True, now, seen.cause
    call = roster.calls[leg.call]
    _close(call, leg, now)
    if call.ender is None and not leg.left and (leg is call.caller or (call.talking and _talks(call, leg))):
        call.ender = leg


def _talks(call: CallRecord, leg: LegRecord) -> bool:
    """A leg that never was connected only declines, or gives up an announcement made to it."""
    return leg.joined > 0 or leg is call.callee


def ends(roster: Roster, seen: Ends, now: int) -> None:
    roster.tells_requests = True
    leg = roster.known(seen.leg, now)
    if leg is not None and leg.kind == "real":
        _close(roster.calls[leg.call], leg, now)


def hung_up(roster: Roster, seen: HungUp, now: int) -> None:
    leg = roster.known(seen.leg, now)
    if leg is None:
        return
    leg.cause = seen.cause
    if leg.kind == "real":
        _close(roster.calls[leg.call], leg, now)
        departs(roster, leg)
    roster.remove(leg)


def departs(roster: Roster, leg: LegRecord) -> None:
    """Out of a bridge or gone: the first of those who talked. Where the others talk on, that is forgotten again."""
    call = roster.calls[leg.call]
    if call.talking and call.leaver is None and leg.kind == "real" and leg.joined and not leg.left:
        call.leaver = leg


def _close(call: CallRecord, leg: LegRecord, now: int) -> None:
    """One more leg ends. Was it the one who asked before, or had the call gone on without that one?"""
    ender = call.ender
    if ender is None or ender is leg or call.closing:
        return
    if now - ender.asked_at > LINGER and ender is not call.caller:
        call.ender = None
    else:
        call.closing = True
