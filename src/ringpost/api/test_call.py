"""A whole test call to one integration: signed, durable and in order, like any other call's events.

It is tagged `test`, and owed to that one integration alone; the integration's filter holds for it as for any call. One
that wants notices and no call gets one notice that says that it is a test, of a type that the filter names.
"""

from __future__ import annotations

import secrets
from typing import Final

from ringpost.errors import RingpostError
from ringpost.intake.match import matching
from ringpost.intake.notices import notice_event
from ringpost.model.data import CallData, Party, to_wire
from ringpost.model.delivery import delivery_id
from ringpost.model.event import CALL_END, CALL_START, CALL_UPDATE, EVENT_TYPES, Event, NewEvent
from ringpost.model.integration import Integration
from ringpost.model.notice import (
    EXHAUSTED,
    FAILING,
    LEDGER_NEARLY_FULL,
    PAUSED,
    PBX_BACK,
    PBX_CALLS_ENDED,
    PBX_LOST,
    RESUMED,
    Notice,
    NoticeType,
)
from ringpost.wire import canonical

from .integration_shapes import SentTestCall
from .services import Services

TEST_PBX: Final = "test"
# The most harmless type comes first.
_TEST_NOTICES: Final[tuple[NoticeType, ...]] = (
    RESUMED,
    PBX_BACK,
    FAILING,
    EXHAUSTED,
    PAUSED,
    PBX_LOST,
    PBX_CALLS_ENDED,
    LEDGER_NEARLY_FULL,
)
_RINGING_MS: Final = 4_000
_TALKING_MS: Final = 6_000
_CALLER: Final = Party(type="REMOTE", phone="+15550100", name="Ringpost test")  # 555-0100 to 0199 are for fiction
_CALLEE: Final = Party(type="LOCAL", phone="100", name="Ringpost test", userExtension="100")


async def accept_test_call(services: Services, integration: Integration) -> SentTestCall:
    """Accept it. The call has just ended by its times. Raises what the ledger raises."""
    if any(matching((integration,), kind) for kind in EVENT_TYPES):
        events = _events(integration, services.now(), services.settings.extra_keys)
    else:
        events = [_notice(integration, services.now())]
    verdicts = await services.ledger.commit(events)
    accepted = []
    for verdict in verdicts:
        if isinstance(verdict, RingpostError):
            raise verdict
        accepted.append(verdict)
        services.metrics.events_accepted.labels(verdict.type).inc()
    return SentTestCall(
        company=integration.company,
        call=accepted[0].call,
        deliveries=[delivery_id(event.seq, integration.id) for event in accepted if _wants(integration, event)],
    )


def _wants(integration: Integration, event: Event | NewEvent) -> bool:
    return bool(matching((integration,), event.type))


def _events(integration: Integration, now: int, extra_keys: bool) -> list[NewEvent]:
    started = now - _RINGING_MS - _TALKING_MS
    call = f"{integration.company}_test.{started // 1000}.{secrets.token_hex(4)}"
    steps = (
        (CALL_START, started, _data("CONNECTING")),
        (CALL_UPDATE, started, _data("RINGING")),
        (CALL_UPDATE, started + _RINGING_MS, _data("TALKING")),
        (CALL_END, now, _ended()),
    )
    return [
        NewEvent(
            company=integration.company,
            call=call,
            pbx=TEST_PBX,
            time=time,
            type=kind,
            data=canonical.encode(to_wire(data, ended=kind == CALL_END, extra_keys=extra_keys)),
            integrations=matching((integration,), kind),
        )
        for kind, time, data in steps
    ]


def _notice(integration: Integration, now: int) -> NewEvent:
    kinds = [kind for kind in _TEST_NOTICES if matching((integration,), kind)]
    notice = Notice(
        company=integration.company,
        type=kinds[0],
        time=now,
        message="This is a test: nothing happened.",
        pbx=TEST_PBX,
        reason="test",
    )
    return notice_event(notice, (integration,))


def _data(status: str) -> CallData:
    return CallData(
        status=status,
        caller=_CALLER,
        callee=_CALLEE,
        destination="100",
        tags=("test",),
        direction="INBOUND",
    )


def _ended() -> CallData:
    """Hung up by the caller. 16: normal call clearing (ITU-T Q.850, table 1)."""
    return CallData(
        status="TALKING",
        caller=_CALLER,
        callee=_CALLEE,
        destination="100",
        tags=("test",),
        endCause="16",
        endCauseStr="Normal Clearing",
        endBy="CALLER",
        direction="INBOUND",
        waitTime=_RINGING_MS,
        talkTime=_TALKING_MS,
        duration=_RINGING_MS + _TALKING_MS,
    )
