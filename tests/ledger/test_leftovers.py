"""What SQLite leaves of erased rows in the middle of its pages is found and overwritten."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from ringpost.ledger.sqlite import leftovers
from ringpost.ledger.sqlite.store import SqliteLedger
from ringpost.upkeep.erasure import ROUNDS
from tests.contract.ledger.making import Clock, events_of, new_event, whole_call

WANTED = b"+4930 8888"
SEEDS = (4, 51)  # with these a page keeps bytes of the wanted kind


async def fill(ledger: SqliteLedger, chance: Random) -> list[str]:
    """Calls of eight kinds with data of very different sizes, the kinds mixed; their ids."""
    names = []
    for number in range(150):
        kind = chance.randrange(8)
        size = chance.choice([10, 300, 1_500, 7_900, 20_000])
        data = (WANTED if kind == 7 else b"other") + b"x" * size
        events = [new_event(event.type, call=event.call, data=data) for event in whole_call(f"acme_{kind}.{number}")]
        await ledger.commit(events)
        names.append(events[0].call)
    return names


async def erase(ledger: SqliteLedger, names: list[str]) -> list[str]:
    """Kind by kind, so that pages are emptied and merged; the wanted one last. What is left."""
    for kind in (3, 1, 5, 0, 2, 7):
        for name in names:
            if name.startswith(f"acme_{kind}."):
                await ledger.erase_call("acme", name)
    assert await ledger.empty_log()
    return [name for name in names if name.startswith(("acme_4.", "acme_6."))]


async def clear(ledger: SqliteLedger) -> int:
    places = 0
    after: int | None = 0
    while after is not None:
        cleared = await ledger.clear_leftovers(after)
        places, after = places + cleared.places, cleared.next
    assert await ledger.empty_log()
    return places


def holds(path: Path, wanted: bytes) -> bool:
    return wanted in path.read_bytes()


@pytest.mark.slow
async def test_no_byte_of_what_was_erased_is_left_where_pages_were_merged(tmp_path: Path) -> None:
    left_before = 0
    for seed in SEEDS:
        path = tmp_path / f"{seed}.db"
        ledger = await SqliteLedger.open(path, Clock())
        kept = await erase(ledger, await fill(ledger, Random(seed)))
        left_before += holds(path, WANTED)
        before = [await events_of(ledger, "acme", name) for name in kept]
        for _ in range(ROUNDS):
            await clear(ledger)
        assert not holds(path, WANTED)
        assert [await events_of(ledger, "acme", name) for name in kept] == before
        await ledger.close()
    assert left_before  # or this shows nothing


def test_a_page_whose_free_blocks_lead_in_a_circle_comes_to_an_end() -> None:
    page = bytearray(4_096)
    page[1:3] = (100).to_bytes(2)
    page[100:104] = bytes([0, 100, 0, 0])  # the next free block is itself, and it has no size
    assert leftovers._free(bytes(page), 50) == 50
