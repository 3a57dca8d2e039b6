"""The supervisor: runs the real service under load, kills it again and again, and lets it come to rest at the end.

Where it is killed is chosen by a seed, as a number of events that were accepted or arrived in that life of the service,
so a run comes about again as nearly as separate processes allow.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.cli.program import Running, ringpost, running
from tests.crash.inbox import Inbox
from tests.crash.load import COMPANY, Book, Clients

ENVIRONMENT: Final = {
    "RINGPOST_ALLOW_NETWORKS": "127.0.0.0/8",
    "RINGPOST_RETRY_DELAYS_MS": ",".join(["20"] * 40),  # so many that none is exhausted
    "RINGPOST_DRAIN_MS": "1000",
    "RINGPOST_LOG_LEVEL": "warning",
    "RINGPOST_LOG_FORMAT": "text",
}
KILLS: Final = 25  # of one run
CLIENTS: Final = 6  # half of them with idempotency keys
REST_SECONDS: Final = 60
SECOND_SIGNAL: Final = 130
# How the service is brought down, and how often of 20 times.
DEATHS: Final = {"accepted": 9, "arrived": 5, "starting": 3, "draining": 2, "second signal": 1}


class Supervisor:
    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.book = Book()
        self.deaths: Counter[str] = Counter()
        self.lives = 0
        self._chance = random.Random(seed)
        self._seed = seed
        self._counts: Counter[str] = Counter()  # of this life
        self._wanted = ("", 0)
        self._kills = False  # the moment that is wanted is there
        self._reached = asyncio.Event()
        self._listening = asyncio.Event()
        self._url = ""
        self._service: Running | None = None
        self._startup = 0.5  # seconds that the last one took
        self.inboxes = [
            Inbox(flaky=flaky, seed=seed + 1, life=lambda: self.lives, on_arrival=lambda: self._count("arrived"))
            for flaky in (False, True)
        ]

    async def run(self, times: int) -> None:
        """Kill the service so often, then wait until nothing is owed, and stop it."""
        made = await ringpost(self.folder, "keys", "create", "--role", "admin", "--company", COMPANY)
        assert made.code == 0, made.err
        key = made.out.strip()
        for inbox in self.inboxes:
            await inbox.receiver.start()
        await self._start()
        for inbox in self.inboxes:
            words = ("integrations", "install", "webhook", inbox.receiver.url, "--company", COMPANY, "--json")
            installed = json.loads((await ringpost(self.folder, *words)).out)
            inbox.integration, inbox.secret = installed["id"], installed["secret"]
        clients = Clients(self.book, key, self._where, lambda: self._count("accepted"))
        async with asyncio.TaskGroup() as load:
            for number in range(CLIENTS):
                seed = self._seed * 100 + number
                load.create_task(clients.work(f"c{number}", seed=seed, keyed=number % 2 == 0))
            for _ in range(times):
                await self._die()
                await self._start()
            clients.stopping = True
        await self._rest(key)
        assert await self._end(signal.SIGTERM) == 0, "a service at rest does not stop in good order"

    async def close(self) -> None:
        if self._service is not None and self._service.process.returncode is None:
            self._service.process.kill()
            await self._service.stop(signal.SIGKILL)
        for inbox in self.inboxes:
            await inbox.receiver.stop()

    # --- its lives -------------------------------------------------------------------------------------------------
    async def _start(self) -> None:
        began = time.monotonic()
        service = await self._launch()
        lines = await service.wait_for(lambda lines: any("listens at" in line for line in lines))
        self._startup = time.monotonic() - began
        self._url = next(line for line in lines if "listens at" in line).split("listens at ")[1].split(";")[0]
        self._listening.set()

    async def _launch(self) -> Running:
        self.lives += 1
        self._counts.clear()
        self._service = await running(self.folder, "serve", "--port", "0", env=ENVIRONMENT)
        return self._service

    async def _die(self) -> None:
        death = self._chance.choices(list(DEATHS), list(DEATHS.values()))[0]
        self.deaths[death] += 1
        match death:
            case "accepted" | "arrived":
                await self._until(death, self._chance.randint(1, 300), kill=self._chance.random() < 0.5)
                await self._end(signal.SIGKILL)
            case "starting":
                await self._until("accepted", self._chance.randint(1, 50))
                await self._end(signal.SIGKILL)
                await self._launch()
                await asyncio.sleep(self._startup * self._chance.random())
                await self._end(signal.SIGKILL)
            case "draining":
                service = await self._ask_to_stop()
                await asyncio.sleep(self._chance.random() * 0.03)
                self._expect_clean_or(await service.stop(signal.SIGKILL), -signal.SIGKILL)
            case "second signal":
                service = await self._ask_to_stop()
                self._expect_clean_or(await service.stop(signal.SIGTERM), SECOND_SIGNAL)

    async def _ask_to_stop(self) -> Running:
        """SIGTERM under load; it has begun to stop."""
        await self._until("arrived", self._chance.randint(1, 300))
        assert self._service is not None
        self._listening.clear()
        self._service.process.send_signal(signal.SIGTERM)
        await self._service.wait_for(lambda lines: any(line.startswith("Stopping") for line in lines))
        return self._service

    async def _end(self, number: int) -> int:
        assert self._service is not None
        self._listening.clear()
        return await self._service.stop(number)

    def _expect_clean_or(self, code: int, expected: int) -> None:
        """It may have been done before the signal reached it."""
        assert code in {0, expected}, f"it ended with {code}, not 0 or {expected}: {self.last_lines()}"

    def last_lines(self) -> list[str]:
        return [] if self._service is None else self._service.lines[-20:]

    # --- how far it is ---------------------------------------------------------------------------------------------
    def _count(self, what: str) -> None:
        self._counts[what] += 1
        if not self._reached.is_set() and (what, self._counts[what]) == self._wanted:
            self._reached.set()
            if self._kills and self._service is not None:
                self._service.process.kill()

    async def _until(self, what: str, count: int, *, kill: bool = False) -> None:
        """Until so many more were accepted, or arrived, in this life; kill: in the middle of taking the last one, or
        else a little later."""
        self._wanted, self._kills = (what, self._counts[what] + count), kill
        self._reached.clear()
        async with asyncio.timeout(REST_SECONDS):
            await self._reached.wait()

    async def _where(self) -> str:
        await self._listening.wait()
        return self._url

    async def _rest(self, key: str) -> None:
        """Until nothing is owed."""
        try:
            async with asyncio.timeout(REST_SECONDS):
                while await self._owed(key):  # noqa: ASYNC110 - another process has no event for us
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"after {REST_SECONDS} s without a kill something is still owed") from None

    async def _owed(self, key: str) -> bool:
        parts = urlsplit(self._url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        with contextlib.closing(writer):
            request = f"GET /v1/deliveries?state=pending&limit=1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n"
            writer.write(f"{request}connection: close\r\n\r\n".encode())
            answer = await reader.read()
        return bool(json.loads(answer.partition(b"\r\n\r\n")[2])["result"])
