"""What looks on while a run goes: each attempt is held against the ledger and the promises as it begins.

What is wrong stops the run at once (`Broken`), so that the end of its log shows how it came about.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

import msgspec

from ringpost.dispatch.retry import RETRY_AFTER_LIMIT
from ringpost.ledger.ledger import Result
from ringpost.model.outcome import Outcome
from ringpost.transports.transport import Sending

from .disk import Disk

Delivery = tuple[int, str]  # (seq, integration)


class Broken(SystemExit):
    """A promise was broken. Like `Kill`, asyncio lets it through at once."""


@dataclass
class View:
    """An integration as the people outside know it: what they were told last, and whether a change is under way."""

    company: str
    state: str
    filter: tuple[str, ...]
    url: str
    changing: int = 0
    deletion_answered: bool = False
    shortest: int = 1_000  # the fewest waits that its retry schedule ever had, where it had one of its own

    def note_schedule(self, delays_ms: tuple[int, ...] | None) -> None:
        if delays_ms is not None:
            self.shortest = min(self.shortest, len(delays_ms))

    @property
    def is_certain(self) -> bool:
        return not self.changing


@dataclass
class Sent:
    """An attempt, as the network saw it. Times: virtual seconds."""

    seq: int
    integration: str
    call: str
    replay: int
    life: int
    began: float
    arrived: float | None = None
    ended: float | None = None
    outcome: Outcome | None = None


@dataclass
class Memory:
    """What the process of one life must know, for it was told or did it itself."""

    under_way: dict[tuple[str, str], Sent] = field(default_factory=dict)  # by lane
    taken: set[tuple[int, str, int]] = field(default_factory=set)  # (seq, integration, replay) that were answered OK
    settled: set[Delivery] = field(default_factory=set)  # delivered or exhausted
    not_before: dict[tuple[int, str, int], int] = field(default_factory=dict)  # what Retry-After asked for (ms)


class Watch:
    """Looks on. now: the wall clock (ms); seconds: the loop's; log: what happened, for people."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self.views: dict[str, View] = {}
        self.sent: list[Sent] = []
        self.ever_exhausted: set[Delivery] = set()
        self.memory = Memory()
        self.life = 0

    def new_life(self) -> None:
        self.life += 1
        self.memory = Memory()

    def fail(self, text: str) -> NoReturn:
        raise Broken(text)

    def began(self, sending: Sending, seconds: float, now: int) -> None:
        integration, event = sending.integration.id, sending.event
        name = f"{sending.delivery} of call {event.call}"
        lane = (integration, event.call)
        known = (event.seq, integration, sending.replay)
        memory = self.memory
        if lane in memory.under_way:
            self.fail(f"{name} begins while another of its lane is under way")
        view = self.views.get(integration)
        if view is not None and view.deletion_answered:
            self.fail(f"{name} begins after the deletion was answered")
        if view is not None and view.is_certain and view.state == "paused":
            self.fail(f"{name} begins while its integration is paused")
        if known in memory.taken:
            self.fail(f"{name} begins again though it was answered with success in this life")
        if now < memory.not_before.get(known, 0):
            self.fail(f"{name} begins before the time that its receiver asked for")
        self._check_ledger(sending, name)
        sent = Sent(event.seq, integration, event.call, sending.replay, self.life, seconds)
        memory.under_way[lane] = sent
        self.sent.append(sent)

    def _check_ledger(self, sending: Sending, name: str) -> None:
        event, integration = sending.event, sending.integration.id
        rows = self._disk.rows(
            "SELECT d.state, d.call, d.replay, d.company, e.data, e.sequence FROM deliveries AS d "
            "JOIN events AS e ON e.seq = d.seq WHERE d.seq = ? AND d.integration = ?",
            event.seq,
            integration,
        )
        if not rows:
            self.fail(f"{name} is sent and not in the ledger")
        [(state, call, replay, company, data, sequence)] = rows
        if (call, company, data, sequence) != (event.call, event.company, event.data, event.sequence):
            self.fail(f"{name} is sent with other data than the ledger has")
        if state > 1:
            self.fail(f"{name} is sent though it is not pending in the ledger (state {state})")
        if replay != sending.replay:
            self.fail(f"{name} is sent as replay {sending.replay}, and the ledger has {replay}")
        earlier = self._disk.rows(
            "SELECT seq FROM deliveries "
            "WHERE company = ? AND integration = ? AND state IN (0, 1) AND seq < ? AND call = ? AND replay = 0",
            company,
            integration,
            event.seq,
            call,
        )
        for (seq,) in earlier:
            if (seq, integration) not in self.memory.settled:
                self.fail(f"{name} overtakes {seq} of its lane")

    def arrived(self, sending: Sending, seconds: float) -> None:
        sent = self.memory.under_way[sending.integration.id, sending.event.call]
        sent.arrived = seconds

    def ended(self, sending: Sending, outcome: Outcome, seconds: float, now: int) -> None:
        sent = self.memory.under_way.pop((sending.integration.id, sending.event.call))
        sent.ended, sent.outcome = seconds, outcome
        known = (sent.seq, sent.integration, sent.replay)
        if outcome.ok:
            self.memory.taken.add(known)
        elif outcome.retry_after:
            self.memory.not_before[known] = now + min(outcome.retry_after, RETRY_AFTER_LIMIT)
        else:
            self.memory.not_before.pop(known, None)

    def concluded(self, result: Result) -> None:
        attempt = result.attempt
        delivery = (attempt.seq, attempt.integration)
        if result.state == "delivered" and (*delivery, attempt.replay) not in self.memory.taken:
            self.fail(f"{delivery} counts as delivered, and no receiver took it")
        if result.state in {"delivered", "exhausted"}:
            self.memory.settled.add(delivery)
        if result.state == "exhausted":
            self.ever_exhausted.add(delivery)

    def read_views(self) -> None:
        """After a restart the ledger's word counts: what was under way is done or it is not."""
        for id_, company, url, wanted, state, delays in self._disk.rows(
            "SELECT id, company, url, filter, state, retry_delays_ms FROM integrations ORDER BY id"
        ):
            view = self.views.setdefault(id_, View(company, state, (), url))
            view.state, view.filter, view.url, view.changing = (
                state,
                msgspec.json.decode(wanted, type=tuple[str, ...]),
                url,
                0,
            )
            view.note_schedule(None if delays is None else msgspec.json.decode(delays, type=tuple[int, ...]))
