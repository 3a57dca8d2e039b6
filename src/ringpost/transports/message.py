"""What every transmission type sends: an event's body for one integration, and what goes with it.

Pure. The same bytes are signed, sent and sent again; only the fields of the attempt differ. A webhook carries the
fields as headers, SQS as message attributes. `failed` is the way from a failure to an outcome.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from ringpost.model.outcome import Outcome
from ringpost.wire.body import body_of
from ringpost.wire.signature import standard_header, x_signature

from .reply import redacted, secrets_of
from .transport import Sending

X_SIGNATURE: Final = "x-signature"


class Message(Struct, frozen=True):
    """fields: name and value, in the order in which they are sent."""

    body: bytes
    fields: tuple[tuple[str, str], ...]


def message_of(sending: Sending) -> Message:
    """The message of one attempt. Raises `secret_invalid` for a secret that nothing can be signed with."""
    event, credentials = sending.event, sending.credentials
    body = body_of(event, sending.integration.id)
    secrets = [credentials.secret, *(secret for secret, until in credentials.previous if until > sending.now)]
    seconds = sending.now // 1_000
    fields = (
        (X_SIGNATURE, x_signature(credentials.secret, body)),
        ("webhook-id", sending.delivery),
        ("webhook-timestamp", str(seconds)),
        ("webhook-signature", standard_header(secrets, sending.delivery, seconds, body)),
        ("x-ringpost-attempt", str(sending.attempt)),
        ("x-ringpost-sequence", str(event.sequence)),
    )
    return Message(body, (*fields, ("x-ringpost-replay", str(sending.replay))) if sending.replay else fields)


def failed(sending: Sending, error: str, detail: str | None, status: int | None = None) -> Outcome:
    """The outcome of an attempt without an answer."""
    safe = None if detail is None else redacted(detail, secrets_of(sending.credentials))
    return Outcome(status=status, error=error, detail=safe)
