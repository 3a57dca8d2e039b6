"""The front door of checks: looks at a ledger, or a backup of one, and changes nothing. Called by `ringpost doctor`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ringpost.errors import RingpostError

from .inspection import Inspection
from .sqlite.inspect import inspect


def check_ledger(path: Path, tick: Callable[[], None]) -> Inspection:
    """tick: called now and then, for a large ledger takes its time. Blocks.

    Raises `ledger_invalid` (not there, not a ledger, cut off), `ledger_newer`, `ledger_unavailable`.
    """
    if not path.is_file():
        raise RingpostError("ledger_invalid", f"There is no ledger at {path}.", field="ledger")
    return inspect(path, tick)
