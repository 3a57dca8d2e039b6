"""The statements of `queries.sql`, by name.

Loaded once. `Many` writes any number of rows with few steps of SQLite: each step lets go of the interpreter lock, and
beside a busy event loop getting it back costs more than the row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Final

import apsw

_AT_ONCE: Final = 64  # rows a statement; a power of two


class Many:
    """A statement with a row `[(?, …)]` that is repeated."""

    def __init__(self, text: str) -> None:
        self._head, rest = text.split("[", 1)
        self._row, self._tail = rest.split("]", 1)
        self._width = self._row.count("?")
        self._texts: dict[int, str] = {}

    def run(self, connection: apsw.Connection, values: Sequence[apsw.SQLiteValue]) -> list[apsw.SQLiteValue]:
        """Run it on the values of all rows, one row after the other; the first column of what it answers."""
        answers = []
        count = len(values) // self._width
        done = 0
        while done < count:
            rows = min(_AT_ONCE, 1 << (count - done).bit_length() - 1)  # few sizes: each is prepared once and kept
            part = values[done * self._width : (done + rows) * self._width]
            answers += [answer[0] for answer in connection.execute(self._text(rows), part)]
            done += rows
        return answers

    def _text(self, rows: int) -> str:
        text = self._texts.get(rows)
        if text is None:
            text = self._texts[rows] = self._head + ",".join([self._row] * rows) + self._tail
        return text


def _load() -> dict[str, str]:
    blocks = re.split(r"^-- name: (\w+)\n", (files(__package__) / "queries.sql").read_text("utf-8"), flags=re.MULTILINE)
    return {name: text.strip() for name, text in zip(blocks[1::2], blocks[2::2], strict=True)}


QUERIES: Final = _load()


def migrations() -> list[str]:
    """The scripts of `migrations/`, in the order of their numbers, which count from 1."""
    folder = files(__package__) / "migrations"
    found = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
    return [entry.read_text("utf-8") for entry in found]
