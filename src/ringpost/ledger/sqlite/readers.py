"""Reading beside the writer: a few read-only connections and threads, each read in one short transaction.

A reader sees all that was answered before it began, and never waits for the writer. `read` belongs to the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

import apsw

from .failures import code_of, refusal
from .file import open_reader

T = TypeVar("T")


class Readers:
    """So many connections, each with a thread. name: of the threads."""

    def __init__(self, path: Path, count: int, name: str) -> None:
        self._free: SimpleQueue[apsw.Connection] = SimpleQueue()
        self._count = count
        for _ in range(count):
            self._free.put(open_reader(path))
        self._threads = ThreadPoolExecutor(count, thread_name_prefix=f"ringpost-{name}")

    async def read(self, query: Callable[[apsw.Connection], T]) -> T:
        """What the query, called in a thread, returns; it must leave no cursor open."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, query)

    def close(self) -> None:
        """Finish what was begun. Blocks."""
        self._threads.shutdown()
        for _ in range(self._count):
            self._free.get().close()

    def _read(self, query: Callable[[apsw.Connection], T]) -> T:
        connection = self._free.get()
        try:
            with connection:  # one snapshot for all its statements
                answer = query(connection)
        except apsw.Error as error:
            raise refusal(code_of(error, connection), error) from error
        else:
            return answer
        finally:
            self._free.put(connection)
