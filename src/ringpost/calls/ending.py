"""Why a call ended and who ended it.

Pure. `endBy` follows the request to hang up (Asterisk: HangupRequest) of the leg whose leaving ended the conversation
(`leaving`): the first of those who talk or of the caller, given up when the others go on. The order in which legs
vanish says nothing, neither do the PBX's own soft hang-ups, and the halves of a local pair only pass on what happened
elsewhere. Where nobody asked, the PBX ended it (time-out, dialplan, administrator, shutdown): null, not a guess. An
unanswered call is the callee's only where every phone that was tried refused and the PBX itself had not answered: one
member of a ring group or queue that declines ends nothing.

Only where a PBX tells of no requests at all, and of no soft hang-ups (a manager user with a filter), the next best
counts: who left the bridge first, a dial that was cancelled, a refusal's cause.
"""

from __future__ import annotations

from ringpost.model.data import EndBy

from .causes import BY_DIAL_STATUS, NO_ANSWER, NORMAL, OF_CALLEE, known
from .records import CallRecord, LegRecord
from .states import IN_TALK


def judge(call: CallRecord, *, told: bool) -> tuple[int, EndBy | None]:
    """(Q.850 cause, who ended it) of a call whose last leg has hung up. told: this PBX tells who asks to hang up."""
    if call.became == "transferred":
        # Whoever asked the two others to talk ended it: the one of its two people who did not go on in the other call.
        went_on = call.caller is not None and call.caller.call != call.key
        return NORMAL, "CALLEE" if went_on else "CALLER"
    if call.became is not None:
        return NORMAL, None
    if call.ender is not None:
        return _cause_of_ender(call, call.ender), _side(call, call.ender)
    if call.status in IN_TALK:
        by = call.queue_ender
        if by is None and not told and call.leaver is not None:
            by = _side(call, call.leaver)
        return _cause_of_caller(call) or NORMAL, by
    if call.tried:
        return _of_tried(call, told=told)
    return _of_nobody(call)


def _side(call: CallRecord, leg: LegRecord) -> EndBy:
    return "CALLER" if leg is call.caller else "CALLEE"


def _cause_of_ender(call: CallRecord, ender: LegRecord) -> int:
    """A caller who gives up before an answer clears normally: Asterisk says 127 there (SIP 487), older ones 0."""
    if call.status not in IN_TALK and not ender.called:
        return NORMAL
    return known(ender.asked_cause) or known(ender.cause) or NORMAL


def _cause_of_caller(call: CallRecord) -> int | None:
    return known(call.caller.cause) if call.caller is not None else None


def _of_tried(call: CallRecord, *, told: bool) -> tuple[int, EndBy | None]:
    """Somebody was called, and nobody talked."""
    if not told and all(leg.dial_status == "CANCEL" for leg in call.tried):
        return NORMAL, "CALLER"
    if call.queue is not None:
        return NO_ANSWER, None  # a queue goes on calling; what its members said is not why it gave up
    # Some of Asterisk's channel drivers (chan_sip) tell of no request where a phone refuses: its cause is as good.
    waited_for = [leg for leg in call.tried if not (leg.asked or _cause_of_tried(leg) in OF_CALLEE)]
    cause = _cause_of_tried(max(waited_for or call.tried, key=lambda leg: (leg.asked_at, leg.order)))  # the last one's
    if cause is None:
        of_caller = _cause_of_caller(call)
        cause = NO_ANSWER if of_caller in {None, NORMAL} else of_caller or NO_ANSWER
    answered_by_pbx = call.caller is not None and call.caller.state == "up"
    refused = not waited_for and cause in OF_CALLEE and not answered_by_pbx
    return cause, "CALLEE" if refused else None


def _of_nobody(call: CallRecord) -> tuple[int, EndBy | None]:
    """Nobody was called, but perhaps the one who was to call: the PBX refused the number, or sent the caller away."""
    caller = call.caller
    if caller is not None and caller.called and caller.state != "up":
        cause = _cause_of_tried(caller) or NO_ANSWER
        return cause, "CALLER" if cause in OF_CALLEE else None
    cause = _cause_of_caller(call) or NORMAL
    if cause == NORMAL and call.dial_status is not None:
        cause = BY_DIAL_STATUS.get(call.dial_status, cause)
    return cause, None


def _cause_of_tried(leg: LegRecord) -> int | None:
    """The leg's own cause first: the dial's status is coarse (a refusal and an unknown number both say NOANSWER). But
    a leg that the PBX gave up clears normally in some versions, which says nothing."""
    own = known(leg.cause) or known(leg.asked_cause)
    by_status = BY_DIAL_STATUS.get(leg.dial_status or "")
    return by_status or own if own in {None, NORMAL} else own
