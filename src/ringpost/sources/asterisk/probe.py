"""What `ringpost doctor` asks of an Asterisk: does it answer, take the login, and let us read what is needed.

Also the text for the PBX's manager.conf, with the least rights that do. Run from the event loop.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from msgspec import Struct

from ringpost.errors import RingpostError
from ringpost.settings import PbxSettings

from .client import converse, secret_of
from .session import Command, Failed, Listed, Session, Version


class ProbeResult(Struct, frozen=True, kw_only=True):
    """code, message: what is wrong (`errors.ERRORS`), None where nothing is; version: Asterisk's; legs: channels there
    now; advice: what may be wrong, in words."""

    code: str | None = None
    message: str | None = None
    version: str | None = None
    legs: int = 0
    advice: tuple[str, ...] = ()


async def probe(settings: PbxSettings, *, now: Callable[[], int]) -> ProbeResult:
    """Connect, log in, list the channels, and leave. Takes 20 s at most; raises nothing."""
    version: str | None = None
    legs = 0

    def handle(command: Command) -> bool:
        nonlocal version, legs
        match command:
            case Version(text):
                version = text
            case Listed(snapshot):
                legs = len(snapshot.legs)
                return True
        return False

    try:
        session = Session(settings.user, secret_of(settings), now())
    except RingpostError as error:
        return ProbeResult(code="settings_invalid", message=error.message)
    failed: Failed | None = await converse(settings, session, handle, now)
    if failed is not None:
        return ProbeResult(code=failed.code, message=failed.message, version=version)
    advice = []
    if session.boot is None:
        advice.append("The PBX is still starting, or the manager user lacks read=system: restarts would go unnoticed.")
    if version is None:
        advice.append("The PBX does not say its version: Asterisk 14 or later is needed.")
    return ProbeResult(version=version, legs=legs, advice=tuple(advice))


def manager_stanza(settings: PbxSettings, our_address: str) -> str:
    """The section for the PBX's manager.conf. our_address: the IP address that the PBX sees us come from.

    read: `call` for calls, `agent` for queues, `system` for restarts; write: `reporting` alone, for the list of
    channels and the version. Nothing here can change anything on the PBX.
    """
    address = ipaddress.ip_address(our_address)
    everybody, bits = ("0.0.0.0/0.0.0.0", 32) if address.version == 4 else ("::/0", 128)
    lines = (
        f"[{settings.user}]",
        "secret = <the secret that Ringpost is set up with>",
        f"deny = {everybody}",
        f"permit = {address}/{bits}",
        "read = system,call,agent",
        "write = reporting",
        "writetimeout = 1000",
    )
    return "\n".join(lines) + "\n"
