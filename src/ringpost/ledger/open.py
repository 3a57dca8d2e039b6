"""The front door: which back end a ledger has is decided here, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from ringpost.errors import RingpostError

from .ledger import Ledger
from .sqlite.store import SqliteLedger


async def open_ledger(path: Path, *, now: Callable[[], int]) -> Ledger:
    """Open the ledger in this SQLite file; it and its folder are made where they are missing (modes 0600, 0700).

    now: the clock (ms since the epoch); it is called in another thread too. Raises `settings_invalid` for a URL,
    `ledger_in_use`, `ledger_newer`, `ledger_invalid`, `ledger_full` or `ledger_unavailable`.
    """
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/", str(path)):
        raise RingpostError(
            "settings_invalid", "The ledger is given as the path of a file; other kinds are not there.", field="ledger"
        )
    return await SqliteLedger.open(path, now)
