"""A call as a line of a list: who called whom, where it stands, how its events fared at each integration. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from .call import Call

Mark = Literal["delivered", "cancelled", "waiting", "failing", "exhausted"]
# How all of a call's events fared at one integration is told by the worst of them: from the best to the worst.
MARKS: Final[tuple[Mark, ...]] = ("delivered", "cancelled", "waiting", "failing", "exhausted")


class PartyLine(Struct, frozen=True):
    """phone and name as the latest event has them; type: LOCAL or REMOTE; empty where it says nothing."""

    phone: str = ""
    name: str = ""
    type: str = ""


class CallLine(Struct, frozen=True, kw_only=True):
    """started, updated, ended: the time of its events (ms), ended None while it goes on; events: how many it has;
    what the latest of them says, empty where it says nothing; marks: by the id of each integration that was owed it.
    """

    company: str
    id: str
    pbx: str
    started: int
    updated: int
    ended: int | None
    events: int
    status: str
    direction: str
    caller: PartyLine
    callee: PartyLine
    destination: str
    queue: str
    trunk: str
    end_cause: str
    end_by: str
    talk_ms: int | None
    marks: Mapping[str, Mark]


def call_line(call: Call, marks: Mapping[str, Mark]) -> CallLine:
    """Whatever a client may have sent as its data, this is a line."""
    data = _object(msgspec.json.decode(call.data))
    talked = data.get("talkTime")
    return CallLine(
        company=call.company,
        id=call.id,
        pbx=call.pbx,
        started=call.started,
        updated=call.updated,
        ended=call.ended,
        events=call.events,
        status=_text(data.get("status")),
        direction=_text(data.get("direction")),
        caller=_party(data.get("caller")),
        callee=_party(data.get("callee")),
        destination=_text(data.get("destination")),
        queue=_text(data.get("queueName")) or _text(data.get("queueId")),
        trunk=_text(data.get("trunkName")),
        end_cause=_text(data.get("endCauseStr")) or _text(data.get("endCause")),
        end_by=_text(data.get("endBy")),
        talk_ms=talked if isinstance(talked, int) and not isinstance(talked, bool) else None,
        marks=marks,
    )


def parties(data: bytes) -> tuple[PartyLine, PartyLine]:
    """Caller and callee in an event's data."""
    read = _object(msgspec.json.decode(data))
    return _party(read.get("caller")), _party(read.get("callee"))


def _party(value: object) -> PartyLine:
    party = _object(value)
    return PartyLine(_text(party.get("phone")), _text(party.get("name")), _text(party.get("type")))


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
