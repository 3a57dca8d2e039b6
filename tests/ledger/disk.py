"""Disks that fail, without rights to make a real one do so: the layer beneath SQLite is told to."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

_Pwrite = ctypes.CFUNCTYPE(
    ctypes.c_ssize_t, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int64, use_errno=True
)


class Disk:
    """left: how many bytes more can be written, None for any number; refuse: files that take nothing, by their paths;
    error: what a write that is refused fails with."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.refuse: Callable[[str], bool] = lambda _: False
        self.error = errno.ENOSPC
        self.refused = 0

    def pwrite(self, file: int, buffer: int, size: int, offset: int) -> int:
        if (self.left is not None and size > self.left) or self.refuse(str(Path(f"/proc/self/fd/{file}").readlink())):
            self.refused += 1
            ctypes.set_errno(self.error)
            return -1
        if self.left is not None:
            self.left -= size
        return os.pwrite(file, ctypes.string_at(buffer, size), offset)


@contextmanager
def disk() -> Iterator[Disk]:
    """Every write of SQLite in this process goes by it (see https://www.sqlite.org/c3ref/vfs.html, xSetSystemCall)."""
    watched = Disk()
    function = _Pwrite(watched.pwrite)
    system = apsw.VFS("ringpost-test-system", base="")
    address = ctypes.cast(function, ctypes.c_void_p).value
    assert address is not None
    assert system.xSetSystemCall("pwrite64", address)
    try:
        yield watched
    finally:
        system.xSetSystemCall("pwrite64", 0)  # the system's own again
        system.unregister()


class Syncs(apsw.VFS):
    """A file system whose fsync fails while `broken`. It has no shared memory, so its files are opened exclusively."""

    def __init__(self) -> None:
        self.broken = False
        self.refused = 0
        super().__init__("ringpost-test-syncs", base="")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - APSW's name
        return _SyncedFile(self, name, flags)


class _SyncedFile(apsw.VFSFile):
    def __init__(self, syncs: Syncs, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._syncs = syncs
        super().__init__("", name, flags)

    def xSync(self, flags: int) -> None:  # noqa: N802
        if self._syncs.broken:
            self._syncs.refused += 1
            raise apsw.IOError("the disk did not take it")
        super().xSync(flags)
