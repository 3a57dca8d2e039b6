"""The built-in inbox: a receiver that verifies every event as a receiver should, and keeps the latest for a person.

It posts nowhere and keeps nothing on disk. Deliveries reach it over HTTP like any other receiver; its address holds a
random token, so only who was told it can post. Signatures are checked over the raw bytes, before anything is parsed.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

from msgspec import Struct

from ringpost.wire.signature import verify_standard, verify_x

KEPT: Final = 500  # events that are kept; the oldest go first
BODY_LIMIT: Final = 1_048_576  # bytes
_SHOWN_HEADERS: Final = (
    "x-signature",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "x-ringpost-attempt",
    "x-ringpost-sequence",
    "content-type",
    "user-agent",
)


class Received(Struct, frozen=True, kw_only=True):
    """One request that arrived. at: ms; verdict: `verified`, or why it is not; body: the raw text."""

    number: int
    at: int
    verified: bool
    verdict: str
    headers: dict[str, str]
    body: str
    event: dict[str, Any]

    def __repr__(self) -> str:
        return f"Received({self.number}, {self.verdict!r})"


class Inbox:
    """The latest requests, and those who follow them."""

    def __init__(self, now: Callable[[], int], secret_of: Callable[[str], str | None]) -> None:
        """secret_of: the secret of an integration's id, None where there is no such integration."""
        self.token = secrets.token_urlsafe(12)
        self._now = now
        self._secret_of = secret_of
        self._received: deque[Received] = deque(maxlen=KEPT)
        self._followers: set[asyncio.Queue[Received | None]] = set()
        self._count = 0

    def receive(self, headers: Mapping[str, str], body: bytes) -> Received:
        """Check and keep one request."""
        self._count += 1
        event = _parsed(body)
        verified, verdict = self._check(headers, body, event)
        received = Received(
            number=self._count,
            at=self._now(),
            verified=verified,
            verdict=verdict,
            headers={name: headers[name] for name in _SHOWN_HEADERS if name in headers},
            body=body.decode("utf-8", "replace"),
            event=event,
        )
        self._received.append(received)
        for follower in self._followers:
            follower.put_nowait(received)
        return received

    def latest(self) -> list[Received]:
        """Newest first."""
        return list(reversed(self._received))

    def get(self, number: int) -> Received | None:
        return next((received for received in self._received if received.number == number), None)

    async def follow(self, after: int) -> AsyncIterator[Received]:
        """Requests as they arrive; first those after the given number that are still kept."""
        queue: asyncio.Queue[Received | None] = asyncio.Queue()
        for kept in self._received:
            if kept.number > after:
                queue.put_nowait(kept)
        self._followers.add(queue)
        try:
            while (received := await queue.get()) is not None:
                yield received
        finally:
            self._followers.discard(queue)

    def close(self) -> None:
        """End all that follow."""
        for follower in self._followers:
            follower.put_nowait(None)

    def _check(self, headers: Mapping[str, str], body: bytes, event: dict[str, Any]) -> tuple[bool, str]:
        secret = self._secret_of(str(event.get("integrationId", "")))
        if secret is None:
            return False, "the event names no integration that is known here"
        if not verify_x(secret, body, headers.get("x-signature", "")):
            return False, "x-signature is not the HMAC-SHA256 of the body with this integration's secret"
        identifier, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not verify_standard(secret, identifier, timestamp, body, headers.get("webhook-signature", "")):
            return False, "webhook-signature does not verify"
        return True, "verified"


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return event if isinstance(event, dict) else {}
