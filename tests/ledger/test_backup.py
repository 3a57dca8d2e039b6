"""A backup is one moment of the ledger, beside constant commits; a check tells what a file is, and changes nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from ringpost.errors import RingpostError
from ringpost.ledger.backup import back_up
from ringpost.ledger.check import check_ledger
from ringpost.ledger.inspection import Inspection, Sealed
from ringpost.ledger.open import open_ledger
from ringpost.ledger.sqlite import inspect as inspect_module
from ringpost.ledger.sqlite.checkpoint import Limits
from ringpost.ledger.sqlite.sql import migrations
from ringpost.ledger.sqlite.store import SqliteLedger
from ringpost.model.event import Event
from tests.contract.ledger.making import (
    NOW,
    Clock,
    all_owed,
    codes,
    commit_one,
    failed,
    integration,
    new_event,
    whole_call,
)
from tests.ledger.disk import disk

KIB = 1 << 10
SMALL = Limits(every=128 * KIB, finish=256 * KIB, cap=512 * KIB, patience=20)


def nothing(*_: int) -> None:
    """No progress is asked for."""


def save(path: Path, target: Path, *, force: bool = False, progress: Callable[[int, int], None] = nothing) -> int:
    return back_up(path, target, force=force, progress=progress)


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


async def refused(code: str, path: Path, target: Path, *, force: bool = False) -> str:
    with pytest.raises(RingpostError) as error:
        await asyncio.to_thread(save, path, target, force=force)
    assert error.value.code == code
    return error.value.message


async def test_a_backup_beside_constant_commits_is_one_moment_and_stops_no_commit(
    path: Path, clock: Clock, tmp_path: Path
) -> None:
    ledger = await SqliteLedger.open(path, clock, SMALL)
    await write(ledger, "a", 60)
    is_over = asyncio.Event()
    beside = 0

    async def commit() -> None:
        nonlocal beside
        while not is_over.is_set():
            # a call's start and its end in one transaction: a copy of one moment never has half of it
            assert codes(await ledger.commit(whole_call(f"acme_x{beside}", integrations=["aaaaaa"]))) == [None] * 3
            beside += 1
            begun.set()

    begun = asyncio.Event()
    committing = asyncio.create_task(commit())
    await begun.wait()
    loop = asyncio.get_running_loop()
    progress: list[tuple[int, int]] = []

    def wait_for_commits(done: int, total: int) -> None:
        """The copy waits here until more was committed, so that it is certain to be beside the commits."""
        progress.append((done, total))
        before = beside
        while asyncio.run_coroutine_threadsafe(asyncio.sleep(0, beside), loop).result() < before + 5:
            pass

    target = tmp_path / "backup.db"
    size = await asyncio.to_thread(save, path, target, progress=wait_for_commits)
    is_over.set()
    await committing
    assert progress[-1] == (size, size) == (target.stat().st_size,) * 2
    await write(ledger, "y", 40)  # until the writer next waits for readers: the log begins anew
    grown = log_size(path)
    await write(ledger, "z", 120)
    assert log_size(path) < grown + SMALL.cap
    await ledger.close()

    found = check_ledger(target, nothing)
    assert found.problems == ()
    with open_copy(target) as copy:
        counts = dict(copy.execute("SELECT call, count(*) FROM events WHERE call LIKE 'acme_x%' GROUP BY call"))
        assert 0 < len(counts) < beside
        assert set(counts.values()) == {3}
        assert copy.execute("SELECT count(*) FROM deliveries").get == found.owed == 3 * len(counts)


async def write(ledger: SqliteLedger, name: str, times: int) -> None:
    for number in range(times):
        await ledger.commit([new_event(call=f"acme_{name}{number}.{n}", data=b"x" * 2_000) for n in range(20)])


def log_size(path: Path) -> int:
    return path.with_name(path.name + "-wal").stat().st_size


def content(path: Path) -> bytes:
    return path.read_bytes()


def names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir() if file.is_file()]


def open_copy(path: Path) -> apsw.Connection:
    return apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)


async def test_a_backup_that_is_put_in_place_owes_what_the_ledger_owed_and_its_numbers_go_on(
    path: Path, ledger: SqliteLedger, tmp_path: Path, clock: Clock
) -> None:
    event = await commit_one(ledger, new_event(integrations=["aaaaaa"]))
    target = tmp_path / "restored" / "ringpost.db"
    target.parent.mkdir()
    await asyncio.to_thread(save, path, target)
    restored = await open_ledger(target, now=clock)
    assert [owed.id for owed in await all_owed(restored)] == [owed.id for owed in await all_owed(ledger)]
    clock.now += 1
    [after] = await restored.commit([new_event(call="acme_2")])
    assert isinstance(after, Event)
    assert after.seq > event.seq
    await restored.close()


async def test_a_backup_without_a_service_leaves_the_ledger_as_it_was(
    path: Path, ledger: SqliteLedger, tmp_path: Path
) -> None:
    await commit_one(ledger, new_event())
    await ledger.close()
    before = content(path)
    target = tmp_path / "backup.db"
    save(path, target)
    assert content(path) == before
    assert target.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == ["backup.db"]


async def test_a_file_is_overwritten_only_when_that_is_asked_for_and_never_the_ledger_itself(
    path: Path, ledger: SqliteLedger, tmp_path: Path
) -> None:
    target = tmp_path / "backup.db"
    target.write_text("mine")
    await refused("backup_exists", path, target)
    assert target.read_text() == "mine"
    await refused("backup_exists", path, path, force=True)
    await refused("backup_exists", path, tmp_path, force=True)
    await refused("backup_exists", path, target, force=True)  # it is no copy of a ledger
    assert target.read_text() == "mine"
    target.write_text("")
    await asyncio.to_thread(save, path, target, force=True)
    await refused("backup_exists", path, target)
    await asyncio.to_thread(save, path, target, force=True)
    assert check_ledger(target, nothing).problems == ()


async def test_a_backup_that_fails_leaves_nothing_and_the_file_before_it(
    path: Path, ledger: SqliteLedger, tmp_path: Path
) -> None:
    await commit_one(ledger, new_event())
    target = tmp_path / "backup.db"
    await asyncio.to_thread(save, path, target)
    before = target.read_bytes()
    with disk() as watched:
        watched.refuse = lambda name: "backup.db" in name
        await refused("backup_failed", path, target, force=True)
    assert watched.refused > 0
    assert names(tmp_path) == ["backup.db"]
    assert target.read_bytes() == before
    await refused("backup_failed", path, tmp_path / "nowhere" / "backup.db")


async def test_what_is_no_ledger_is_not_copied(path: Path, tmp_path: Path) -> None:
    await refused("ledger_invalid", tmp_path / "missing.db", tmp_path / "backup.db")
    (tmp_path / "text").write_text("no database " * 1_000)
    await refused("ledger_invalid", tmp_path / "text", tmp_path / "backup.db")
    apsw.Connection(str(tmp_path / "other.db")).execute("CREATE TABLE t (x)")
    await refused("ledger_invalid", tmp_path / "other.db", tmp_path / "backup.db")
    assert not (tmp_path / "backup.db").exists()


async def test_a_check_tells_what_is_there_and_changes_nothing(path: Path, ledger: SqliteLedger) -> None:
    await ledger.add_integration(integration())
    await ledger.add_integration(integration("bbbbbb"))
    events = [await commit_one(ledger, event) for event in whole_call("acme_1", integrations=["aaaaaa", "bbbbbb"])]
    await ledger.record([failed(events[0])])
    await ledger.delete_integration("acme", "bbbbbb", NOW)
    live = check_ledger(path, nothing)
    await ledger.close()
    before = files(path.parent)
    found = check_ledger(path, nothing)
    assert files(path.parent) == before
    assert found == Inspection(
        version=len(migrations()),
        newest=len(migrations()),
        size=len(content(path)),
        last=events[-1].seq,
        owed=3,
        failing=1,
        sealed=(Sealed("acme", "aaaaaa", integration().sealed),),
    )
    assert (live.owed, live.failing, live.last) == (found.owed, found.failing, found.last)
    assert "sealed\\xff" not in repr(found)


async def test_a_check_reads_the_log_that_a_killed_service_left_and_leaves_it(
    path: Path, ledger: SqliteLedger, tmp_path: Path
) -> None:
    await commit_one(ledger, new_event(integrations=["aaaaaa"]))
    left = tmp_path / "left"
    left.mkdir()
    for end in ("", "-wal"):
        (left / (path.name + end)).write_bytes(path.with_name(path.name + end).read_bytes())
    before = files(left)
    assert check_ledger(left / path.name, nothing).owed == 1
    after = files(left)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) <= {path.name + "-shm"}


async def test_a_check_in_a_folder_that_cannot_be_written_to_does_its_work(path: Path, ledger: SqliteLedger) -> None:
    await ledger.close()
    check_where_nothing_can_be_written(path)


def check_where_nothing_can_be_written(path: Path) -> None:
    path.with_name(path.name + ".lock").unlink()
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        assert check_ledger(path, nothing).problems == ()
    finally:
        path.parent.chmod(0o700)


async def test_a_damaged_file_is_told(path: Path, ledger: SqliteLedger, tmp_path: Path) -> None:
    for number in range(200):
        await ledger.commit([new_event(call=f"acme_{number}", data=b"x" * 1_000)])
    await ledger.close()
    good = content(path)
    damaged = tmp_path / "damaged.db"
    damaged.write_bytes(
        good[: len(good) // 2 // 8192 * 8192] + os.urandom(8192) + good[len(good) // 2 // 8192 * 8192 + 8192 :]
    )
    assert check_ledger(damaged, nothing).problems
    damaged.write_bytes(good[:-100])
    with pytest.raises(RingpostError, match="cut off"):
        check_ledger(damaged, nothing)


async def test_an_older_and_a_newer_ledger_are_told(
    path: Path, ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ledger.close()
    scripts = [*migrations(), "CREATE TABLE more (x INTEGER) STRICT"]
    with monkeypatch.context() as patch:
        patch.setattr(inspect_module, "migrations", lambda: scripts)
        found = check_ledger(path, nothing)
    assert (found.version, found.newest, found.problems) == (len(scripts) - 1, len(scripts), ())
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", 99)
    connection.close()
    with pytest.raises(RingpostError) as newer:
        check_ledger(path, nothing)
    assert newer.value.code == "ledger_newer"


async def test_a_large_check_lets_one_see_that_it_goes_on(path: Path, ledger: SqliteLedger) -> None:
    for number in range(30):
        await ledger.commit([new_event(call=f"acme_{number}.{n}") for n in range(500)])
    ticks: list[int] = []
    check_ledger(path, lambda: ticks.append(1))
    assert ticks


@pytest.mark.parametrize("name", ["ringpost.db-wal", "ringpost.db-shm", "ringpost.db.lock", "sealing.key"])
async def test_nothing_of_the_ledger_itself_is_overwritten_nor_any_file_that_is_no_copy(
    tmp_path: Path, clock: Clock, name: str
) -> None:
    ledger = await open_ledger(tmp_path / "ringpost.db", now=clock)
    (tmp_path / "sealing.key").write_bytes(bytes(range(32)))
    [event] = [await commit_one(ledger, new_event())]
    before = sorted(files(tmp_path))
    await refused("backup_exists", tmp_path / "ringpost.db", tmp_path / name, force=True)
    assert sorted(files(tmp_path)) == before
    assert (tmp_path / "sealing.key").read_bytes() == bytes(range(32))
    assert await ledger.event(event.company, event.seq) == event
    await ledger.close()


async def test_what_a_killed_backup_left_is_removed_by_the_next_and_nothing_else(
    path: Path, clock: Clock, tmp_path: Path
) -> None:
    await (await open_ledger(path, now=clock)).close()
    gone = await asyncio.create_subprocess_exec("true")
    await gone.wait()
    head = await asyncio.to_thread(path.read_bytes)
    folder = tmp_path / "backups"
    folder.mkdir()
    old, alive = (0, 0), os.getppid()
    stay = {
        f".copy.db.{alive}": head,  # goes on
        f".copy.db.{gone.pid}x": head,
        f".other.db.{gone.pid}": head,
        ".copy.db.999999998": b"somebody's notes",
    }
    for name, content in {**stay, f".copy.db.{gone.pid}": head, ".copy.db.999999999": b""}.items():
        (folder / name).write_bytes(content)
        os.utime(folder / name, old)
    (folder / ".copy.db.999999997").write_bytes(head)  # written a moment ago, perhaps from another machine
    await asyncio.to_thread(save, path, folder / "copy.db")
    assert {file.name for file in folder.iterdir()} == {*stay, ".copy.db.999999997", "copy.db"}
