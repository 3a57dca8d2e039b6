"""A ledger in a SQLite file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringpost.ledger.sqlite.store import SqliteLedger
from tests.contract.ledger.making import Clock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ringpost.db"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def ledger(path: Path, clock: Clock) -> AsyncIterator[SqliteLedger]:
    ledger = await SqliteLedger.open(path, clock)
    yield ledger
    await ledger.close()
