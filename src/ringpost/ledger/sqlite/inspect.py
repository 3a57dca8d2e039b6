"""Looks at a ledger's file without changing it, wherever it lies, also beside a running service. Blocks.

A file without a log beside it is taken as one that nobody writes to, and nothing at all is made beside it. Beside a log
that a killed service left, SQLite makes its index of the log (`-shm`), which the next start uses.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

import apsw

from ringpost.errors import RingpostError
from ringpost.ledger.inspection import Inspection, Sealed

from .backlog import owing
from .file import check_application, open_reader, opening
from .sql import QUERIES, migrations

_TICK: Final = 10_000  # of SQLite's steps, which are pages or instructions
_PROBLEMS: Final = 5


def inspect(path: Path, tick: Callable[[], None]) -> Inspection:
    """Raises `ledger_invalid`, `ledger_newer`, `ledger_unavailable`."""
    is_live = _has_log(path)
    found = _inspect(path, is_live, tick)
    if found.problems and not is_live and _has_log(path):  # a service began to write meanwhile
        return _inspect(path, True, tick)
    return found


def _has_log(path: Path) -> bool:
    return any(path.with_name(path.name + end).exists() for end in ("-wal", "-shm"))


def _inspect(path: Path, is_live: bool, tick: Callable[[], None]) -> Inspection:
    with opening(path), closing(open_reader(path) if is_live else _open_still(path)) as connection:
        connection.execute("BEGIN")
        version = check_application(connection, path)
        newest = len(migrations())
        if not is_live and path.stat().st_size % connection.pragma("page_size"):
            raise RingpostError("ledger_invalid", f"{path} is cut off.")
        problems = _problems(connection, tick)
        if problems or version < newest:
            return Inspection(version=version, newest=newest, size=path.stat().st_size, problems=problems)
        pending = owing(connection)
        return Inspection(
            version=version,
            newest=newest,
            size=path.stat().st_size,
            last=connection.execute(QUERIES["last_seq"]).get,
            owed=sum(count for _, _, count in pending),
            failing=sum(connection.execute(QUERIES["failing_count"], (of, name)).get for of, name, _ in pending),
            sealed=tuple(Sealed(*row) for row in connection.execute(QUERIES["sealed"])),
        )


def _open_still(path: Path) -> apsw.Connection:
    """See https://www.sqlite.org/uri.html, "immutable"."""
    uri = f"file:{quote(str(path.absolute()))}?immutable=1"
    return apsw.Connection(uri, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)


def _problems(connection: apsw.Connection, tick: Callable[[], None]) -> tuple[str, ...]:
    def go_on() -> bool:
        tick()
        return False

    connection.set_progress_handler(go_on, _TICK)
    try:
        rows = connection.execute(f"PRAGMA quick_check({_PROBLEMS})").fetchall()
    except apsw.CorruptError as error:
        return (str(error),)
    finally:
        connection.set_progress_handler(None)
    return tuple(str(row[0]) for row in rows if row[0] != "ok")
