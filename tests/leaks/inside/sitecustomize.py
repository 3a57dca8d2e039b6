"""Python loads this at the start of a service that a test runs (PYTHONPATH): what the taps tell goes to a file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import TextIO

from tests.leaks import taps


class _File:
    """One JSON line for each thing that is told, at once: the process may be killed."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._told: set[int] = set()

    def secret(self, kind: str, value: str) -> None:
        self._tell("secret", kind, value)

    def seen(self, channel: str, text: str) -> None:
        self._tell("seen", channel, text)

    def metrics(self, render: Callable[[], bytes]) -> None:
        """They are seen where they are asked for."""

    def _tell(self, *what: str) -> None:
        if hash(what) not in self._told:
            self._told.add(hash(what))
            self._file.write(json.dumps(what) + "\n")
            self._file.flush()


taps.install(_File(open(os.environ[taps.VARIABLE], "a", encoding="utf-8")))  # noqa: SIM115, PTH123 - until the process ends
