"""The front door of backups: a copy of a ledger, whole or not there at all. Called by `ringpost backup`.

Promise: the file has its name only once all of it is on disk; it is readable by its owner alone; what the ledger
accepted before the copy began is in it. To restore it is to put it in the ledger's place. What is said here of SQLite
files is for each back end to say of itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ringpost.errors import RingpostError

from .folder import sync_folder
from .sqlite.copy import copy, is_ledger_file


def back_up(ledger: Path, target: Path, *, force: bool, progress: Callable[[int, int], None]) -> int:
    """Copy the ledger into the file `target`; its size (bytes). force: overwrite an older copy of that name.

    Nothing else is ever overwritten: in the ledger's own folder are its log and the sealing key.
    progress: bytes done, and of how many. Blocks. Raises `backup_exists`, `backup_failed`, `ledger_invalid`,
    `ledger_unavailable`.
    """
    if not ledger.is_file():
        raise RingpostError("ledger_invalid", f"There is no ledger at {ledger}.", field="ledger")
    if target.resolve().parent == ledger.resolve().parent and target.name.startswith(ledger.name):
        raise RingpostError("backup_exists", f"{target} is a name of the ledger itself. Use another.", field="file")
    if target.exists():
        if not force:
            raise RingpostError("backup_exists", f"{target} is there already.", field="file")
        if not target.is_file() or target.samefile(ledger) or not is_ledger_file(target):
            raise RingpostError(
                "backup_exists",
                f"{target} is there already, and is no copy of a ledger. Use another name.",
                field="file",
            )
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise RingpostError("backup_failed", f"{part.parent}: {error.strerror}.", field="file") from error
    try:
        copy(ledger, part, progress)
        size = part.stat().st_size
        part.replace(target)
        sync_folder(target.absolute().parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return size
