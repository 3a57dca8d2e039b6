"""Q.850 causes: Asterisk's text for each, and which cause and which party a call that ended without an answer names.

Pure. The texts are those of Asterisk's `Cause-txt` (main/channel.c, `causes[]`), byte for byte.
"""

from __future__ import annotations

from typing import Final

CAUSES: Final[dict[int, str]] = {
    1: "Unallocated (unassigned) number",
    2: "No route to specified transmit network",
    3: "No route to destination",
    5: "Misdialed trunk prefix",
    6: "Channel unacceptable",
    7: "Call awarded and being delivered in an established channel",
    8: "Pre-empted",
    14: "Number ported elsewhere",
    16: "Normal Clearing",
    17: "User busy",
    18: "No user responding",
    19: "User alerting, no answer",
    20: "Subscriber absent",
    21: "Call Rejected",
    22: "Number changed",
    23: "Redirected to new destination",
    26: "Answered elsewhere",
    27: "Destination out of order",
    28: "Invalid number format",
    29: "Facility rejected",
    30: "Response to STATus ENQuiry",
    31: "Normal, unspecified",
    34: "Circuit/channel congestion",
    38: "Network out of order",
    41: "Temporary failure",
    42: "Switching equipment congestion",
    43: "Access information discarded",
    44: "Requested channel not available",
    50: "Facility not subscribed",
    52: "Outgoing call barred",
    54: "Incoming call barred",
    57: "Bearer capability not authorized",
    58: "Bearer capability not available",
    65: "Bearer capability not implemented",
    66: "Channel not implemented",
    69: "Facility not implemented",
    81: "Invalid call reference value",
    88: "Incompatible destination",
    95: "Invalid message unspecified",
    96: "Mandatory information element is missing",
    97: "Message type nonexist.",
    98: "Wrong message",
    99: "Info. element nonexist or not implemented",
    100: "Invalid information element contents",
    101: "Message not compatible with call state",
    102: "Recover on timer expiry",
    103: "Mandatory IE length error",
    111: "Protocol error, unspecified",
    127: "Interworking, unspecified",
}

NORMAL: Final = 16
NO_ANSWER: Final = 19
RECONCILED: Final = 31  # the end was not seen: "Normal, unspecified"

# What the status of a dial says where the leg's own cause says nothing.
BY_DIAL_STATUS: Final[dict[str, int]] = {
    "BUSY": 17,
    "CANCEL": NORMAL,  # the caller's leg went first
    "NOANSWER": NO_ANSWER,
    "CONGESTION": 34,
    "CHANUNAVAIL": 20,
    "DONTCALL": 21,
    "TORTURE": 21,
}

# Refusals that are the callee's own doing, be it the phone or, for a number that does not exist, the far network.
# Others (congestion, no route, temporary failure) are the network's: nobody ended such a call.
OF_CALLEE: Final = frozenset({1, 17, 21, 22})

# 0 is "not set" and 127 is Asterisk's word for a SIP code without a mapping (487 above all): they say nothing.
# 26 (answered elsewhere) is true of one leg of a group and never of the call.
_SAYS_NOTHING: Final = frozenset({0, 26, 127})


def known(cause: int | None) -> int | None:
    """The cause, or None where it says nothing."""
    return None if cause is None or cause in _SAYS_NOTHING or not 0 < cause < 128 else cause


def cause_text(cause: int) -> str:
    """Asterisk's text for a cause; "Unknown" (its own word, too) for one that it has no text for."""
    return CAUSES.get(cause, "Unknown")
