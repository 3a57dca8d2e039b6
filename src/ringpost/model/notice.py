"""Notices: what the operator of an integration, a PBX or the service must know.

A notice is accepted like an event and is as durable, but belongs to no call. It goes to the integrations of its company
whose filter names it (`notice:*`), but never to the one that it is about.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

FAILING: Final = "notice:failing"
PAUSED: Final = "notice:paused"
RESUMED: Final = "notice:resumed"
EXHAUSTED: Final = "notice:exhausted"
PBX_LOST: Final = "notice:pbx-lost"
PBX_BACK: Final = "notice:pbx-back"
PBX_CALLS_ENDED: Final = "notice:pbx-calls-ended"
LEDGER_NEARLY_FULL: Final = "notice:ledger-nearly-full"
NOTICE_TYPES: Final = (FAILING, PAUSED, RESUMED, EXHAUSTED, PBX_LOST, PBX_BACK, PBX_CALLS_ENDED, LEDGER_NEARLY_FULL)

# The company of notices about the service itself: an operator installs an integration for it, or lists its notices.
SERVICE_COMPANY: Final = "ringpost"
SERVICE_PBX: Final = "ringpost"  # `pbx` of a notice that is about no PBX
_LANE: Final = "_notice/"

NoticeType = Literal[
    "notice:failing",
    "notice:paused",
    "notice:resumed",
    "notice:exhausted",
    "notice:pbx-lost",
    "notice:pbx-back",
    "notice:pbx-calls-ended",
    "notice:ledger-nearly-full",
]


class Notice(Struct, frozen=True, kw_only=True):
    """What happened, for a person (`message`) and for programs.

    integration, pbx, delivery: the id of what it is about, None where it is not about such a thing; reason: a stable
    word (why it was paused, the last failure's code); since: since when (ms); count: how many.
    """

    company: str
    type: NoticeType
    time: int
    message: str
    integration: str | None = None
    pbx: str | None = None
    delivery: str | None = None
    reason: str | None = None
    since: int | None = None
    count: int | None = None

    @property
    def lane(self) -> str:
        """What stands in the place of a call's id: notices about one thing go out in order.

        No call has such an id, for a client's has no slash.
        """
        return lane_of(self.company, self.integration or self.pbx or "ledger")


class NoticeData(Struct, frozen=True, kw_only=True):
    """The wire's `data` of a notice, in its key order; every key is there, null where it says nothing."""

    message: str
    integration: str | None
    pbx: str | None
    delivery: str | None
    reason: str | None
    since: int | None
    count: int | None


NOTICE_KEYS: Final = NoticeData.__struct_fields__


def lane_of(company: str, about: str) -> str:
    """The lane of notices about an integration or a PBX, by its id."""
    return f"{company}{_LANE}{about}"


def company_of_lane(call: str) -> str | None:
    """The company of a notice's lane, None for the id of a call."""
    company, mark, _ = call.partition(_LANE)
    return company if mark else None
