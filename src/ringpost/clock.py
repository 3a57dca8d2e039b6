"""The wall clock, as every shell passes it on: what decides gets the time as an argument and never looks here."""

from __future__ import annotations

import time


def wall_clock() -> int:
    """Milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000
