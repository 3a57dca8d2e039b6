"""The last day of an integration as a small picture: a bar for each hour, what failed on top of what was delivered.
Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from ringpost.model.point import HOUR, Point

DAY: Final = 24 * HOUR
BARS: Final = 24  # an hour each
HIGH: Final = 18  # pixels
_APART: Final = 5  # pixels from one bar to the next
_WIDE: Final = 4
_LEAST: Final = 2  # pixels of what is there at all


class Health(Struct, frozen=True, kw_only=True):
    """delivered, failed: the bars as SVG paths, empty for none; words: the picture in words."""

    delivered: str
    failed: str
    words: str


def health_of(points: Sequence[Point], since: int) -> Health:
    """The day from `since` (ms) on."""
    delivered, failed = [0] * BARS, [0] * BARS
    for point in points:
        hour = min(BARS - 1, max(0, (point.time - since) // HOUR))
        delivered[hour] += point.delivered
        failed[hour] += point.failed
    most = max((one + other for one, other in zip(delivered, failed, strict=True)), default=0)
    good = bad = ""
    for hour, (one, other) in enumerate(zip(delivered, failed, strict=True)):
        below, above = _high(one, most), _high(other, most)
        below = min(below, HIGH - above)  # what failed is to be seen, however little it is
        good += _bar(hour, HIGH - below, below)
        bad += _bar(hour, HIGH - below - above, above)
    attempts = f"{sum(failed):,} attempt{'' if sum(failed) == 1 else 's'} failed"
    return Health(delivered=good, failed=bad, words=f"last day: {sum(delivered):,} delivered, {attempts}")


def _high(count: int, most: int) -> int:
    return max(_LEAST, round(HIGH * count / most)) if count else 0


def _bar(hour: int, top: int, height: int) -> str:
    return f"M{hour * _APART} {top}h{_WIDE}v{height}h-{_WIDE}z" if height else ""
