"""What is told of a call: its `data`, and what call:end adds to it.

Pure.
"""

from __future__ import annotations

from msgspec import structs

from ringpost.model.data import CallData, EndBy, Party

from .causes import cause_text
from .leaving import LINGER
from .parties import Numbering, is_same_phone
from .records import CallRecord


def payload(call: CallRecord, numbering: Numbering) -> CallData:
    caller = call.known_caller
    if caller is None and call.caller is not None:
        caller = numbering.party(call.caller)
    callee = _callee(call, numbering)
    emergency = ("emergency",) if numbering.is_emergency(call.destination) else ()
    return CallData(
        status=call.status,
        caller=caller,
        callee=callee,
        service=call.service,
        destination=call.destination,
        trunkName=numbering.trunk_of(call),
        queueName=call.queue,
        queueId=call.queue,  # the PBX's own name of it; the directory may have another for people
        tags=(*emergency, "conference") if call.crowd else emergency,
        flags=call.flags,
        direction=call.direction or numbering.direction(call, caller, callee),
    )


def _callee(call: CallRecord, numbering: Numbering) -> Party | None:
    if call.callee is None:
        return call.known_callee
    callee = numbering.party(call.callee, call.destination)
    known = call.known_callee  # from before a restart, when more may have been known of the same person
    return known if known is not None and is_same_phone(known.phone, callee.phone) else callee


def end_payload(call: CallRecord, data: CallData, cause: int, end_by: EndBy | None, now: int) -> CallData:
    """call:end: the last status stays, so that it shows whether the call was ever answered. now: when it ended (ms)."""
    duration = now - call.started
    # A caller who is kept on the line after the talk, for a survey, talks no more. Clearing a call up takes a moment.
    kept = call.quiet_at is not None and now - call.quiet_at > LINGER
    until = call.quiet_at if kept and call.quiet_at is not None else now
    talked = call.talked + (max(0, until - call.since) if call.talking else 0)
    return structs.replace(
        data,
        flags=call.flags,
        endCause=str(cause),
        endCauseStr=cause_text(cause),
        endBy=end_by,
        # Where nobody was ever called outside, the call never left the house.
        direction=data.direction or ("INTERNAL" if data.caller is not None else None),
        waitTime=duration if call.talked_at is None else max(0, call.talked_at - call.started),
        talkTime=talked,
        duration=duration,
    )
