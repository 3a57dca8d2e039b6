"""Why a call ended and who ended it.

Pure. `endBy` follows the request to hang up (Asterisk: HangupRequest) of the leg whose leaving ended the conversation.
The order in which legs vanish says nothing, neither do the PBX's own soft hang-ups, and the halves of a local pair
only pass on what happened elsewhere. Where nobody asked, the PBX ended it (time-out, dialplan, administrator,
shutdown): null, not a guess by who left the bridge first. An unanswered call is the callee's only where every phone
that was tried refused and the PBX itself had not answered: one member of a ring group or queue that declines ends
nothing.
"""

from __future__ import annotations

from ringpost.model.data import EndBy

from .causes import BY_DIAL_STATUS, NO_ANSWER, NORMAL, OF_CALLEE, known
from .records import CallRecord, LegRecord
from .states import IN_TALK


def judge(call: CallRecord) -> tuple[int, EndBy | None]:
    """(Q.850 cause, who ended it) of a call whose last leg has hung up."""
    if call.became == "transferred":
        # Whoever asked the two others to talk ended it: the one of its two people who did not go on in the other call.
        went_on = call.caller is not None and call.caller.call != call.key
        return NORMAL, "CALLEE" if went_on else "CALLER"
    if call.became is not None:
        return NORMAL, None
    if call.ender is not None:
        return _cause_of_ender(call, call.ender), "CALLER" if call.ender is call.caller else "CALLEE"
    if call.status in IN_TALK:
        return _cause_of_caller(call) or NORMAL, call.queue_ender
    if call.tried:
        return _of_tried(call)
    # Nobody was called: the PBX refused the number, or sent the caller away.
    cause = _cause_of_caller(call) or NORMAL
    if cause == NORMAL and call.dial_status is not None:
        cause = BY_DIAL_STATUS.get(call.dial_status, cause)
    return cause, None


def _cause_of_ender(call: CallRecord, ender: LegRecord) -> int:
    """A caller who gives up before an answer clears normally: Asterisk says 127 there (SIP 487), older ones 0."""
    if call.status not in IN_TALK and not ender.called:
        return NORMAL
    return known(ender.asked_cause) or known(ender.cause) or NORMAL


def _cause_of_caller(call: CallRecord) -> int | None:
    return known(call.caller.cause) if call.caller is not None else None


def _of_tried(call: CallRecord) -> tuple[int, EndBy | None]:
    if call.queue is not None:
        return NO_ANSWER, None  # a queue goes on calling; what its members said is not why it gave up
    waited_for = [leg for leg in call.tried if not leg.asked]
    if waited_for:
        return _cause_of_tried(waited_for[-1]) or _cause_of_caller(call) or NO_ANSWER, None
    cause = _cause_of_tried(call.tried[-1]) or _cause_of_caller(call) or NO_ANSWER
    answered_by_pbx = call.caller is not None and call.caller.state == "up"
    return cause, "CALLEE" if cause in OF_CALLEE and not answered_by_pbx else None


def _cause_of_tried(leg: LegRecord) -> int | None:
    """The leg's own cause first: the dial's status is coarse (a refusal and an unknown number both say NOANSWER)."""
    own = known(leg.cause) or known(leg.asked_cause)
    return own if own is not None else BY_DIAL_STATUS.get(leg.dial_status or "")
