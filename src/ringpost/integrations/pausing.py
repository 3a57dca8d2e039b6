"""Pausing and resuming an integration: what changes, and the notice that goes with it. Pure.

A pause is never silent: the registry makes the change and its notice durable together.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from ringpost.model.integration import Integration, PauseReason
from ringpost.model.notice import PAUSED, RESUMED, Notice

_WHY: Final[dict[PauseReason, str]] = {
    "asked": "was paused, as was asked for",
    "gone": "was paused, for its receiver answered 410 Gone: it is not wanted there any more",
    "failing": "was paused, for it has only failed since {since}",
}
_WHAT_NEXT: Final[dict[PauseReason, str]] = {
    "asked": "To go on",
    "gone": "When the receiver takes events again",
    "failing": "When the receiver is mended",
}


def paused(
    integration: Integration, reason: PauseReason, now: int, since: int | None = None
) -> tuple[Integration, Notice]:
    """The active integration, paused. since: of its first failure, where it is paused for failing (ms)."""
    why = _WHY[reason].format(since=_date(now if since is None else since))
    message = (
        f"{name_of(integration)} {why}. What it is owed is kept, and goes out in order when it resumes. "
        f"{_WHAT_NEXT[reason]}: ringpost integrations resume {integration.id}"
    )
    notice = Notice(
        company=integration.company,
        type=PAUSED,
        time=now,
        message=message,
        integration=integration.id,
        reason=reason,
        since=since,
    )
    return replace(integration, state="paused", paused=now, pause_reason=reason), notice


def resumed(integration: Integration, now: int) -> tuple[Integration, Notice]:
    """The paused integration, active again. The notice's `reason` and `since` are those of the pause."""
    notice = Notice(
        company=integration.company,
        type=RESUMED,
        time=now,
        message=f"{name_of(integration)} was resumed. What it was owed meanwhile goes out now, in order.",
        integration=integration.id,
        reason=integration.pause_reason,
        since=integration.paused,
    )
    return replace(integration, state="active", paused=None, pause_reason=None), notice


def name_of(integration: Integration) -> str:
    """An integration for a person. Its URL stays out: there may be a token in it."""
    name = f" ({integration.name})" if integration.name else ""
    return f"Integration {integration.id}{name}"


def _date(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1_000, UTC):%Y-%m-%d %H:%M} UTC"
