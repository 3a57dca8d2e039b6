"""Opening the ledger's file: made where it is missing, ours and no newer, migrated, and held by one process alone.

Blocks; called from a thread. Whatever is wrong is a `RingpostError` that names the file.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from ringpost.errors import RingpostError
from ringpost.ledger.folder import make_folder, sync_folder

from .sql import migrations

APPLICATION_ID: Final = 0x52696E67  # "Ring", see https://www.sqlite.org/pragma.html#pragma_application_id
BUSY_MS: Final = 2_000
_PAGE_BYTES: Final = 8_192
_CACHE_KIB: Final = 65_536
_LOG_KEPT_BYTES: Final = 64 << 20  # writing over blocks that the log has already is cheaper than getting new ones


class Lock:
    """Keeps every other process, and a second ledger in this one, off the file. The kernel lets go of it on a crash."""

    def __init__(self, path: Path) -> None:
        """path: of the ledger. Raises `ledger_in_use`."""
        # The lock has a file of its own: SQLite's own locks would go if we opened and closed the database beside it.
        self._file = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise RingpostError("ledger_in_use", f"{path}: another Ringpost process has this ledger open.") from None

    def release(self) -> None:
        os.close(self._file)


def lock(path: Path) -> Lock:
    """Make the folder (mode 0700) and the file (0600) where they are missing, and lock it."""
    try:
        make_folder(path.parent)
        held = Lock(path)
        if not path.exists():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            sync_folder(path.parent)
    except OSError as error:
        raise RingpostError("ledger_unavailable", f"{path}: {error.strerror}.") from error
    if not path.is_file():
        held.release()
        raise RingpostError("ledger_invalid", f"{path} is not a file.")
    return held


@contextmanager
def opening(path: Path) -> Iterator[None]:
    """Errors of SQLite as what they mean while the file is opened: `ledger_invalid`, `ledger_full`,
    `ledger_unavailable`."""
    try:
        yield
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise RingpostError("ledger_invalid", f"{path} is not a Ringpost ledger, or it is damaged.") from error
    except apsw.FullError as error:
        raise RingpostError("ledger_full", f"{path}: the disk is full.") from error
    except apsw.Error as error:
        raise RingpostError("ledger_unavailable", f"{path}: {error}.") from error


def open_writer(path: Path) -> apsw.Connection:
    """The connection that may write, to a file that is brought to this version. Raises `ledger_invalid` and
    `ledger_newer`."""
    has_log = path.with_name(path.name + "-wal").exists()
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=256)
    try:
        connection.set_busy_timeout(BUSY_MS)
        version = _version(connection, path)
        # SQLite sees that whole pages are gone, but not a part of the last; the log, if there is one, may have it.
        if not has_log and path.stat().st_size % connection.pragma("page_size"):
            raise RingpostError("ledger_invalid", f"{path} is cut off.")
        _prepare(connection, path)
        _migrate(connection, version)
    except BaseException:
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> apsw.Connection:
    """A connection that cannot write."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(BUSY_MS)
    connection.pragma("query_only", True)
    return connection


def open_checkpointer(path: Path) -> apsw.Connection:
    """A connection for checkpoints alone."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.pragma("wal_autocheckpoint", 0)
    connection.pragma("synchronous", "FULL")
    return connection


def _version(connection: apsw.Connection, path: Path) -> int:
    """The version of the file's tables, 0 for an empty file; nothing is changed before it is known to be ours."""
    is_new = connection.pragma("application_id") == 0 and connection.pragma("user_version") == 0
    if is_new and connection.execute("SELECT count(*) FROM sqlite_schema").get == 0:
        return 0
    return check_application(connection, path)


def check_application(connection: apsw.Connection, path: Path) -> int:
    """The version of a file that is a ledger. Raises `ledger_invalid` and `ledger_newer`."""
    version: int = connection.pragma("user_version")
    if connection.pragma("application_id") != APPLICATION_ID:
        raise RingpostError("ledger_invalid", f"{path} is a database of another application.")
    if version > len(migrations()):
        raise RingpostError(
            "ledger_newer",
            f"{path} has version {version}; this Ringpost knows versions up to {len(migrations())}. Install a newer "
            "one, or restore a backup made before it.",
        )
    return version


def _prepare(connection: apsw.Connection, path: Path) -> None:
    connection.pragma("page_size", _PAGE_BYTES)  # holds for a file that is still empty
    if connection.pragma("journal_mode", "wal") != "wal":
        raise RingpostError("ledger_unavailable", f"{path}: the file system cannot hold a write-ahead log.")
    connection.pragma("synchronous", "FULL")
    connection.pragma("wal_autocheckpoint", 0)
    connection.pragma("journal_size_limit", _LOG_KEPT_BYTES)
    connection.pragma("cache_size", -_CACHE_KIB)
    connection.pragma("trusted_schema", False)
    # What is forgotten, erased or replaced is overwritten, not left in pages that are free.
    connection.pragma("secure_delete", True)


def _migrate(connection: apsw.Connection, version: int) -> None:
    """Run the scripts that the file has not seen, each in a transaction with the version that it leads to."""
    for number, script in enumerate(migrations()[version:], version + 1):
        with connection:
            connection.execute(script)
            connection.pragma("application_id", APPLICATION_ID)
            connection.pragma("user_version", number)
