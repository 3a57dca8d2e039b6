"""The console that every test here talks to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.console.world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World()
    await world.start(tmp_path, on_socket=False)
    yield world
    await world.stop()
