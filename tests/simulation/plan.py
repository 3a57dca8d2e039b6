"""What is going to happen in a run, drawn from its seed before it begins: receivers, calls, operators, faults.

What is planned is kept here over crashes: each part knows how far it came (`done`), and goes on from there in the next
life of the process. Times are virtual seconds.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final, Literal

from ringpost.model.event import CALL_END, CALL_START, CALL_UPDATE
from ringpost.settings import Settings

from .disk import Mode

Manner = Literal[
    "well",
    "slow",
    "hangs",
    "down",
    "flaps",
    "fails",
    "busy",
    "gone",
    "loses replies",
    "answers late",
    "breaks",
    "short",
]
Deed = Literal[
    "edit url", "edit filter", "edit often", "edit schedule", "pause", "resume", "resume all", "delete", "install",
    "replay", "replay many", "cancel replay",
]  # fmt: skip
MANNERS: Final[tuple[Manner, ...]] = (
    "slow", "hangs", "down", "flaps", "fails", "busy", "gone", "loses replies", "answers late", "breaks", "short",
)  # fmt: skip
COMPANIES: Final = ("acme", "bolt", "coda")
FILTERS: Final = (("*",), ("call:*",), ("call:start", "call:end"), ("call:end",), ("*", "notice:*"))
CALM_COMPANY: Final = "well"  # its integration's receiver is always well, and nobody touches it
URLS: Final = 3  # receivers of a company


@dataclass
class PlannedCall:
    """A call that a client or a source tells. at: when the next event is sent; keyed: with an Idempotency-Key."""

    company: str
    name: str
    types: list[str]
    gaps: list[float]
    at: float
    source: bool = False
    keyed: bool = False
    impatient: bool = False  # its client goes away now and then before it has its answer
    done: int = 0
    tries: int = 0


@dataclass
class Operator:
    """One who changes what is installed: when, what."""

    deeds: list[tuple[float, Deed]]
    done: int = 0


@dataclass
class Death:
    """The process dies at a time, or after so many steps at a point; or it is stopped and drained."""

    at: float
    point: str | None = None
    steps: int = 0
    gentle: bool = False
    pause: float = 1.0  # seconds until it runs again


@dataclass
class Plan:
    seed: int
    length: float
    settings: Settings
    calls: list[PlannedCall] = field(default_factory=list)
    operators: list[Operator] = field(default_factory=list)
    manners: dict[str, list[tuple[float, Manner]]] = field(default_factory=dict)  # by URL: (until, manner)
    jumps: list[tuple[float, int]] = field(default_factory=list)  # of the wall clock: when, ms
    faults: list[tuple[float, Mode]] = field(default_factory=list)  # of the ledger: from when on
    deaths: list[Death] = field(default_factory=list)
    small: dict[str, int] = field(default_factory=dict)  # constants of the dispatcher that are made small


POINTS: Final = ("submitted", "within", "committed", "handed over", "sent", "received", "answered", "concluded")
SCHEDULES: Final = (
    (1_000, 5_000),
    (5_000, 30_000, 120_000),
    (2_000, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000),
    (5_000, 30_000, 120_000, 600_000, 3_600_000),
    (),
)

_SMALL: Final = {
    "BATCH": 3, "LIMIT": 12, "BODY_BYTES": 20_000, "PAGE": 7, "LANES_AT_ONCE": 3, "LANE_PAGE": 2, "LATE_LIMIT": 3,
}  # fmt: skip


def draw_plan(seed: int) -> Plan:
    chance = random.Random(f"plan {seed}")
    length = chance.choice((120.0, 600.0, 600.0, 3_600.0, 20_000.0))
    plan = Plan(seed, length, _settings(chance))
    for company in COMPANIES:
        for number in range(URLS):
            plan.manners[url_of(company, number)] = _manners(chance, length)
        plan.calls += _calls(chance, company, length)
    if chance.random() < 0.5:
        plan.calls += _flood(chance, chance.choice(COMPANIES), length)
    plan.operators = [Operator(_deeds(chance, length)) for _ in range(2)]
    for _ in range(chance.choice((0, 0, 1, 2, 3))):
        ms = chance.choice((-600_000, -3_000, 5_000, 60_000, 3_600_000, 100_000_000, -100_000_000))
        plan.jumps.append((chance.uniform(0, length), ms))
    plan.jumps.sort()
    plan.faults = _faults(chance, length)
    plan.deaths = _deaths(chance, length)
    if chance.random() < 0.4:
        plan.small = dict(_SMALL)
    return plan


def url_of(company: str, number: int) -> str:
    return f"https://{company}.example/{number}"


def _settings(chance: random.Random) -> Settings:
    return Settings(
        connections_per_integration=chance.choice((1, 4, 8, 16)),
        connections=chance.choice((4, 16, 64)),
        retry_delays_ms=chance.choice(SCHEDULES),
        pause_after_ms=chance.choice((60_000, 600_000, 432_000_000)),
        deliveries_in_memory=chance.choice((12, 30, 100, 100_000)),
    )


def _manners(chance: random.Random, length: float) -> list[tuple[float, Manner]]:
    """Half of the time a receiver is well."""
    manners: list[tuple[float, Manner]] = []
    until = 0.0
    while until < length:
        until += length * chance.uniform(0.05, 0.6)
        manners.append((until, "well" if chance.random() < 0.5 else chance.choice(MANNERS)))
    return manners


def _calls(chance: random.Random, company: str, length: float) -> list[PlannedCall]:
    calls = []
    bursts = [chance.uniform(0, length * 0.9) for _ in range(4)]
    for number in range(chance.randint(4, 16)):
        updates = chance.randint(0, 5)
        types = [CALL_START, *[CALL_UPDATE] * updates, *([CALL_END] if chance.random() < 0.9 else [])]
        scale = chance.choice((0.0, 0.5, 5.0, length / 20))
        calls.append(
            PlannedCall(
                company,
                f"{number}",
                types,
                [chance.uniform(0, scale) for _ in types],
                chance.choice(bursts) + chance.uniform(0, 2.0),
                source=chance.random() < 0.25,
                keyed=chance.random() < 0.5,
                impatient=chance.random() < 0.2,
            )
        )
    return calls


def _flood(chance: random.Random, company: str, length: float) -> list[PlannedCall]:
    at = chance.uniform(0, length * 0.8)
    return [
        PlannedCall(company, f"flood{number}", [CALL_START, CALL_END], [0.0, chance.uniform(0, 3.0)], at)
        for number in range(chance.randint(20, 60))
    ]


def _deeds(chance: random.Random, length: float) -> list[tuple[float, Deed]]:
    deeds: list[Deed] = [
        "edit url", "edit filter", "edit often", "edit often", "pause", "pause", "resume", "resume", "resume all",
        "delete", "install", "replay", "replay", "replay", "replay", "replay many", "replay many", "cancel replay",
        "edit schedule",
    ]  # fmt: skip
    return sorted((chance.uniform(0, length), chance.choice(deeds)) for _ in range(chance.randint(2, 14)))


def _faults(chance: random.Random, length: float) -> list[tuple[float, Mode]]:
    faults: list[tuple[float, Mode]] = []
    kinds: tuple[Mode, ...] = ("slow", "flaky", "full", "unreadable", "unreadable")
    for _ in range(chance.choice((0, 1, 2, 3, 4))):
        begins = chance.uniform(0, length)
        faults.append((begins, chance.choice(kinds)))
        faults.append((begins + chance.choice((0.1, 3.0, 60.0)), "well"))
    return sorted(faults, key=lambda fault: fault[0])


def _deaths(chance: random.Random, length: float) -> list[Death]:
    deaths = []
    for _ in range(chance.choice((0, 0, 1, 1, 2, 4))):
        death = Death(chance.uniform(0, length), pause=chance.choice((0.1, 1.0, 30.0, 300.0)))
        kind = chance.random()
        if kind < 0.6:
            death.point, death.steps = chance.choice(POINTS), chance.randint(1, 12)
        elif kind < 0.75:
            death.gentle = True
        deaths.append(death)
    return sorted(deaths, key=lambda death: death.at)
