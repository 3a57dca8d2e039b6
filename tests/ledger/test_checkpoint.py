"""The write-ahead log stays bounded, beside constant commits and readers."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from ringpost.ledger.sqlite.checkpoint import Limits
from ringpost.ledger.sqlite.store import SqliteLedger
from tests.contract.ledger.making import Clock, codes, new_event
from tests.ledger.disk import disk

KIB = 1 << 10
SMALL = Limits(every=128 * KIB, finish=256 * KIB, cap=1024 * KIB, patience=20)
GROUP = 2_000 * KIB  # more than one transaction of these tests writes


async def write(ledger: SqliteLedger, name: str, count: int) -> None:
    """Commit so many events of 1 KB, 20 at a time, by four at once."""

    async def some(part: int) -> None:
        for n in range(count // 80):
            events = [new_event(call=f"acme_{name}.{part}.{n}.{k}", data=b"x" * 1_000) for k in range(20)]
            assert codes(await ledger.commit(events)) == [None] * 20

    await asyncio.gather(*map(some, range(4)))


def size(path: Path) -> int:
    return path.stat().st_size


def log_size(path: Path) -> int:
    return size(path.with_name(path.name + "-wal"))


@pytest.mark.slow
async def test_the_log_is_bounded_beside_constant_commits(path: Path, clock: Clock) -> None:
    ledger = await SqliteLedger.open(path, clock, SMALL)
    await write(ledger, "a", 16_000)
    assert log_size(path) < SMALL.cap + GROUP
    assert size(path) > 16_000 * 1_000 - SMALL.cap - GROUP  # the rest was moved
    await ledger.close()


@pytest.mark.slow
async def test_a_reader_that_stays_stops_no_commit_and_the_log_begins_anew_without_it(path: Path, clock: Clock) -> None:
    ledger = await SqliteLedger.open(path, clock, SMALL)
    await write(ledger, "a", 80)
    reader = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    reader.execute("BEGIN")
    seen = reader.execute("SELECT count(*) FROM events").get
    await write(ledger, "b", 8_000)
    assert reader.execute("SELECT count(*) FROM events").get == seen
    assert log_size(path) > 8_000 * 1_000
    reader.execute("COMMIT")
    reader.close()
    grown = log_size(path)
    await write(ledger, "c", 800)  # until the writer next waits for readers
    await write(ledger, "d", 8_000)
    assert log_size(path) < grown + GROUP
    assert seen == 80
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as reader:
        assert reader.execute("SELECT count(*) FROM calls").get == 80 + 8_000 + 8_800
    await ledger.close()


async def test_a_checkpoint_that_fails_fails_no_commit(path: Path, clock: Clock) -> None:
    """The log can be written, the database file cannot."""
    ledger = await SqliteLedger.open(path, clock, SMALL)
    with disk() as watched:
        watched.refuse = lambda name: name == str(path)
        await write(ledger, "a", 4_000)
        assert watched.refused > 0
        assert ledger.statistics().failures == 0
        assert log_size(path) > 4_000 * 1_000
    await write(ledger, "b", 800)
    grown = log_size(path)
    await write(ledger, "c", 4_000)
    assert log_size(path) < grown + GROUP
    await ledger.close()
