"""`ringpost serve` as an operator runs it: a process with a settings file, that listens to one PBX.

Each `start` is the same service again, with the ledger that the one before left.
"""

from __future__ import annotations

import json
import signal
from pathlib import Path

from tests.cli.program import Running, ringpost, running
from tests.real.asterisk_process import Asterisk
from tests.real.hearing import Hearing
from tests.real.receiver import Receiver
from tests.real.site import COMPANY

SERIAL = "pbx1"


class Service:
    def __init__(self, folder: Path, asterisk: Asterisk) -> None:
        folder.mkdir()
        self._folder = folder
        self._running: Running | None = None
        (folder / "secret").write_text(f"{asterisk.secret}\n")
        (folder / "ringpost.toml").write_text(
            f'port = 0\nallow_networks = ["127.0.0.0/8"]\n[[pbx]]\ncompany = "{COMPANY}"\nserial = "{SERIAL}"\n'
            f'host = "{asterisk.host}"\nport = {asterisk.ami_port}\nuser = "{asterisk.user}"\n'
            f'secret_file = "{folder}/secret"\ntrunks = ["SIPTRUNK"]\n'
        )

    async def start(self) -> None:
        """On return it listens to the PBX."""
        self._running = await running(self._folder, "serve", "--config", "ringpost.toml")
        await self._running.wait_for(lambda lines: any("pbx connected" in line for line in lines))

    async def link(self) -> str:
        """An address that signs a browser in, once."""
        done = await ringpost(self._folder, "users", "link", "--config", "ringpost.toml")
        assert done.code == 0, done.err
        return next(word for word in done.out.split() if "/login/" in word)

    async def end(self, number: int) -> None:
        """Kill it, or ask it to stop."""
        assert self._running is not None
        code = await self._running.stop(number)
        assert code == (0 if number == signal.SIGTERM else -number), self._running.lines[-20:]

    async def close(self) -> None:
        """Nothing of it is left, also where its test failed."""
        if self._running is not None:
            await self._running.stop(signal.SIGKILL)

    async def install(self, receiver: Receiver) -> Hearing:
        """Its one integration."""
        words = ("integrations", "install", "webhook", receiver.url, "--company", COMPANY, "--json")
        done = await ringpost(self._folder, *words, "--config", "ringpost.toml")
        assert done.code == 0, done.err
        return Hearing(receiver, json.loads(done.out)["secret"], may_repeat=True)
