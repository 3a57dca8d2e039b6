"""What the legs of a call show of it now: its status, who is being talked to, and for how long there was talk.

Pure. Called after everything that changed one of the call's legs.
"""

from __future__ import annotations

from .board import Board
from .records import CallRecord, LegRecord
from .states import IN_TALK, Evidence, next_status


def assess(call: CallRecord, board: Board, now: int) -> None:
    """Bring status, callee and the clock of the talk up to `now` (ms)."""
    status = next_status(call.status, _evidence(call, board))
    if (call.status in IN_TALK) != (status in IN_TALK):
        if call.status in IN_TALK:
            call.talked += max(0, now - call.since)
        elif call.talked_at is None:
            call.talked_at = now
        call.since = now
    call.status = status


def _evidence(call: CallRecord, board: Board) -> Evidence:
    talking = board.talking(call.live.values(), call.caller)
    if talking:
        callees = [leg for leg in talking if leg is not call.caller and leg.call == call.key]
        call.callee = callees[-1] if callees else call.callee
        if call.ender is not None and call.ender not in talking:
            call.ender = None  # it left, and the others talk on: it did not end the call
        return "held" if any(leg.holds for leg in talking) else "talks"
    called = [leg for leg in call.live.values() if leg.kind == "real" and leg.called and leg is not call.caller]
    answered = [leg for leg in called if leg.state == "up"]
    waited_for = [leg for leg in called if leg.is_being_called]
    ringing = [leg for leg in waited_for if leg.state == "ringing"]
    if answered:
        call.callee = answered[-1]  # it talks in a moment, or listens to "press 1 to take the call"
    else:
        call.callee = _of_many(call, ringing or waited_for)
    return "rings" if ringing else "dials" if waited_for and not answered else "nothing"


def _of_many(call: CallRecord, waited_for: list[LegRecord]) -> LegRecord | None:
    """The one of several called legs that is told as the callee: the one told last, while that is not wrong. A group's
    legs end one by one, and each of them being the last for a moment is no news."""
    for leg in (call.shown, call.callee):
        if leg is not None and leg in (waited_for or call.tried):
            return leg
    return waited_for[0] if waited_for else call.callee
