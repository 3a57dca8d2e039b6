"""The keys and signatures of a body, as Ringpost and Standard Webhooks make them. Pure.

`x-signature` is the lower-case hex HMAC-SHA256 of the body, keyed by the UTF-8 bytes of the whole secret. Standard
Webhooks (https://github.com/standard-webhooks/standard-webhooks, spec) signs `<id>.<timestamp>.<body>`, keyed by what
follows `whsec_`, decoded from base64; a secret without `whsec_` is a key by its UTF-8 bytes. No secret is ever part of
an error.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode

PREFIX = "whsec_"


def x_signature(key: bytes, body: bytes) -> str:
    """The value of `x-signature`."""
    return hmac.new(key, body, hashlib.sha256).hexdigest()


def standard_signature(key: bytes, webhook_id: str, timestamp: str, body: bytes) -> str:
    """One signature of `webhook-signature`: `v1,<base64>`. timestamp: the text of `webhook-timestamp`."""
    signed = b".".join((webhook_id.encode(), timestamp.encode(), body))
    return "v1," + b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def standard_key(secret: str) -> bytes:
    """Raises ValueError where what follows `whsec_` is not base64."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        key = b64decode(secret[len(PREFIX) :], validate=True)
    except ValueError:
        key = b""
    if not key:
        raise ValueError("the secret begins with whsec_, but what follows is not base64: it was not copied whole")
    return key


def same(one: str, other: str) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))
