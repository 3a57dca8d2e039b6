"""The file: made, recognised, migrated, held by one."""

# ruff: noqa: ASYNC240 - a look at a small file stops nobody here
from __future__ import annotations

import asyncio
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from ringpost.errors import RingpostError
from ringpost.ledger.open import open_ledger
from ringpost.ledger.sqlite import file
from ringpost.ledger.sqlite.file import APPLICATION_ID
from ringpost.ledger.sqlite.sql import migrations
from ringpost.ledger.sqlite.store import SqliteLedger
from tests.contract.ledger.making import Clock, accepted, codes, events_of, new_event, whole_call

OPEN = """
import asyncio, sys
from pathlib import Path
from ringpost.errors import RingpostError
from ringpost.ledger.open import open_ledger
async def main():
    try:
        ledger = await open_ledger(Path(sys.argv[1]), now=lambda: 0)
    except RingpostError as error:
        print(error.code)
    else:
        await ledger.close()
        print("opened")
asyncio.run(main())
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def refused(path: Path, clock: Clock) -> RingpostError:
    with pytest.raises(RingpostError) as error:
        await open_ledger(path, now=clock)
    return error.value


async def written(path: Path, clock: Clock) -> None:
    """A ledger that was used and closed."""
    ledger = await open_ledger(path, now=clock)
    await ledger.commit([event for n in range(200) for event in whole_call(f"acme_{n}", integrations=["aaaaaa"])])
    await ledger.close()


async def test_folder_and_files_are_the_owners_alone(path: Path, ledger: SqliteLedger) -> None:
    await ledger.commit([new_event()])
    assert mode(path.parent) == 0o700
    assert {entry.name: mode(entry) for entry in path.parent.iterdir()} == {
        f"ringpost.db{end}": 0o600 for end in ("", "-wal", "-shm", ".lock")
    }


async def test_the_file_is_known_by_its_application_id(path: Path, ledger: SqliteLedger) -> None:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    assert connection.pragma("application_id") == APPLICATION_ID
    assert connection.pragma("user_version") == len(migrations())
    assert (connection.pragma("journal_mode"), connection.pragma("page_size")) == ("wal", 8192)
    connection.close()


async def test_closing_leaves_one_file_with_all_in_it(path: Path, clock: Clock) -> None:
    await written(path, clock)
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["ringpost.db", "ringpost.db.lock"]
    path.rename(path.parent / "moved.db")
    ledger = await open_ledger(path.parent / "moved.db", now=clock)
    assert len(await events_of(ledger, "acme", "acme_7")) == 3
    await ledger.close()


@pytest.mark.parametrize("url", ["postgresql://host/name", "sqlite:///x.db", "https://x.example/"])
async def test_a_url_is_refused(url: str, clock: Clock) -> None:
    error = await refused(Path(url), clock)
    assert (error.code, error.field) == ("settings_invalid", "ledger")


async def test_a_path_beside_the_working_folder_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.chdir(tmp_path)
    ledger = await open_ledger(Path("a:b.db"), now=clock)
    await ledger.close()
    assert (tmp_path / "a:b.db").is_file()


# --- what is not ours ------------------------------------------------------------------------------------------------
async def test_a_newer_file_is_refused_and_left_as_it_is(path: Path, clock: Clock) -> None:
    await written(path, clock)
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", len(migrations()) + 1)
    connection.close()
    before = path.read_bytes()
    assert (await refused(path, clock)).code == "ledger_newer"
    assert path.read_bytes() == before


def of_another_application(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE things (name); PRAGMA user_version = 1; PRAGMA application_id = 7")
    connection.close()


def of_no_application(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE things (name)")
    connection.close()


def of_text(path: Path) -> None:
    path.write_text("this is not a database\n" * 1_000)


@pytest.mark.parametrize("make", [of_another_application, of_no_application, of_text])
async def test_a_foreign_file_is_refused_and_left_as_it_is(
    path: Path, clock: Clock, make: Callable[[Path], None]
) -> None:
    path.parent.mkdir()
    make(path)
    before = path.read_bytes()
    error = await refused(path, clock)
    assert error.code == "ledger_invalid"
    assert str(path) in error.message
    assert path.read_bytes() == before


async def test_a_folder_is_refused(tmp_path: Path, clock: Clock) -> None:
    assert (await refused(tmp_path, clock)).code == "ledger_invalid"


async def test_a_place_that_cannot_be_made_says_which(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").touch()
    error = await refused(tmp_path / "file" / "ringpost.db", clock)
    assert error.code == "ledger_unavailable"
    assert str(tmp_path / "file" / "ringpost.db") in error.message


@pytest.mark.parametrize("part", [0.02, 0.5, 0.99])
async def test_a_truncated_file_is_refused(path: Path, clock: Clock, part: float) -> None:
    await written(path, clock)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    assert (await refused(path, clock)).code == "ledger_invalid"


async def test_a_file_whose_making_broke_off_is_taken(path: Path, clock: Clock) -> None:
    path.parent.mkdir()
    connection = apsw.Connection(str(path))
    connection.pragma("page_size", 8192)
    connection.pragma("journal_mode", "wal")
    connection.close()
    ledger = await open_ledger(path, now=clock)
    assert codes(await ledger.commit([new_event()])) == [None]
    await ledger.close()


# --- migrations ------------------------------------------------------------------------------------------------------
async def test_a_file_is_brought_to_the_newest_version_with_all_in_it(
    path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await written(path, clock)
    later = [*migrations(), "CREATE TABLE later (name TEXT) STRICT; INSERT INTO later VALUES ('x')"]
    monkeypatch.setattr(file, "migrations", lambda: later)
    for _ in range(2):  # the second time there is nothing to do
        ledger = await open_ledger(path, now=clock)
        assert len(await events_of(ledger, "acme", "acme_7")) == 3
        await ledger.close()
    connection = apsw.Connection(str(path))
    assert connection.pragma("user_version") == len(later)
    assert connection.execute("SELECT name FROM later").fetchall() == [("x",)]
    connection.close()


async def test_a_migration_that_fails_leaves_the_file_as_it_was(
    path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await written(path, clock)
    with monkeypatch.context() as patch:
        patch.setattr(
            file, "migrations", lambda: [*migrations(), "CREATE TABLE half (name TEXT) STRICT; SELECT nothing"]
        )
        assert (await refused(path, clock)).code == "ledger_unavailable"
    ledger = await open_ledger(path, now=clock)
    assert len(await events_of(ledger, "acme", "acme_7")) == 3
    await ledger.close()
    connection = apsw.Connection(str(path))
    assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'half'").get == 0
    connection.close()


# --- one at a time ---------------------------------------------------------------------------------------------------
async def test_a_second_ledger_in_this_process_is_refused(path: Path, clock: Clock, ledger: SqliteLedger) -> None:
    error = await refused(path, clock)
    assert error.code == "ledger_in_use"
    assert codes(await ledger.commit([new_event()])) == [None]


async def test_a_refused_opening_holds_nothing(path: Path, clock: Clock) -> None:
    path.parent.mkdir()
    of_text(path)
    assert (await refused(path, clock)).code == "ledger_invalid"
    path.unlink()
    ledger = await open_ledger(path, now=clock)
    await ledger.close()


@pytest.mark.slow
async def test_a_second_process_is_refused_until_the_first_is_done(path: Path, clock: Clock) -> None:
    def open_in_another_process() -> str:
        return subprocess.run(
            [sys.executable, "-c", OPEN, str(path)], check=True, capture_output=True, text=True
        ).stdout.strip()

    ledger = await open_ledger(path, now=clock)
    event = accepted((await ledger.commit([new_event()]))[0])
    assert await asyncio.to_thread(open_in_another_process) == "ledger_in_use"
    assert await ledger.event("acme", event.seq) == event
    await ledger.close()
    assert await asyncio.to_thread(open_in_another_process) == "opened"


def test_a_commit_waits_for_the_disk_and_makes_no_checkpoint(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    connection = file.open_writer(path)
    assert connection.pragma("synchronous") == 2  # FULL: https://www.sqlite.org/pragma.html#pragma_synchronous
    assert connection.pragma("wal_autocheckpoint") == 0
    connection.close()


def test_a_reader_cannot_write(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    writer = file.open_writer(path)
    reader = file.open_reader(path)
    with pytest.raises(apsw.ReadOnlyError):
        reader.execute("UPDATE meta SET value = 1")
    reader.close()
    writer.close()
