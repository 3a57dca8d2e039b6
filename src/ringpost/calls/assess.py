"""What the legs of a call say of it: its status, who is who in it, and for how long there was talk.

Pure. Called after everything that changed one of the call's legs.
"""

from __future__ import annotations

from .board import Board
from .records import CallRecord, LegRecord
from .states import IN_TALK, Evidence, next_status


def assess(call: CallRecord, board: Board, now: int) -> None:
    """Bring status, parties, service and the clock of the talk up to `now` (ms)."""
    _succeed(call, board)
    evidence = _evidence(call, board)
    call.status = next_status(call.status, evidence)
    if call.has(call.caller) and call.caller is not None:
        call.service = call.caller.conference or call.caller.service
    # A mailbox is no person: nobody has answered, however long it listens.
    talking = call.talking if evidence == "nothing" else call.status in IN_TALK and evidence != "records"
    if call.talking != talking:
        if call.talking:
            call.talked += max(0, now - call.since)
        elif call.talked_at is None:
            call.talked_at = now
        call.talking, call.since = talking, now
    if evidence != "nothing":
        call.quiet_at = None
    elif call.quiet_at is None:
        call.quiet_at = now


def _succeed(call: CallRecord, board: Board) -> None:
    """A caller who left the others to go on has a successor: whoever was talked to, or is called for now. While the
    call only ends, there is none."""
    if call.caller is None or call.has(call.caller):
        return
    group = [leg for leg in board.talking(call.live.values(), None) if leg.call == call.key]
    if len(group) > 1:
        call.hand_to(call.callee if call.callee in group and call.callee is not None else _first(group))
        return
    for leg in _called(call):
        heir = board.caller_of(leg) if leg.is_being_called else None
        if heir is not None and call.has(heir):
            call.hand_to(heir)
            return


def _first(legs: list[LegRecord]) -> LegRecord:
    return min(legs, key=lambda leg: leg.order)


def _called(call: CallRecord) -> list[LegRecord]:
    return [leg for leg in call.live.values() if leg.kind == "real" and leg.called and not leg.left]


def _evidence(call: CallRecord, board: Board) -> Evidence:
    if _waits(call, board):
        call.callee = call.mate
        return "held"
    talking = board.talking(call.live.values(), call.caller)
    if talking:
        _meet(call, talking)
        return "held" if call.held or any(leg.holds for leg in talking) else "talks"
    if call.talked_at is not None and any(leg.parked for leg in call.live.values()):
        call.callee = call.known_callee = None
        return "parked"
    called = [leg for leg in _called(call) if leg is not call.caller]
    answered = [leg for leg in called if leg.state == "up" and _has_not_met(call, board, leg)]
    waited_for = [leg for leg in called if leg.is_being_called]
    ringing = [leg for leg in waited_for if leg.state == "ringing"]
    if waited_for or answered:
        call.sent_on = False
        # Who has answered talks in a moment, or listens to "press 1 to take the call".
        call.callee = answered[-1] if answered else _of_many(call, ringing or waited_for)
        return "rings" if ringing else "nothing" if answered else "dials"
    if call.tried and call.status not in IN_TALK and not call.sent_on:
        call.callee = _of_many(call, [])
    return _alone(call)


def _has_not_met(call: CallRecord, board: Board, leg: LegRecord) -> bool:
    """Nobody yet since people last talked: it may be in a bridge with local halves that lead to no person so far."""
    return not leg.joined or (leg.joined > call.together and not leg.was and board.alone(leg))


def _alone(call: CallRecord) -> Evidence:
    """Nobody is called and nobody talks."""
    if not call.has(call.caller) or call.caller is None:
        return "nothing"
    if call.caller.conference is not None:
        call.callee = call.known_callee = None
    if call.caller.service == "voicemail":
        call.callee, call.known_callee, call.sent_on = None, None, False
        call.flag("voicemail")
        return "records"
    return "dials" if call.sent_on else "nothing"


def _meet(call: CallRecord, talking: list[LegRecord]) -> None:
    """These are connected: in the order of joining, and not all of this call where they are in a room."""
    ours = [leg for leg in talking if leg.call == call.key]
    call.sent_on, call.leaver = False, None
    call.together = max(leg.joined for leg in talking)
    if call.ender is not None and call.ender not in talking and not call.has(call.ender):
        call.ender = None  # it is gone, and the others talk on: it did not end the call
    if call.caller is not None and call.caller.conference is not None:
        call.callee = call.known_callee = None
        call.crowd = False  # who meets in a room is no crowd of this call
        return
    call.crowd = len(ours) > 2
    callees = [leg for leg in ours if leg is not call.caller]
    if call.caller in ours and callees:
        call.callee = call.mate = callees[-1]


def _waits(call: CallRecord, board: Board) -> bool:
    """Of the two who talked, one is alone where they were, and the other went to talk with somebody else first
    (Asterisk's own attended transfer): the first waits, as on hold, and the two are still the parties."""
    caller, mate = call.caller, call.mate
    if caller is None or mate is None or caller is mate or not (call.has(caller) and call.has(mate)):
        return False
    waiting, away = (caller, mate) if caller.joined < mate.joined else (mate, caller)
    apart = waiting.bridge is not None and away.bridge is not None and waiting.bridge != away.bridge
    return apart and away.joined > call.together and not waiting.parked and board.alone(waiting)


def _of_many(call: CallRecord, waited_for: list[LegRecord]) -> LegRecord | None:
    """The one of several called legs that is told as the callee: the one told last, while that is not wrong. A group's
    legs end one by one, and each of them being the last for a moment is no news."""
    for leg in (call.shown, call.callee):
        if leg is not None and leg in (waited_for or call.tried):
            return leg
    return waited_for[0] if waited_for else call.callee
