"""One run: chaos as its plan says, then a strain without faults, then calm; and what must be true all along.

A run is one seed. The same seed is the same run, to the last line of its log.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, NoReturn

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Result
from ringpost.model.delivery import delivery_id
from ringpost.model.outcome import Outcome
from ringpost.transports.transport import Sending

from .accounts import check_accounts, check_end, check_owed, check_recorded
from .disk import Disk, Mode
from .life import Life, patched
from .loop import Kill, StandstillError, VirtualLoop
from .peace import calm, strain
from .people import People
from .plan import CALM_COMPANY, Death, Manner, draw_plan, url_of
from .receivers import Receivers
from .watch import Broken, Watch

START: Final = 1_795_573_019_000  # ms
_LINES: Final = 60  # of the log, shown with a failure
_MOST_LIVES: Final = 100
_NEXT_TRY: Final = 10.0  # seconds until a process that could not start is started again


@dataclass
class Story:
    """How a run went. broken: what was wrong, None: nothing."""

    seed: int
    broken: str | None
    log: list[str]
    seconds: float
    lives: int
    attempts: int
    accepted: int
    states: dict[str, int] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        return hashlib.sha256("\n".join(self.log).encode()).hexdigest()

    def told(self) -> str:
        """A failure for people: what, how to see it again, and what happened last."""
        replay = f"./run test -- tests/simulation --simulation-seed {self.seed}"
        return "\n".join([f"seed {self.seed}: {self.broken}", f"again: {replay}", *self.log[-_LINES:]])


def simulate(seed: int) -> Story:
    """Run it."""
    return Run(seed).go()


class Run:
    """The world of one run, over all lives of the process."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.plan = draw_plan(seed)
        self.log: list[str] = []
        self.disk = Disk(Random(f"disk {seed}"), self.step)
        self.watch = Watch(self.disk)
        self.people = People(self, Random(f"people {seed}"))
        self.loop: VirtualLoop | None = None
        self.life: Life | None = None
        self.phase = "chaos"
        self.broken: str | None = None
        self.faults: list[str] = []
        self._seconds = 0.0
        self._offset = 0  # of the wall clock (ms)
        self.latest = 0  # what the wall clock showed at most (ms)
        self._jitter = Random(f"jitter {seed}")
        self._network = Random(f"network {seed}")
        self.strained: dict[str, Manner] = {}
        self._death: Death | None = None
        self._steps_left = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._lives = 0

    # --- clocks and the log ----------------------------------------------------------------------------------------
    def seconds(self) -> float:
        """The virtual time."""
        return self._seconds if self.loop is None else self.loop.time()

    def now(self) -> int:
        """The wall clock (ms)."""
        return START + self._offset + int(self.seconds() * 1_000)

    def tell(self, text: str) -> None:
        self.log.append(f"{self.seconds():12.4f} {text}")

    # --- lives -----------------------------------------------------------------------------------------------------
    def go(self) -> Story:
        with patched(
            self.seed,
            seconds=self.seconds,
            on_line=self.tell,
            on_result=self._concluded,
            small=self.plan.small,
        ):
            try:
                while self.phase != "over":
                    self._live_once()
            except Broken as broken:
                self.broken = str(broken)
                self.tell(f"BROKEN: {self.broken}")
        return self._story()

    def _live_once(self) -> None:
        self._lives += 1
        if self._lives > _MOST_LIVES:
            raise Broken("it does not come to its end")
        self.watch.new_life()
        loop = self.loop = VirtualLoop(self._seconds, self._fault)
        pause = 1.0
        try:
            loop.run(self._live())
        except Kill as death:
            self.tell(f"KILLED {death}")
            pause = self._death.pause if self._death else 1.0
        except StandstillError as standstill:
            raise Broken(str(standstill)) from None
        finally:
            self._end_life()
            self._seconds = loop.time() + pause
            self.loop = None
        if self.faults:
            raise Broken(self.faults[0])  # one that nobody could hear of where it came about
        self._next_death()
        if self.disk.crash(self.now):
            self.tell("a commit that failed is found durable")
        self.watch.read_views()

    def _end_life(self) -> None:
        if self.life is not None:
            self.life.end()
        self._tasks.clear()

    def _next_death(self) -> None:
        """Those that the time has passed over meanwhile come no more."""
        deaths = self.plan.deaths
        self._death = None
        while deaths and deaths[0].at <= self._seconds:
            deaths.pop(0)

    async def _live(self) -> None:
        loop = self.loop
        assert loop is not None
        receivers = Receivers(self._network, self._manner, self)
        life = self.life = Life(
            self.disk,
            self.plan.settings,
            receivers,
            now=self.now,
            jitter=self._jitter.random,
            step=self.step,
        )
        self.set_disk()
        self.tell(f"STARTS, life {self.watch.life}")
        try:
            await life.start()
        except RingpostError as refused:
            self.tell(f"does not start: {refused.code}")
            life.end()
            await asyncio.sleep(_NEXT_TRY)
            return
        check_accounts(self)
        check_owed(self)
        if self.phase == "chaos" and not await self._chaos(life):
            return
        await strain(self, life)
        await calm(self, life)
        await life.stop()
        self.phase = "over"
        check_end(self)

    async def _chaos(self, life: Life) -> bool:
        """Whether it came to its end: not where the process was stopped on the way."""
        await self.people.install_first(life)
        self._arm()
        for call in self.plan.calls:
            self.spawn(self.people.tell_call(life, call))
        for operator in self.plan.operators:
            self.spawn(self.people.operate(life, operator))
        self.spawn(self._move_clock())
        self.spawn(self._break_disk())
        death = self._death
        if death is not None and death.gentle:
            await self.until(death.at)
            self.tell("is asked to stop")
            await life.stop()
            self.tell("STOPPED")
            check_recorded(self)
            return False
        await self.until(self.plan.length)
        return True

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """People and faults: they end with the life that they began in."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._fault({"message": "someone outside failed", "exception": failure})

    def _fault(self, context: dict[str, Any]) -> None:
        """What asyncio's exception handler gets: a fault of the product."""
        fault = f"{context.get('message')}: {context.get('exception')!r}"
        self.faults.append(fault)
        raise Broken(fault)

    async def until(self, seconds: float) -> None:
        wait = seconds - self.seconds()
        if wait > 0:
            await asyncio.sleep(wait)

    # --- faults ----------------------------------------------------------------------------------------------------
    def _arm(self) -> None:
        """Let the next death of the plan come."""
        deaths = self.plan.deaths
        self._death = deaths[0] if deaths else None
        if self._death is None or self.loop is None:
            return
        self._steps_left = self._death.steps
        if self._death.point is None and not self._death.gentle:
            self.loop.call_at(max(self._death.at, self.seconds()), self._die, "at its time")

    def step(self, point: str) -> None:
        """The process may die here."""
        death = self._death
        if death is None or self.phase != "chaos" or death.point != point or death.at > self.seconds():
            return
        self._steps_left -= 1
        if self._steps_left == 0:
            self._die(point)

    def _die(self, where: str) -> None:
        if self.phase != "chaos" or self._death is None:
            return
        if self.life is not None:
            self.life.end()
        self.latest = max(self.latest, self.now())
        raise Kill(where)

    async def _move_clock(self) -> None:
        jumps = self.plan.jumps
        while jumps:
            await self.until(jumps[0][0])
            self.move_clock(jumps.pop(0)[1])

    def move_clock(self, ms: int) -> None:
        self.latest = max(self.latest, self.now())
        self._offset += ms
        self.tell(f"the clock jumps by {ms} ms")

    async def _break_disk(self) -> None:
        for at, _ in self.plan.faults:
            if at > self.seconds():
                await self.until(at)
                self.set_disk()

    def set_disk(self) -> None:
        mode: Mode = "well"
        if self.phase == "chaos":
            for at, kind in self.plan.faults:
                if at <= self.seconds():
                    mode = kind
        if mode != self.disk.mode:
            self.disk.mode = mode
            self.tell(f"the ledger is {mode}")

    def _manner(self, url: str) -> Manner:
        if self.phase == "calm" or url == url_of(CALM_COMPANY, 0):
            return "well"
        if self.phase == "strain":
            return self.strained.get(url, "well")
        now = self.seconds()
        return next((manner for until, manner in self.plan.manners[url] if now < until), "well")

    # --- what the ledger has ---------------------------------------------------------------------------------------
    def heads(self) -> list[tuple[int, str, int]]:
        """(seq, integration, due) of the first pending delivery of each lane, of integrations that are not deleted."""
        return [
            (seq, integration, due)
            for seq, integration, due in self.disk.rows(
                "SELECT min(seq), integration, coalesce(due, 0) FROM deliveries WHERE state IN (0, 1) "
                "AND integration NOT IN (SELECT id FROM integrations WHERE state = 'deleted') "
                "GROUP BY integration, call ORDER BY 1, 2"
            )
        ]

    def ended_deliveries(self, integration: str) -> list[tuple[str, int]]:
        """(company, seq) of what may be replayed."""
        rows = self.disk.rows(
            "SELECT company, seq FROM deliveries WHERE integration = ? AND state IN (2, 3) ORDER BY seq", integration
        )
        return [(company, seq) for company, seq in rows]

    def is_failing(self, integration: str) -> bool:
        """Whether a delivery of it has failed and is pending still."""
        return bool(self.disk.rows("SELECT 1 FROM deliveries WHERE integration = ? AND state = 1 LIMIT 1", integration))

    def fail(self, text: str) -> NoReturn:
        raise Broken(text)

    def pending(self) -> list[tuple[int, str, int]]:
        """(seq, integration, due) of what is owed to integrations that are not deleted."""
        return [
            (seq, integration, due)
            for seq, integration, due in self.disk.rows(
                "SELECT seq, integration, coalesce(due, 0) FROM deliveries WHERE state IN (0, 1) "
                "AND integration NOT IN (SELECT id FROM integrations WHERE state = 'deleted') ORDER BY seq, integration"
            )
        ]

    # --- what the receivers and the recorder say -------------------------------------------------------------------
    def began(self, sending: Sending) -> None:
        self.tell(f"sends {sending.delivery} of {sending.event.call}, attempt {sending.attempt}/{sending.replay}")
        self.watch.began(sending, self.seconds(), self.now())
        self.step("sent")

    def arrived(self, sending: Sending) -> None:
        self.watch.arrived(sending, self.seconds())
        self.step("received")

    def ended(self, sending: Sending, outcome: Outcome) -> None:
        self.tell(f"heard {outcome.status} {outcome.error} of {sending.delivery}, retry after {outcome.retry_after}")
        self.watch.ended(sending, outcome, self.seconds(), self.now())
        self.step("answered")

    def _concluded(self, result: Result) -> None:
        attempt = result.attempt
        self.tell(f"{delivery_id(attempt.seq, attempt.integration)} is {result.state}, due {result.due}")
        self.watch.concluded(result)
        self.step("concluded")

    def _story(self) -> Story:
        names = {0: "pending", 1: "failing", 2: "delivered", 3: "exhausted", 4: "cancelled"}
        counts = self.disk.rows("SELECT state, count(*) FROM deliveries GROUP BY state ORDER BY state")
        return Story(
            seed=self.seed,
            broken=self.broken,
            log=self.log,
            seconds=self._seconds,
            lives=self.watch.life,
            attempts=len(self.watch.sent),
            accepted=len(self.people.accepted),
            states={names[state]: count for state, count in counts},
        )
