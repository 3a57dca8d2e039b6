"""Replays: counts what a selection comes to, and makes it pending again, batch by batch.

Each batch is one integration's, lowest numbers first, and is durable with the place where the next one begins; then it
is handed to the dispatcher. Integrations take turns, and one whose deliveries have no room in the dispatcher's memory
is passed over, so that one that is slow holds up none of the others. `step` is for the runner, the rest for the API.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ringpost.ledger.ledger import Ledger
from ringpost.model.delivery import Owed
from ringpost.model.integration import Credentials, Integration
from ringpost.model.replay import Replayable, ReplayFilter
from ringpost.model.work import REPLAY, Work, new_work_id

from .selection import Place, Selection, filter_for, first_place, read_place, read_selection

BATCH: Final = 500  # deliveries made pending in one transaction
LOOKED_AT: Final = 2_000  # rows that a step looks at, where not each of them is wanted
COUNTED_AT_ONCE: Final = 5_000  # rows that one read looks at to count
COUNTED: Final = 2_000_000  # rows that are looked at to count; beyond them it is not known how many there are

_encode: Final = msgspec.json.Encoder().encode
Installed = Callable[[str], tuple[Integration, Credentials] | None]


class Plan(Struct, frozen=True, kw_only=True):
    """What a selection comes to: deliveries that ended and events that were never owed, as far as they were counted.
    is_whole: all of them were."""

    ended: int
    never_owed: int
    is_whole: bool
    place: Place


class Replays:
    """The replays of one node.

    installed: an integration by its id, None where it is not (any more); take: takes what is pending again; has_room:
    whether many may be taken for an integration now; now: the wall clock (ms); chance: from 0 up to but not including
    1, for ids.
    """

    def __init__(
        self,
        ledger: Ledger,
        installed: Installed,
        take: Callable[[Owed], None],
        has_room: Callable[[str], bool],
        now: Callable[[], int],
        chance: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._installed = installed
        self._take = take
        self._has_room = has_room
        self._now = now
        self._chance = chance

    async def plan(self, company: str, selection: Selection, integrations: Sequence[Integration]) -> Plan:
        """Count what a replay to these integrations would make pending. Raises what the ledger raises."""
        highest = await self._ledger.highest_seq()
        place = first_place(selection, tuple(integration.id for integration in integrations), highest)
        ended = never_owed = 0
        rows = COUNTED
        for integration, (_, after) in zip(integrations, place.left, strict=True):
            wanted = filter_for(selection, integration, place.until)
            reached: int | None = after
            while reached is not None:
                if rows <= 0:
                    return Plan(ended=ended, never_owed=never_owed, is_whole=False, place=place)
                rows -= COUNTED_AT_ONCE
                found = await self._ledger.replayable(company, integration.id, wanted, reached, COUNTED_AT_ONCE)
                ended += len(found.ended)
                never_owed += len(found.never_owed)
                reached = found.reached
        return Plan(ended=ended, never_owed=never_owed, is_whole=True, place=place)

    def work(self, company: str, selection: Selection, plan: Plan) -> Work:
        """The work that does it."""
        now = self._now()
        return Work(
            id=new_work_id(REPLAY, now, self._chance()),
            company=company,
            kind=REPLAY,
            request=_encode(selection),
            created=now,
            updated=now,
            total=plan.ended + plan.never_owed if plan.is_whole else None,
            place=_encode(plan.place),
        )

    async def step(self, work: Work) -> Work:
        """Make the next batch pending; the same work where no integration has room. Raises what the ledger raises."""
        selection, place = read_selection(work.request), read_place(work.place)
        if not place.left:
            return await self._ledger.advance_work(work, replace(work, state="done", updated=self._now()))
        for integration_id, after in place.left:
            found = self._installed(integration_id)
            if found is None:
                return await self._ledger.advance_work(work, self._at(work, place, integration_id, None))
            if self._has_room(integration_id):
                wanted = filter_for(selection, found[0], place.until)
                return await self._batch(work, place, found[0], wanted, after)
        return work

    async def _batch(
        self, work: Work, place: Place, integration: Integration, wanted: ReplayFilter, after: int
    ) -> Work:
        all_are_wanted = wanted.type is None and wanted.call is None and not wanted.never_owed
        limit = BATCH if all_are_wanted else LOOKED_AT
        batch = _lowest(await self._ledger.replayable(work.company, integration.id, wanted, after, limit))
        later = self._at(work, place, integration.id, batch.reached)
        work, owed = await self._ledger.replay_some(work, later, integration.id, wanted, batch, self._now())
        for one in owed:
            self._take(one)
        return work

    def _at(self, work: Work, place: Place, integration: str, reached: int | None) -> Work:
        """The work with one integration at another place, behind the others; None: it has all."""
        left = tuple(one for one in place.left if one[0] != integration)
        if reached is not None:
            left = (*left, (integration, reached))
        return replace(work, place=_encode(Place(left, place.until)), updated=self._now())


def _lowest(found: Replayable) -> Replayable:
    """As much of it as goes into one batch."""
    seqs = sorted((*found.ended, *found.never_owed))
    if len(seqs) <= BATCH:
        return found
    last = seqs[BATCH - 1]
    return Replayable(
        ended=tuple(seq for seq in found.ended if seq <= last),
        never_owed=tuple(seq for seq in found.never_owed if seq <= last),
        reached=last,
    )
