"""Answers to requests with an Idempotency-Key, kept for a day in the transaction of what they did.

Runs in the writer's thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import apsw

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Remember, Verdict

from .sql import QUERIES

KEPT_MS: Final = 86_400_000
_DROPPED_AT_ONCE: Final = 50


def remember(connection: apsw.Connection, wanted: Remember, verdicts: Sequence[Verdict], now: int) -> None:
    """Keep the answer; drop a few that are too old. Raises `idempotency_in_flight` where the key has an answer."""
    found = connection.execute(QUERIES["remembered"], (wanted.company, wanted.key, now - KEPT_MS)).get
    if found is not None:
        raise RingpostError("idempotency_in_flight")
    row = (wanted.company, wanted.key, now, wanted.fingerprint, wanted.answer(verdicts))
    connection.execute(QUERIES["remember"], row)
    connection.execute(QUERIES["forget_old"], {"before": now - KEPT_MS, "limit": _DROPPED_AT_ONCE})
