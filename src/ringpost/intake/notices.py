"""A notice as an event: what its `data` is, and which integrations it is owed to. Pure.

Called by the intake, and by the registry for what changes in one transaction with an integration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from ringpost.model.event import NOTICE, NewEvent
from ringpost.model.integration import Integration
from ringpost.model.notice import SERVICE_PBX, Notice, NoticeData
from ringpost.wire import canonical

from .match import matching

_UNFIT: Final = re.compile("[\ud800-\udfff\ufffe\uffff]")  # what the wire cannot carry, say from a name


def notice_event(notice: Notice, integrations: Iterable[Integration]) -> NewEvent:
    """The event to accept. integrations: all of the notice's company; the one that it is about does not get it."""
    others = (integration for integration in integrations if integration.id != notice.integration)
    data = NoticeData(
        message=_UNFIT.sub("\ufffd", notice.message),
        integration=notice.integration,
        pbx=notice.pbx,
        delivery=notice.delivery,
        reason=notice.reason,
        since=notice.since,
        count=notice.count,
    )
    return NewEvent(
        company=notice.company,
        call=notice.lane,
        pbx=notice.pbx or SERVICE_PBX,
        time=notice.time,
        type=notice.type,
        data=canonical.encode(msgspec.to_builtins(data), ("data",)),
        integrations=matching(others, notice.type),
        origin=NOTICE,
    )
