"""The API that every test here talks to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """In process: a server takes a fifth of a second to stop."""
    world = World()
    await world.start(tmp_path, on_socket=False)
    yield world
    await world.stop()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[World]:
    """On a socket of its own, served as in production."""
    world = World()
    await world.start(tmp_path, on_socket=True)
    yield world
    await world.stop()
