"""Erases all calls of a person, step by step, as work that goes on over restarts.

Promises: a call goes as a whole, with its deliveries and attempts; what of it was pending is cancelled and told to the
dispatcher first, so that nothing of it goes out afterwards; whom it was about is not kept, and at the end the bytes of
what was erased are neither in the ledger nor in its log. Calls that go on are left, and counted. After a crash the
report may lack what the step under way had erased. `step` is for the runner of works, the rest for the API.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ringpost.ledger.forgetting import FoundCall
from ringpost.ledger.ledger import Ledger
from ringpost.model.work import ERASURE, Work, new_work_id

from .person import Person, matcher

LOOKED_AT: Final = 500  # events a step
ROUNDS: Final = 3  # of cleaning: others write meanwhile, and leave what is theirs
_BLANK: Final = b"{}"
_encode: Final = msgspec.json.Encoder().encode


class Request(Struct, frozen=True, kw_only=True):
    """dry_run: only count."""

    person: Person
    dry_run: bool


class Report(Struct, frozen=True, kw_only=True):
    """What was erased, or would be; cancelled: deliveries that were pending; still_going_on: calls that are left."""

    dry_run: bool = False
    calls: int = 0
    events: int = 0
    deliveries: int = 0
    cancelled: int = 0
    attempts: int = 0
    still_going_on: int = 0


class _Place(Struct, frozen=True):
    """after: of the calls, then of what is cleaned; round: of cleaning; left: how much was cleaned in it."""

    after: int = 0
    round: int = 0
    left: int = 0


def read_report(work: Work) -> Report:
    return msgspec.json.decode(work.report, type=Report)


class Erasures:
    """drop: takes that so many pending deliveries of a lane (integration, call) are no longer owed; now: the wall clock
    (ms); chance: from 0 up to but not including 1, for ids."""

    def __init__(
        self,
        ledger: Ledger,
        drop: Callable[[str, str, int], None],
        now: Callable[[], int],
        chance: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._drop = drop
        self._now = now
        self._chance = chance

    def work(self, company: str, person: Person, *, dry_run: bool) -> Work:
        """The work that does it."""
        now = self._now()
        return Work(
            id=new_work_id(ERASURE, now, self._chance()),
            company=company,
            kind=ERASURE,
            request=_encode(Request(person=person, dry_run=dry_run)),
            created=now,
            updated=now,
            place=_encode(_Place()),
            report=_encode(Report(dry_run=dry_run)),
        )

    async def step(self, work: Work) -> Work:
        """Look at some calls; at the end forget whom it was about, then see to the log. Raises what the ledger
        raises."""
        place = msgspec.json.decode(work.place, type=_Place)
        if work.request == _BLANK:
            return await self._clean(work, place)
        request = msgspec.json.decode(work.request, type=Request)
        looked = await self._ledger.look_for(work.company, matcher(request.person), place.after, LOOKED_AT)
        report = read_report(work)
        for found in looked.calls:
            report = await self._take(work.company, found, report)
        later = replace(work, done=work.done + looked.events, report=_encode(report), updated=self._now())
        if looked.next is None:
            return await self._ledger.advance_work(work, replace(later, request=_BLANK, place=_encode(_Place())))
        return await self._ledger.advance_work(work, replace(later, place=_encode(_Place(looked.next))))

    async def _clean(self, work: Work, place: _Place) -> Work:
        """Empty the log, look through what the ledger keeps, in rounds until nothing is left over, empty it again."""
        if place.after == 0 and not await self._ledger.empty_log():
            return work  # a reader, such as a backup, is in the way: later
        is_over = place.round == ROUNDS or read_report(work).dry_run
        if is_over:
            return await self._ledger.advance_work(work, replace(work, state="done", updated=self._now()))
        cleared = await self._ledger.clear_leftovers(place.after)
        left = place.left + cleared.places
        if cleared.next is not None:
            place = _Place(cleared.next, place.round, left)
        else:
            place = _Place(0, place.round + 1 if left else ROUNDS, 0)
        return await self._ledger.advance_work(work, replace(work, place=_encode(place), updated=self._now()))

    async def _take(self, company: str, found: FoundCall, report: Report) -> Report:
        """The report with a call in it, which is erased unless it is only counted."""
        if not found.has_ended:
            return replace(report, still_going_on=report.still_going_on + 1)
        events, deliveries, attempts, cancelled = found.events, found.deliveries, found.attempts, found.pending
        if not report.dry_run:
            pending = await self._ledger.cancel_call(company, found.call, self._now())
            for integration, count in pending.items():
                self._drop(integration, found.call, count)
            gone = await self._ledger.erase_call(company, found.call)
            events, deliveries, attempts = gone.events, gone.deliveries, gone.attempts
            cancelled = sum(pending.values())
        return replace(
            report,
            calls=report.calls + 1,
            events=report.events + events,
            deliveries=report.deliveries + deliveries,
            attempts=report.attempts + attempts,
            cancelled=report.cancelled + cancelled,
        )
