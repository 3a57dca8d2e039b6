"""Requests as the server sends them, made by the server's own code: what is tested here shares none with it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Final

from ringpost.wire.catalog import EVENT_CATALOG
from ringpost.wire.signature import standard_header, x_signature

NOW: Final = 1_764_000_000  # seconds
SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
PLAIN: Final = "a plain secret of theirs"
BODY: Final = json.dumps(EVENT_CATALOG["call:end"].example, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True)
class Sent:
    body: bytes
    headers: dict[str, str]

    def but(self, body: bytes | None = None, **headers: str | None) -> Sent:
        """With another body or other headers (`_` for `-`); None leaves a header out."""
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        kept = {name: value for name, value in {**self.headers, **changed}.items() if value is not None}
        return replace(self, body=self.body if body is None else body, headers=kept)


def sent(
    *secrets: str, body: bytes = BODY, at: int = NOW, delivery: str = "dlv_0001", attempt: int = 1, **more: Any
) -> Sent:
    """secrets: the newest first, as during a rotation."""
    given = secrets or (SECRET,)
    return Sent(
        body,
        {
            "x-signature": x_signature(given[0], body),
            "webhook-id": delivery,
            "webhook-timestamp": str(at),
            "webhook-signature": standard_header(given, delivery, at, body),
            "x-ringpost-attempt": str(attempt),
            "x-ringpost-sequence": "3",
            **{name.replace("_", "-"): str(value) for name, value in more.items()},
        },
    )
