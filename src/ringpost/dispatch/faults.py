"""A failure, as far as a log may tell of it: neither its text nor its values, for a secret may be in them."""

from __future__ import annotations

import traceback

from ringpost.errors import RingpostError


def code_of(failure: Exception) -> str:
    """The stable code, or the kind of failure."""
    return failure.code if isinstance(failure, RingpostError) else type(failure).__name__


def frames_of(failure: Exception) -> list[str]:
    """Where it came from."""
    return [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(failure.__traceback__)]
