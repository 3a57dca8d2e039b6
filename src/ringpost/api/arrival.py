"""How far a client's request has arrived on one connection, and whether the client has had its time.

Pure: `now` is in seconds of any clock that never goes back. Each connection of the server has one; nobody else needs
it. A client that sends nothing, half a request, or a byte now and then holds a connection for a bounded time only.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from msgspec import Struct

_OVERHEAD: Final = 8  # bytes on the wire for one of the body: chunks of one byte each take six


class Limits(Struct, frozen=True, kw_only=True):
    """What one client may take.

    head_bytes: of a request's line and headers; head_seconds: for these, and before the first request of a connection;
    idle_seconds: between two requests; pause_seconds: without a byte of the body, or of the reply being taken;
    body_seconds: for a whole body; linger_seconds: that a closed connection has to take the last reply; connections:
    open at once.
    """

    head_bytes: int = 32_768
    head_seconds: float = 10
    idle_seconds: float = 5
    pause_seconds: float = 30
    body_seconds: float = 120
    linger_seconds: float = 2
    connections: int = 4_096


class Phase(Enum):
    """first: nothing came yet; idle: between two requests; whole: it is here, and being answered."""

    FIRST = "first"
    IDLE = "idle"
    HEAD = "head"
    BODY = "body"
    WHOLE = "whole"


class Arrival:
    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self.phase = Phase.FIRST
        self._since = self._last = now
        self._head = 0  # bytes, those of a name or a value that is not complete included
        self._fields = 0  # bytes, of what is complete
        self._wire = 0  # bytes since the head was complete
        self._body = 0

    def came(self, size: int, now: float) -> None:
        """So many bytes came; called before they are parsed."""
        self._last = now
        if self.phase in {Phase.FIRST, Phase.IDLE}:
            self._begin(now)
        if self.phase is Phase.HEAD:
            self._head += size
        elif self.phase is Phase.BODY:
            self._wire += size

    def began(self, now: float) -> None:
        """The first byte of a request was parsed. Behind another one, its bytes count from the next ones that come."""
        if self.phase is not Phase.HEAD:
            self._begin(now)

    def field(self, size: int) -> None:
        """A header, a trailer or a part of the URL was parsed."""
        self._fields += size

    def head_ended(self, now: float) -> None:
        self.phase = Phase.BODY
        self._since = now

    def body(self, size: int) -> None:
        self._body += size

    def ended(self) -> None:
        self.phase = Phase.WHOLE

    def answered(self, now: float) -> None:
        """All that came whole is answered."""
        if self.phase is Phase.WHOLE:
            self.phase = Phase.IDLE
            self._since = now

    @property
    def has_too_large_fields(self) -> bool:
        """The head's or the trailers' complete ones: known while bytes are parsed."""
        return self._fields > self._limits.head_bytes

    @property
    def is_too_large(self) -> bool:
        """The head, the trailers, or what else comes beside the body: known after all that came was parsed."""
        most = self._limits.head_bytes
        if self.phase is Phase.HEAD and self._head > most:
            return True
        return self.has_too_large_fields or (self.phase is Phase.BODY and self._wire > most + _OVERHEAD * self._body)

    def is_late(self, now: float, *, is_held: bool) -> bool:
        """The client has had its time. is_held: the body is not being read, so a pause is ours."""
        limits = self._limits
        match self.phase:
            case Phase.IDLE:
                return now - self._since >= limits.idle_seconds
            case Phase.FIRST | Phase.HEAD:
                return now - self._since >= limits.head_seconds
            case Phase.BODY:
                paused = not is_held and now - max(self._last, self._since) >= limits.pause_seconds
                return paused or now - self._since >= limits.body_seconds
            case Phase.WHOLE:
                return False

    def _begin(self, now: float) -> None:
        self.phase = Phase.HEAD
        self._since = now
        self._head = self._fields = self._wire = self._body = 0
