"""A load for a service that is killed under it: clients on keep-alive connections, each with calls of its own.

Every event says in `data.number` which of its call's events it is, so whoever receives it can tell what came before.
A client with idempotency keys sends a request again until it knows the answer; one without gives a call up when it does
not know. What was sent, accepted and left unknown is kept in a `Book`, for the checks.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

COMPANY = "acme"
PATIENCE = 10  # seconds for an answer
_TRY_AGAIN = {"stopping", "overloaded", "not_ready", "idempotency_in_flight"}

Key = tuple[str, int]  # a call's id on the wire, and the number of one of its events


@dataclass
class Book:
    """sent: what may have reached the service; accepted: the event's id of each that was answered so; unknown: what
    was sent and never answered."""

    sent: dict[Key, str] = field(default_factory=dict)
    accepted: dict[Key, str] = field(default_factory=dict)
    unknown: set[Key] = field(default_factory=set)
    refused: list[tuple[Key, str]] = field(default_factory=list)
    again: int = 0  # requests that were sent again


class Clients:
    """url: of the service as it is now, awaited while there is none; on_accepted: called after each accepted event."""

    def __init__(
        self, book: Book, key: str, url: Callable[[], Awaitable[str]], on_accepted: Callable[[], None]
    ) -> None:
        self.book = book
        self.stopping = False
        self._key = key
        self._url = url
        self._on_accepted = on_accepted

    async def work(self, name: str, *, seed: int, keyed: bool) -> None:
        """Call after call, until told to stop; the call that is going on is finished."""
        chance = random.Random(seed)
        client = _Client(self, f"{name}-{seed}", keyed=keyed)
        async with contextlib.aclosing(client):
            number = 0
            while not self.stopping:
                number += 1
                calls = [f"{name}.{number}.{n}" for n in range(chance.choice((1, 1, 1, 3)))]
                await client.make_calls(calls, chance)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while True:
            parts = urlsplit(await self._url())
            with contextlib.suppress(ConnectionError):
                return await asyncio.open_connection(parts.hostname, parts.port)
            await asyncio.sleep(0.01)  # it was killed just now, and the supervisor is about to know

    def keep(self, sent: Sequence[Key], verdicts: Sequence[dict[str, Any]]) -> None:
        for key, verdict in zip(sent, verdicts, strict=True):
            if verdict["success"]:
                assert verdict["result"]["id"] == key[0], f"{key} was answered with another call: {verdict}"
                assert verdict["result"]["sequence"] == key[1], f"{key} was accepted out of place: {verdict}"
                self.book.accepted[key] = verdict["result"]["event"]
                self._on_accepted()
            else:
                self.book.refused.append((key, verdict["error"]["code"]))

    def head(self, path: str, body: bytes, idempotency_key: str | None) -> bytes:
        lines = [f"POST {path} HTTP/1.1", "host: ringpost", f"authorization: Bearer {self._key}"]
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
        lines += [f"idempotency-key: {idempotency_key}"] if idempotency_key else []
        return "\r\n".join([*lines, "", ""]).encode()


class _Client:
    """One connection at a time."""

    def __init__(self, clients: Clients, name: str, *, keyed: bool) -> None:
        self._clients = clients
        self._name = name
        self._keyed = keyed
        self._requests = 0
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def aclose(self) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open = None

    async def make_calls(self, calls: Sequence[str], chance: random.Random) -> None:
        """These calls side by side: one call's events singly, those of several in batches."""
        count = chance.randint(2, 6)
        events = [
            [_event(call, number, count, chance) for call in calls] for number in range(1, count + 1)
        ]  # by their number, so that those of one call are in order
        if len(calls) == 1:
            requests = events if chance.random() < 0.7 else [[one for same in events for one in same]]
        else:
            middle = chance.randint(1, count)
            requests = [[one for same in part for one in same] for part in (events[:middle], events[middle:]) if part]
        for request in requests:
            if not await self._send(request):
                return

    async def _send(self, events: Sequence[dict[str, Any]]) -> bool:
        """Send one request, with what it takes to know its answer; false if that is not to be known."""
        single = len(events) == 1
        path = "/v1/events" if single else "/v1/events/batch"
        body = json.dumps(events[0] if single else {"events": list(events)}).encode()
        sent = [(f"{COMPANY}_{event['id']}", event["data"]["number"]) for event in events]
        book = self._clients.book
        book.sent |= {key: event["type"] for key, event in zip(sent, events, strict=True)}
        self._requests += 1
        idempotency_key = f"{self._name}-{self._requests}" if self._keyed else None
        async for answer in self._answers(self._clients.head(path, body, idempotency_key) + body):
            if answer is None:
                if not self._keyed:
                    book.unknown |= set(sent)
                    return False
                book.again += 1
            elif answer["success"]:
                verdicts = [answer] if single else answer["result"]["events"]
                self._clients.keep(sent, verdicts)
                return all(verdict["success"] for verdict in verdicts)
            elif answer["error"]["code"] not in _TRY_AGAIN:
                book.refused += [(key, answer["error"]["code"]) for key in sent]
                return False
        raise AssertionError("there is always another answer")

    async def _answers(self, request: bytes) -> AsyncIterator[dict[str, Any] | None]:
        """The answer to the request, sent anew for each one asked for; None where none came."""
        while True:
            if self._open is None:
                self._open = await self._clients.connect()
            reader, writer = self._open
            try:
                async with asyncio.timeout(PATIENCE):
                    writer.write(request)
                    answer, stays_open = await _read_answer(reader)
            except (ConnectionError, asyncio.IncompleteReadError):
                await self.aclose()
                yield None
                continue
            if not stays_open:
                await self.aclose()
            yield answer


def _event(call: str, number: int, count: int, chance: random.Random) -> dict[str, Any]:
    type_ = "call:start" if number == 1 else "call:end" if number == count else "call:update"
    padding = "x" * chance.choice((10, 200, 200, 2_000))
    return {"id": call, "type": type_, "data": {"status": "TALKING", "number": number, "padding": padding}}


async def _read_answer(reader: asyncio.StreamReader) -> tuple[dict[str, Any], bool]:
    """A whole answer, and whether the connection stays open."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    headers = dict(line.split(": ", 1) for line in head[:-4].split("\r\n")[1:])
    answer = json.loads(await reader.readexactly(int(headers["content-length"])))
    return answer, headers.get("connection") != "close"
