"""Reads the recordings of a real Asterisk 22: frames `@ <unix time> <direction> <bytes>`, then that many bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent / "ami"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ami"))
_FRAME = re.compile(rb"\n*@ (\d+)\.(\d+) ([<>!]) (\d+)\n")


class Frame(NamedTuple):
    """time: ms; direction: `<` received, `>` sent, `!` a note."""

    time: int
    direction: str
    data: bytes


def frames(name: str) -> Iterator[Frame]:
    recording = (FOLDER / f"{name}.ami").read_bytes()
    position = recording.index(b"\n") + 1
    while (match := _FRAME.match(recording, position)) is not None:
        end = match.end() + int(match[4])
        time = int(match[1]) * 1_000 + int(match[2][:3])
        yield Frame(time, match[3].decode(), recording[match.end() : end])
        position = end
    assert not recording[position:].strip(), name


def truth(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / f"{name}.truth.json").read_text())
    return content
