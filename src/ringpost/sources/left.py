"""Calls of PBXs that left the settings: nobody will tell their ends, so they are ended here.

Promises: each of them gets its call:end as one that vanished (cause 31, flag `reconciled`), once; while the ledger
cannot take it, it is tried again. Run from the event loop by the node, when the PBXs of its settings are listened to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final

import structlog

from ringpost.calls.events import CallEvent
from ringpost.calls.machine import CallMachine
from ringpost.calls.observation import Snapshot
from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger, Verdict
from ringpost.model.access import Pbx

from .feed import BATCH

AcceptOf = Callable[[str, str, Sequence[CallEvent]], Awaitable[Sequence[Verdict]]]  # company, serial, events

_RETRY: Final = 10_000  # ms

log = structlog.get_logger()


async def end_left_calls(
    ledger: Ledger, configured: Collection[tuple[str, str]], accept: AcceptOf, now: Callable[[], int]
) -> int:
    """End the open calls of every registered PBX that is not among `configured` (company, serial); how many ended.

    accept: as the intake takes events of a source; now: ms since the epoch. It goes on until all are ended, or it is
    cancelled; what was not ended then is ended when it is called again.
    """
    ended = 0
    while True:
        try:
            for pbx in await ledger.pbxs():
                if (pbx.company, pbx.serial) not in configured:
                    ended += await _end_calls_of(pbx, ledger, accept, now)
        except RingpostError as error:
            if error.status < 500:
                raise
            log.warning("calls of PBXs that left the settings cannot be ended now", code=error.code)
            await asyncio.sleep(_RETRY / 1_000)
        else:
            return ended


async def _end_calls_of(pbx: Pbx, ledger: Ledger, accept: AcceptOf, now: Callable[[], int]) -> int:
    calls = await ledger.open_calls(pbx.company, pbx.serial)
    machine = CallMachine(company=pbx.company, pbx=pbx.serial, short=pbx.short)
    machine.restore(calls)
    events = machine.resync(Snapshot(), now())
    ended = 0
    for first in range(0, len(events), BATCH):
        for verdict in await accept(pbx.company, pbx.serial, events[first : first + BATCH]):
            if isinstance(verdict, RingpostError):
                log.warning("event refused", pbx=pbx.serial, company=pbx.company, code=verdict.code)
            else:
                ended += 1
    if ended:
        log.warning("calls ended: their PBX left the settings", company=pbx.company, pbx=pbx.serial, calls=ended)
    return ended
