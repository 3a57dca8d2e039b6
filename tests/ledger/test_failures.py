"""A disk that is full or broken: nothing is acknowledged that is not durable, nothing is left half-written, and the
ledger goes on by itself."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import apsw
import pytest

from ringpost.errors import RingpostError
from ringpost.ledger.open import open_ledger
from ringpost.ledger.sqlite.jobs import Commit, Record
from ringpost.ledger.sqlite.store import SqliteLedger
from ringpost.ledger.sqlite.writer import Writer
from ringpost.model.event import CALL_UPDATE, Event, NewEvent
from tests.contract.ledger.making import (
    NOW,
    Clock,
    accepted,
    all_owed,
    codes,
    commit_one,
    events_of,
    integration,
    new_event,
    owed,
    remember,
    result,
)
from tests.ledger.disk import Disk, Syncs, disk

LARGE = b"x" * 10_000


@pytest.fixture
def watched() -> Iterator[Disk]:
    with disk() as watched:
        yield watched


def large(call: str, type_: str = "call:start") -> NewEvent:
    return new_event(type_, call=call, integrations=["aaaaaa"], data=LARGE)


async def fill(ledger: SqliteLedger, calls: range) -> dict[str, Event | RingpostError]:
    """What became of the start of each call, all committed at once."""
    answers = await asyncio.gather(*(ledger.commit([large(f"acme_{n}")]) for n in calls), return_exceptions=True)
    found: dict[str, Event | RingpostError] = {}
    for n, answer in zip(calls, answers, strict=True):
        if isinstance(answer, RingpostError):
            found[f"acme_{n}"] = answer
        else:
            assert isinstance(answer, list)
            found[f"acme_{n}"] = accepted(answer[0])
    return found


async def assert_kept(ledger: SqliteLedger, found: dict[str, Event | RingpostError]) -> None:
    """What was accepted is there, with what it owes; of what was not, nothing is."""
    events = [answer for answer in found.values() if isinstance(answer, Event)]
    assert await all_owed(ledger, limit=50) == [owed(event) for event in sorted(events, key=lambda event: event.seq)]
    for call, answer in found.items():
        assert await events_of(ledger, "acme", call) == ([answer] if isinstance(answer, Event) else [])


@pytest.mark.parametrize("space", [0, 5_000, 50_000, 150_000])
async def test_a_full_disk_accepts_nothing_that_it_cannot_hold_and_heals(
    ledger: SqliteLedger, path: Path, clock: Clock, watched: Disk, space: int
) -> None:
    found = await fill(ledger, range(3))
    watched.left = space
    found |= await fill(ledger, range(3, 40))
    refused = [answer for answer in found.values() if isinstance(answer, RingpostError)]
    assert {error.code for error in refused} == {"ledger_full"}
    assert all(isinstance(error.__cause__, apsw.FullError) for error in refused)
    watched.left = 0
    with pytest.raises(RingpostError) as error:
        await ledger.check()
    assert error.value.code == "ledger_full"
    assert ledger.statistics().failures > 0

    watched.left = None
    await ledger.check()
    await assert_kept(ledger, found)
    again = [call for call, answer in found.items() if isinstance(answer, RingpostError)]
    for call in again:
        event = await commit_one(ledger, large(call))
        assert event.sequence == 1
        assert event.seq > max(one.seq for one in found.values() if isinstance(one, Event))
        found[call] = event
    await assert_kept(ledger, found)
    await ledger.close()
    reopened = await SqliteLedger.open(path, clock)
    await assert_kept(reopened, found)
    await reopened.close()


async def test_a_call_goes_on_where_it_was_after_a_failure(ledger: SqliteLedger, watched: Disk) -> None:
    start = await commit_one(ledger, large("acme_1"))
    await ledger.commit([large("acme_1", CALL_UPDATE)])
    watched.left = 0
    for _ in range(3):
        with pytest.raises(RingpostError):
            await ledger.commit([large("acme_1", CALL_UPDATE), large("acme_1", "call:end")], remember())
        with pytest.raises(RingpostError):
            await ledger.record([result(start)])
    watched.left = None
    assert await ledger.recall("acme", "k") is None
    assert [accepted(verdict).sequence for verdict in await ledger.commit([large("acme_1", CALL_UPDATE)])] == [3]
    delivery = await ledger.delivery("acme", start.seq, "aaaaaa")
    assert delivery is not None
    assert (delivery.state, delivery.attempts) == ("pending", 0)


async def test_a_failed_deletion_can_be_done_again(ledger: SqliteLedger, watched: Disk) -> None:
    await ledger.add_integration(integration())
    event = await commit_one(ledger, large("acme_1"))
    watched.left = 0
    with pytest.raises(RingpostError):
        await ledger.delete_integration("acme", "aaaaaa", NOW)
    watched.left = None
    assert await ledger.integrations() == [integration()]
    assert await all_owed(ledger) == [owed(event)]
    await ledger.delete_integration("acme", "aaaaaa", NOW)
    assert await ledger.cancel_owed("acme", "aaaaaa", NOW) == 1


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.EDQUOT, "ledger_full"), (errno.EFBIG, "ledger_full"), (errno.EIO, "ledger_unavailable")],
)
async def test_the_code_says_whether_space_would_help(
    ledger: SqliteLedger, watched: Disk, number: int, code: str
) -> None:
    watched.left, watched.error = 0, number
    with pytest.raises(RingpostError) as error:
        await ledger.commit([large("acme_1")])
    assert error.value.code == code
    assert isinstance(error.value.__cause__, apsw.Error)
    watched.left = None
    assert codes(await ledger.commit([large("acme_1")])) == [None]


async def test_reading_goes_on_while_the_disk_is_full(ledger: SqliteLedger, watched: Disk) -> None:
    event = await commit_one(ledger, large("acme_1"))
    watched.left = 0
    assert await ledger.event("acme", event.seq) == event
    assert await all_owed(ledger) == [owed(event)]


async def test_a_full_disk_at_the_first_start_says_so(path: Path, clock: Clock, watched: Disk) -> None:
    watched.left = 10_000
    with pytest.raises(RingpostError) as error:
        await open_ledger(path, now=clock)
    assert error.value.code == "ledger_full"
    watched.left = None
    ledger = await open_ledger(path, now=clock)
    assert codes(await ledger.commit([new_event()])) == [None]
    await ledger.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system takes root")
async def test_a_file_system_that_is_really_full_heals_when_there_is_space(tmp_path: Path, clock: Clock) -> None:
    mount = await asyncio.to_thread(
        subprocess.run,
        ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(tmp_path)],
        check=False,
        capture_output=True,
    )
    if mount.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        ledger = await SqliteLedger.open(tmp_path / "ringpost.db", clock)
        ballast = tmp_path / "ballast"
        ballast.write_bytes(b"x" * 700_000)
        found: dict[str, Event | RingpostError] = {}
        for n in range(0, 300, 10):
            found |= await fill(ledger, range(n, n + 10))
        assert {type(answer) for answer in found.values()} == {Event, RingpostError}
        ballast.unlink()
        await ledger.check()
        await assert_kept(ledger, found)
        assert isinstance((await fill(ledger, range(500, 501)))["acme_500"], Event)
        await ledger.close()
    finally:
        await asyncio.to_thread(subprocess.run, ["umount", str(tmp_path)], check=True)


# --- a commit that fails ---------------------------------------------------------------------------------------------
@pytest.fixture
async def unsynced(path: Path, clock: Clock) -> AsyncIterator[tuple[Writer, Syncs]]:
    """The writer alone, on a file system whose fsync can be broken."""
    await (await SqliteLedger.open(path, clock)).close()
    syncs = Syncs()
    connection = apsw.Connection(str(path), vfs="ringpost-test-syncs")
    connection.pragma("locking_mode", "exclusive")
    connection.pragma("synchronous", "FULL")
    writer = Writer(connection, clock)
    yield writer, syncs
    syncs.broken = False
    await asyncio.to_thread(writer.close)
    syncs.unregister()


async def test_a_commit_that_did_not_reach_the_disk_is_never_acknowledged(
    unsynced: tuple[Writer, Syncs], path: Path, clock: Clock
) -> None:
    writer, syncs = unsynced
    [[first]] = await asyncio.gather(writer.submit(Commit([large("acme_0")], None)))
    syncs.broken = True
    jobs = [writer.submit(Commit([large(f"acme_{n}")], None)) for n in range(1, 20)]
    jobs.append(writer.submit(Record([result(first)])))
    answers = await asyncio.gather(*jobs, return_exceptions=True)
    assert {answer.code for answer in answers if isinstance(answer, RingpostError)} == {"ledger_unavailable"}
    assert all(isinstance(answer, RingpostError) for answer in answers)
    assert syncs.refused > 0
    syncs.broken = False
    [second] = await writer.submit(Commit([large("acme_1")], None))
    assert isinstance(second, Event)
    await asyncio.to_thread(writer.close)

    ledger = await SqliteLedger.open(path, clock)
    await assert_kept(
        ledger, {"acme_0": first, "acme_1": second} | dict.fromkeys(["acme_2"], RingpostError("internal"))
    )
    assert await ledger.attempts("acme", first.seq, "aaaaaa") == []
    await ledger.close()


async def test_a_job_that_comes_after_closing_is_refused_not_forgotten(ledger: SqliteLedger) -> None:
    await ledger.close()
    with pytest.raises(RingpostError) as error:
        await ledger.commit([new_event()])
    assert error.value.code == "stopping"
