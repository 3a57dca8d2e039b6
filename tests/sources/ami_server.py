"""A manager interface on a real socket, which logs in who knows the secret and says what it is told."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ssl
from collections.abc import Callable, Iterable
from typing import Final

from ringpost.settings import PbxSettings

SECRET: Final = "correct horse battery staple"
CHALLENGE: Final = "840415273"


def event(name: str, **fields: object) -> bytes:
    lines = [f"Event: {name}", *(f"{key.replace('_', '-')}: {value}" for key, value in fields.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def channel(leg: str, call: str, endpoint: str, state: int, **more: object) -> dict[str, object]:
    return {
        "Channel": f"PJSIP/{endpoint}-0000000{leg[-1]}",
        "ChannelState": state,
        "CallerIDNum": endpoint,
        "CallerIDName": "<unknown>",
        "Exten": "1002",
        "Uniqueid": leg,
        "Linkedid": call,
        **more,
    }


class AmiServer:
    """greets: whether it says the banner; may_list: whether CoreShowChannels is allowed; tells_boot: whether the user
    has read=system; actions: what ListCommands lists; admits: whether it goes on after the challenge; silent: after
    login it answers nothing; holds_back: what is said goes out with the next answer only; channels: what
    CoreShowChannels lists; uptime: seconds; started: date and time of CoreStatus, None where it is refused."""

    def __init__(self) -> None:
        self.greets = True
        self.greeting = b"Asterisk Call Manager/11.0.0\r\n"
        self.challenges = True
        self.may_list = True
        self.tells_boot = True
        self.actions: tuple[str, ...] = ("Ping", "CoreShowChannels", "ListCommands")
        self.silent = False
        self.admits = True
        self.holds_back = False
        self._held: list[bytes] = []
        self.version = "22.5.2"
        self.uptime = 100
        self.started: tuple[str, str] | None = None
        self.channels: list[dict[str, object]] = []
        self.before_list = b""
        self.logins = 0
        self.received: list[dict[str, str]] = []
        self.live = asyncio.Event()
        self.asked = asyncio.Event()  # the last of the questions about phones was refused
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self, context: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await self._server.wait_closed()

    def cut(self) -> None:
        """Close all connections, as a PBX that is killed does."""
        self.live.clear()
        for writer in list(self._writers):
            writer.transport.abort()

    def say(self, *events: bytes) -> None:
        if self.holds_back:
            self._held += events
            return
        for writer in self._writers:
            writer.write(b"".join(events))

    async def say_all(self, events: Iterable[bytes], within: float) -> bool:
        """Say these, each once the one before it is on its way; whether all were. Raises TimeoutError where one has to
        wait longer than `within` s: then an Asterisk cuts the reader off."""
        (writer,) = self._writers
        try:
            for event in events:
                writer.write(event)
                async with asyncio.timeout(within):
                    await writer.drain()
        except OSError:
            return False
        return not writer.is_closing()

    def settings(self, **changes: object) -> PbxSettings:
        fields = {"company": "acme", "serial": "hq", "host": "127.0.0.1", "port": self.port, "user": "ringpost"}
        return PbxSettings(**{**fields, "secret": SECRET, **changes})  # type: ignore[arg-type]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if not self.greets:
                return
            writer.write(self.greeting)
            while True:
                raw = await reader.readuntil(b"\r\n\r\n")
                fields = dict(line.split(": ", 1) for line in raw.decode().strip().split("\r\n"))
                self.received.append(fields)
                if not self._answer(fields, writer.write):
                    return
                if fields["Action"] == "VoicemailUsersList":
                    self.asked.set()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _answer(self, fields: dict[str, str], write: Callable[[bytes], None]) -> bool:  # noqa: C901, PLR0912 - one case each
        number = fields["ActionID"]

        def reply(response: str, **more: object) -> None:
            lines = [
                f"Response: {response}",
                f"ActionID: {number}",
                *(f"{key}: {value}" for key, value in more.items()),
            ]
            write("\r\n".join(lines).encode() + b"\r\n\r\n")

        write(b"".join(self._held))
        self._held.clear()
        match fields["Action"]:
            case "Challenge" if self.challenges:
                reply("Success", Challenge=CHALLENGE)
            case "Login" if not self.admits:
                return False
            case "Login":
                key = hashlib.md5((CHALLENGE + SECRET).encode()).hexdigest()
                if fields["Key"] != key:
                    reply("Error", Message="Authentication failed")
                    return False
                self.logins += 1
                reply("Success", Message="Authentication accepted")
                if self.tells_boot:
                    write(event("FullyBooted", Uptime=self.uptime, LastReload=1, Status="Fully Booted"))
            case _ if self.silent:
                pass
            case "CoreSettings":
                reply("Success", AsteriskVersion=self.version)
            case "CoreStatus" if self.started is not None:
                reply("Success", CoreStartupDate=self.started[0], CoreStartupTime=self.started[1])
            case "CoreShowChannels" if self.may_list:
                reply("Success", EventList="start", Message="Channels will follow")
                write(self.before_list)
                for fields_of_channel in self.channels:
                    write(event("CoreShowChannel", ActionID=number, **fields_of_channel))
                write(event("CoreShowChannelsComplete", ActionID=number, EventList="Complete", ListItems=0))
                self.live.set()
            case "ListCommands":
                reply("Success", **dict.fromkeys(self.actions, "What it does.  (Priv: some)"))
            case "Ping":
                reply("Success", Ping="Pong", Timestamp="1.0")
            case _:
                reply("Error", Message="Permission denied")
        return True
