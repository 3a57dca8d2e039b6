"""The console's pages on an embedded ledger with a million deliveries: what each weighs, and how long the server takes.

The ledger is made once and kept in a folder of the cache; the pages are those that the console declares, got over HTTP
from a whole node, one after another by one browser that keeps its session: the times are what it waits. The bounds are
50 ms for a page, and 100 KB for it with its scripts and styles, compressed as a browser gets them.
"""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import msgspec
import uvloop
from msgspec import Struct

from ringpost.clock import wall_clock
from ringpost.console.assets import assets
from ringpost.console.screen import Screen
from ringpost.console.screens import all_screens
from ringpost.integrations.requests import InstallRequest
from ringpost.ledger.ledger import Result
from ringpost.ledger.open import open_ledger
from ringpost.ledger.views import CallSearch, DeliverySearch
from ringpost.model.data import CallData, Party, to_wire
from ringpost.model.delivery import Attempt, DeliveryState
from ringpost.model.directory import Person
from ringpost.model.event import Event, NewEvent
from ringpost.node import Node, start_node
from ringpost.settings import PbxSettings, Settings
from ringpost.work.selection import Selection

DELIVERIES: Final = 1_000_000
MS: Final = 50.0
BYTES: Final = 100_000
COMPANY: Final = "it_bench"
_TARGETS: Final = 3
_TYPES: Final = (("call:start", "RINGING"), ("call:update", "TALKING"), ("call:end", "TALKING"))
_BATCH: Final = 500  # calls
_EACH: Final = 6_000  # ms from one call to the next
_ROUNDS: Final = 30
_STATIC: Final = re.compile(r'(?:src|href)="/static/[0-9a-f]+/([^"]+)"')
_IMPORTS: Final = re.compile(r'(?:from|import)\s*\(?\s*"\./([\w./-]+)"')


class Measured(Struct, frozen=True):
    """name: of the page; whole: bytes with all that it loads; median, p95: ms until the whole reply was there."""

    name: str
    status: int
    page: int
    whole: int
    median: float
    p95: float

    @property
    def is_within(self) -> bool:
        return self.median <= MS and self.whole <= BYTES


# --- the ledger ------------------------------------------------------------------------------------------------------
async def make_ledger(folder: Path, deliveries: int) -> None:
    """A week of calls: most delivered at once, one receiver that refuses since a while, some exhausted."""
    chance, calls = random.Random(1), deliveries // (len(_TYPES) * _TARGETS)
    first_at = wall_clock() - calls * _EACH
    at = first_at
    targets = await _install(folder)
    ledger = await open_ledger(folder / "ringpost.db", now=lambda: at)
    for first in range(0, calls, _BATCH):
        numbers = range(first, min(calls, first + _BATCH))
        at = first_at + numbers[-1] * _EACH
        taken = await ledger.commit([one for number in numbers for one in _events(chance, number, first_at, targets)])
        seqs = [event.seq for event in taken if isinstance(event, Event)]
        is_late = first > calls - 1_000
        await ledger.record(
            [_result(chance, seq, target, at, is_late and target == targets[1]) for seq in seqs for target in targets]
        )
        if first % 20_000 == 0:
            print(f"  {first * 9:,} of {deliveries:,} deliveries", file=sys.stderr, flush=True)
    await ledger.close()


async def _install(folder: Path) -> tuple[str, ...]:
    """Three integrations, paused, so that nothing goes out while pages are measured; their ids."""
    node = await start_node(_settings(folder))
    try:
        installed = []
        for number in range(_TARGETS):
            request = InstallRequest(type="webhook", url="http://127.0.0.1:9/calls", name=f"CRM {number}")
            integration, _ = await node.registry.install(COMPANY, request)
            await node.registry.pause(COMPANY, integration.id)
            installed.append(integration.id)
        for number in range(100, 400):
            await node.directories.enter(COMPANY, Person(extension=str(number), name=f"Agent Number{number}"))
        for number in range(60):
            await node.keys.create(company=COMPANY, role="viewer", name=f"dashboard {number}")
        return tuple(installed)
    finally:
        await node.stop()


def _settings(folder: Path) -> Settings:
    return Settings(
        data=str(folder), port=0, log_level="error", allow_networks=("127.0.0.0/8",), keep_events_days=3_650,
        keep_attempts_days=3_650,
        pbx=(PbxSettings(company=COMPANY, serial="PBX1", host="127.0.0.1", port=9, user="none", secret="none"),),
    )  # fmt: skip


def _events(chance: random.Random, number: int, first_at: int, targets: tuple[str, ...]) -> Iterator[NewEvent]:
    inside = chance.randrange(100, 400)
    caller = Party(type="REMOTE", phone=f"+39045{chance.randrange(10**6, 10**7)}")
    callee = Party(
        type="LOCAL", phone=str(inside), name=f"Agent Number{inside}", company="Acme",
        email=f"a{inside}@acme.example", userExtension=str(inside), userDepartment="Sales",
    )  # fmt: skip
    for kind, status in _TYPES:
        data = CallData(
            status=status, caller=caller, callee=callee, destination="045800", trunkName="provider",
            queueName="Support" if number % 3 else None, queueId="1", direction="INBOUND", duration=5_000,
        )  # fmt: skip
        body = msgspec.json.encode(to_wire(data, ended=kind == "call:end", extra_keys=True))
        yield NewEvent(
            company=COMPANY, call=f"{COMPANY}_{number}", pbx="PBX1", time=first_at + number * _EACH, type=kind,
            data=body, integrations=targets,
        )  # fmt: skip


def _result(chance: random.Random, seq: int, target: str, at: int, fails: bool) -> Result:
    state: DeliveryState = "delivered"
    error, status, due = None, 200, None
    if fails:
        state, error, status, due = "pending", "status", 503, at + 60_000
    elif chance.random() < 0.002:
        state, error, status = "exhausted", "status", 500
    attempt = Attempt(
        company=COMPANY, seq=seq, integration=target, number=1, time=at, duration=40, status=status, error=error,
        detail=None, reply="ok",
    )  # fmt: skip
    return Result(attempt=attempt, state=state, due=due)


# --- the pages -------------------------------------------------------------------------------------------------------
def measure_console(folder: Path, *, rounds: int) -> None:
    """Measure and print. folder: where the ledger is, or is to be made."""
    made = folder / "made"
    if not made.exists():
        print(f"Making a ledger of {DELIVERIES:,} deliveries in {folder}, once …", file=sys.stderr, flush=True)
        began = time.monotonic()
        shutil.rmtree(folder, ignore_errors=True)  # one that was not made to its end
        folder.mkdir(parents=True)
        uvloop.run(make_ledger(folder, DELIVERIES))
        made.touch()
        print(f"Made in {time.monotonic() - began:.0f} s.", file=sys.stderr, flush=True)
    uvloop.run(_measure(folder, rounds))


async def _measure(folder: Path, rounds: int) -> None:
    node = await start_node(_settings(folder))
    try:
        pages = await _pages(node)
        link = f"/login/{node.sessions.make_link()}"
        found = await asyncio.to_thread(_look, node.local_url, link, pages, rounds)
    finally:
        await node.stop()
    print(f"{'page':52}{'status':>7}{'page KB':>9}{'in all KB':>11}{'median ms':>11}{'p95 ms':>9}  within the bounds")
    for one in found:
        told = "yes" if one.is_within else "NO"
        print(
            f"{one.name:52}{one.status:>7}{one.page / 1e3:>9.1f}{one.whole / 1e3:>11.1f}{one.median:>11.1f}"
            f"{one.p95:>9.1f}  {told}"
        )


async def _pages(node: Node) -> dict[str, str]:
    """The address of every page that is declared, and of some searches."""
    [integration, *_] = node.registry.of(COMPANY)
    [key, *_] = node.keys.all()
    call = (await node.ledger.find_calls(COMPANY, CallSearch(), cursor=None, limit=50)).items[25].id
    failed = (
        await node.ledger.find_deliveries(COMPANY, DeliverySearch(state="exhausted"), cursor=None, limit=1)
    ).items[0]
    delivery = (await node.ledger.find_deliveries(COMPANY, DeliverySearch(call=call), cursor=None, limit=1)).items[0].id
    selection = Selection(
        integration=None, call=None, state="exhausted", type=None, since=None, until=None, never_owed=False
    )
    plan = await node.replays.plan(COMPANY, selection, node.registry.of(COMPANY))
    replay = node.replays.work(COMPANY, selection, plan)
    await node.ledger.add_work(replay)  # it is looked at, not run
    ids = {"replays": replay.id, "integrations": integration.id, "keys": key.id, "calls": call}
    pages = {}
    for screen in all_screens():
        if isinstance(screen, Screen):
            first = screen.path.split("/")[1]
            path = screen.path.replace("{id}", ids.get(first, delivery)).replace("{delivery}", delivery)
            path = path.replace("{number}", "1").replace("{serial}", "PBX1").replace("{extension}", "217")
            pages[screen.path] = f"{path}?company={COMPANY}"
    for name, path, query in (
        ("/deliveries failing", "/deliveries", "state=failing"),
        ("/deliveries exhausted", "/deliveries", "state=exhausted"),
        ("/deliveries of a rare number", "/deliveries", "q=%2B39045999999123"),
        ("/deliveries of one status", "/deliveries", "status=418"),
        ("/calls of an extension", "/calls", "q=217"),
        ("/calls of a rare number", "/calls", "q=%2B39045999999123"),
        ("/calls by mark", "/calls", "mark=exhausted"),
        ("/overview of a week", "/overview", "last=week"),
    ):
        pages[name] = f"{path}?company={COMPANY}&{query}"
    pages["/deliveries/{id} exhausted"] = f"/deliveries/{failed.id}?company={COMPANY}"
    pages |= {f"{path} of all companies": path for path in ("/calls", "/deliveries", "/overview", "/integrations")}
    return pages


def _look(url: str, link: str, pages: dict[str, str], rounds: int) -> list[Measured]:
    """Each page so often, one after another."""
    with httpx.Client(base_url=url, trust_env=False, timeout=120, headers={"accept-encoding": "gzip"}) as browser:
        assert browser.get(link).status_code == 303
        return [_measured(browser, name, address, rounds) for name, address in pages.items()]


def _measured(browser: httpx.Client, name: str, address: str, rounds: int) -> Measured:
    times = []
    reply = browser.get(address)
    for _ in range(rounds):
        began = time.perf_counter()
        reply = browser.get(address)
        times.append((time.perf_counter() - began) * 1e3)
    page = reply.num_bytes_downloaded
    whole = page + sum(len(assets()[one].packed) for one in loaded(reply.text))
    return Measured(
        name, reply.status_code, page, whole, statistics.median(times), statistics.quantiles(times, n=20)[-1]
    )


def loaded(html: str) -> set[str]:
    """The names of all assets that a page loads, with what its scripts import."""
    names, coming = set(), [*_STATIC.findall(html)]
    while coming:
        name = coming.pop()
        if name not in names:
            names.add(name)
            folder = name.rpartition("/")[0]
            if name.endswith(".js") and "vendor" not in name:
                coming += [f"{folder}/{one}".lstrip("/") for one in _IMPORTS.findall(assets()[name].content.decode())]
    return names
