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
from ringpost.model.outcome import BUSY, Outcome

from . import retry


class Conclusion(Struct, frozen=True):
    """result: what is recorded, None where there was no attempt; again: the delivery as it is still owed, None where it
    ended."""

    result: Result | None
    again: Owed | None


def conclude(
    owed: Owed, outcome: Outcome, *, began: int, duration: int, now: int, delays_ms: Sequence[int], jitter: float
) -> Conclusion:
    """began: the time of the attempt; duration: ms; delays_ms, jitter: see `retry.after`."""
    if outcome.error == BUSY:  # nothing was sent, so it does not count: neither in its history nor in its schedule
        return Conclusion(None, msgspec.structs.replace(owed, due=retry.soon(now, jitter)))
    number = owed.attempts + 1
    state: DeliveryState
    if outcome.ok:
        state, due = "delivered", None
    else:
        match retry.after(number - owed.earlier, outcome, now, delays_ms, jitter):
            case retry.At(ms):
                state, due = "pending", ms
            case retry.Exhausted() if outcome.error == "gone" and not owed.replay:
                state, due = (
                    "pending",
                    retry.soon(now, jitter),
                )  # it pauses its integration, which keeps what it is owed
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
