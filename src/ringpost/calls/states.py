"""The status of a call: what is seen of its legs is evidence, and the table says which status follows from it.

Pure. Evidence is taken from the strongest down (`EVIDENCE`). A status never falls back because evidence has gone: legs
vanish one by one while a call ends, and the end must say how far the call had come. It goes back only for something
new, as a fresh dial after a transfer.
"""

from __future__ import annotations

from typing import Final, Literal

from ringpost.model.data import Status

Evidence = Literal["held", "talks", "parked", "rings", "dials", "records", "nothing"]
EVIDENCE: Final[tuple[Evidence, ...]] = (
    "held",  # two real legs are connected and one of them holds the other, or waits for it to come back
    "talks",  # two real legs are connected, directly or through local halves
    "parked",  # there was talk, and who is left of it waits in a parking lot
    "rings",  # a phone rings that somebody was called on
    "dials",  # somebody is being called, and nothing rings yet
    "records",  # a mailbox listens to the caller
    "nothing",  # the caller alone: before a dial, in a queue, in a menu or announcement, or the call is ending
)

TRANSITIONS: Final[dict[Status, dict[Evidence, Status]]] = {
    "CONNECTING": {
        "held": "HOLD",
        "talks": "TALKING",
        "parked": "HOLD",
        "rings": "RINGING",
        "dials": "CONNECTING",
        "records": "TALKING",
        "nothing": "CONNECTING",
    },
    "RINGING": {
        "held": "HOLD",
        "talks": "TALKING",
        "parked": "HOLD",
        "rings": "RINGING",
        "dials": "CONNECTING",  # the next in a list is called after one that rang
        "records": "TALKING",
        "nothing": "RINGING",
    },
    "TALKING": {
        "held": "HOLD",
        "talks": "TALKING",
        "parked": "HOLD",
        "rings": "RINGING",  # transferred, and the new callee's phone rings
        "dials": "CONNECTING",
        "records": "TALKING",
        "nothing": "TALKING",
    },
    "HOLD": {
        "held": "HOLD",
        "talks": "TALKING",
        "parked": "HOLD",
        "rings": "RINGING",
        "dials": "CONNECTING",
        "records": "TALKING",
        "nothing": "HOLD",
    },
}

IN_TALK: Final[frozenset[str]] = frozenset({"TALKING", "HOLD"})


def next_status(status: Status, evidence: Evidence) -> Status:
    return TRANSITIONS[status][evidence]
