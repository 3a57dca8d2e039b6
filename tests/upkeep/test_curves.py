"""Keeping the curves: written at the end, made hours of when old, and not lost where the ledger fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger
from ringpost.ledger.open import open_ledger
from ringpost.model.event import CALL_START, Event
from ringpost.model.point import HOUR, MINUTE
from ringpost.telemetry.series import Series
from ringpost.upkeep.curves import Curves

NOW = 1_700_000_000_000 - 1_700_000_000_000 % HOUR
EVENT = Event(
    company="acme", seq=1, call="c", sequence=1, pbx="P", time=NOW, type=CALL_START, accepted=NOW, data=b"{}"
)  # fmt: skip


class Clock:
    now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    ledger = await open_ledger(tmp_path / "ledger.db", now=lambda: NOW)
    yield ledger
    await ledger.close()


async def minutes(ledger: Ledger) -> list[tuple[int, int]]:
    found = await ledger.points("acme", "", step=MINUTE, since=0, until=NOW + 100 * 24 * HOUR)
    return [(point.time - NOW, point.calls) for point in found]


async def test_what_is_left_is_kept_at_the_end(ledger: Ledger) -> None:
    series = Series()
    curves = Curves(ledger, series, Clock())
    curves.start()
    series.accepted([EVENT], NOW)
    await curves.stop()
    assert await minutes(ledger) == [(0, 1)]


async def test_what_the_ledger_refuses_is_kept_with_what_comes(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    series = Series()
    curves = Curves(ledger, series, Clock())

    async def refuse(points: object) -> None:
        raise RingpostError("ledger_full")

    series.accepted([EVENT], NOW)
    with monkeypatch.context() as patched:
        patched.setattr(ledger, "add_points", refuse)
        await curves.keep()
    series.accepted([EVENT], NOW)
    await curves.keep()
    await curves.keep()
    assert await minutes(ledger) == [(0, 2)]


async def test_what_is_old_becomes_hours_and_is_forgotten(ledger: Ledger) -> None:
    clock, series = Clock(), Series()
    curves = Curves(ledger, series, clock)
    for late in (MINUTE, 2 * MINUTE):
        series.accepted([EVENT], NOW + late)
    await curves.keep()
    await curves.roll_up()
    assert await minutes(ledger) == [(MINUTE, 1), (2 * MINUTE, 1)]
    clock.now = NOW + 49 * HOUR
    await curves.roll_up()
    assert await minutes(ledger) == [(0, 2)]
    clock.now = NOW + 9 * 24 * HOUR
    await curves.roll_up()
    assert await minutes(ledger) == []
