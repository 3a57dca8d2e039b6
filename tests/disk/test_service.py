"""The service as a process whose disk really fills up: by the kernel's limit on a file's size, which takes no rights,
and on a small file system, where mounting one is allowed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.cli.program import Running, kill_what_is_left, ringpost, running
from tests.disk.site import COMPANY, PATIENCE, check_ledger
from tests.real.receiver import Receiver

pytestmark = pytest.mark.real

SENDERS = 4
EVENTS_WHEN_FULL = 40  # that each is refused before there is space again


@pytest.fixture(autouse=True)
def no_process_left() -> Iterator[None]:
    yield
    kill_what_is_left()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MB; the test is skipped where none can be mounted."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system takes root")
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "none", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def test_a_service_whose_files_may_grow_no_more_heals_when_they_may(tmp_path: Path, receiver: Receiver) -> None:
    def limit(service: Running) -> Callable[[], object]:
        sizes = [file.stat().st_size for file in (tmp_path / "ringpost-data").iterdir()]
        unlimited = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (max(sizes) + 100_000, unlimited[1]))
        return partial(resource.prlimit, service.process.pid, resource.RLIMIT_FSIZE, unlimited)

    await fills_up_and_heals(tmp_path, receiver, limit)


async def test_a_service_on_a_file_system_that_is_full_heals_when_there_is_space(
    small: Path, receiver: Receiver
) -> None:
    def ballast(_: Running) -> Callable[[], object]:
        file = small / "ballast"
        with contextlib.suppress(OSError):
            free = os.statvfs(small).f_bavail * os.statvfs(small).f_frsize
            file.write_bytes(b"x" * (free - 100_000))
        return file.unlink

    await fills_up_and_heals(small, receiver, ballast)


async def fills_up_and_heals(folder: Path, receiver: Receiver, fill: Callable[[Running], Callable[[], object]]) -> None:
    """fill: leaves the service little space, and gives what takes that back."""
    service = await running(folder, "serve", "--port", "0", env={"RINGPOST_ALLOW_NETWORKS": "127.0.0.0/8"})
    await service.wait_for(lambda lines: any("listens at" in line for line in lines))
    words = ("integrations", "install", "webhook", receiver.url, "--company", COMPANY)
    assert (await ringpost(folder, *words)).code == 0
    told = json.loads((folder / "ringpost-data" / "service.json").read_text())
    headers = {"authorization": f"Bearer {told['key']}"}
    async with httpx.AsyncClient(base_url=told["url"], headers=headers, trust_env=False) as client:
        load = Load(client)
        async with asyncio.TaskGroup() as senders:
            for number in range(SENDERS):
                senders.create_task(load.work(f"{number}"))
            await load.reached("accepted", 100)
            make_space = fill(service)
            await load.reached("refused", SENDERS * EVENTS_WHEN_FULL)
            assert await not_ready(client) == (503, "ledger_full")
            words = ("integrations", "install", "webhook", receiver.url, "--company", "other")
            more = await ringpost(folder, *words)
            assert more.code == 0 or "ledger_full" in more.err  # after a checkpoint there is a little space
            make_space()
            await load.reached("accepted", load.counts["accepted"] + 200)
            load.stopping = True
        assert (await client.get("/readyz")).status_code == 200
        total = sum(map(len, load.accepted.values()))
        await receiver.wait_for(total, timeout=PATIENCE)
        async with asyncio.timeout(PATIENCE):
            while (await client.get("/v1/deliveries", params={"state": "pending"})).json()["result"]:
                pass
        assert len((await client.get("/v1/integrations")).json()["result"]) == (2 if more.code == 0 else 1)
    assert await service.stop() == 0
    found = defaultdict(list)
    for request in receiver.requests:
        event = json.loads(request.body)
        found[event["id"]].append(event["type"])
    assert found == load.accepted
    assert len({request.header("webhook-id") for request in receiver.requests}) == total
    check_ledger(folder / "ringpost-data" / "ringpost.db", load.accepted)


async def not_ready(client: httpx.AsyncClient) -> tuple[int, str]:
    """What readiness answers once not even its probe, a page at a time, has space any more."""
    while (answer := await client.get("/readyz")).status_code == 200:
        pass
    return answer.status_code, answer.json()["error"]["code"]


class Load:
    """Clients that send each event until it is taken."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.accepted: dict[str, list[str]] = defaultdict(list)
        self.counts: Counter[str] = Counter()
        self.stopping = False
        self._client = client
        self._news = asyncio.Condition()

    async def work(self, name: str) -> None:
        number = 0
        while not self.stopping:
            number += 1
            for kind in ("call:start", "call:update", "call:end"):
                while not await self._send(f"{name}.{number}", kind):
                    pass

    async def reached(self, what: str, count: int) -> None:
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: self.counts[what] >= count)

    async def _send(self, call: str, kind: str) -> bool:
        data = {"status": "TALKING", "more": "x" * 3_000}
        event = {"company": COMPANY, "id": call, "type": kind, "data": data}
        answer = await self._client.post("/v1/events", json=event)
        if answer.status_code == 202:
            self.accepted[f"{COMPANY}_{call}"].append(kind)
        else:
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "ledger_full")
        async with self._news:
            self.counts["accepted" if answer.status_code == 202 else "refused"] += 1
            self._news.notify_all()
        return answer.status_code == 202
