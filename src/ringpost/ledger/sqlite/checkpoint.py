"""Checkpoints: moving what the write-ahead log holds into the database file, so that the log stays bounded.

Most of the work is done by a connection and thread of its own, beside the commits (safe since SQLite 3.51.3, see
https://www.sqlite.org/wal.html, "the WAL-reset bug"). Beside constant commits it never gets to the log's end, and only
at its end can the log begin anew: so the writer, once an answer is out, does the small rest itself. Readers may be in
the way of a new beginning; past a cap the writer waits for them a little.
"""

from __future__ import annotations

import threading
from typing import Final

import apsw
from msgspec import Struct

from .file import BUSY_MS

_MIB: Final = 1 << 20


class Limits(Struct, frozen=True):
    """Sizes of the log in bytes. every: it grew by this, so a checkpoint is due; finish: the writer does the rest;
    cap: the writer waits for readers, up to `patience` (ms)."""

    every: int = 16 * _MIB
    finish: int = 64 * _MIB
    cap: int = 256 * _MIB
    patience: int = 250


class Checkpointer:
    """One for a ledger: `tend` from the writer's thread after each transaction, then `stop`."""

    def __init__(self, writer: apsw.Connection, connection: apsw.Connection, limits: Limits) -> None:
        self._writer = writer
        self._connection = connection
        self._limits = limits
        self._page: int = connection.pragma("page_size")
        self._size = 0
        self._tended = 0  # the log's size at the last checkpoint that was begun
        self._cap = limits.cap
        self._due = threading.Event()
        self._under_way = threading.Lock()
        self._rest = False  # a checkpoint was done beside the commits since the writer's own
        self._stopping = False
        self.is_emptied = True
        self._thread = threading.Thread(target=self._run, name="ringpost-checkpoint", daemon=True)
        writer.set_wal_hook(self._grew)
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._due.set()
        self._thread.join()
        self._connection.close()

    def empty_soon(self) -> None:
        """Cut the log to nothing when it is next tended: what it holds of earlier contents is gone then."""
        self.is_emptied = False

    def tend(self) -> None:
        """See to the log's size. Called by the writer's thread, outside of a transaction."""
        if not self.is_emptied:
            self._empty()
        if self._size < self._tended:
            self._tended, self._cap = 0, self._limits.cap  # it began anew
        if self._size >= self._cap:
            self._begin_anew()
        elif self._rest and self._size >= self._limits.finish:
            self._finish()
        elif self._size - self._tended >= self._limits.every and not self._due.is_set():
            self._tended = self._size
            self._due.set()

    def _grew(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._size = pages * self._page
        return apsw.SQLITE_OK

    def _finish(self) -> None:
        if not self._under_way.acquire(blocking=False):
            return  # it is being done; after it
        try:
            self._rest = False
            _checkpoint(self._writer, apsw.SQLITE_CHECKPOINT_PASSIVE)
        finally:
            self._under_way.release()

    def _empty(self) -> None:
        with self._under_way:
            self._writer.set_busy_timeout(self._limits.patience)
            self.is_emptied = _checkpoint(self._writer, apsw.SQLITE_CHECKPOINT_TRUNCATE)
            self._writer.set_busy_timeout(BUSY_MS)
        if self.is_emptied:
            self._size = 0

    def _begin_anew(self) -> None:
        with self._under_way:
            self._rest = False
            self._writer.set_busy_timeout(self._limits.patience)
            done = _checkpoint(self._writer, apsw.SQLITE_CHECKPOINT_RESTART)
            self._writer.set_busy_timeout(BUSY_MS)
        # A reader that stays, as a backup does, shall not cost every commit the patience.
        self._cap = self._limits.cap if done else self._size + self._limits.finish

    def _run(self) -> None:
        while True:
            self._due.wait()
            if self._stopping:
                return
            with self._under_way:
                self._due.clear()
                if _checkpoint(self._connection, apsw.SQLITE_CHECKPOINT_PASSIVE):
                    self._rest = True


def _checkpoint(connection: apsw.Connection, mode: int) -> bool:
    """Whether it could be done. If not, the log grows on and it is tried again: no commit fails for it."""
    try:
        connection.wal_checkpoint(mode=mode)
    except apsw.Error:
        return False
    return True
