"""Signing in to the console: a one-time link, and sessions by cookie.

Tokens are 256 random bits, kept in memory as hashes and gone with the process. A link works once within its time; a
session ends when it is idle too long or too old, when it is signed out, or as soon as the key or the user that it was
begun with is no more.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Final, TypeVar

from msgspec import Struct

from .keys import Caller

T = TypeVar("T")

LINK_MS: Final = 15 * 60_000
IDLE_MS: Final = 12 * 3_600_000
ABSOLUTE_MS: Final = 7 * 24 * 3_600_000
LINK_CALLER: Final = Caller("link", None, "operator")  # whom a link signs in where no user or key is meant
_MOST: Final = 10_000  # links and sessions kept; the oldest go first
_MOST_FLASHES: Final = 5


class Flash(Struct, frozen=True):
    """What was done, told on the next page. kind: `good` or `bad`."""

    text: str
    kind: str = "good"


class Session(Struct):
    """Someone who is signed in. csrf: what every form of the session carries; made, used: ms."""

    caller: Caller
    csrf: str
    made: int
    used: int
    flashes: list[Flash]
    ended: bool = False

    def __repr__(self) -> str:
        return f"Session({self.caller.key_id})"

    def tell(self, flash: Flash) -> None:
        """For the next page that is shown."""
        self.flashes = [*self.flashes, flash][-_MOST_FLASHES:]

    def take_flashes(self) -> list[Flash]:
        told, self.flashes = self.flashes, []
        return told

    def is_from_here(self, csrf: str) -> bool:
        """Whether a form was made for this session."""
        return hmac.compare_digest(self.csrf.encode(), csrf.encode("utf-8", "surrogateescape"))


class _Link(Struct, frozen=True):
    caller: Caller
    made: int


class Sessions:
    """The sign-in links and sessions of one node. is_good: whether a caller's key or user is still there."""

    def __init__(self, now: Callable[[], int], is_good: Callable[[Caller], bool] = lambda _: True) -> None:
        self._now = now
        self._is_good = is_good
        self._links: dict[bytes, _Link] = {}
        self._sessions: dict[bytes, Session] = {}

    def make_link(self, caller: Caller = LINK_CALLER) -> str:
        """A token that signs this caller in, once."""
        token = secrets.token_urlsafe(32)
        _keep(self._links, token, _Link(caller, self._now()))
        return token

    def redeem(self, link: str) -> str | None:
        """A new session's token for a link that is good; None for any other."""
        held = self._links.pop(_digest(link), None)
        if held is None or self._now() - held.made > LINK_MS:
            return None
        return self.begin(held.caller)

    def begin(self, caller: Caller) -> str:
        """A new session's token for who proved to be this caller."""
        token, now = secrets.token_urlsafe(32), self._now()
        _keep(self._sessions, token, Session(caller, secrets.token_urlsafe(32), now, now, []))
        return token

    def session(self, token: str | None) -> Session | None:
        """The session of this token; None where it is unknown or over."""
        held = self._sessions.get(_digest(token)) if token else None
        if token is None or held is None:
            return None
        if not self.goes_on(held):
            self.end(token)
            return None
        held.used = self._now()
        return held

    def goes_on(self, session: Session) -> bool:
        """Whether a session is not over; it is not used by that."""
        now = self._now()
        is_fresh = now - session.used <= IDLE_MS and now - session.made <= ABSOLUTE_MS
        return is_fresh and not session.ended and self._is_good(session.caller)

    def caller(self, token: str | None) -> Caller | None:
        """Who holds this session; None where it is unknown or over."""
        session = self.session(token)
        return session.caller if session else None

    def end(self, token: str | None) -> None:
        session = self._sessions.pop(_digest(token), None) if token else None
        if session is not None:
            session.ended = True

    def end_all(self, caller: Caller, *, but: Session | None = None) -> int:
        """End every session of the same user, key or link but one, and the links of it that were not used; how many
        sessions there were."""
        whose = caller.key_id
        ended = [digest for digest, held in self._sessions.items() if held.caller.key_id == whose and held is not but]
        for digest in ended:
            self._sessions.pop(digest).ended = True
        for digest in [digest for digest, link in self._links.items() if link.caller.key_id == caller.key_id]:
            del self._links[digest]
        return len(ended)


def _keep(where: dict[bytes, T], token: str, held: T) -> None:
    where[_digest(token)] = held
    if len(where) > _MOST:
        del where[next(iter(where))]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
