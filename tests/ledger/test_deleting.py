"""What leaves the file: secrets, old answers; and deletions of a long backlog, which take several transactions."""

from __future__ import annotations

from pathlib import Path

import apsw

from ringpost.ledger.sqlite.sql import QUERIES
from ringpost.ledger.sqlite.store import SqliteLedger
from tests.contract.ledger.making import DAY, NOW, Clock, all_owed, commit_one, integration, new_event, remember


async def broken_off(path: Path, clock: Clock) -> int:
    """A ledger in which a deletion stopped after its first transaction; the seq of what was owed."""
    ledger = await SqliteLedger.open(path, clock)
    await ledger.add_integration(integration())
    event = await commit_one(ledger, new_event(integrations=["aaaaaa"]))
    await ledger.close()
    connection = apsw.Connection(str(path))
    connection.execute(QUERIES["delete_integration"], (NOW, "acme", "aaaaaa"))
    connection.close()
    return event.seq


async def test_a_deletion_that_was_broken_off_is_finished_at_the_next_start(path: Path, clock: Clock) -> None:
    seq = await broken_off(path, clock)
    ledger = await SqliteLedger.open(path, clock)
    delivery = await ledger.delivery("acme", seq, "aaaaaa")
    assert delivery is not None
    assert delivery.state == "cancelled"
    assert await ledger.pending_count("acme", "aaaaaa") == 0
    await ledger.close()


async def test_a_deletion_that_was_broken_off_can_be_finished_and_owes_nothing_meanwhile(
    path: Path, ledger: SqliteLedger
) -> None:
    await ledger.add_integration(integration())
    await commit_one(ledger, new_event(integrations=["aaaaaa"]))
    connection = apsw.Connection(str(path))
    connection.execute(QUERIES["delete_integration"], (NOW, "acme", "aaaaaa"))
    connection.close()
    assert await all_owed(ledger) == []
    assert await ledger.cancel_owed("acme", "aaaaaa", NOW) == 1
    assert await ledger.pending_count("acme", "aaaaaa") == 0


async def test_the_secrets_of_a_deleted_integration_are_gone(path: Path, ledger: SqliteLedger) -> None:
    await ledger.add_integration(integration())
    await ledger.delete_integration("acme", "aaaaaa", NOW)
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    assert connection.execute("SELECT sealed, state FROM integrations").fetchall() == [(b"", "deleted")]
    connection.close()


async def test_answers_that_are_too_old_leave_the_file(path: Path, ledger: SqliteLedger, clock: Clock) -> None:
    for n in range(60):
        await ledger.commit([], remember(key=f"k{n}"))
    clock.now += DAY
    for n in range(2):
        await ledger.commit([], remember(key=f"new{n}"))
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    assert connection.execute("SELECT count(*) FROM remembered").get == 2
    connection.close()
