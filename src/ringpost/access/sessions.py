"""Signing in to the console: a one-time link, then a session by cookie.

Tokens are 256 random bits, kept in memory as hashes and gone with the process. A link works once within its time; a
session ends when it is idle too long or too old.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from .keys import Caller

LINK_MS: Final = 15 * 60_000
IDLE_MS: Final = 12 * 3_600_000
ABSOLUTE_MS: Final = 7 * 24 * 3_600_000
_MOST: Final = 10_000  # links and sessions kept; the oldest go first


class _Held(Struct):
    caller: Caller
    made: int
    used: int


class Sessions:
    """The sign-in links and sessions of one node."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._links: dict[bytes, _Held] = {}
        self._sessions: dict[bytes, _Held] = {}

    def make_link(self, caller: Caller) -> str:
        """A token that signs this caller in, once."""
        return self._keep(self._links, caller)

    def redeem(self, link: str) -> str | None:
        """A new session's token for a link that is good; None for any other."""
        held = self._links.pop(_digest(link), None)
        if held is None or self._now() - held.made > LINK_MS:
            return None
        return self._keep(self._sessions, held.caller)

    def caller(self, session: str | None) -> Caller | None:
        """Who holds this session; None where it is unknown or over."""
        held = self._sessions.get(_digest(session)) if session else None
        now = self._now()
        if held is None or now - held.used > IDLE_MS or now - held.made > ABSOLUTE_MS:
            return None
        held.used = now
        return held.caller

    def end(self, session: str | None) -> None:
        if session:
            self._sessions.pop(_digest(session), None)

    def _keep(self, where: dict[bytes, _Held], caller: Caller) -> str:
        token = secrets.token_urlsafe(32)
        now = self._now()
        where[_digest(token)] = _Held(caller, now, now)
        if len(where) > _MOST:
            del where[next(iter(where))]
        return token


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
