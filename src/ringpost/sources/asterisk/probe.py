"""What `ringpost doctor` asks of an Asterisk: does it answer, take the login, and let us read what is needed, no more.

Also the text for the PBX's manager.conf, with the least rights that do. Run from the event loop.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable
from typing import Final, Literal

from msgspec import Struct

from ringpost.errors import RingpostError
from ringpost.settings import PbxSettings

from .client import READ_SIZE, open_connection, secret_of
from .frames import FrameReader, Message, action
from .session import Command, Failed, Listed, Observed, Send, Session, Version

ANSWER_LIMIT: Final = 5_000  # ms for the list of actions

_LIST_COMMANDS: Final = "ringpost-rights"
# Actions that change something on the PBX, or run programs on it; in lower case, as keys of the answer come.
_DANGEROUS: Final = {
    "originate": "originate",
    "command": "command",
    "updateconfig": "config",
    "createconfig": "config",
    "getconfig": "config",
    "moduleload": "system",
    "reload": "config",
    "dbput": "system",
    "dbdel": "system",
    "agi": "agi",
    "hangup": "call",
    "redirect": "call",
    "atxfer": "call",
    "blindtransfer": "call",
    "setvar": "call",
    "userevent": "user",
    "queueadd": "agent",
    "queuepause": "agent",
}


class Permission(Struct, frozen=True, kw_only=True):
    """One right of the manager user. granted: None where nothing happened that would have shown it."""

    name: str
    granted: bool | None
    found: str
    help: str = ""


class ProbeResult(Struct, frozen=True, kw_only=True):
    """code, message: what is wrong (`errors.ERRORS`), None where nothing is; version: Asterisk's; legs: channels there
    now; permissions: each right that is needed, and last those that are not; advice: what may be wrong, in words."""

    code: str | None = None
    message: str | None = None
    version: str | None = None
    legs: int = 0
    permissions: tuple[Permission, ...] = ()
    advice: tuple[str, ...] = ()


class _Hearing:
    """What was heard on the connection so far."""

    def __init__(self) -> None:
        self.version: str | None = None
        self.legs: int | None = None
        self.classes: set[str] = set()
        self.observed = False
        self.actions: frozenset[str] | None = None
        self._reader = FrameReader()

    def bytes(self, data: bytes) -> None:
        for message in self._reader.feed(data):
            self._message(message)

    def _message(self, message: Message) -> None:
        if message.event:
            self.classes.update(message.get("privilege").split(",")[:-1])
        elif message.get("actionid") == _LIST_COMMANDS:
            allowed = message.fields if message.get("response").casefold() == "success" else {}
            self.actions = frozenset(allowed)

    def command(self, command: Command) -> None:
        match command:
            case Version(text):
                self.version = text
            case Listed(snapshot):
                self.legs = len(snapshot.legs) if self.legs is None else self.legs
            case Observed():
                self.observed = True


async def probe(settings: PbxSettings, *, now: Callable[[], int], listen: int = 0) -> ProbeResult:
    """Connect, log in, list the channels, ask what else is allowed, and leave. listen: for how long to wait for calls
    that show what can be read (ms). Takes 25 s at most, and that; raises nothing."""
    try:
        session = Session(settings.user, secret_of(settings), now())
    except RingpostError as error:
        return ProbeResult(code="settings_invalid", message=error.message)
    hearing = _Hearing()
    failed = await _hear(settings, session, hearing, now, listen)
    if failed is not None:
        return ProbeResult(code=failed.code, message=failed.message, version=hearing.version)
    advice = []
    if hearing.version is None:
        advice.append("The PBX does not say its version: Asterisk 14 or later is needed.")
    return ProbeResult(
        version=hearing.version,
        legs=hearing.legs or 0,
        permissions=(*_needed(session, hearing), *_needless(hearing.actions)),
        advice=tuple(advice),
    )


async def _hear(
    settings: PbxSettings, session: Session, hearing: _Hearing, now: Callable[[], int], listen: int
) -> Failed | None:
    opened = await open_connection(settings)
    if isinstance(opened, Failed):
        return opened
    reader, writer = opened
    listed_at: int | None = None
    try:
        while listed_at is None or not _heard_enough(hearing, now() - listed_at, listen):
            for command in await _next(reader, session, hearing, now):
                hearing.command(command)
                if isinstance(command, Failed):
                    return command
                if isinstance(command, Send):
                    writer.write(command.data)
                elif isinstance(command, Listed) and listed_at is None:
                    listed_at = now()
                    writer.write(action("ListCommands", [("ActionID", _LIST_COMMANDS)]))
        return None
    finally:
        writer.transport.abort()


def _heard_enough(hearing: _Hearing, waited: int, listen: int) -> bool:
    """waited, listen: ms."""
    if hearing.actions is None and waited < ANSWER_LIMIT:
        return False
    return waited >= listen or {"call", "agent"} <= hearing.classes


async def _next(
    reader: asyncio.StreamReader, session: Session, hearing: _Hearing, now: Callable[[], int]
) -> list[Command]:
    try:
        async with asyncio.timeout(0.1):
            data = await reader.read(READ_SIZE)
    except TimeoutError:
        return session.poll(now())
    except OSError:
        return session.closed()
    if not data:
        return session.closed()
    hearing.bytes(data)
    return [*session.received(data, now()), *session.poll(now())]


def _needed(session: Session, hearing: _Hearing) -> list[Permission]:
    later = "To see it, add --listen 60 to this command and make a call while it waits."
    calls = hearing.observed or "call" in hearing.classes
    queues = "agent" in hearing.classes
    booted = session.heard_boot or "system" in hearing.classes
    return [
        Permission(name="write=reporting", granted=True, found="the list of channels can be read"),
        Permission(
            name="read=system",
            granted=booted,
            found="restarts are told" if booted else "the PBX does not tell of its boot and shutdown",
            help="" if booted else "A shutdown would look like a lost connection: add `system` to read.",
        ),
        Permission(
            name="read=call",
            granted=True if calls else None,
            found="calls are told" if calls else "no call was told meanwhile",
            help="" if calls else later,
        ),
        Permission(
            name="read=agent",
            granted=True if queues else None,
            found="queues are told" if queues else "no queue was told meanwhile",
            help="" if queues else "Only needed for queues. " + later,
        ),
    ]


def _needless(actions: frozenset[str] | None) -> list[Permission]:
    if not actions:
        return []
    classes = sorted({_DANGEROUS[name] for name in actions if name in _DANGEROUS})
    if not classes:
        return [Permission(name="nothing else", granted=True, found="it cannot change anything on the PBX")]
    text = (
        f"The user may change things on the PBX (write={','.join(classes)}): write = reporting is all that is needed."
    )
    return [Permission(name="nothing else", granted=True, found="it can do more than is needed", help=text)]


def our_address(host: str, port: int) -> str:
    """The IP address that a PBX sees us come from, as the routes of this machine say; a loopback one where there is no
    way to it. A host's name is looked up, which may take a while: in a server, call it in a thread."""
    return address_towards(host, port) or "127.0.0.1"


def address_towards(host: str, port: int) -> str | None:
    """The same, and None where there is no way to it."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as looking:
            looking.connect(address)  # sends nothing
            return str(looking.getsockname()[0])
    except (OSError, UnicodeError):
        return None


def manager_stanza(
    settings: PbxSettings,
    our_address: str,
    form: Literal["asterisk", "freepbx"] = "asterisk",
    secret: str | None = None,
) -> str:
    """The section for the PBX's manager.conf. our_address: the IP address that the PBX sees us come from; form: as
    Asterisk's own samples write it, or as FreePBX does in the files that it makes; secret: None: words stand for it.

    read: `call` for calls, `agent` for queues, `system` for restarts; write: `reporting` alone, for the list of
    channels and the version. Nothing here can change anything on the PBX. allowmultiplelogin lets `ringpost doctor`
    and `ringpost record` log in beside the service. writetimeout (ms): FreePBX's 100 would cut us off too easily.
    """
    address = ipaddress.ip_address(our_address)
    everybody, one = ("0.0.0.0/0.0.0.0", "32") if address.version == 4 else ("::/0", "128")
    equals = " = "
    if form == "freepbx":
        equals = "="
        one = "255.255.255.255" if address.version == 4 else one
    fields = (
        ("secret", secret or "<the secret that Ringpost is set up with>"),
        ("deny", everybody),
        ("permit", f"{address}/{one}"),
        ("read", "system,call,agent"),
        ("write", "reporting"),
        ("writetimeout", "1000"),
        ("allowmultiplelogin", "yes"),
    )
    return f"[{settings.user}]\n" + "".join(f"{key}{equals}{value}\n" for key, value in fields)
