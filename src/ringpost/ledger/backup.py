"""The front door of backups: a copy of a ledger, whole or not there at all. Called by `ringpost backup`.

Promise: the file has its name only once all of it is on disk; it is readable by its owner alone; what the ledger
accepted before the copy began is in it. To restore it is to put it in the ledger's place. What is said here of SQLite
files is for each back end to say of itself.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ringpost.errors import RingpostError

from .folder import sync_folder
from .sqlite.copy import copy, is_ledger_file

_LEFT_AFTER: Final = 600  # seconds without a write: a copy that goes on writes all the time, also from another machine


def back_up(ledger: Path, target: Path, *, force: bool, progress: Callable[[int, int], None]) -> int:
    """Copy the ledger into the file `target`; its size (bytes). force: overwrite an older copy of that name.

    Nothing else is ever overwritten: in the ledger's own folder are its log and the sealing key. What a copy of this
    name that was killed left behind is removed.
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
    _remove_left(target)
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


def _remove_left(target: Path) -> None:
    """Remove the parts of this name whose process is gone. What cannot be removed stays: it only takes space."""
    pattern = re.compile(re.escape(f".{target.name}.") + r"\d{1,10}")
    try:
        parts = [part for part in target.absolute().parent.iterdir() if pattern.fullmatch(part.name)]
    except OSError:
        return  # the folder is not there: what is written next says so
    for part in parts:
        try:
            is_old = time.time() - part.lstat().st_mtime > _LEFT_AFTER
            if (
                is_old
                and not _is_running(int(part.name.rpartition(".")[2]))
                and part.is_file()
                and not part.is_symlink()
                and is_ledger_file(part)
            ):
                part.unlink()
        except OSError:
            continue


def _is_running(pid: int) -> bool:
    """Whether a process other than this one has the number: in a container each run may have the same."""
    if pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
