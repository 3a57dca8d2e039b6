"""The connection to an Asterisk: the thin shell around `session`.

Promise: it only reads, parses and says; whoever listens must not block it, because Asterisk cuts off a manager that
does not read (writetimeout). A connection that is lost is made again, with growing waits. The secret is read anew for
every connection, and is in no log and no error. Run from the event loop.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal

import structlog
from msgspec import structs

from ringpost.errors import RingpostError
from ringpost.model.directory import Person
from ringpost.settings import PbxSettings
from ringpost.sources.source import Say, SourceStatus

from .boot import Boot
from .phones import Learned, Phones
from .session import Command, Failed, Listed, LoggedIn, Observed, Send, Session, Version

CONNECT_LIMIT: Final = 10_000  # ms
READ_SIZE: Final = 65_536  # bytes

_RETRY: Final = (1_000, 30_000)  # ms: the first wait, and the longest
_RETRY_REFUSED: Final = (30_000, 300_000)  # ms: what only a person can mend; fail2ban counts failed logins
REFUSED: Final = frozenset({"pbx_login_refused", "pbx_permission_missing", "pbx_too_old", "settings_invalid"})

Learn = Callable[[Sequence[Person]], None]

log = structlog.get_logger()


class AsteriskSource:
    """Listens to one Asterisk. now: ms since the epoch; jitter: a number from 0 to 1, drawn for every wait; learn: is
    given the people that the PBX tells of; like `say`, it returns at once."""

    def __init__(
        self,
        settings: PbxSettings,
        *,
        now: Callable[[], int],
        jitter: Callable[[], float],
        learn: Learn | None = None,
    ) -> None:
        self._settings = settings
        self._now = now
        self._jitter = jitter
        self._learn = learn
        self._phones = Phones()
        self._status = SourceStatus()
        self._boot = Boot()
        self._session: Session | None = None
        self._heard: int | None = None
        self._dropped = 0  # by sessions that are over

    def status(self) -> SourceStatus:
        dropped = self._dropped + (0 if self._session is None else self._session.dropped)
        return structs.replace(self._status, heard=self._heard, dropped=dropped)

    async def run(self, say: Say) -> None:
        where = {"company": self._settings.company, "pbx": self._settings.serial}
        waits = Waits()
        while True:
            stood = False

            def handle(command: Command) -> bool:
                nonlocal stood
                match command:
                    case Listed(snapshot):
                        if not stood:
                            stood = True
                            waits.over()
                            self._change(connected_since=self._now(), error=None, message=None, attempts=0)
                            log.info("pbx connected", legs=len(snapshot.legs), **where)
                        say(snapshot)
                    case Observed(observation):
                        say(observation)
                        self._heard = self._now()
                    case Version(version):
                        self._change(version=version)
                    case Learned(people):
                        if self._learn is not None:
                            self._learn(people)
                return False

            try:
                failed = await self._converse(handle)
            finally:
                self._change(connected_since=None)
            self._change(error=failed.code, message=failed.message, attempts=self._status.attempts + 1)
            wait = waits.after(failed.code, self._jitter())
            log.warning("pbx not connected", code=failed.code, reason=failed.message, retry_in_ms=wait, **where)
            await asyncio.sleep(wait / 1_000)

    async def _converse(self, handle: Callable[[Command], bool]) -> Failed:
        try:
            session = Session(self._settings.user, secret_of(self._settings), self._now(), self._boot, self._phones)
        except RingpostError as error:
            return Failed("settings_invalid", error.message)
        self._session = session
        try:
            failed = await converse(self._settings, session, handle, self._now)
        finally:
            self._boot = session.boot
            self._dropped += session.dropped
            self._session = None
        return failed or Failed("pbx_unreachable", "The connection was ended.")

    def _change(self, **changes: int | str | None) -> None:
        self._status = structs.replace(self._status, **changes)


Tap = Callable[[Literal["<", ">"], bytes], None]


async def converse(
    settings: PbxSettings,
    session: Session,
    handle: Callable[[Command], bool],
    now: Callable[[], int],
    tap: Tap | None = None,
) -> Failed | None:
    """One connection, until it fails or `handle` says that it is enough (then None). tap: is given all bytes that are
    received (`<`) and sent (`>`), before anything is done with them."""
    opened = await open_connection(settings)
    if isinstance(opened, Failed):
        return opened
    reader, writer = opened
    try:
        while True:
            for command in await _next_commands(reader, session, now, tap):
                match command:
                    case Send(data):
                        if tap is not None:
                            tap(">", data)
                        writer.write(data)
                    case Failed():
                        return command
                    case LoggedIn() | Version() | Listed() | Observed() | Learned():
                        if handle(command):
                            return None
    finally:
        writer.transport.abort()


async def open_connection(settings: PbxSettings) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | Failed:
    """A connection on which nothing was said yet, or why there is none."""
    try:
        async with asyncio.timeout(CONNECT_LIMIT / 1_000):
            context = tls_context(settings) if settings.tls else None
            return await asyncio.open_connection(settings.host, settings.port, ssl=context)
    except RingpostError as error:
        return Failed("settings_invalid", error.message)
    except ssl.SSLError as error:
        return Failed("pbx_unreachable", f"The TLS handshake failed: {error.reason or 'unknown reason'}.")
    except UnicodeError:  # of a name with an empty or too long label, which is looked up nowhere
        return Failed("settings_invalid", "The PBX's host is no name of a host.")
    except TimeoutError:
        return Failed("pbx_unreachable", "The PBX did not take the connection in time.")
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or type(error).__name__
        return Failed("pbx_unreachable", f"No connection to the PBX: {why}.")


async def _next_commands(
    reader: asyncio.StreamReader, session: Session, now: Callable[[], int], tap: Tap | None
) -> list[Command]:
    due = session.wake_at()
    wait = None if due is None else max(0, due - now()) / 1_000
    try:
        async with asyncio.timeout(wait):
            data = await reader.read(READ_SIZE)
    except TimeoutError:
        return session.poll(now())
    except OSError:
        return session.closed()
    if not data:
        return session.closed()
    if tap is not None:
        tap("<", data)
    return [*session.received(data, now()), *session.poll(now())]


class Waits:
    """How long to wait before the next connection: longer with each failure of the same kind in a row, so that the
    first refusal after a long outage is soon tried again."""

    def __init__(self) -> None:
        self._alike = 0
        self._refused = False

    def over(self) -> None:
        """A connection stood."""
        self._alike = 0

    def after(self, code: str, jitter: float) -> int:
        """ms, after a connection that failed so. jitter: 0 to 1."""
        refused = code in REFUSED
        self._alike = self._alike + 1 if refused is self._refused else 1
        self._refused = refused
        first, longest = _RETRY_REFUSED if refused else _RETRY
        wait = min(longest, first << min(self._alike - 1, 16))
        return int(wait * (0.5 + jitter / 2))


def secret_of(settings: PbxSettings) -> str:
    """Raises `settings_invalid`."""
    if not settings.secret_file:
        return settings.secret
    try:
        return Path(settings.secret_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise RingpostError("settings_invalid", "The secret_file cannot be read.", field="pbx.secret_file") from None


def tls_context(settings: PbxSettings) -> ssl.SSLContext:
    """Raises `settings_invalid`."""
    try:
        return ssl.create_default_context(cafile=settings.tls_ca or None)
    except (OSError, ssl.SSLError):
        raise RingpostError("settings_invalid", "The file tls_ca holds no certificates.", field="pbx.tls_ca") from None
