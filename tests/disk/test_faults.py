"""A node whose disk fails now and then, at any read, write or sync: what it accepted is what its receiver had, in
order and once, and everything else was refused for the ledger's sake."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from tests.disk.faults import KINDS, Faults, Kind, faulty
from tests.disk.site import COMPANY, REFUSALS, Site, check_ledger, site
from tests.real.receiver import Receiver

pytestmark = pytest.mark.slow

SENDERS = 6
CALLS = 12  # of each sender
# Of all reads (most are met by SQLite's memory), writes (a commit has several) and syncs.
RATES: dict[Kind, float] = {"read": 0.3, "write": 0.06, "short write": 0.1, "full": 0.06, "sync": 0.2}
MIXTURES: dict[str, tuple[Kind, ...]] = {
    **{kind: (kind,) for kind in KINDS},
    "reads, writes and no space": ("read", "write", "short write", "full"),
}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("mixture", MIXTURES)
async def test_a_disk_that_fails_now_and_then_costs_nothing_that_was_accepted(
    tmp_path: Path, receiver: Receiver, mixture: str, seed: int
) -> None:
    kinds = MIXTURES[mixture]
    with faulty({kind: RATES[kind] / len(kinds) for kind in kinds}, seed) as faults:
        async with site(tmp_path, receiver) as here:
            faults.on = True
            await work(here, faults, seed)
            faults.on = False
            assert await here.ask("GET", "/readyz") == (200, "ready")
            await here.wait_received()
            assert here.received() == here.accepted
            feed = here.node._feeds[COMPANY, "hq"].statistics()
            assert (feed.lost, feed.refused) == (0, 0)
    print(f"{mixture}, seed {seed}: {dict(faults.count)}, {len(here.refused)} events refused and sent again")
    assert set(faults.count) == set(kinds)
    if mixture not in {"read", "short write"}:  # those are made good, or met by who only asks
        assert here.refused
    check_ledger(tmp_path / "data" / "ringpost.db", here.accepted)


async def work(here: Site, faults: Faults, seed: int) -> None:
    """Clients whose events are sent until they are taken, a phone line, and someone who looks and changes."""
    done = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        curious = group.create_task(look_and_change(here, random.Random(seed), done))
        async with asyncio.TaskGroup() as senders:
            for number in range(SENDERS):
                senders.create_task(send_calls(here, f"{number}", random.Random(seed * 100 + number)))
            here.called(20)
        while not all(faults.count[kind] for kind in faults.rates):
            await here.send_until_accepted(f"more.{len(here.accepted)}", "start")
        done.set()
        await curious


async def send_calls(here: Site, name: str, chance: random.Random) -> None:
    for number in range(CALLS):
        for kind in ("start", *("update",) * chance.randint(0, 3), "end"):
            await here.send_until_accepted(f"{name}.{number}", kind, data="x" * chance.choice((10, 500, 12_000)))


async def look_and_change(here: Site, chance: random.Random, done: asyncio.Event) -> None:
    """An answer is right, or says that the ledger is not to be had; a change is made or not."""
    one, name = f"/v1/integrations/{here.integration}", ""
    while not done.is_set():
        match chance.randrange(5):
            case 0:
                status, told = await here.ask("GET", "/v1/deliveries", company=COMPANY)
                assert status == 503 or len(told) <= 100
            case 1:
                status, told = await here.ask("GET", "/readyz")
            case 2:
                status, told = await here.ask("GET", "/v1/calls", company=COMPANY)
            case 3:
                status, told = await here.ask("POST", "/v1/keys", {"role": "viewer", "company": COMPANY, "name": "x"})
            case _:
                wanted = f"name {chance.random()}"
                status, told = await here.ask("PATCH", one, {"name": wanted}, company=COMPANY)
                name = wanted if status == 200 else name
                shown = here.node.registry.get(COMPANY, here.integration)[0]
                assert (shown.name or "") == name
        assert status < 300 or told in REFUSALS, (status, told)
