"""How the transports log a fault of our own: where it happened, and nothing of what was sent."""

from __future__ import annotations

import traceback

import structlog

_log = structlog.get_logger("ringpost.transports")


def log_fault(failure: Exception, **ids: str) -> None:
    """Log a fault without its text and without values: a secret may be in them."""
    frames = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(failure.__traceback__)]
    _log.error("attempt_broke", failure=type(failure).__name__, frames=frames, **ids)
