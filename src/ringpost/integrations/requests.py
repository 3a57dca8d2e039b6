"""What a client asks for when it installs or edits an integration, and the checks that need no network.

The shapes are the API's request bodies. A refusal names the field.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from ringpost.errors import RingpostError
from ringpost.intake.match import check_filter
from ringpost.model.integration import TRANSMISSION_TYPES, Credentials
from ringpost.settings import Settings
from ringpost.transports.egress import check_target, parse_networks
from ringpost.transports.headers import check_headers
from ringpost.transports.sqs import check_queue_url
from ringpost.wire.signature import check_secret

_KEY_LENGTH: Final = range(16, 129)  # AWS: AccessKeyId has 16 to 128 characters (IAM API reference, AccessKey)

PREVIOUS_KEPT: Final = 4  # old secrets that are signed with at once: each makes the header longer
MOST_DELAYS: Final = 50
LONGEST_DELAY: Final = 2_592_000_000  # ms: 30 days

Name = Annotated[str, Meta(min_length=1, max_length=100, description="A name for people.")]
Url = Annotated[str, Meta(max_length=2048, description="The webhook's URL, or the URL of the SQS queue.")]
Filter = Annotated[
    list[str],
    Meta(max_length=20, description="Event types that are wanted: call:start, call:*, * (all of calls), notice:* …"),
]
Headers = Annotated[dict[str, str], Meta(description="Custom headers of every POST (webhook alone).")]
Secret = Annotated[str, Meta(max_length=256, description="The signing secret, or the AWS secret key.")]
RetryDelays = Annotated[
    list[Annotated[int, Meta(ge=0, le=LONGEST_DELAY)]],
    Meta(
        max_length=MOST_DELAYS,
        description="The waits before the second and each later attempt (ms); after the last the delivery is "
        "exhausted. Null: those of the service's settings.",
    ),
]


class InstallRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    """Install an integration. An SQS one needs `key` and `secret`; a webhook's secret is made where none is given."""

    type: Annotated[str, Meta(description="webhook or sqs")]
    url: Url
    filter: Filter | UnsetType = UNSET
    name: Name | None = None
    key: Annotated[str, Meta(max_length=128, description="The AWS access key id (sqs alone).")] | None = None
    secret: Secret | None = None
    headers: Headers | None = None
    retryDelaysMs: RetryDelays | None = None  # noqa: N815 - the API's own name, as those below

    def __repr__(self) -> str:
        return f"InstallRequest({self.type!r}, …)"  # secrets are in it, as in the two below


class EditRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    """Change what is given; null clears `name`, `headers` and `retryDelaysMs`. The type is fixed; secrets change by
    rotation."""

    type: str | UnsetType = UNSET
    url: Url | UnsetType = UNSET
    filter: Filter | UnsetType = UNSET
    name: Name | UnsetType | None = UNSET
    headers: Headers | UnsetType | None = UNSET
    retryDelaysMs: RetryDelays | UnsetType | None = UNSET  # noqa: N815

    def __repr__(self) -> str:
        return "EditRequest(…)"


class RotateRequest(Struct, kw_only=True, forbid_unknown_fields=True):
    """A new secret (a webhook's is made where none is given); for SQS the new AWS key and secret."""

    secret: Secret | None = None
    key: Annotated[str, Meta(max_length=128)] | None = None
    graceMs: Annotated[int, Meta(ge=0, le=2_592_000_000)] | None = None  # noqa: N815

    def __repr__(self) -> str:
        return "RotateRequest(…)"


def check_type(kind: str) -> None:
    """Raises `invalid_value`."""
    if kind not in TRANSMISSION_TYPES:
        raise RingpostError(
            "invalid_value", f"{kind[:40]!r} is no transmission type; use webhook or sqs.", field="type"
        )


def check_url(kind: str, url: str, settings: Settings) -> str | None:
    """The host name to look up, for a webhook whose URL names one. Raises what is wrong with the URL."""
    if kind == "sqs":
        check_queue_url(url, settings.allow_sqs_hosts)
        return None
    target = check_target(url, parse_networks(settings.allow_networks))
    return None if target.is_address else target.host


def wanted_filter(wanted: list[str] | UnsetType) -> tuple[str, ...]:
    return ("*",) if wanted is UNSET else check_filter(wanted)


def wanted_delays(wanted: list[int] | None) -> tuple[int, ...] | None:
    """The retry schedule; None: that of the settings."""
    return None if wanted is None else tuple(wanted)


def new_credentials(request: InstallRequest, generated: str) -> Credentials:
    """The credentials of a new integration. Raises `missing_field`, `secret_invalid`, `invalid_value`, headers'."""
    if request.type == "sqs":
        key, secret = _aws(request.key, request.secret)
        if request.headers:
            raise RingpostError("invalid_value", "Custom headers are for webhooks alone.", field="headers")
        return Credentials(key=key, secret=secret)
    if request.key:
        raise RingpostError("invalid_value", "`key` is for sqs alone; a webhook has a secret only.", field="key")
    if request.secret is not None:
        check_secret(request.secret)
    return Credentials(secret=request.secret or generated, headers=check_headers(request.headers or {}))


def rotated(
    old: Credentials, kind: str, request: RotateRequest, *, generated: str, now: int, grace: int
) -> Credentials:
    """The credentials after a rotation; the old secret is signed with for the grace time (ms) still."""
    if kind == "sqs":
        key, secret = _aws(request.key, request.secret)
    else:
        if request.key:
            raise RingpostError("invalid_value", "`key` is for sqs alone.", field="key")
        if request.secret is not None:
            check_secret(request.secret)
        key, secret = "", request.secret or generated
    # Those that are in their grace time still: a second rotation must not cut that of the first short.
    kept = [(previous, end) for previous, end in old.previous if end > now][: PREVIOUS_KEPT - 1]
    return Credentials(key=key, secret=secret, headers=old.headers, previous=((old.secret, now + grace), *kept))


def _aws(key: str | None, secret: str | None) -> tuple[str, str]:
    if not key:
        raise RingpostError("missing_field", "An SQS integration needs `key`, the AWS access key id.", field="key")
    if not secret:
        raise RingpostError("missing_field", "An SQS integration needs `secret`, the AWS secret key.", field="secret")
    if len(key) not in _KEY_LENGTH or not (key.isascii() and key.isalnum()):
        raise RingpostError(
            "invalid_value", "An AWS access key id has 16 to 128 letters and digits, as in AKIA….", field="key"
        )
    if not (secret.isascii() and secret.isprintable() and 8 <= len(secret) <= 256 and " " not in secret):
        raise RingpostError("secret_invalid", "An AWS secret key has printable characters alone.", field="secret")
    return key, secret
