"""What the PBX itself does with a leg that talks with nobody: a mailbox, a menu, a conference room.

Pure: it changes the roster's records and tells nothing.
"""

from __future__ import annotations

from .observation import Alive, EntersConference, Runs
from .records import LegRecord
from .roster import Roster


def runs(roster: Roster, seen: Runs, now: int) -> None:
    leg = roster.see(seen.leg, now)
    if leg is not None and leg.kind == "real":
        _serve(roster, leg, seen)


def _serve(roster: Roster, leg: LegRecord, seen: Runs | Alive) -> None:
    if leg.bridge is None or leg.conference is None:
        leg.turns_to(seen.service)
    if seen.service is not None:
        roster.calls[leg.call].sent_on = False


def enters_conference(roster: Roster, seen: EntersConference, now: int) -> None:
    leg = roster.see(seen.leg, now)
    if leg is not None and leg.kind == "real":
        leg.turns_to(conference=seen.conference)
        roster.calls[leg.call].sent_on = False


def listed(roster: Roster, leg: LegRecord, alive: Alive) -> None:
    """A line of a snapshot: what the leg does now, where that was not told otherwise."""
    if leg.kind != "real":
        return
    if alive.conference is not None:
        leg.turns_to(conference=alive.conference)
    elif alive.service is not None and alive.bridge is None:
        _serve(roster, leg, alive)
    roster.touch(roster.calls[leg.call])
