"""What a receiver's answer means: HTTP status, headers and the start of its body become an `Outcome`.

Pure. Called by the transports with every complete answer. A success is 200-299 with the whole reply read and within
the limit: a 2xx reply that is larger is a failure (`reply_too_large`), because an endpoint that streams without end is
no receiver, and saying "delivered" for an answer that nobody read would hide that. A larger reply with another status
keeps the meaning of its status: a 410 or 503 with a long error page is still a 410 or 503.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from msgspec import Struct

from ringpost.model.integration import Credentials
from ringpost.model.outcome import Outcome

RETRY_AFTER_LIMIT: Final = 86_400_000  # ms
EXCERPT_LIMIT: Final = 1_024  # characters
_WINDOW: Final = 16_384  # bytes of a reply that are looked at: the excerpt, and a secret that begins in it
_SHORTEST_SECRET: Final = 6  # characters; hiding shorter texts would hide ordinary words


class Reply(Struct, frozen=True):
    """A complete HTTP answer. headers: by lower-case name, of repeated ones the first; truncated: the body was larger
    than the limit, and is its start."""

    status: int
    headers: dict[str, str]
    body: bytes
    truncated: bool = False

    def __repr__(self) -> str:
        return f"Reply({self.status}, …)"  # a receiver may echo what it was sent


def outcome_of(reply: Reply, now: int, secrets: Iterable[str] = ()) -> Outcome:
    """The outcome of an attempt that was answered. secrets: what must not be kept, should the receiver echo it."""
    error, detail = _failure(reply)
    return Outcome(
        status=reply.status,
        error=error,
        detail=detail,
        retry_after=retry_after(reply.headers.get("retry-after"), now) if error else None,
        reply=excerpt(reply.body, secrets),
    )


def _failure(reply: Reply) -> tuple[str | None, str | None]:
    status = reply.status
    if 200 <= status <= 299:
        if reply.truncated:
            return "reply_too_large", "A reply to an event should be short, or empty."
        return None, None
    if status == 410:
        return "gone", None
    if 300 <= status <= 399:
        return "redirect", "Install the URL that the receiver redirects to."
    return "status", f"The receiver answered {status}."


def retry_after(value: str | None, now: int) -> int | None:
    """The wait (ms) that a Retry-After header asks for, at most 24 h; None where it says nothing (RFC 9110, 10.2.3)."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        wait = int(text[:12]) * 1_000
    else:
        try:
            date = parsedate_to_datetime(text)
            wait = int(date.replace(tzinfo=date.tzinfo or UTC).timestamp() * 1_000) - now
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    return min(max(wait, 0), RETRY_AFTER_LIMIT)


def excerpt(body: bytes, secrets: Iterable[str] = ()) -> str | None:
    """The start of a reply as printable text, without the secrets; None where there is none."""
    if not body:
        return None
    text = printable(body[:_WINDOW].decode("utf-8", "replace"))
    return redacted(text, secrets)[:EXCERPT_LIMIT] or None


def printable(text: str) -> str:
    """The text in one line: white space as spaces, other control and invisible characters left out."""
    if not text.isprintable():
        text = "".join(
            character if character.isprintable() else " " if character.isspace() else "" for character in text
        )
    return text.strip()


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text with each secret in it replaced."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "[secret]")
    return text


def secrets_of(credentials: Credentials) -> Iterator[str]:
    """All texts of an integration's credentials that must not be kept, longer forms before those that they contain."""
    for secret in (credentials.secret, *(secret for secret, _ in credentials.previous), credentials.key):
        yield secret
        yield secret.removeprefix("whsec_")
    for _, value in credentials.headers:
        yield value
        yield value.rpartition(" ")[2]  # `Bearer <token>`
