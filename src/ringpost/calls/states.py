"""The status of a call: what is seen of its legs is evidence, and the table says which status follows from it.

Pure. Evidence is taken from the strongest down (`EVIDENCE`). A status never falls back because evidence has gone: legs
vanish one by one while a call ends, and the end must say how far the call had come. It goes back only for something
new, as a fresh dial after a transfer.
"""

from __future__ import annotations

from typing import Final, Literal

from ringpost.model.data import Status

Evidence = Literal["held", "talks", "rings", "dials", "nothing"]
EVIDENCE: Final[tuple[Evidence, ...]] = (
    "held",  # two real legs are connected, and one of them holds the other
    "talks",  # two real legs are connected, directly or through local halves
    "rings",  # a phone rings that somebody was called on
    "dials",  # somebody is being called, and nothing rings yet
    "nothing",  # the caller alone: before a dial, in a queue, in an announcement, or the call is ending
)

TRANSITIONS: Final[dict[Status, dict[Evidence, Status]]] = {
    "CONNECTING": {
        "held": "HOLD",
        "talks": "TALKING",
        "rings": "RINGING",
        "dials": "CONNECTING",
        "nothing": "CONNECTING",
    },
    "RINGING": {
        "held": "HOLD",
        "talks": "TALKING",
        "rings": "RINGING",
        "dials": "CONNECTING",  # the next in a list is called after one that rang
        "nothing": "RINGING",
    },
    "TALKING": {
        "held": "HOLD",
        "talks": "TALKING",
        "rings": "RINGING",  # transferred, and the new callee's phone rings
        "dials": "CONNECTING",
        "nothing": "TALKING",
    },
    "HOLD": {
        "held": "HOLD",
        "talks": "TALKING",
        "rings": "RINGING",
        "dials": "CONNECTING",
        "nothing": "HOLD",
    },
}

IN_TALK: Final[frozenset[str]] = frozenset({"TALKING", "HOLD"})


def next_status(status: Status, evidence: Evidence) -> Status:
    return TRANSITIONS[status][evidence]
