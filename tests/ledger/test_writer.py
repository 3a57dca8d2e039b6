"""A fault beside a commit ends neither the writer nor leaves a caller waiting for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Accepted
from ringpost.ledger.sqlite.checkpoint import Checkpointer, Limits
from ringpost.ledger.sqlite.file import open_checkpointer, open_writer
from ringpost.ledger.sqlite.jobs import Commit
from ringpost.ledger.sqlite.store import SqliteLedger
from ringpost.ledger.sqlite.writer import Writer
from tests.contract.ledger.making import NOW, Clock, codes, new_event


class Failing(Checkpointer):
    tended = 0

    def tend(self) -> None:
        self.tended += 1
        if self.tended <= 2:
            raise ZeroDivisionError


@pytest.fixture
async def failing(path: Path, clock: Clock) -> AsyncIterator[Writer]:
    """A writer whose checkpointer fails after the first two transactions."""
    await (await SqliteLedger.open(path, clock)).close()
    connection = open_writer(path)
    writer = Writer(connection, clock, Failing(connection, open_checkpointer(path), Limits()))
    yield writer
    await asyncio.to_thread(writer.close)


async def test_a_fault_in_seeing_to_the_log_stops_no_commit_and_is_counted(failing: Writer) -> None:
    async with asyncio.timeout(10):
        for number in range(4):
            assert codes(await failing.submit(Commit([new_event(call=f"acme_{number}")], None))) == [None]
        await asyncio.to_thread(failing.close)
    statistics = failing.statistics()
    assert (statistics.commits, statistics.failures) == (4, 2)


async def test_callers_have_their_answers_though_what_takes_accepted_events_fails(ledger: SqliteLedger) -> None:
    faults: list[dict[str, Any]] = []
    taken: list[Accepted] = []

    def take(accepted: Sequence[Accepted]) -> None:
        taken.extend(accepted)
        if len(taken) < 3:
            raise ZeroDivisionError

    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    ledger.hand_over_to(take)
    async with asyncio.timeout(10):
        for number in range(4):
            assert codes(await ledger.commit([new_event(call=f"acme_{number}")])) == [None]
    assert [event.call for event, _ in taken] == ["acme_0", "acme_1", "acme_2", "acme_3"]
    assert [type(fault["exception"]) for fault in faults] == [ZeroDivisionError] * 2


async def test_a_change_that_is_refused_does_not_break_up_the_others_commit(tmp_path: Path) -> None:
    ledger = await SqliteLedger.open(tmp_path / "ringpost.db", lambda: NOW)
    before = ledger.statistics().commits
    asked: list[Awaitable[object]] = []
    for number in range(50):
        asked.append(ledger.commit([new_event(call=f"acme_{number}")]))
        asked.append(ledger.replay("acme", 1, "aaaaaa", NOW))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers[::2]] == [list] * 50
    assert [answer.code for answer in answers[1::2] if isinstance(answer, RingpostError)] == ["delivery_not_found"] * 50
    assert ledger.statistics().commits - before <= 5
    await ledger.close()
