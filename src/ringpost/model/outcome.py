"""How an attempt went, in the words that retry policy, ledger, API and console share."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

BUSY: Final = "busy"

# Why an attempt failed: the code, and the reason in words for a person.
FAILURES: Final[dict[str, str]] = {
    "status": "The receiver answered with a status outside of 200-299.",
    "redirect": "The receiver answered with a redirect; redirects are not followed.",
    "gone": "The receiver answered 410 Gone.",
    "timeout": "The receiver did not finish its answer in time.",
    "dns": "The host name could not be resolved.",
    "address_refused": "The host name leads to an address that is not public.",
    "connect": "No connection could be made.",
    "tls": "The TLS handshake failed.",
    "reset": "The connection was closed before the answer was complete.",
    "protocol": "The answer was not valid HTTP.",
    "reply_too_large": "The answer was larger than is read.",
    "sqs": "SQS refused the message.",
    "sqs_credentials": "AWS refused the access key or its rights.",
    "sqs_queue": "The queue does not exist.",
    BUSY: "Ringpost itself is short of file descriptors; this was no attempt, and another follows soon.",
    "sealed": "The integration's secrets could not be opened with this sealing key.",
    "internal": "Something went wrong on our side; see the service's log.",
}


class Outcome(Struct, frozen=True, kw_only=True):
    """The result of one attempt.

    status: HTTP status, where there was one; error: a code of `FAILURES`, None for a success; detail: more about it in
    words, free of secrets; retry_after: the least wait that the receiver asked for (ms); reply: its start.
    """

    status: int | None = None
    error: str | None = None
    detail: str | None = None
    retry_after: int | None = None
    reply: str | None = None

    @property
    def ok(self) -> bool:
        return self.error is None
