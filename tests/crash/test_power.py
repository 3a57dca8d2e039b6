"""The power is cut at any write: whatever the disk kept of what was not synced, nothing acknowledged is lost and
nothing is there by half.

    pytest tests/crash/test_power.py                            # 50 cuts, in five runs of their own seeds
    pytest tests/crash/test_power.py --cuts 1000                # 1,000: in 100 runs
    pytest tests/crash/test_power.py --cuts 10 --crash-seed 3   # one run again, by the seed in its name
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from ringpost.errors import RingpostError
from ringpost.ledger.open import open_ledger
from ringpost.ledger.sqlite import file, store
from ringpost.ledger.sqlite.checkpoint import Limits
from ringpost.ledger.sqlite.store import SqliteLedger
from tests.contract.ledger.making import Clock
from tests.crash.beneath import watched
from tests.crash.commits import Acknowledged, Load, check_acknowledged, check_goes_on, check_whole
from tests.crash.power import CUTS, Disk

pytestmark = pytest.mark.slow

SMALL = Limits(every=1 << 17, finish=1 << 18, cap=1 << 19)  # so that checkpoints are cut too

# What is found where a sync is left out.
WRONG = r"lost|twice|damaged|in part|disagree|malformed|could not be written"


async def live_until_the_cut(path: Path, told: Acknowledged, chance: random.Random, name: str) -> str:
    """A life of the ledger, cut while it opens, commits or checkpoints; how its losses were chosen."""
    disk = Disk(path, chance, cut_at=chance.randint(1, 60) if chance.random() < 0.2 else chance.randint(60, 3_000))
    with watched(disk):
        try:
            ledger = await SqliteLedger.open(path, Clock(), SMALL)
        except RingpostError:
            assert disk.is_off, "the ledger is damaged: it does not open"
        else:
            try:
                await Load(ledger, told, chance, name).run()
                assert disk.is_off, "the ledger is damaged: it fails while the power is on"
            finally:
                await ledger.close()
    return disk.come_back()


async def cut_again_and_again(path: Path, seed: int) -> Counter[str]:
    chance = random.Random(seed)
    told = Acknowledged()
    modes: Counter[str] = Counter()
    for number in range(CUTS):
        modes[await live_until_the_cut(path, told, chance, f"{seed}.{number}")] += 1
        if chance.random() < 0.3 and number < CUTS - 1:
            continue  # the next cut comes upon what this one left
        ledger = await open_ledger(path, now=Clock())
        try:
            await check_acknowledged(ledger, told)
            check_whole(path)
            await check_goes_on(ledger, told, f"{seed}.{number}")
            check_whole(path)
        finally:
            await ledger.close()
    print(f"seed {seed}: {len(told.events)} events acknowledged, losses {dict(modes)}")
    assert told.events
    return modes


async def test_a_ledger_whose_power_is_cut_keeps_what_it_acknowledged_and_nothing_by_half(
    tmp_path: Path, cut_seed: int
) -> None:
    modes = await cut_again_and_again(tmp_path / "data" / "ringpost.db", cut_seed)
    assert modes.total() == CUTS


@pytest.mark.parametrize(
    ("opening", "synchronous"),
    [("open_writer", "OFF"), ("open_writer", "NORMAL"), ("open_checkpointer", "OFF")],
)
async def test_a_ledger_that_leaves_out_a_sync_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opening: str, synchronous: str
) -> None:
    """The proof that the cuts above can fail."""
    as_it_is: Callable[[Path], apsw.Connection] = getattr(file, opening)

    def weaker(path: Path) -> apsw.Connection:
        connection = as_it_is(path)
        connection.pragma("synchronous", synchronous)
        return connection

    monkeypatch.setattr(store, opening, weaker)
    with pytest.raises((AssertionError, RingpostError, apsw.CorruptError), match=WRONG):
        await cut_until_it_fails(tmp_path)


async def cut_until_it_fails(folder: Path) -> None:
    for seed in range(20):
        await cut_again_and_again(folder / str(seed) / "ringpost.db", seed)
