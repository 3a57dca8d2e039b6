"""One life of the service: its real parts, wired as `ringpost.node` wires them, on a simulated disk.

All that the simulation knows of how the parts are built is here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import ExitStack, contextmanager
from random import Random
from typing import Any, Final
from unittest.mock import patch

import structlog

from ringpost.access.sealing import Vault
from ringpost.dispatch import backlog, dispatcher, recorder, window
from ringpost.dispatch.dispatcher import Dispatcher
from ringpost.intake.accept import Intake
from ringpost.intake.bulletin import Bulletin
from ringpost.integrations import registry
from ringpost.integrations.registry import Registry
from ringpost.ledger.ledger import Accepted, Result
from ringpost.model.work import REPLAY
from ringpost.settings import Settings
from ringpost.telemetry.metrics import Metrics
from ringpost.transports.transport import Transport
from ringpost.work.replay import Replays
from ringpost.work.runner import Works
from ringpost.work.selection import Selection

from .disk import Disk, SimulatedLedger

_VAULT: Final = Vault(bytes(range(32)))
_DRAIN_MS: Final = 5_500


class Life:
    """The parts of one process. step: called where it may die."""

    def __init__(
        self,
        disk: Disk,
        settings: Settings,
        transport: Transport,
        *,
        now: Callable[[], int],
        jitter: Callable[[], float],
        step: Callable[[str], None],
    ) -> None:
        self._now = now
        self._step = step
        self.ledger = SimulatedLedger(disk, now)
        metrics = Metrics()
        self.registry = Registry(self.ledger, _VAULT, settings, now, on_change=self._changed, resolver=_resolve)
        self.intake = Intake(self.ledger, self.registry.of, metrics, now)
        self.bulletin = Bulletin(self.intake.accept_notices)
        self.dispatcher = Dispatcher(
            self.ledger,
            self.registry.installed,
            {"webhook": transport},
            settings,
            now=now,
            jitter=jitter,
            metrics=metrics,
            tell=self.bulletin.tell,
            pause=self.registry.pause_unfit,
        )
        self.replays = Replays(
            self.ledger, self.registry.installed, self.dispatcher.replayed, self.dispatcher.has_room, now, jitter
        )
        self.works = Works(self.ledger, {REPLAY: self.replays.step}, now)

    async def start(self) -> None:
        """Raises `RingpostError`: then the process ends."""
        self.ledger.hand_over_to(self._hand_over)
        await self.ledger.recover()
        await self.registry.load()
        await self.dispatcher.start()
        await self.works.start()

    async def replay(self, company: str, seq: int, integration: str) -> None:
        """What the API does when it is asked to deliver again."""
        owed = await self.ledger.replay(company, seq, integration, self._now())
        self._step("submitted")
        self.dispatcher.replayed(owed)

    async def replay_many(self, company: str, selection: Selection) -> str:
        """The same for many: the id of the work that does it."""
        integrations = [one for one in self.registry.of(company) if selection.integration in {None, one.id}]
        plan = await self.replays.plan(company, selection, integrations)
        work = self.replays.work(company, selection, plan)
        await self.works.begin(work)
        return work.id

    def owed(self) -> int:
        """How many deliveries the dispatcher says that it has still to make."""
        return self.dispatcher.statistics().owed

    def unrecorded(self) -> int:
        return self.dispatcher.statistics().unrecorded

    async def stop(self) -> None:
        await self.works.close(_DRAIN_MS)
        await self.dispatcher.drain(_DRAIN_MS)
        await self.dispatcher.close()
        await self.bulletin.close(_DRAIN_MS)
        await self.ledger.close()

    def end(self) -> None:
        """Let nothing reach the disk any more."""
        self.ledger.writer.is_alive = False

    def _hand_over(self, accepted: Sequence[Accepted]) -> None:
        self.dispatcher.committed(accepted)
        self._step("handed over")

    def _changed(self, integration: str) -> None:
        self.dispatcher.changed(integration)


async def _resolve(host: str) -> Sequence[str]:
    return ["93.184.215.14"]


class _Secrets:
    """In place of the registry's `secrets`: ids that the seed decides."""

    def __init__(self, chance: Random) -> None:
        self.choice = chance.choice
        self.token_bytes = chance.randbytes


@contextmanager
def patched(
    seed: int,
    *,
    seconds: Callable[[], float],
    on_line: Callable[[str], None],
    on_result: Callable[[Result], None],
    small: dict[str, int],
) -> Iterator[None]:
    """The real parts with the clock and the chance of the simulation where they take their own, and told of in the log.

    small: constants of the dispatcher, by name, that are less than in the service, so that a short run reaches them.
    """
    add = recorder.Recorder.add

    def told(self: recorder.Recorder, result: Result) -> None:
        on_result(result)
        add(self, result)

    def line(_: object, level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        shown = " ".join(f"{key}={value}" for key, value in event.items() if key != "frames")  # they name a folder
        on_line(f"{level}: {shown}")
        raise structlog.DropEvent

    with ExitStack() as stack:
        stack.enter_context(patch.object(dispatcher, "perf_counter", seconds))
        stack.enter_context(patch.object(registry, "secrets", _Secrets(Random(f"ids {seed}"))))
        stack.enter_context(patch.object(recorder.Recorder, "add", told))
        for name, value in small.items():
            for module in (dispatcher, recorder, backlog, window):
                if hasattr(module, name):
                    stack.enter_context(patch.object(module, name, value))
        configuration = structlog.get_config()
        stack.callback(lambda: structlog.configure(**configuration))
        structlog.configure(processors=[line], cache_logger_on_first_use=False)
        yield
