"""Puts a disk whose power can be cut beneath every connection of this process.

SQLite's own file system goes on working, shared memory included; only the functions by which it opens, writes,
truncates, syncs and deletes a file are watched (https://www.sqlite.org/c3ref/io_methods.html and vfs.html).
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import POINTER, c_char_p, c_int, c_int64, c_void_p
from typing import Any, Final

import apsw

from tests.crash.power import Disk

_IOERR_WRITE, _IOERR_FSYNC = 778, 1034  # https://www.sqlite.org/rescode.html
_ALIVE: Final[list[object]] = []  # a file that is closed late still needs its functions

_Write = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_Truncate = ctypes.CFUNCTYPE(c_int, c_void_p, c_int64)
_Sync = ctypes.CFUNCTYPE(c_int, c_void_p, c_int)
# A name is passed on as a pointer: SQLite keeps more before and behind it.
_Open = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
_Delete = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p, c_int)


class _Methods(ctypes.Structure):
    """sqlite3_io_methods, version 3."""

    _fields_ = (
        ("iVersion", c_int), ("xClose", c_void_p), ("xRead", c_void_p), ("xWrite", c_void_p), ("xTruncate", c_void_p),
        ("xSync", c_void_p), ("rest", c_void_p * 13),
    )  # fmt: skip


class _File(ctypes.Structure):
    """sqlite3_file."""

    _fields_ = (("pMethods", POINTER(_Methods)),)


class _Vfs(ctypes.Structure):
    """sqlite3_vfs, as far as it is needed."""

    _fields_ = (
        ("iVersion", c_int), ("szOsFile", c_int), ("mxPathname", c_int), ("pNext", c_void_p), ("zName", c_char_p),
        ("pAppData", c_void_p), ("xOpen", c_void_p), ("xDelete", c_void_p),
    )  # fmt: skip


@contextmanager
def watched(disk: Disk) -> Iterator[None]:
    """Every file that SQLite opens meanwhile in this process goes by the disk."""
    vfs = _system_vfs()
    system_open, system_delete = _Open(vfs.xOpen), _Delete(vfs.xDelete)
    methods: dict[int, _Watching] = {}
    _ALIVE.append(methods)

    def open_(vfs_: int, name: int | None, file: int, flags: int, out_flags: int) -> int:
        text = "" if name is None else ctypes.string_at(name).decode()
        code: int = system_open(vfs_, name, file, flags, out_flags)
        opened = _File.from_address(file)
        if code == apsw.SQLITE_OK and disk.watches(text):
            address = ctypes.addressof(opened.pMethods.contents)
            watching = methods.setdefault(address, _Watching(disk, opened.pMethods.contents))
            disk.opened(file, text)
            opened.pMethods = ctypes.pointer(watching.methods)
        return code

    def delete(vfs_: int, name: int, sync_folder: int) -> int:
        if not disk.delete(ctypes.string_at(name).decode(), durably=bool(sync_folder)):
            return _IOERR_WRITE
        code: int = system_delete(vfs_, name, sync_folder)
        return code

    ours = _Open(open_), _Delete(delete)
    theirs = vfs.xOpen, vfs.xDelete
    vfs.xOpen, vfs.xDelete = (ctypes.cast(function, c_void_p).value for function in ours)
    try:
        yield
    finally:
        vfs.xOpen, vfs.xDelete = theirs


class _Watching:
    """A copy of SQLite's functions for a file, with ours in front of three of them."""

    def __init__(self, disk: Disk, system: _Methods) -> None:
        self.methods = _Methods.from_buffer_copy(system)
        self._disk = disk
        self._write, self._truncate, self._sync = (
            _Write(system.xWrite),
            _Truncate(system.xTruncate),
            _Sync(system.xSync),
        )
        self._ours = _Write(self.write), _Truncate(self.truncate), _Sync(self.sync)
        names: tuple[str, ...] = ("xWrite", "xTruncate", "xSync")
        for name, function in zip(names, self._ours, strict=True):
            setattr(self.methods, name, ctypes.cast(function, c_void_p).value)

    def write(self, file: int, buffer: int, size: int, offset: int) -> int:
        if not self._disk.change(file, (offset, ctypes.string_at(buffer, size))):
            return _IOERR_WRITE
        return _code(self._write(file, buffer, size, offset))

    def truncate(self, file: int, size: int) -> int:
        return _code(self._truncate(file, size)) if self._disk.change(file, size) else _IOERR_WRITE

    def sync(self, file: int, flags: int) -> int:
        return apsw.SQLITE_OK if self._disk.sync(file) else _IOERR_FSYNC  # the machine's own disk need not wait


def _code(code: Any) -> int:
    assert code == apsw.SQLITE_OK, f"the machine's own disk failed: {code}"
    return apsw.SQLITE_OK


def _system_vfs() -> _Vfs:
    """The one that every connection without another uses."""
    connection = apsw.Connection(":memory:", vfs="unix")
    vfs = c_void_p()
    try:
        assert connection.file_control("main", apsw.SQLITE_FCNTL_VFS_POINTER, ctypes.addressof(vfs))
    finally:
        connection.close()
    assert vfs.value is not None
    return _Vfs.from_address(vfs.value)
