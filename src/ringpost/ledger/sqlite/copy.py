"""A consistent copy of the file, beside a service that goes on writing to it, and without one.

One snapshot: the connection that is copied from cannot write, and holds one read transaction. Nobody waits for it; the
log only grows on until it is over. (Beside VACUUM INTO it takes half of the time, and the slowest commit meanwhile took
9 ms instead of 140.) Blocks; called from a thread or a command.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw

from ringpost.errors import RingpostError

from .file import APPLICATION_ID, check_application, open_reader, opening

_HEAD: Final = 100  # bytes
_PAGES: Final = 256  # at once, 2 MiB
_SYNC_EVERY: Final = 32  # times: what is written at the end in one go would hold up the commits' own syncs


def is_ledger_file(path: Path) -> bool:
    """Whether a file is a ledger, by its head, or empty. See https://www.sqlite.org/fileformat2.html, "The Database
    Header"."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    is_ours = head[:16] == b"SQLite format 3\0" and int.from_bytes(head[68:72]) == APPLICATION_ID
    return not head or is_ours


def copy(path: Path, part: Path, progress: Callable[[int, int], None]) -> None:
    """Write a copy into the file `part`, which is empty. progress: bytes done, and of how many.

    Raises `ledger_invalid`, `ledger_unavailable` for the ledger, `backup_failed` for the copy.
    """
    with opening(path), closing(open_reader(path)) as source:
        source.execute("BEGIN")
        check_application(source, path)
        page: int = source.pragma("page_size")
        try:
            _copy(source, part, page, progress)
        except (apsw.FullError, apsw.IOError, apsw.CantOpenError, OSError) as error:
            what = "the disk is full" if isinstance(error, apsw.FullError) or _is_full(part) else str(error)
            message = f"{part.parent}: {what}. The ledger is as it was."
            raise RingpostError("backup_failed", message, field="file") from error


def _is_full(part: Path) -> bool:
    room = os.statvfs(part.parent)
    return room.f_bavail == 0


def _copy(source: apsw.Connection, part: Path, page: int, progress: Callable[[int, int], None]) -> None:
    descriptor = os.open(part, os.O_RDWR | os.O_CLOEXEC)
    try:
        with closing(apsw.Connection(str(part), flags=apsw.SQLITE_OPEN_READWRITE)) as target:
            target.pragma("synchronous", "OFF")  # it is synced here, and has its name only after that
            target.pragma("journal_mode", "OFF")
            with target.backup("main", source, "main") as copying:
                steps = 0
                while not copying.done:
                    copying.step(_PAGES)
                    steps += 1
                    if steps % _SYNC_EVERY == 0:
                        os.fdatasync(descriptor)
                    progress((copying.page_count - copying.remaining) * page, copying.page_count * page)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
