"""The API that every test here talks to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop

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


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Sockets behave differently on the two event loops: the server is tried on both."""
    factories = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
    return factories if item.path.name == "test_server.py" else {"asyncio": asyncio.new_event_loop}
