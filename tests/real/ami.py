"""A bare login on AMI (the manager interface of Asterisk): to see what a PBX says, and to move its calls.

Not the product's own client, on purpose: a test looks over its shoulder with this. One event loop; close it.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

AmiEvent = dict[str, str]


class Ami:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._numbers = itertools.count(1)
        self._news = asyncio.Condition()
        self._replies: dict[str, AmiEvent] = {}
        self._ended = False
        self.events: list[AmiEvent] = []
        self._task = asyncio.create_task(self._read())

    @classmethod
    async def login(cls, port: int, user: str, secret: str) -> Ami:
        """Log in with all events on; raises PermissionError if the PBX refuses."""
        ami = cls(*await asyncio.open_connection("127.0.0.1", port))
        reply = await ami.action("Login", Username=user, Secret=secret, Events="on")
        if reply["Response"] != "Success":
            await ami.close()
            raise PermissionError(reply["Message"])
        return ami

    async def action(self, action: str, **fields: str) -> AmiEvent:
        """Ask for an action, return its reply (not the list that may follow: those are events)."""
        number = str(next(self._numbers))
        lines = [f"Action: {action}", f"ActionID: {number}", *(f"{key}: {value}" for key, value in fields.items())]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        await self._until(lambda: number in self._replies, f"a reply to {action}")
        return self._replies.pop(number)

    async def event(self, name: str, **fields: str) -> AmiEvent:
        """The first event of this name, past or to come, that has these values."""
        wanted = {"Event": name, **fields}

        def found() -> list[AmiEvent]:
            return [event for event in self.events if wanted.items() <= event.items()]

        await self._until(lambda: bool(found()), f"{wanted}")
        return found()[0]

    async def event_where(self, name: str, **beginnings: str) -> AmiEvent:
        """The last event of this name whose values begin so, past or to come."""

        def found() -> list[AmiEvent]:
            named = [event for event in self.events if event["Event"] == name]
            return [
                event
                for event in named
                if all(event.get(key, "").startswith(value) for key, value in beginnings.items())
            ]

        await self._until(lambda: bool(found()), f"{name} {beginnings}")
        return found()[-1]

    async def ended(self) -> None:
        """Until the PBX closed the connection."""
        await self._until(lambda: self._ended, "the end of the connection")

    async def close(self) -> None:
        self._writer.close()
        await self._task

    async def _until(self, condition: Callable[[], bool], what: str) -> None:
        async with asyncio.timeout(10), self._news:
            await self._news.wait_for(lambda: condition() or self._ended)
        if not condition():
            raise EOFError(f"the PBX closed the connection before {what}")

    async def _read(self) -> None:
        """Frames are lines of `Key: value`, closed by an empty line; the banner is a line alone before the first."""
        try:
            await self._reader.readline()
            while True:
                frame = (await self._reader.readuntil(b"\r\n\r\n")).decode("utf-8", "replace")
                pairs = (line.partition(": ") for line in frame.split("\r\n") if line)
                fields = {key: value for key, _, value in pairs}
                async with self._news:
                    if "Event" in fields:
                        self.events.append(fields)
                    else:
                        self._replies[fields.get("ActionID", "")] = fields
                    self._news.notify_all()
        except (asyncio.IncompleteReadError, ConnectionError):
            async with self._news:
                self._ended = True
                self._news.notify_all()
