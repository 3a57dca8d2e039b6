"""The ledger of each back end, for the contract's suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from ringpost.ledger.ledger import Ledger
from tests.contract.ledger.making import BACK_ENDS, Clock, Place


@pytest.fixture(params=BACK_ENDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return Place(request.param, tmp_path)


@pytest.fixture
def clock(place: Place) -> Clock:
    """The clock that the ledger is given."""
    return place.clock


class Opened:
    """The ledger that is open now."""

    def __init__(self, place: Place, ledger: Ledger) -> None:
        self._place = place
        self.ledger = ledger

    async def again(self) -> Ledger:
        """Close it and open it anew."""
        await self.ledger.close()
        self.ledger = await self._place.open()
        return self.ledger


@pytest.fixture
async def opened(place: Place) -> AsyncIterator[Opened]:
    opened = Opened(place, await place.open())
    yield opened
    await opened.ledger.close()


@pytest.fixture
def ledger(opened: Opened) -> Ledger:
    return opened.ledger


@pytest.fixture
def reopen(opened: Opened) -> Callable[[], Awaitable[Ledger]]:
    return opened.again
