"""What each page of the console takes on a ledger with a million deliveries: time to the last byte, and size.

A node in this process serves a copy of the ledger over HTTP on loopback; each page is loaded one after the other, by
an operator, so all that is measured is one person's wait. Size: the page as it is sent, and with what it loads
(compressed, as browsers take it), which they keep for the next page. The start page of an empty service is the
yardstick.
"""

from __future__ import annotations

import asyncio
import random
import re
import shutil
import statistics
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Final, NamedTuple

import httpx
import msgspec

from ringpost.clock import wall_clock
from ringpost.console.assets import assets
from ringpost.integrations.requests import InstallRequest
from ringpost.ledger.ledger import Result
from ringpost.ledger.views import CallSearch, DeliverySearch
from ringpost.model.data import CallData, Direction, Party, to_wire
from ringpost.model.delivery import Attempt, DeliveryState
from ringpost.model.event import Event, NewEvent
from ringpost.node import Node, start_node
from ringpost.settings import Settings
from ringpost.telemetry.series import Series

from .ledgers import opened, prepared

DELIVERIES: Final = 1_000_000
GOAL_MS: Final = 50.0
GOAL_BYTES: Final = 100_000
_COMPANY: Final = "it_console"
_INTEGRATIONS: Final = 4
_DAYS: Final = 7
_AT_ONCE: Final = 500  # calls in one commit
_LOADS: Final = 25
_IMPORTED: Final = re.compile(r"\"\./(\w+)\.js\"")
_LINKED: Final = re.compile(r"/static/[^/]+/([^\"]+)")


class Measured(NamedTuple):
    """half, most: the median and the 95th percentile (ms); page, whole: bytes, whole with what it loads."""

    name: str
    half: float
    most: float
    page: int
    whole: int


def measure_console(folder: Path) -> None:
    """Measure and print."""
    made = prepared(f"console-{DELIVERIES}", f"{DELIVERIES:,} deliveries", _make)
    shutil.copytree(made, folder / "data")
    _print(*asyncio.run(_measure(folder)))


async def _measure(folder: Path) -> tuple[Measured, list[Measured]]:
    empty = await _loaded(folder / "empty", {"overview": "/overview"})
    node = await start_node(_settings(folder / "data"))
    try:
        addresses = await _addresses(node)
    finally:
        await node.stop()
    return empty[0], await _loaded(folder / "data", addresses)


def _settings(data: Path) -> Settings:
    return Settings(data=str(data), port=0, allow_networks=("127.0.0.0/8",), log_level="error")


async def _loaded(data: Path, addresses: Mapping[str, str]) -> list[Measured]:
    node = await start_node(_settings(data))
    try:
        async with httpx.AsyncClient(base_url=node.local_url, follow_redirects=True, timeout=60) as http:
            (await http.get(f"/login/{node.sessions.make_link()}")).raise_for_status()
            return [await _load(http, name, address) for name, address in addresses.items()]
    finally:
        await node.stop()


async def _load(http: httpx.AsyncClient, name: str, address: str) -> Measured:
    reply = (await http.get(address)).raise_for_status()
    times = []
    for _ in range(_LOADS):
        began = perf_counter()
        reply = (await http.get(address)).raise_for_status()
        times.append((perf_counter() - began) * 1e3)
    size = len(reply.content)
    linked = {found for found in _LINKED.findall(reply.text) if found in assets()}
    if "app.js" in linked:
        linked |= {f"{module}.js" for module in _IMPORTED.findall(assets()["app.js"].content.decode())}
    whole = size + sum(len(assets()[one].packed) for one in linked)
    times.sort()
    return Measured(name, statistics.median(times), times[int(len(times) * 0.95) - 1], size, whole)


async def _addresses(node: Node) -> dict[str, str]:
    of = f"company={_COMPANY}"
    call = (await node.ledger.find_calls(_COMPANY, CallSearch(), cursor=None, limit=50)).items[30]
    failed = DeliverySearch(state="exhausted")
    delivery = (await node.ledger.find_deliveries(_COMPANY, failed, cursor=None, limit=1)).items[0]
    older = (await node.ledger.find_deliveries(_COMPANY, DeliverySearch(), cursor=None, limit=50)).next
    integration = node.registry.of(_COMPANY)[0].id
    return {
        "overview, hour": "/overview",
        "overview, week": f"/overview?last=week&{of}",
        "curves, week": f"/overview/curves?last=week&{of}",
        "calls": "/calls",
        "calls of a company": f"/calls?{of}",
        "calls going on": f"/calls?open=true&{of}",
        "calls that are exhausted": f"/calls?mark=exhausted&{of}",
        "calls outbound": f"/calls?direction=OUTBOUND&{of}",
        "calls of a number": f"/calls?q=%2B390459999123&{of}",
        "calls of a name": f"/calls?q=Number217&{of}",
        "a call": f"/calls/{call.id}?{of}",
        "deliveries": "/deliveries",
        "deliveries of a company": f"/deliveries?{of}",
        "deliveries, older": f"/deliveries?{of}&cursor={older}",
        "deliveries failing": f"/deliveries?state=failing&{of}",
        "deliveries exhausted": f"/deliveries?state=exhausted&{of}",
        "deliveries by status": f"/deliveries?status=500&{of}",
        "deliveries of a number": f"/deliveries?q=%2B390459999123&{of}",
        "a delivery": f"/deliveries/{delivery.id}?{of}",
        "integrations": "/integrations",
        "an integration": f"/integrations/{integration}",
        "install": "/integrations/install",
        "pbxs": "/pbxs",
        "people": f"/people?{of}",
        "keys": "/keys",
        "notices": "/notices",
        "replays": "/replays",
    }


def _print(empty: Measured, found: list[Measured]) -> None:
    print(
        f"\n{'':26}{'median':>10}{'95 %':>10}{'page':>10}{'in all':>10}   goal: {GOAL_MS:.0f} ms, {GOAL_BYTES:,} bytes"
    )
    for one in (empty._replace(name="overview, empty ledger"), *found):
        misses = [
            word for word, is_missed in (("time", one.half > GOAL_MS), ("size", one.whole > GOAL_BYTES)) if is_missed
        ]
        told = f"MISSED: {', '.join(misses)}" if misses else "met"
        print(f"{one.name:26}{one.half:>7.1f} ms{one.most:>7.1f} ms{one.page:>10,}{one.whole:>10,}   {told}")


# --- the ledger ------------------------------------------------------------------------------------------------------
async def _make(data: Path) -> None:
    chance, series = random.Random(1), Series()
    calls = DELIVERIES // 3 // _INTEGRATIONS
    clock = [wall_clock() - _DAYS * 86_400_000]
    step = _DAYS * 86_400_000 // (calls // _AT_ONCE)
    async with opened(data, lambda: clock[0]) as (ledger, registry):
        made = [
            (await registry.install(_COMPANY, InstallRequest(type="webhook", url="http://127.0.0.1:9/")))[0].id
            for _ in range(_INTEGRATIONS)
        ]
        for first in range(0, calls, _AT_ONCE):
            events = [
                event
                for number in range(first, min(first + _AT_ONCE, calls))
                for event in _events(number, made, clock[0], chance, is_last=number > calls - 40)
            ]
            accepted = [one for one in await ledger.commit(events) if isinstance(one, Event)]
            is_recent = first > calls - 4 * _AT_ONCE
            results = [
                result
                for event in accepted
                for integration in made
                if (result := _result(event, integration, chance, is_recent=is_recent and integration == made[-1]))
            ]
            await ledger.record(results)
            series.accepted(accepted, clock[0])
            series.attempted(((one.attempt, one.state) for one in results), clock[0])
            await ledger.add_points(series.take(1_000))
            clock[0] += step


def _events(number: int, integrations: list[str], now: int, chance: random.Random, *, is_last: bool) -> list[NewEvent]:
    extension = 100 + chance.randrange(300)
    inside = Party(
        type="LOCAL", phone=str(extension), name=f"Agent Number{extension}", company="Acme",
        email=f"a{extension}@acme.example", userId=str(extension), userExtension=str(extension), userDepartment="Sales",
    )  # fmt: skip
    outside = Party(type="REMOTE", phone=f"+39045{chance.randrange(10**6, 10**7)}")
    way: Direction = chance.choice(("INBOUND", "OUTBOUND"))
    caller, callee = (outside, inside) if way == "INBOUND" else (inside, outside)
    steps = [("call:start", "CONNECTING"), ("call:update", "TALKING"), ("call:end", "TALKING")]
    return [
        NewEvent(
            company=_COMPANY,
            call=f"{_COMPANY}_{now // 1_000}.{number}",
            pbx="PBX1",
            time=now,
            type=kind,
            data=msgspec.json.encode(
                to_wire(
                    CallData(
                        status=status, caller=caller, callee=callee, destination="045800", trunkName="t1",
                        queueName="Support" if number % 3 else None, direction=way,
                    ),
                    ended=kind == "call:end",
                    extra_keys=True,
                )
            ),
            integrations=tuple(integrations),
        )
        for kind, status in (steps[:2] if is_last else steps)
    ]  # fmt: skip


def _result(event: Event, integration: str, chance: random.Random, *, is_recent: bool) -> Result | None:
    """How the delivery ended: of a hundred thousand 200 are exhausted; what is recent fails at one integration."""
    drawn = chance.random()
    state: DeliveryState = "delivered"
    status, error, due = 200, None, None
    if is_recent:
        state, status, error, due = "pending", 503, "status", event.accepted + 86_400_000 * 30
    elif drawn < 0.002:
        state, status, error = "exhausted", 500, "status"
    attempt = Attempt(
        company=event.company, seq=event.seq, integration=integration, number=1, time=event.accepted,
        duration=chance.randrange(5, 90), status=status, error=error, detail=None, reply="ok",
    )  # fmt: skip
    return Result(attempt=attempt, state=state, due=due)
