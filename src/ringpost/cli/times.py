"""Times as people type them: `2h`, `3d`, or ISO 8601 (https://www.rfc-editor.org/rfc/rfc3339)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

import rich_click as click

from ringpost.clock import wall_clock

_RELATIVE: Final = re.compile(r"(\d{1,6})([smhdw])")
_UNITS_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


class Time(click.ParamType[int]):
    """An option's value as milliseconds since the Unix epoch; one without a zone is in UTC, as lists show them."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return read_time(str(value), wall_clock())
        except ValueError:
            self.fail(f"{value!r} is neither a time as 2026-11-25T12:00 (UTC) nor an age as 45m, 2h, 3d.", param, ctx)


def read_time(text: str, now: int) -> int:
    """The time in a text (ms); an age goes back from now (ms). Raises `ValueError`."""
    relative = _RELATIVE.fullmatch(text)
    if relative is not None:
        return max(now - int(relative[1]) * _UNITS_MS[relative[2]], 0)
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return max(round(time.timestamp() * 1_000), 0)


def show_time(ms: int) -> str:
    """In UTC, to the second."""
    return datetime.fromtimestamp(ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
