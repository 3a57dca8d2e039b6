"""The Protocol of every source: something that says what it sees of one PBX's calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from ringpost.calls.observation import Observation, Snapshot

Say = Callable[[Observation | Snapshot], None]


class SourceStatus(Struct, frozen=True, kw_only=True):
    """How a source is. connected_since: ms, None while it is not connected; heard: when the last event of a call came
    (ms), None where none came yet; error: the code of `errors.ERRORS` that the last connection failed with, None once
    it stands again; message: the same in words; version: what the PBX runs; attempts: connections tried in vain since
    the last that stood; dropped: messages that could not be read."""

    connected_since: int | None = None
    heard: int | None = None
    error: str | None = None
    message: str | None = None
    version: str | None = None
    attempts: int = 0
    dropped: int = 0


class Source(Protocol):
    async def run(self, say: Say) -> None:
        """Say what is seen, in order, until cancelled. It may be run again afterwards.

        Whenever something may have been missed (at first, and after every lost connection), a `Snapshot` of all legs
        comes before anything else. `say` returns at once, so that the PBX is never kept waiting.
        """
        ...

    def status(self) -> SourceStatus: ...
