"""A small world around a dispatcher: a clock set by hand, a real ledger with a door that can be shut, receivers that
answer as they are told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, cast

from ringpost.dispatch.dispatcher import Dispatcher
from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger, Named, Result
from ringpost.ledger.open import open_ledger
from ringpost.model.delivery import Attempt, DeliveryState, Owed
from ringpost.model.event import Event, NewEvent
from ringpost.model.failing import Failing
from ringpost.model.integration import Credentials, Integration, IntegrationState
from ringpost.model.notice import Notice
from ringpost.model.outcome import Outcome
from ringpost.settings import Settings
from ringpost.telemetry.metrics import Metrics
from ringpost.transports.transport import Sending

START: Final = 1_700_000_000_000
YEAR: Final = 31_536_000_000  # ms
SECRET: Final = "a secret that nobody may see"
OK: Final = Outcome(status=200)
FAILED: Final = Outcome(status=500, error="status")
Delivery = tuple[int, str]


async def turn_until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until something is so; without a clock, for nothing here waits for anything but turns."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - each turn changes something
            await asyncio.sleep(0)


class Door:
    """A real ledger with a door in front that can be shut: `record` and `bodies` are refused, or wait."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.records: list[int] = []  # how many results came with each call of `record`
        self.is_recording = False
        self.is_reading = False
        self.reads = 0
        self.refuses = False
        self.refuses_backlog = False
        self.refusals = 0
        self.open = asyncio.Event()
        self.open.set()

    async def record(self, results: Sequence[Result], failings: Mapping[Named, Failing | None]) -> None:
        self.is_recording = True
        await self.open.wait()
        self._refuse_or_go_on()
        self.records.append(len(results))
        await self.ledger.record(results, failings)

    async def failings(self) -> list[Failing]:
        return await self.ledger.failings()

    async def owing(self) -> list[tuple[str, str, int]]:
        return await self.ledger.owing()

    async def owed(self, company: str, integration: str, after: int, limit: int) -> list[Owed]:
        if self.refuses_backlog:
            self.refusals += 1
            raise RingpostError("ledger_unavailable")
        return await self.ledger.owed(company, integration, after, limit)

    async def owed_in_lanes(self, company: str, integration: str, calls: Sequence[str], limit: int) -> list[Owed]:
        return await self.ledger.owed_in_lanes(company, integration, calls, limit)

    async def bodies(self, company: str, seqs: Sequence[int]) -> Mapping[int, Event]:
        self.is_reading = True
        await self.open.wait()
        self._refuse_or_go_on()
        self.reads += len(seqs)
        return await self.ledger.bodies(company, seqs)

    def _refuse_or_go_on(self) -> None:
        if self.refuses:
            self.refusals += 1
            raise RingpostError("ledger_unavailable")


class Receivers:
    """A transport whose receivers answer as `answer` says. Those of integrations in `slow` answer once they may."""

    def __init__(self) -> None:
        self.answer: Callable[[Sending], Outcome] = lambda _: OK
        self.sent: list[Sending] = []
        self.received: list[Delivery] = []  # what was answered with success
        self.slow: dict[str, asyncio.Event] = {}
        self.under_way: Counter[str] = Counter()
        self.most_under_way: Counter[str] = Counter()
        self.lanes: set[tuple[str, str]] = set()

    async def send(self, sending: Sending) -> Outcome:
        integration = sending.integration.id
        lane = (integration, sending.event.call)
        assert lane not in self.lanes, "one at a time in a lane"
        self.lanes.add(lane)
        self.under_way[integration] += 1
        self.most_under_way |= self.under_way
        self.sent.append(sending)
        try:
            if integration in self.slow:
                await self.slow[integration].wait()
            else:
                await asyncio.sleep(0)
            outcome = self.answer(sending)
            if outcome.ok:
                self.received.append((sending.event.seq, integration))
            return outcome
        finally:
            self.under_way[integration] -= 1
            self.lanes.discard(lane)

    async def close(self) -> None: ...


class World:
    """One dispatcher and what is around it. `async with World.opened(…)`: closed at the end."""

    def __init__(self, ledger: Ledger, integrations: Sequence[str], settings: Settings) -> None:
        self.now = START
        self.settings = settings
        self.ledger = ledger
        self.door = Door(ledger)
        self.events: dict[int, Event] = {}
        self.sequences: Counter[str] = Counter()
        self.receivers = Receivers()
        self.notices: list[Notice] = []
        self.pauses: list[tuple[str, str, int]] = []
        self.installed: dict[str, tuple[Integration, Credentials]] = {}
        for integration in integrations:
            self.install(integration)
        self.dispatcher = self.new_dispatcher()

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, folder: Path, *integrations: str, settings: Settings | None = None, start: bool = True
    ) -> AsyncIterator[World]:
        ledger = await open_ledger(folder / "ringpost.db", now=lambda: START)
        world = cls(ledger, integrations, settings or Settings(pause_after_ms=YEAR))
        for integration, _ in world.installed.values():
            await ledger.add_integration(integration)
        if start:
            await world.dispatcher.start()
        try:
            yield world
        finally:
            await world.dispatcher.close()
            await ledger.close()

    def new_dispatcher(self) -> Dispatcher:
        self.metrics = Metrics()
        return Dispatcher(
            cast("Ledger", self.door),
            self.installed.get,
            {"webhook": self.receivers},
            self.settings,
            now=lambda: self.now,
            jitter=lambda: 0.5,
            metrics=self.metrics,
            tell=self.notices.append,
            pause=self.pause,
        )

    def install(self, integration: str, *, state: IntegrationState = "active", secret: str = SECRET) -> None:
        row = Integration(
            company="it",
            id=integration,
            type="webhook",
            name=None,
            url="https://receiver.example/",
            filter=("*",),
            state=state,
            created=START,
            updated=self.now,
            sealed=b"",
        )
        self.installed[integration] = (row, Credentials(secret=secret))

    async def pause(self, integration_id: str, reason: str, since: int) -> None:
        """What the registry does with one that is unfit."""
        await self.door.open.wait()
        self.pauses.append((integration_id, reason, since))
        self.install(integration_id, state="paused")
        self.dispatcher.changed(integration_id)

    async def delete(self, integration: str) -> None:
        del self.installed[integration]
        await self.ledger.delete_integration("it", integration, self.now)
        await self.ledger.cancel_owed("it", integration, self.now)

    async def accept(self, call: str, *integrations: str, hand_over: bool = True) -> Event:
        """Commit the call's next event and hand it over."""
        (event,) = await self.accept_many([call], *integrations, hand_over=hand_over)
        return event

    async def accept_many(self, calls: Sequence[str], *integrations: str, hand_over: bool = True) -> list[Event]:
        """Commit the next event of each of these calls, in one transaction, and hand them over."""
        new = []
        for call in calls:
            kind = "call:update" if self.sequences[call] else "call:start"
            self.sequences[call] += 1
            new.append(
                NewEvent(
                    company="it", call=call, pbx="p", time=self.now, type=kind, data=b"{}", integrations=integrations
                )
            )
        events = []
        for event in await self.ledger.commit(new):
            assert isinstance(event, Event)
            self.events[event.seq] = event
            events.append(event)
        if hand_over:
            self.dispatcher.committed([(event, integrations) for event in events])
        return events

    async def pass_time(self, ms: int) -> None:
        """Let time go by and what is due then happen."""
        self.now += ms
        self.dispatcher.wake()
        await self.dispatcher.wait_idle()

    async def pass_days(self) -> None:
        """Let time go by until nothing is owed any more."""
        while self.dispatcher.statistics().owed:
            await self.pass_time(86_400_000)

    async def restart(self) -> None:
        """Stop the dispatcher hard, and start another on the same ledger."""
        await self.dispatcher.close()
        self.dispatcher = self.new_dispatcher()
        await self.dispatcher.start()

    async def states(self, call: str = "c1", integration: str = "aaaaaa") -> list[DeliveryState]:
        """The states of the call's deliveries to an integration, in event order."""
        seqs = [event.seq for event in self.events.values() if event.call == call]
        found = await self.ledger.deliveries_of_events("it", seqs)
        return [one.state for one in found if one.integration == integration]

    async def attempts(self, event: Event, integration: str = "aaaaaa") -> list[Attempt]:
        return await self.ledger.attempts("it", event.seq, integration)

    def order(self, integration: str, call: str) -> list[int]:
        """The call's events in the order in which this integration received them."""
        return [seq for seq, to in self.receivers.received if to == integration and self.events[seq].call == call]
