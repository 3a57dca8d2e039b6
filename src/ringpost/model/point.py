"""Counts of a span of time, for the curves of the console: what was accepted, delivered and not, and how fast.

A point is about one integration, about a company (no integration), or about the whole service (no company either).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

MINUTE: Final = 60_000  # ms; the span of a company's points
QUARTER: Final = 900_000  # ms; the span of an integration's: there may be thousands of them
HOUR: Final = 3_600_000  # ms; the span of all that are older than two days

# From acceptance to delivery: a latency belongs to the first of these that it is not above (ms), or to one class more.
LATENCIES: Final = (10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000, 60_000, 600_000)
NO_LATENCIES: Final = (0,) * (len(LATENCIES) + 1)


class Point(Struct, frozen=True, kw_only=True):
    """time: when the span begins (ms); calls: that started; events: accepted, notices too; delivered, exhausted:
    deliveries that ended so; failed: attempts that failed; latencies: how many deliveries each class has, those of
    replays left out."""

    company: str
    integration: str
    span: int
    time: int
    calls: int = 0
    events: int = 0
    delivered: int = 0
    failed: int = 0
    exhausted: int = 0
    latencies: tuple[int, ...] = NO_LATENCIES


def percentile(latencies: Sequence[int], share: float) -> int | None:
    """The latency (ms) that such a share (0 to 1) of deliveries did not exceed, as near as the classes tell it; None
    where there were none. What is beyond the last class counts as that."""
    total = sum(latencies)
    if not total:
        return None
    left = share * total
    low = 0
    for high, count in zip(LATENCIES, latencies, strict=False):
        if count and left <= count:
            return round(low + (high - low) * left / count)
        left -= count
        low = high
    return LATENCIES[-1]
