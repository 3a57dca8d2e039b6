"""The people outside: clients and sources that tell of calls, operators who change what is installed.

They know what they were answered and nothing else; after a crash they go on where they were, and ask again for what
they had no answer to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Final, NoReturn, Protocol

import msgspec

from ringpost.calls.events import CallEvent
from ringpost.errors import RingpostError
from ringpost.integrations.requests import EditRequest, InstallRequest
from ringpost.model.data import CallData
from ringpost.model.event import CALL_END, Event, decode_seq
from ringpost.work.selection import Ended, check_selection

from .life import Life
from .plan import CALM_COMPANY, COMPANIES, FILTERS, SCHEDULES, URLS, Deed, Operator, PlannedCall, url_of
from .watch import View, Watch

_DONE_BEFORE: Final = frozenset({"call_already_started", "call_already_ended"})
_REPLAYED_AT_ONCE: Final = 8
_EDITED_OFTEN: Final = 12


@dataclass(frozen=True)
class Accepted:
    """An event that was answered as accepted. owed, not_owed: to which integrations it certainly is, or is not."""

    seq: int
    company: str
    call: str
    number: int
    at: float
    owed: frozenset[str]
    not_owed: frozenset[str]


@dataclass
class _Asked:
    """What is certain about an event over all tries of it."""

    owed: frozenset[str]
    not_owed: frozenset[str]


class World(Protocol):
    """What people need of the run."""

    @property
    def watch(self) -> Watch: ...

    def seconds(self) -> float: ...
    def now(self) -> int: ...
    def tell(self, text: str) -> None: ...
    def fail(self, text: str) -> NoReturn: ...
    async def until(self, seconds: float) -> None: ...
    def ended_deliveries(self, integration: str) -> list[tuple[str, int]]: ...
    def is_failing(self, integration: str) -> bool: ...


class People:
    def __init__(self, world: World, chance: Random) -> None:
        self._world = world
        self._chance = chance
        self.accepted: dict[int, Accepted] = {}  # by seq, in the order of the answers
        self._asked: dict[tuple[str, str, int], _Asked] = {}
        self._replays: list[str] = []  # the works that were begun
        self._first = [(CALM_COMPANY, 0, ("*",))] + [
            (company, number % URLS, chance.choice(FILTERS))
            for company in COMPANIES
            for number in range(chance.randint(1, 3))
        ]

    # --- calls -----------------------------------------------------------------------------------------------------
    async def tell_call(self, life: Life, call: PlannedCall) -> None:
        """Tell the rest of a call, event by event, each until it is accepted."""
        while call.done < len(call.types):
            await self._world.until(call.at)
            number = call.done + 1
            asked = self._ask(call, number)
            try:
                seq = await self._tell(life, call, number)
            except RingpostError as refused:
                if refused.code not in _DONE_BEFORE:
                    self._world.tell(f"{call.company}_{call.name} {number} is refused: {refused.code}")
                    call.tries += 1
                    call.at = self._world.seconds() + self._chance.uniform(0.05, 5.0)
                    continue
                self._world.tell(f"{call.company}_{call.name} {number} was accepted before")
            except TimeoutError:
                self._world.tell(f"the client of {call.company}_{call.name} {number} went away")
                call.tries += 1
                call.at = self._world.seconds() + self._chance.uniform(0.05, 1.0)
                continue
            else:
                self._note(call, number, seq, asked)
            call.done += 1
            call.at = self._world.seconds() + call.gaps[number - 1]

    async def _tell(self, life: Life, call: PlannedCall, number: int) -> int:
        """The seq of the event. Raises what it is refused with."""
        goes_away = call.impatient and self._chance.random() < 0.3
        async with asyncio.timeout(self._chance.uniform(0.0, 0.004) if goes_away else None):
            if call.source:
                return await self._tell_as_source(life, call, number)
            document = {"id": call.name, "company": call.company, "type": call.types[number - 1]}
            data = {"status": "TALKING", "number": number, "call": call.name}
            body = msgspec.json.encode({**document, "data": data})
            key = f"{call.name} {number}" if call.keyed else None
            answer = await life.intake.accept_event(body, lambda company: company or "", key)
        told = msgspec.json.decode(answer.body)
        if not told["success"]:
            raise RingpostError(told["error"]["code"])
        seq = decode_seq(told["result"]["event"].removeprefix("evt_"))
        assert seq is not None
        return seq

    async def _tell_as_source(self, life: Life, call: PlannedCall, number: int) -> int:
        type_ = call.types[number - 1]
        data = CallData(status="TALKING", flags=(call.name, str(number)), endCause="16" if type_ == CALL_END else None)
        event = CallEvent(call=f"{call.company}_{call.name}", type=type_, time=self._world.now(), data=data)
        [verdict] = await life.intake.accept_calls(call.company, "pbx", [event], extra_keys=True)
        if not isinstance(verdict, Event):
            raise verdict
        return verdict.seq

    def _ask(self, call: PlannedCall, number: int) -> _Asked:
        owed, not_owed = set(), set()
        type_ = call.types[number - 1]
        for id_, view in self._world.watch.views.items():
            if view.changing:
                continue
            wanted = {"*", "call:*", type_} & set(view.filter)
            if view.company == call.company and view.state != "deleted" and wanted:
                owed.add(id_)
            else:
                not_owed.add(id_)
        before = self._asked.get((call.company, call.name, number))
        if before is None:
            asked = _Asked(frozenset(owed), frozenset(not_owed))
        else:
            asked = _Asked(before.owed & owed, before.not_owed & not_owed)
        self._asked[call.company, call.name, number] = asked
        return asked

    def _note(self, call: PlannedCall, number: int, seq: int, asked: _Asked) -> None:
        self._world.tell(f"{call.company}_{call.name} {number} is accepted as {seq}")
        known = self.accepted.get(seq)
        if known is not None:
            self._world.fail(f"event {seq} was answered for {known.call} {known.number} and {call.name} {number}")
        self.accepted[seq] = Accepted(
            seq, call.company, f"{call.company}_{call.name}", number, self._world.seconds(), asked.owed, asked.not_owed
        )

    # --- what is installed -----------------------------------------------------------------------------------------
    async def install_first(self, life: Life) -> None:
        while self._first:
            company, number, wanted = self._first[0]
            try:
                await self._install(life, company, number, wanted)
            except RingpostError:
                await asyncio.sleep(1.0)
            else:
                self._first.pop(0)

    async def operate(self, life: Life, operator: Operator) -> None:
        while operator.done < len(operator.deeds):
            at, deed = operator.deeds[operator.done]
            await self._world.until(at)
            operator.done += 1
            try:
                await self._do(life, deed)
            except RingpostError as refused:
                self._world.tell(f"{deed} is refused: {refused.code}")

    async def resume_all(self, life: Life) -> None:
        for integration in life.registry.all():
            if integration.state == "paused":
                await self._resume(life, integration.id)

    async def _do(self, life: Life, deed: Deed) -> None:
        if deed == "install":
            company = self._chance.choice(COMPANIES)
            await self._install(life, company, self._chance.randrange(URLS), self._chance.choice(FILTERS))
            return
        if deed == "resume all":
            await self.resume_all(life)
            return
        installed = [
            id_
            for id_, view in sorted(self._world.watch.views.items())
            if view.state != "deleted" and view.company != CALM_COMPANY
        ]
        if installed:
            failing = [id_ for id_ in installed if deed == "edit often" and self._world.is_failing(id_)]
            id_ = self._chance.choice(failing or installed)
            self._world.tell(f"{deed} {id_}")
            await self._change(life, id_, deed)

    async def _change(self, life: Life, id_: str, deed: Deed) -> None:
        match deed:
            case "edit url" | "edit filter" | "edit schedule":
                await self._edit(life, id_, self._edit_request(id_, deed))
            case "edit often":
                for _ in range(_EDITED_OFTEN):
                    await self._edit(life, id_, EditRequest(name="a name"))
                    await asyncio.sleep(self._chance.uniform(0.1, 1.5))
            case "pause":
                with self._changing(life, id_):
                    await life.registry.pause(None, id_)
            case "resume":
                await self._resume(life, id_)
            case "delete":
                await self._delete(life, id_)
            case _:
                await self._replay_as(life, id_, deed)

    def _edit_request(self, id_: str, deed: Deed) -> EditRequest:
        if deed == "edit url":
            return EditRequest(url=url_of(self._world.watch.views[id_].company, self._chance.randrange(URLS)))
        if deed == "edit filter":
            return EditRequest(filter=list(self._chance.choice(FILTERS)))
        delays = self._chance.choice((None, *SCHEDULES))
        return EditRequest(retryDelaysMs=None if delays is None else list(delays))

    async def _edit(self, life: Life, id_: str, request: EditRequest) -> None:
        with self._changing(life, id_):
            await life.registry.edit(None, id_, request)

    async def _replay_as(self, life: Life, id_: str, deed: Deed) -> None:
        if deed == "replay many":
            await self._replay_many(life, self._world.watch.views[id_].company, id_)
        elif deed == "cancel replay":
            if self._replays:
                await life.works.cancel(None, self._replays[-1])
        else:
            await self._replay(life, id_)

    async def _install(self, life: Life, company: str, number: int, wanted: tuple[str, ...]) -> None:
        url = url_of(company, number)
        request = InstallRequest(type="webhook", url=url, filter=list(wanted))
        integration, _ = await life.registry.install(company, request)
        self._world.tell(f"{integration.id} of {company} is installed for {url}, {wanted}")
        self._world.watch.views[integration.id] = View(company, "active", wanted, url)

    async def _resume(self, life: Life, id_: str) -> None:
        with self._changing(life, id_):
            await life.registry.resume(None, id_)

    async def _delete(self, life: Life, id_: str) -> None:
        with self._changing(life, id_):
            await life.registry.delete(None, id_)
            self._world.watch.views[id_].deletion_answered = True

    async def _replay(self, life: Life, id_: str) -> None:
        ended = self._world.ended_deliveries(id_)
        for company, seq in self._chance.sample(ended, min(len(ended), self._chance.randint(1, _REPLAYED_AT_ONCE))):
            try:
                await life.replay(company, seq, id_)
            except RingpostError as refused:
                self._world.tell(f"replay of {seq} is refused: {refused.code}")

    async def _replay_many(self, life: Life, company: str, id_: str) -> None:
        never_owed = self._chance.random() < 0.5
        states: list[Ended] = ["exhausted", "delivered", "ended"]
        selection = check_selection(
            integration=id_,
            call=None,
            state=self._chance.choice(states),
            type_=None,
            since=0 if never_owed else None,
            until=None,
            never_owed=never_owed,
        )
        self._replays.append(await life.replay_many(company, selection))

    @contextmanager
    def _changing(self, life: Life, id_: str) -> Iterator[None]:
        """Meanwhile nothing is certain about it; afterwards it is as the registry has it."""
        view = self._world.watch.views[id_]
        view.changing += 1
        try:
            yield
        finally:
            view.changing -= 1
            if not view.changing:
                found = life.registry.installed(id_)
                if found is None:
                    view.state = "deleted"
                else:
                    view.state, view.filter, view.url = found[0].state, found[0].filter, found[0].url
                    view.note_schedule(found[0].retry_delays_ms)
            self._world.tell(f"{id_} is {view.state}, {view.filter}, {view.url}")
