"""Signatures of a body: `x-signature`, and beside it Standard Webhooks' `webhook-signature`; and what a secret may be.

Formats: `x-signature` is the lower-case hex HMAC-SHA256 of the body, keyed by the UTF-8 bytes of the whole secret.
Standard Webhooks (https://github.com/standard-webhooks/standard-webhooks, spec) signs `<id>.<timestamp>.<body>` and
keys by what follows `whsec_`, decoded from base64. Libraries for it guess at secrets of any other form, each in its own
way; with the secret's `standard_form` all of them verify.

Pure, standard library alone. Called by the transports for each attempt, and by the inbox to verify. No secret is ever
part of an error.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import Final

from ringpost.errors import RingpostError

PREFIX: Final = "whsec_"
_CHARACTERS: Final = range(8, 257)
_KEY_BYTES: Final = range(24, 65)  # Standard Webhooks, "Signature scheme": 24 to 64 bytes
_DIGEST: Final = "sha256"


def x_signature(secret: str, body: bytes) -> str:
    """The value of `x-signature`."""
    return hmac.digest(secret.encode(), body, _DIGEST).hex()


def standard_key(secret: str) -> bytes:
    """The key that Standard Webhooks signs with. Raises `secret_invalid` for a `whsec_` without valid base64."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    text = secret.removeprefix(PREFIX)
    try:
        key = b64decode(text)
    except ValueError:
        key = b""
    if not key or b64encode(key).decode() != text:  # what is only nearly base64, decoders read in different ways
        raise RingpostError("secret_invalid", f"What follows {PREFIX} is not valid base64.", field="secret")
    return key


def standard_signature(key: bytes, webhook_id: str, timestamp_s: int | str, body: bytes) -> str:
    """One signature, `v1,<base64>`. webhook_id: without a dot, as dots part what is signed; timestamp_s: seconds."""
    signed = b"%b.%b.%b" % (webhook_id.encode(), str(timestamp_s).encode(), body)
    return "v1," + b64encode(hmac.digest(key, signed, _DIGEST)).decode()


def standard_header(secrets: Iterable[str], webhook_id: str, timestamp_s: int, body: bytes) -> str:
    """The value of `webhook-signature`: a signature for each secret; during a rotation the new one comes first."""
    return " ".join([standard_signature(standard_key(secret), webhook_id, timestamp_s, body) for secret in secrets])


def standard_form(secret: str) -> str:
    """The `whsec_` form of a secret, with which every Standard Webhooks library verifies."""
    return secret if secret.startswith(PREFIX) else PREFIX + b64encode(secret.encode()).decode()


def make_secret(random: bytes) -> str:
    """A new secret out of 24 to 64 random bytes, 32 as a rule."""
    if len(random) not in _KEY_BYTES:
        raise ValueError("a secret is made of 24 to 64 bytes")
    return PREFIX + b64encode(random).decode()


def check_secret(secret: str) -> None:
    """Raises `secret_invalid` for a secret that cannot be signed with, or not by every receiver's library alike."""
    if len(secret) not in _CHARACTERS or not secret.isprintable():
        raise RingpostError("secret_invalid", field="secret")
    if secret.startswith(PREFIX) and len(standard_key(secret)) not in _KEY_BYTES:
        raise RingpostError(
            "secret_invalid", f"What follows {PREFIX} must be base64 of 24 to 64 bytes.", field="secret"
        )


def verify_x(secret: str, body: bytes, signature: str) -> bool:
    """Whether `x-signature` is right, in constant time."""
    return hmac.compare_digest(x_signature(secret, body).encode(), signature.encode())


def verify_standard(secret: str, webhook_id: str, timestamp_s: str, body: bytes, header: str) -> bool:
    """Whether one signature of a `webhook-signature` header is right, in constant time.

    timestamp_s: the text of `webhook-timestamp`. Whether it is recent is for the caller to judge, who has a clock.
    """
    expected = standard_signature(standard_key(secret), webhook_id, timestamp_s, body).encode()
    return any(hmac.compare_digest(expected, given.encode()) for given in header.split(" "))
