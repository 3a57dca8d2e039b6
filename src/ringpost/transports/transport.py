"""The Protocol of every transmission type, and the one shape that it sends.

A transport sends; it never decides on retries. It raises nothing: whatever happens becomes an `Outcome`, within the
deadline, with no secret in it. Called from the event loop. One suite, `tests/contract/transport`, runs on each.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from ringpost.model.event import Event
from ringpost.model.integration import Credentials, Integration
from ringpost.model.outcome import Outcome


class Sending(Struct, frozen=True, kw_only=True):
    """One attempt to be made.

    delivery: its id (`webhook-id`); attempt: from 1; replay: 0, or how often it was asked for again; now: ms.
    """

    integration: Integration
    credentials: Credentials
    event: Event
    delivery: str
    attempt: int
    replay: int
    now: int


class Transport(Protocol):
    async def send(self, sending: Sending) -> Outcome: ...

    async def close(self) -> None:
        """Close all connections; attempts under way end with an outcome."""
        ...
