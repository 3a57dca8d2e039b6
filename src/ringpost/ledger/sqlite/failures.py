"""What an error of SQLite means to whoever called the ledger."""

from __future__ import annotations

import errno
from typing import Final

import apsw

from ringpost.errors import RingpostError

# The whole ledger is struck, not one job: nothing is gained by trying the jobs one by one.
STORAGE_ERRORS: Final = (
    apsw.FullError,
    apsw.IOError,
    apsw.BusyError,
    apsw.LockedError,
    apsw.ReadOnlyError,
    apsw.CantOpenError,
    apsw.PermissionsError,
    apsw.ProtocolError,
    apsw.NoMemError,
    apsw.CorruptError,
    apsw.NotADBError,
)
_NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # the disk, a quota, ulimit -f


def code_of(error: Exception, connection: apsw.Connection) -> str:
    """The code that an error of SQLite goes by. To be asked before the connection is used again."""
    no_space = isinstance(error, apsw.IOError) and connection.system_errno in _NO_SPACE
    return "ledger_full" if no_space or isinstance(error, apsw.FullError) else "ledger_unavailable"


def refusal(code: str, error: Exception) -> RingpostError:
    """What to raise in its place: one for each caller, since a traceback grows on it."""
    refused = RingpostError(code)
    refused.__cause__ = error
    return refused
