"""The book of scenes: `@scene("01-…")` writes one into it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from tests.calls.table import TABLE
from tests.real.stage import Stage

Act = Callable[[Stage], Awaitable[None]]


class Scene(NamedTuple):
    """seconds: how long it takes at least, where a timer of the PBX must run out."""

    act: Act
    seconds: int


SCENES: dict[str, Scene] = {}


def scene(name: str, *, seconds: int = 0) -> Callable[[Act], Act]:
    assert name in TABLE, name

    def write(act: Act) -> Act:
        SCENES[name] = Scene(act, seconds)
        return act

    return write
