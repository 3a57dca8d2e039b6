"""What was sent with an attempt, as people may see it: made again from what the ledger keeps.

Pure. Only what is certain is told: a signature depends on the secret of then, and a custom header may be a secret, so
these come with their names alone. Called by who shows an attempt.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ringpost.model.delivery import Attempt, delivery_id
from ringpost.model.event import Event
from ringpost.model.integration import TransmissionType

from .message import X_SIGNATURE

MASK: Final = "••••"


def url_shown(url: str) -> str:
    """A target's address for who may see no secret: without the values of its query, which often are keys."""
    base, mark, query = url.partition("?")
    names = [part.partition("=")[0] for part in query.split("&")]
    return base + mark + "&".join(f"{name}={MASK}" for name in names) if mark else base


def fields_shown(
    transmission: TransmissionType, event: Event, attempt: Attempt, custom: Iterable[str] = ()
) -> list[tuple[str, str | None]]:
    """Name and value of each header (or message attribute) in the order in which they were sent; the value None: not
    shown. custom: the names of the integration's own headers, as they are now."""
    is_webhook = transmission == "webhook"
    fields: list[tuple[str, str | None]] = [("content-type", "application/json")] if is_webhook else []
    fields += [
        (X_SIGNATURE if is_webhook else X_SIGNATURE.upper(), None),
        ("webhook-id", delivery_id(attempt.seq, attempt.integration)),
        ("webhook-timestamp", str(attempt.time // 1_000)),
        ("webhook-signature", None),
        ("x-ringpost-attempt", str(attempt.number)),
        ("x-ringpost-sequence", str(event.sequence)),
    ]
    if attempt.replay:
        fields.append(("x-ringpost-replay", str(attempt.replay)))
    return fields + [(name, None) for name in custom] if is_webhook else fields
