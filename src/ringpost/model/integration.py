"""An integration: an installed target of a company.

The ledger keeps what is secret as one sealed blob (`Integration.sealed`); `access.vault` opens it to `Credentials`.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

TransmissionType = Literal["webhook", "sqs"]
IntegrationState = Literal["active", "paused", "deleted"]
PauseReason = Literal["asked", "gone", "failing"]
TRANSMISSION_TYPES: Final[tuple[TransmissionType, ...]] = ("webhook", "sqs")


class Integration(Struct, frozen=True, kw_only=True):
    """One installed target.

    id: 6 characters of 0-9a-z, unique in the ledger; url: the webhook's target or the SQS queue's URL;
    filter: event types and patterns (`call:start`, `call:*`, `*`, `notice:*`); retry_delays_ms: the waits before the
    second and each later attempt, None: those of the settings; paused, pause_reason: since when it is paused (ms), and
    whether someone asked for it, its receiver answered 410 Gone, or it only failed for too long; sealed: `Credentials`,
    sealed at rest.
    """

    company: str
    id: str
    type: TransmissionType
    name: str | None
    url: str
    filter: tuple[str, ...]
    state: IntegrationState
    created: int
    updated: int
    sealed: bytes
    retry_delays_ms: tuple[int, ...] | None = None
    paused: int | None = None
    pause_reason: PauseReason | None = None


class Credentials(Struct, frozen=True, kw_only=True):
    """What of an integration is secret.

    key: the AWS access key id, empty for a webhook; secret: the webhook's signing secret, or the AWS secret key;
    headers: the custom headers; previous: secrets before
    it, the latest first, each still signed with beside `secret` until a time (ms).
    """

    key: str = ""
    secret: str
    headers: tuple[tuple[str, str], ...] = ()
    previous: tuple[tuple[str, int], ...] = ()

    def __repr__(self) -> str:
        return "Credentials(…)"  # a secret in a log or a traceback would be a leak
