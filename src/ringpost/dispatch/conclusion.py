"""What an attempt came to: the result for the ledger, and what is still owed.

Pure; the dispatcher calls it after each attempt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import msgspec
from msgspec import Struct

from ringpost.ledger.ledger import Result
from ringpost.model.delivery import Attempt, DeliveryState, Owed
from ringpost.model.outcome import Outcome

from . import retry


class Conclusion(Struct, frozen=True):
    """again: the delivery as it is still owed, None where it ended."""

    result: Result
    again: Owed | None


def conclude(
    owed: Owed, outcome: Outcome, *, began: int, duration: int, now: int, delays_ms: Sequence[int], jitter: float
) -> Conclusion:
    """began: the time of the attempt; duration: ms; delays_ms, jitter: see `retry.after`."""
    number = owed.attempts + 1
    state: DeliveryState
    if outcome.ok:
        state, due = "delivered", None
    else:
        match retry.after(number - owed.earlier, outcome, now, delays_ms, jitter):
            case retry.At(ms):
                state, due = "pending", ms
            case retry.Exhausted():
                state, due = "exhausted", None
            case never:
                assert_never(never)
    attempt = Attempt(
        company=owed.company,
        seq=owed.seq,
        integration=owed.integration,
        number=number,
        time=began,
        duration=duration,
        status=outcome.status,
        error=outcome.error,
        detail=outcome.detail,
        reply=outcome.reply,
        replay=owed.replay,
    )
    again = None if due is None else msgspec.structs.replace(owed, attempts=number, due=due)
    return Conclusion(Result(attempt=attempt, state=state, due=due), again)
