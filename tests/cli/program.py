"""The command line as a user has it: a process of its own, in a folder of its own, with an empty environment (but for
the taps of the leak test, tests/leaks)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.leaks.watch import WATCH
from tests.real.processes import bound_to_us

RINGPOST = Path(sys.executable).with_name("ringpost")
SECONDS = 30
_started: list[Process] = []
# Commands whose output is to show a secret, once.
_SHOWS = ({"keys", "create"}, {"users", "link"}, {"integrations", "install"}, {"--reveal"}, {"demo"})


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


async def ringpost(folder: Path, *words: str, stdin: str = "", env: dict[str, str] | None = None) -> Done:
    """Run a command to its end."""
    process = await start(folder, *words, env=env)
    async with asyncio.timeout(SECONDS):
        out, err = await process.communicate(stdin.encode())
    if not any(shows <= set(words) for shows in _SHOWS):
        WATCH.seen("output of a command", out.decode())
    WATCH.seen("error output of a command", err.decode())
    return Done(process.returncode or 0, out.decode(), err.decode())


async def start(folder: Path, *words: str, env: dict[str, str] | None = None) -> Process:
    environment = {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        **WATCH.environment(),
        **(env or {}),
    }
    command = bound_to_us([str(RINGPOST), *words])
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=environment, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True
    )
    _started.append(process)
    WATCH.processes(process.pid)
    return process


def kill_what_is_left() -> None:
    """Whatever a test that failed did not stop."""
    while _started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(_started.pop().pid, signal.SIGKILL)


class Running:
    """A command that goes on: its lines can be waited for."""

    def __init__(self, process: Process, *, shows_secrets: bool = False) -> None:
        self.process = process
        self.lines: list[str] = []
        self._shows_secrets = shows_secrets
        self._news = asyncio.Condition()
        self._readers = [asyncio.create_task(self._read(stream)) for stream in (process.stdout, process.stderr)]

    async def wait_for(self, wanted: Callable[[list[str]], bool]) -> list[str]:
        """All lines so far, once they are as wanted."""
        async with asyncio.timeout(SECONDS), self._news:
            await self._news.wait_for(lambda: wanted(self.lines))
        return self.lines

    async def stop(self, number: int = signal.SIGINT) -> int:
        """Its exit code, after a signal; nothing of it is left."""
        if self.process.returncode is None:
            WATCH.processes(self.process.pid)
            self.process.send_signal(number)
        async with asyncio.timeout(SECONDS):
            code = await self.process.wait()
            await asyncio.gather(*self._readers)
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return code
        raise AssertionError("a process of the command is left")

    async def _read(self, stream: asyncio.StreamReader | None) -> None:
        assert stream is not None
        while line := await stream.readline():
            async with self._news:
                self.lines.append(line.decode().rstrip())
                if not self._shows_secrets:
                    WATCH.seen("output of a service", self.lines[-1])
                self._news.notify_all()


async def running(folder: Path, *words: str, env: dict[str, str] | None = None) -> Running:
    return Running(await start(folder, *words, env=env), shows_secrets=words[:1] == ("demo",))
