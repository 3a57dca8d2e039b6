"""Recording attempts within a transaction. Runs in the writer's thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import apsw
import msgspec

from ringpost.ledger.ledger import Result

from .jobs import Record
from .rows import number_of
from .sql import QUERIES, Many

_ADD_ATTEMPTS: Final = Many(QUERIES["add_attempts"])
_SETTLE_DELIVERIES: Final = Many(QUERIES["settle_deliveries"])


def record(connection: apsw.Connection, jobs: Sequence[Record]) -> None:
    """Keep the attempts of all jobs. Of several results of one delivery the first that ends it counts, or the last."""
    attempts: list[apsw.SQLiteValue] = []
    last: dict[tuple[str, int, str], Result] = {}
    for job in jobs:
        for result in job.results:
            a = result.attempt
            attempts += (
                a.company, a.seq, a.integration, a.number, a.time, a.duration, a.status, a.error, a.detail, a.reply,
                a.replay,
            )  # fmt: skip
            before = last.get((a.company, a.seq, a.integration))
            if before is None or before.state == "pending":
                last[a.company, a.seq, a.integration] = result
    deliveries: list[apsw.SQLiteValue] = []
    for result in last.values():
        a = result.attempt
        due = (result.due or 0) if result.state == "pending" else None
        deliveries += (
            a.company, a.seq, a.integration, number_of(result.state, a.error), due, a.number, a.time + a.duration,
            a.status, a.error,
        )  # fmt: skip
    _ADD_ATTEMPTS.run(connection, attempts)
    _SETTLE_DELIVERIES.run(connection, deliveries)
    for job in jobs:
        for (company, integration), failing in job.failings.items():
            if failing is None:
                connection.execute(QUERIES["drop_failing"], (company, integration))
            else:
                connection.execute(QUERIES["keep_failing"], msgspec.structs.astuple(failing))
