"""Records one Asterisk: connects as a source does, and writes all that is said on the connection.

Promises: what is written is complete frames, each handed over as soon as its message is; the secret is in none of
them; a connection that is lost is noted and made again. It asks for the list of channels as a source does, so that a
recording that begins amid calls can be decoded. Run from the event loop.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Final

from ringpost.errors import RingpostError
from ringpost.settings import PbxSettings

from .client import REFUSED, Waits, converse, secret_of
from .frames import MESSAGE_LIMIT
from .pseudonyms import Pseudonyms
from .recording import CLOSED, HEAD, frame
from .session import Command, Failed, Listed, Session

Write = Callable[[bytes], None]

_SECRETS: Final = re.compile(rb"^((?:Secret|Key): )[^\r\n]*", re.MULTILINE | re.IGNORECASE)
_END: Final = re.compile(rb"\n\r?\n")
_BANNER: Final = re.compile(rb"\AAsterisk Call Manager/[^\n]*\n")


class Writer:
    """Bytes of a connection as frames, a message each. pseudonyms: None to write what was said. now: ms."""

    def __init__(self, write: Write, pseudonyms: Pseudonyms | None, now: Callable[[], int]) -> None:
        self._write = write
        self._pseudonyms = pseudonyms
        self._now = now
        self._rest = b""
        self.dropped = 0
        write(HEAD + b"\n")

    def tap(self, direction: str, data: bytes) -> None:
        if direction == ">":
            self._frame(">", _SECRETS.sub(rb"\1********", data))
            return
        self._rest += data
        while (match := _BANNER.match(self._rest) or _END.search(self._rest)) is not None:
            self._frame("<", self._rest[: match.end()])
            self._rest = self._rest[match.end() :]
        if len(self._rest) > MESSAGE_LIMIT:
            self.dropped += 1
            self._rest = b""

    def closed(self) -> None:
        if self._rest:
            self._frame("<", self._rest)
            self._rest = b""
        self._write(frame(self._now(), "!", CLOSED))

    def _frame(self, direction: str, data: bytes) -> None:
        self._write(frame(self._now(), direction, data if self._pseudonyms is None else self._pseudonyms.rewrite(data)))


async def record(
    settings: PbxSettings,
    writer: Writer,
    tell: Callable[[str], None],
    *,
    now: Callable[[], int],
    jitter: Callable[[], float],
) -> None:
    """Until cancelled. tell: is given lines for a person. Raises what only a person can mend: a login that is refused,
    a permission that is missing, a PBX that is too old, settings that are wrong."""
    waits = Waits()

    def handle(command: Command) -> bool:
        if isinstance(command, Listed) and not command.snapshot.audit:
            waits.over()
            tell(f"Connected; {len(command.snapshot.legs)} channels now.")
        return False

    while True:
        session = Session(settings.user, secret_of(settings), now())
        failed = await converse(settings, session, handle, now, writer.tap) or Failed("pbx_unreachable", "It ended.")
        writer.closed()
        if failed.code in REFUSED:
            raise RingpostError(failed.code, failed.message)
        tell(f"Not connected: {failed.message}")
        await asyncio.sleep(waits.after(failed.code, jitter()) / 1_000)
