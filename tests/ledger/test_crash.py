"""kill -9 at any moment: nothing that was acknowledged is lost, and the file opens again at once."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import pytest

from ringpost.ledger.open import open_ledger
from ringpost.model.delivery import Owed
from tests.contract.ledger.making import all_owed, events_of

COMMIT = """
import asyncio, itertools, sys, time
from pathlib import Path
from ringpost.ledger.sqlite.checkpoint import Limits
from ringpost.ledger.sqlite.store import SqliteLedger
from ringpost.model.event import CALL_END, CALL_START, CALL_UPDATE, NewEvent

async def talk(ledger, name):
    for number in itertools.count():
        call = f"acme_{sys.argv[2]}.{name}.{number}"
        for type_ in (CALL_START, CALL_UPDATE, CALL_END):
            [event] = await ledger.commit([NewEvent(
                company="acme", call=call, pbx="P1", time=0, type=type_, data=b"x" * 1000, integrations=("aaaaaa",),
            )])
            print(event.seq, call, flush=True)

async def main():
    small = Limits(every=1 << 18, finish=1 << 19, cap=1 << 21)  # so that it is killed in checkpoints too
    ledger = await SqliteLedger.open(Path(sys.argv[1]), lambda: time.time_ns() // 1_000_000, small)
    await asyncio.gather(*(talk(ledger, name) for name in range(20)))

asyncio.run(main())
"""


async def acknowledged_until_killed(path: Path, life: int, count: int) -> list[tuple[int, str]]:
    """(seq, call) of what a process said was durable, before it was killed after `count` events."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", COMMIT, str(path), str(life), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    lines = [await process.stdout.readline() for _ in range(count)]
    process.kill()
    lines += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    said = [line.decode().split() for line in lines if line.endswith(b"\n")]
    assert len(said) >= count
    return [(int(seq), call) for seq, call in said]


@pytest.mark.slow
async def test_a_killed_process_loses_nothing_that_it_acknowledged(path: Path) -> None:
    acknowledged: list[tuple[int, str]] = []
    for life, count in enumerate((1, 500, 3_000)):
        acknowledged += await acknowledged_until_killed(path, life, count)
        ledger = await open_ledger(path, now=lambda: time.time_ns() // 1_000_000)
        seqs = [seq for seq, _ in acknowledged]
        assert len(set(seqs)) == len(seqs)
        events = await ledger.bodies("acme", seqs)
        assert {seq: events[seq].call for seq in seqs} == dict(acknowledged)
        for call in {call for _, call in acknowledged}:
            of_call = await events_of(ledger, "acme", call)
            assert [event.sequence for event in of_call] == list(range(1, len(of_call) + 1))
        owed = {one.seq: one for one in await all_owed(ledger, limit=1_000)}
        for seq, call in acknowledged:
            assert owed[seq] == Owed(company="acme", integration="aaaaaa", call=call, seq=seq)
        await ledger.close()
