"""What follows the chaos: a strain, in which only receivers are bad, then calm, in which nothing is."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING, Final

from ringpost.dispatch.retry import RETRY_AFTER_LIMIT
from ringpost.model.delivery import delivery_id
from ringpost.model.event import CALL_END, CALL_START, CALL_UPDATE

from .accounts import check_owed
from .plan import CALM_COMPANY, PlannedCall
from .watch import Broken

if TYPE_CHECKING:
    from .life import Life
    from .people import Accepted
    from .run import Run

SETTLE: Final = 90.0  # seconds from the end of the chaos to the strain
STRAIN: Final = 60.0  # seconds
BOUND: Final = 10.0  # seconds: within it a delivery to a receiver that is well is attempted, whatever others do
GIVE_UP: Final = 2 * RETRY_AFTER_LIMIT  # ms of calm after which all is delivered
_STEP: Final = 120.0  # seconds of calm at a time
_HOUR: Final = 3_600_000  # ms
_CALLS: Final = 12
_TYPES: Final = (CALL_START, CALL_UPDATE, CALL_END)


async def strain(run: Run, life: Life) -> None:
    """Others hang, fail and flood; who is well gets what it is owed in time."""
    chance = Random(f"strain {run.seed}")
    for url in run.plan.manners:
        run.strained[url] = chance.choice(("hangs", "hangs", "down", "slow", "flaps", "well"))
    run.phase = "strain"
    run.set_disk()
    run.tell("STRAIN")
    await asyncio.sleep(SETTLE)
    first = len(run.people.accepted)
    at = run.seconds()
    for number in range(_CALLS):
        call = PlannedCall(CALM_COMPANY, f"strain{number}", list(_TYPES), [2.0, 2.0, 2.0], at + number * 2.0)
        run.spawn(run.people.tell_call(life, call))
    for number in range(40):
        call = PlannedCall("acme", f"strain{number}", [CALL_START, CALL_END], [1.0, 1.0], at + 5.0)
        run.spawn(run.people.tell_call(life, call))
    await asyncio.sleep(STRAIN)
    _check_in_time(run, list(run.people.accepted.values())[first:])


def _check_in_time(run: Run, accepted: list[Accepted]) -> None:
    began: dict[int, float] = {}
    for sent in run.watch.sent:
        began.setdefault(sent.seq, sent.began)
    of_the_well = [one for one in accepted if one.company == CALM_COMPANY]
    if len(of_the_well) != _CALLS * len(_TYPES):
        raise Broken(f"without any fault only {len(of_the_well)} events were accepted in time")
    for one in of_the_well:
        waited = began.get(one.seq, run.seconds()) - one.at
        if waited > BOUND:
            raise Broken(f"event {one.seq} of a receiver that is well waited for {waited:.1f} s")


async def calm(run: Run, life: Life) -> None:
    """All are well: everything is delivered, as soon as the schedules allow."""
    run.phase = "calm"
    run.tell("CALM")
    await run.people.resume_all(life)
    if run.latest > run.now():
        run.move_clock(run.latest - run.now())  # what was put off until then would wait for long
    give_up = run.now() + GIVE_UP
    while heads := run.heads():
        if run.now() > give_up:
            seq, integration, due = heads[0]
            raise Broken(f"{delivery_id(seq, integration)}, due at {due}, is still pending at {run.now()}")
        sent = len(run.watch.sent)
        await asyncio.sleep(_STEP)
        check_owed(run)
        await run.people.resume_all(life)
        if len(run.watch.sent) == sent:
            run.move_clock(_HOUR)  # all that is left waits for long
