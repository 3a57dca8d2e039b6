"""AWS Signature Version 4 for a POST with a body: the `authorization` header.

Pure; `now` in ms. Written from AWS's "Create a signed AWS API request"
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html). Used by the SQS transport
alone, so: no query string, no session token, no streamed body.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

_ALGORITHM: Final = "AWS4-HMAC-SHA256"


def amz_date(now: int) -> str:
    """The value of `x-amz-date`."""
    return datetime.fromtimestamp(now // 1_000, UTC).strftime("%Y%m%dT%H%M%SZ")


def signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    """The key of one day (YYYYMMDD), region and service."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def authorization(
    *, key: str, secret: str, region: str, service: str, path: str, headers: Mapping[str, str], body: bytes
) -> str:
    """The value of `authorization` for a POST to `path` (as sent).

    key, secret: the access key; headers: those that are signed, with lower-case names, `host` and `x-amz-date` among
    them.
    """
    moment = headers["x-amz-date"]
    day = moment[:8]
    names = sorted(headers)
    signed = ";".join(names)
    lines = "".join([f"{name}:{' '.join(headers[name].split())}\n" for name in names])
    request = f"POST\n{path}\n\n{lines}\n{signed}\n{sha256(body).hexdigest()}"
    scope = f"{day}/{region}/{service}/aws4_request"
    to_sign = f"{_ALGORITHM}\n{moment}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    signature = hmac.digest(signing_key(secret, day, region, service), to_sign.encode(), "sha256").hex()
    return f"{_ALGORITHM} Credential={key}/{scope}, SignedHeaders={signed}, Signature={signature}"
