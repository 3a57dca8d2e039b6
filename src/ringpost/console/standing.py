"""Which notices still hold: what the banner tells on every page. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import msgspec
from msgspec import Struct

from ringpost.model.event import Event
from ringpost.model.notice import FAILING, LEDGER_NEARLY_FULL, PAUSED, PBX_LOST, NoticeData

_DAY: Final = 86_400_000  # ms; the ledger's space is looked at all the time, and told again
_LASTING: Final = frozenset({FAILING, PAUSED, PBX_LOST})


class Standing(Struct, frozen=True):
    """A notice that still holds. text: for a person; time: ms."""

    type: str
    text: str
    time: int
    company: str


def standing(notices: Iterable[Event], holds: Callable[[Event, NoticeData], bool], now: int) -> list[Standing]:
    """What still holds, newest first.

    notices: newest first; holds: whether the integration of a notice is still in the state that it tells.
    """
    found, seen = [], set()
    for notice in notices:
        if notice.call in seen:
            continue  # a newer one about the same thing
        data = msgspec.json.decode(notice.data, type=NoticeData)
        is_recent = notice.type == LEDGER_NEARLY_FULL and now - notice.time < _DAY
        if notice.type in _LASTING or notice.type == LEDGER_NEARLY_FULL or data.integration is None:
            seen.add(notice.call)
        if is_recent or (notice.type in _LASTING and (data.integration is None or holds(notice, data))):
            found.append(Standing(notice.type, data.message, notice.time, notice.company))
    return found
