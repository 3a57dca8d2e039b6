"""Which integrations an event is owed to. Pure.

`*` and `call:*` mean the events of calls alone: who asked for all calls gets no notices that it does not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from ringpost.errors import RingpostError
from ringpost.model.event import EVENT_TYPES
from ringpost.model.integration import Integration
from ringpost.model.notice import NOTICE_TYPES

ALL_CALLS: Final = "call:*"
PATTERNS: Final = (*EVENT_TYPES, ALL_CALLS, "*", *NOTICE_TYPES, "notice:*")


def check_filter(wanted: Sequence[str]) -> tuple[str, ...]:
    """The filter, each pattern once. Raises `unknown_filter`, with the place as the field."""
    if not wanted:
        raise RingpostError("unknown_filter", f"It is empty; use some of {', '.join(PATTERNS)}.", field="filter")
    for index, pattern in enumerate(wanted):
        if pattern not in PATTERNS:
            raise RingpostError(
                "unknown_filter",
                f"{pattern[:40]!r} is no event type; use some of {', '.join(PATTERNS)}.",
                field=f"filter[{index}]",
            )
    return tuple(dict.fromkeys(wanted))


def matching(integrations: Iterable[Integration], event_type: str) -> tuple[str, ...]:
    """The ids of the integrations that want this type of event; a paused one is owed it too."""
    return tuple(i.id for i in integrations if i.state != "deleted" and wants(i.filter, event_type))


@lru_cache(maxsize=1024)
def wants(wanted: tuple[str, ...], event_type: str) -> bool:
    kind = event_type.partition(":")[0] + ":*"
    return event_type in wanted or kind in wanted or (kind == ALL_CALLS and "*" in wanted)
