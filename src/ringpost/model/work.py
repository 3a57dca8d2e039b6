"""Work that takes a while and goes on over restarts: a replay of many deliveries, an erasure.

It is done in small durable steps; each keeps with what it did how far it came, so that a crash repeats none and leaves
none out.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from .event import decode_seq, encode_seq

WorkKind = Literal["replay", "erasure"]
WorkState = Literal["running", "done", "cancelled", "failed"]
REPLAY: Final = "replay"
ERASURE: Final = "erasure"
_PREFIXES: Final[dict[WorkKind, str]] = {REPLAY: "rpl_", ERASURE: "era_"}
_KINDS: Final = {prefix: kind for kind, prefix in _PREFIXES.items()}
_CHANCE_BITS: Final = 20


class Work(Struct, frozen=True, kw_only=True):
    """One piece of work.

    request: what was asked for (JSON); total: how many there are to do, None where that is not known; done: how many of
    them are; place: where it goes on (JSON); report: what it came to (JSON); error: the code of what it failed with.
    """

    id: str
    company: str
    kind: WorkKind
    request: bytes
    created: int
    updated: int
    state: WorkState = "running"
    total: int | None = None
    done: int = 0
    place: bytes = b"{}"
    report: bytes = b"{}"
    error: str | None = None


def new_work_id(kind: WorkKind, now: int, chance: float) -> str:
    """An id that later ones come after. now: ms; chance: from 0 up to but not including 1."""
    return _PREFIXES[kind] + encode_seq((now << _CHANCE_BITS) + int(chance * (1 << _CHANCE_BITS)))


def work_id(kind: WorkKind, number: int) -> str:
    return _PREFIXES[kind] + encode_seq(number)


def parse_work_id(text: str) -> tuple[WorkKind, int] | None:
    """(kind, number) of a work's id, or None for any other text."""
    kind, number = _KINDS.get(text[:4]), decode_seq(text[4:])
    return None if kind is None or number is None else (kind, number)
