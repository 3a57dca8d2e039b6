"""Each delivery handled once, although it may come more than once: Ringpost sends it again until it is told 2xx.

    once = Once(SqliteStore("seen.db"))
    with once(delivery) as is_new:
        if is_new:
            handle(delivery)

What raised inside is forgotten, so that the next try is handled; what ended is known again for two weeks. A replay that
somebody asked for is another delivery of its own, and is handled again. While the same delivery is being handled
elsewhere, `BusyError` is raised: answer 503, and it comes again.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Protocol, Union

from .events import Delivery

NEW, BUSY, DONE = "new", "busy", "done"
KEPT_S = 14 * 86_400  # Ringpost tries for some days at the most
BUSY_S = 300  # a handler that has not ended by then is taken for dead
MOST = 100_000


class BusyError(Exception):
    """The same delivery is being handled at this moment."""


class Store(Protocol):
    """Where what was handled is kept. Each method is whole or not at all, whoever calls it at the same time."""

    def begin(self, key: str, now_s: float) -> str:
        """NEW: it is ours to handle, and BUSY for others from now on; BUSY; DONE."""

    def end(self, key: str, now_s: float) -> None:
        """It is handled."""

    def forget(self, key: str) -> None:
        """It was not handled: the next begin is NEW."""


class Once:
    """now_s: the clock, in seconds."""

    def __init__(self, store: Store, now_s: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now_s = now_s

    @contextmanager
    def __call__(self, delivery: Delivery) -> Iterator[bool]:
        """Whether it is to be handled. Raises `BusyError`; ValueError for a delivery without an id."""
        key = key_of(delivery)
        found = self._store.begin(key, self._now_s())
        if found == BUSY:
            raise BusyError(f"{key} is being handled at this moment")
        if found == DONE:
            yield False
            return
        try:
            yield True
        except BaseException:
            self._store.forget(key)
            raise
        self._store.end(key, self._now_s())


def key_of(delivery: Delivery) -> str:
    """What tells one delivery from another."""
    if not delivery.id:
        raise ValueError("the request has no webhook-id, so it cannot be known again")
    return f"{delivery.id}#{delivery.replay}" if delivery.replay else delivery.id


class MemoryStore:
    """In this process, and gone with it: for development, and for handlers that may handle twice after a restart."""

    def __init__(self, *, kept_s: float = KEPT_S, busy_s: float = BUSY_S, most: int = MOST) -> None:
        self._kept_s, self._busy_s, self._most = kept_s, busy_s, most
        self._known: OrderedDict[str, tuple[str, float]] = OrderedDict()  # oldest first
        self._lock = threading.Lock()

    def begin(self, key: str, now_s: float) -> str:
        with self._lock:
            state, since = self._known.get(key, (NEW, 0.0))
            if state == DONE and since > now_s - self._kept_s:
                return DONE
            if state == BUSY and since > now_s - self._busy_s:
                return BUSY
            self._put(key, BUSY, now_s)
            return NEW

    def end(self, key: str, now_s: float) -> None:
        with self._lock:
            self._put(key, DONE, now_s)

    def forget(self, key: str) -> None:
        with self._lock:
            self._known.pop(key, None)

    def _put(self, key: str, state: str, now_s: float) -> None:
        self._known[key] = (state, now_s)
        self._known.move_to_end(key)
        while len(self._known) > self._most:
            self._known.popitem(last=False)


class SqliteStore:
    """In a file, which several threads and processes of a machine may share."""

    def __init__(self, path: Union[str, Path], *, kept_s: float = KEPT_S, busy_s: float = BUSY_S) -> None:
        self._path, self._kept_s, self._busy_s = str(path), kept_s, busy_s
        self._local = threading.local()
        self._connection().execute(
            "CREATE TABLE IF NOT EXISTS ringpost_seen "
            "(key TEXT PRIMARY KEY, state TEXT NOT NULL, since REAL NOT NULL) WITHOUT ROWID"
        )
        self._connection().execute("CREATE INDEX IF NOT EXISTS ringpost_seen_since ON ringpost_seen (since)")

    def begin(self, key: str, now_s: float) -> str:
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        with connection:  # commits, or rolls back
            connection.execute("DELETE FROM ringpost_seen WHERE since <= ?", (now_s - self._kept_s,))
            row = connection.execute("SELECT state, since FROM ringpost_seen WHERE key = ?", (key,)).fetchone()
            if row is not None and (row[0] == DONE or row[1] > now_s - self._busy_s):
                return str(row[0])
            connection.execute("INSERT OR REPLACE INTO ringpost_seen VALUES (?, ?, ?)", (key, BUSY, now_s))
            return NEW

    def end(self, key: str, now_s: float) -> None:
        self._connection().execute("INSERT OR REPLACE INTO ringpost_seen VALUES (?, ?, ?)", (key, DONE, now_s))

    def forget(self, key: str) -> None:
        self._connection().execute("DELETE FROM ringpost_seen WHERE key = ?", (key,))

    def close(self) -> None:
        """Closes this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            del self._local.connection

    def _connection(self) -> sqlite3.Connection:
        """One for each thread: SQLite's are not to be shared."""
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=10, isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            self._local.connection = connection
        made: sqlite3.Connection = connection
        return made
