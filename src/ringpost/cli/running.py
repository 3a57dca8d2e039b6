"""Running a node from the command line: one loop, signals, and the file by which other commands find the service."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec
import uvloop

from ringpost.node import Node

from .client import SERVICE_FILE, Service

# The ledger's writer is a thread beside the loop: at Python's 5 ms a busy loop keeps it waiting for a second (p99 of a
# commit 1.2 s; 16 ms with this).
_SWITCH_SECONDS: Final = 0.0005
_SECOND_SIGNAL: Final = 130  # the exit code when a second signal cuts the stopping short


def run(work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run it in a loop of its own; the event is set by SIGINT or SIGTERM. A second signal ends the process at once:
    nothing accepted is lost by that, for it is durable."""

    async def main() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()

        def ask_to_stop() -> None:
            if stop.is_set():
                os._exit(_SECOND_SIGNAL)
            stop.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ask_to_stop)
        await work(stop)

    sys.setswitchinterval(_SWITCH_SECONDS)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


@contextlib.asynccontextmanager
async def findable(node: Node) -> AsyncIterator[None]:
    """While this lasts, commands of the same user on this machine find the service by its data folder."""
    file = Path(node.settings.data) / SERVICE_FILE
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # ledger and key may be elsewhere
    part = file.with_name(f".{SERVICE_FILE}.{os.getpid()}")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(msgspec.json.encode(Service(node.local_url, node.keys.make_local())))
    part.replace(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
