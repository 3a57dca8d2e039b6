"""Disk errors by chance, beneath every connection of this process: at a read, a write, a sync, or half of a write.

Reads and writes fail as system calls (https://www.sqlite.org/c3ref/vfs.html, xSetSystemCall), syncs in SQLite's own
file functions, for those have no system call of their own to put something before.
"""

from __future__ import annotations

import ctypes
import errno
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final, Literal, cast

import apsw

from tests.crash.beneath import watched
from tests.crash.power import Change, Disk

Kind = Literal["read", "write", "short write", "full", "sync"]
KINDS: Final[tuple[Kind, ...]] = ("read", "write", "short write", "full", "sync")
_ERRNO: Final[dict[Kind, int]] = {"read": errno.EIO, "write": errno.EIO, "full": errno.ENOSPC}
_SystemCall = ctypes.CFUNCTYPE(
    ctypes.c_ssize_t, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int64, use_errno=True
)


class Faults:
    """rates: how often each kind of failure comes, from 0 to 1, while `on`; count: how often it came."""

    def __init__(self, rates: dict[Kind, float], seed: int) -> None:
        self.on = False
        self.count: Counter[Kind] = Counter()
        self.rates = rates
        self._chance = random.Random(seed)

    def comes(self, kind: Kind) -> bool:
        if not self.on or self._chance.random() >= self.rates.get(kind, 0):
            return False
        self.count[kind] += 1
        if kind in _ERRNO:
            ctypes.set_errno(_ERRNO[kind])
        return True

    def pread(self, file: int, buffer: int, size: int, offset: int) -> int:
        if self.comes("read"):
            return -1
        data = os.pread(file, size, offset)
        ctypes.memmove(buffer, data, len(data))
        return len(data)

    def pwrite(self, file: int, buffer: int, size: int, offset: int) -> int:
        if self.comes("write") or self.comes("full"):
            return -1
        if self.comes("short write"):
            size = max(1, size // 2)  # SQLite tries to write the rest, and that may fail
        return os.pwrite(file, ctypes.string_at(buffer, size), offset)


class _Syncs:
    """What `beneath.watched` asks: nothing fails but syncs. (The machine's own disk is not synced.)"""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def watches(self, name: str) -> bool:
        return name.endswith((".db", "-wal", "-journal"))

    def opened(self, handle: int, name: str) -> None:
        """Nothing is kept of it."""

    def delete(self, name: str, *, durably: bool) -> bool:
        return True

    def change(self, handle: int, change: Change) -> bool:
        return True

    def sync(self, handle: int) -> bool:
        return not self._faults.comes("sync")


@contextmanager
def faulty(rates: dict[Kind, float], seed: int) -> Iterator[Faults]:
    """Every file that SQLite opens meanwhile in this process fails at these rates, once it is told to."""
    faults = Faults(rates, seed)
    with ExitStack() as undo:
        if "sync" in rates:
            undo.enter_context(watched(cast("Disk", _Syncs(faults))))
        else:
            undo.enter_context(_system_calls(pread64=faults.pread, pwrite64=faults.pwrite))
        yield faults
        faults.on = False


@contextmanager
def _system_calls(**ours: Callable[[int, int, int, int], int]) -> Iterator[None]:
    system = apsw.VFS("ringpost-test-faults", base="")
    functions = {name: _SystemCall(function) for name, function in ours.items()}
    try:
        for name, function in functions.items():
            address = ctypes.cast(function, ctypes.c_void_p).value
            assert address is not None
            assert system.xSetSystemCall(name, address)
        yield
    finally:
        for name in functions:
            system.xSetSystemCall(name, 0)  # the system's own again
        system.unregister()
