"""A retry schedule as people write it: `5s,30s,2m,1h,1d`; `none`: one attempt alone; `default`: the settings'. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ringpost.errors import RingpostError

_UNITS: Final = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}  # ms, the longest first
_DELAY: Final = re.compile(r"(\d{1,10})(ms|s|m|h|d)")


def read_delays(text: str) -> list[int] | None:
    """The waits (ms) that a text names; None: those of the settings. Raises `invalid_value`."""
    if text in {"default", "none"}:
        return None if text == "default" else []
    delays = []
    for place, part in enumerate(text.split(",")):
        found = _DELAY.fullmatch(part.strip())
        if found is None:
            raise RingpostError(
                "invalid_value",
                f"{part.strip()[:40]!r} is no wait: write a whole number and ms, s, m, h or d, as in 5s,30s,2m.",
                field=f"retryDelaysMs[{place}]",
            )
        delays.append(int(found[1]) * _UNITS[found[2]])
    return delays


def write_delays(delays: Sequence[int] | None) -> str:
    """The text that `read_delays` reads them from. delays: ms, None: those of the settings."""
    if not delays:
        return "default" if delays is None else "none"
    return ",".join(map(_delay, delays))


def _delay(ms: int) -> str:
    unit, length = next(item for item in _UNITS.items() if ms and ms % item[1] == 0) if ms else ("s", 1)
    return f"{ms // length}{unit}"
