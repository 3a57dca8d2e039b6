"""An event in the few words that a person reads: for the inbox's page and the terminal. Pure."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

_STATUS = {"CONNECTING": "connecting", "RINGING": "ringing", "TALKING": "talking", "HOLD": "on hold"}


class Summary(Struct, frozen=True):
    """type: call:start …; who: "1001 Alice → 1002 Bob"; what: its status, or how it ended; via: queue or trunk."""

    type: str
    call: str
    who: str
    what: str
    via: str


def summarise(event: dict[str, Any]) -> Summary:
    """Whatever was received, in words; what is missing is left out."""
    data = _object(event.get("data"))
    callee = _party(data.get("callee")) or _text(data.get("destination")) or "…"
    return Summary(
        type=_text(event.get("type")) or "no event",
        call=_text(event.get("id")),
        who=f"{_party(data.get('caller')) or 'unknown'} → {callee}",
        what=_ended(data) if event.get("type") == "call:end" else _status(data),
        via=_via(data),
    )


def _status(data: dict[str, Any]) -> str:
    status = _text(data.get("status"))
    return _STATUS.get(status, status)


def _ended(data: dict[str, Any]) -> str:
    """Whether it was answered and for how long, who ended it and why."""
    talked = data.get("talkTime")
    answered = f"talked {talked / 1000:.0f} s" if isinstance(talked, int) and talked else "not answered"
    by = {"CALLER": "caller hung up", "CALLEE": "callee hung up"}.get(_text(data.get("endBy")), "ended by the PBX")
    cause = _text(data.get("endCauseStr"))
    return ", ".join(part for part in (answered, by, cause) if part)


def _via(data: dict[str, Any]) -> str:
    queue, trunk = _text(data.get("queueName")), _text(data.get("trunkName"))
    return ", ".join(part for part in (f"queue {queue}" if queue else "", f"trunk {trunk}" if trunk else "") if part)


def _party(value: object) -> str:
    party = _object(value)
    return " ".join(part for part in (_text(party.get("phone")), _text(party.get("name"))) if part)


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
