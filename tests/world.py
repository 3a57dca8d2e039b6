"""Parts of a node for tests: a clock that is moved by hand, and a ledger, registry and intake in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ringpost.access.sealing import Vault
from ringpost.intake.accept import Intake
from ringpost.integrations.registry import Registry
from ringpost.ledger.ledger import Accepted, Ledger
from ringpost.ledger.open import open_ledger
from ringpost.settings import Settings
from ringpost.telemetry.metrics import Metrics

VAULT_KEY = bytes.fromhex("5b0e6c1ad7f2984c3be1a06f97d4285e70c9b36dfa1482e55d3f8ab0c61e749d")


class Clock:
    """Milliseconds since the epoch, moved by hand."""

    def __init__(self, ms: int = 1_795_573_019_000) -> None:
        self.ms = ms

    def __call__(self) -> int:
        return self.ms


class World:
    """Ledger, registry and intake as a node has them; `handed_over` is what the dispatcher would get."""

    def __init__(self, ledger: Ledger, clock: Clock, settings: Settings, addresses: dict[str, list[str]]) -> None:
        self.ledger = ledger
        self.clock = clock
        self.handed_over: list[Accepted] = []
        self.changed: list[str] = []
        self.metrics = Metrics()
        self.addresses = addresses

        async def resolve(host: str) -> Sequence[str]:
            return addresses.get(host, [])

        self.registry = Registry(
            ledger, Vault(VAULT_KEY), settings, clock, on_change=self.changed.append, resolver=resolve
        )
        self.intake = Intake(ledger, self.registry.of, self.metrics, clock)
        ledger.hand_over_to(self.handed_over.extend)


async def make_world(folder: Path, settings: Settings | None = None) -> World:
    clock = Clock()
    ledger = await open_ledger(folder / "ringpost.db", now=clock)
    world = World(
        ledger, clock, settings or Settings(), {"example.com": ["93.184.215.14"], "inside.example": ["10.0.0.7"]}
    )
    await world.registry.load()
    return world
