"""What a test run knows of secrets, and of the texts that left the product; at its end the one is looked for in the
other. The one `WATCH` is told by the taps, by the tests' own way of running commands, and by the plugin.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from tests.leaks.forms import SEALING_KEY, Index, Secret, is_trivial
from tests.leaks.taps import VARIABLE

PROCESS_LIST: Final = "process list"
_ROOT: Final = Path(__file__).parents[2]
_INSIDE: Final = Path(__file__).with_name("inside")
_LEDGERS: Final = (".db", ".db-wal", ".db-journal")
_COUNTED: Final = bytes(range(256))  # a key that counts up is no real one, and other data of tests does so too
_TEXTS: Final = re.compile(rb"[^\x00-\x1f]{8,}")  # of a file of SQLite


class Finding(NamedTuple):
    """A secret that got out. test: the one in which it was seen; never the secret itself."""

    test: str
    channel: str
    kind: str
    made_in: str

    def __str__(self) -> str:
        return f"{self.test}: {self.kind} (of {self.made_in}) in: {self.channel}"


class Watch:
    def __init__(self) -> None:
        self.test = "(before the tests)"
        self._secrets: dict[Secret, str] = {}  # and the test where each came to be
        self._sealing_keys: set[bytes] = set()
        self._seen: dict[tuple[str, str], str] = {}  # channel and text, and the test
        self._metrics: list[Callable[[], bytes]] = []
        self._folder: Path | None = None
        self._services: dict[Path, str] = {}

    # --- what it is told -------------------------------------------------------------------------------------------
    def secret(self, kind: str, value: str) -> None:
        if not is_trivial(value) and not (kind == SEALING_KEY and bytes.fromhex(value) in _COUNTED):
            self._secrets.setdefault(Secret(kind, value), self.test)
            if kind == SEALING_KEY:
                self._sealing_keys.add(bytes.fromhex(value))

    def seen(self, channel: str, text: str) -> None:
        self._seen.setdefault((channel, text), self.test)

    def metrics(self, render: Callable[[], bytes]) -> None:
        self._metrics.append(render)

    def ledgers(self, folder: Path) -> None:
        """Look at the bytes of every ledger in a folder: there secrets are sealed, and keys are hashes."""
        for file in folder.rglob("*.db*"):
            if file.name.endswith(_LEDGERS) and file.is_file():
                content = file.read_bytes()
                for text in _TEXTS.findall(content):
                    self.seen("ledger", text.decode("latin-1"))
                for key in self._sealing_keys:
                    if key in content:
                        self.seen("ledger", key.hex())

    def processes(self, leader: int) -> None:
        """Look at the command lines of a process and of all in its group, as anyone on the machine can."""
        for folder in Path("/proc").iterdir():
            if folder.name.isdecimal():
                try:
                    if os.getpgid(int(folder.name)) == leader:
                        words = (folder / "cmdline").read_bytes()
                        self.seen(PROCESS_LIST, words.replace(b"\0", b" ").decode("utf-8", "replace"))
                except OSError:
                    continue  # it has ended

    def test_ended(self) -> None:
        for render in self._metrics:
            self.seen("metrics", render().decode())
        self._metrics.clear()

    # --- services that tests start ---------------------------------------------------------------------------------
    def environment(self) -> dict[str, str]:
        """What a service is started with, so that its taps tell."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="ringpost-leaks-"))
        file = self._folder / str(len(self._services))
        self._services[file] = self.test
        return {"PYTHONPATH": f"{_INSIDE}:{_ROOT}:{_ROOT / 'src'}", VARIABLE: str(file)}

    def _read_services(self) -> None:
        for file, test in self._services.items():
            self.test = test
            lines = file.read_text("utf-8").splitlines() if file.exists() else []
            for line in lines:
                if line.endswith("]"):  # a kill can leave half of the last one
                    what, name, text = json.loads(line)
                    (self.secret if what == "secret" else self.seen)(name, text)
        self._services.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    # --- the end ---------------------------------------------------------------------------------------------------
    def findings(self) -> list[Finding]:
        """Every secret that is in a text that left."""
        self._read_services()
        index = Index(self._secrets)
        return sorted(
            {
                Finding(test, channel, secret.kind, self._secrets[secret])
                for (channel, text), test in self._seen.items()
                for secret in index.search(text)
                if not _is_meant(channel, secret)
            }
        )

    def texts(self) -> list[tuple[str, str]]:
        """(channel, text) of all that left."""
        return list(self._seen)

    def kinds(self) -> set[str]:
        """Of the secrets that are looked for."""
        return {secret.kind for secret in self._secrets}

    def counts(self) -> str:
        size = sum(len(text) for _, text in self._seen)
        return f"{len(self._secrets)} secrets looked for in {len(self._seen)} texts ({size / 1e6:.1f} MB)"


def _is_meant(channel: str, secret: Secret) -> bool:
    """An AWS access key id is an option of the command line: it names a key, and is in every request to AWS."""
    return channel == PROCESS_LIST and secret.kind == "AWS access key id"


WATCH: Final = Watch()
