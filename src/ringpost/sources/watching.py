"""Keeps watch over one source: the thin shell around `watch`. Run as a task by `node.py`, until it is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from ringpost.ledger.ledger import Ledger
from ringpost.model.event import Event
from ringpost.model.notice import PBX_BACK, PBX_LOST, Notice, NoticeData

from .source import SourceStatus
from .watch import LOOK_EVERY, GiveUp, Watch

_LOOKED_BACK: Final = 200  # notices of a kind; a company has more than one PBX


async def lost_since(ledger: Ledger, company: str, pbx: str) -> int | None:
    """Since when a PBX is lost (ms), as the notices of an earlier run say; None where the latest is that it is back."""
    lost, back = [await _latest(ledger, company, pbx, kind) for kind in (PBX_LOST, PBX_BACK)]
    if lost is None or (back is not None and back.seq > lost.seq):
        return None
    return msgspec.json.decode(lost.data, type=NoticeData).since


async def _latest(ledger: Ledger, company: str, pbx: str, kind: str) -> Event | None:
    page = await ledger.notices(company, type=kind, cursor=None, limit=_LOOKED_BACK)
    return next((notice for notice in page.items if notice.pbx == pbx), None)


async def keep_watch(
    watch: Watch,
    status: Callable[[], SourceStatus],
    tell: Callable[[Notice], None],
    now: Callable[[], int],
    *,
    end_calls: Callable[[], int],
    changed: Callable[[], None] = lambda: None,
) -> None:
    """A source does not say when its status changes, so it is looked at once in a while. now: ms; end_calls: ends the
    open calls of the PBX, and says how many those were, as `Feed.end_calls`; changed: it came, went, or fails for
    another reason."""
    before = None
    while True:
        found = status()
        if (found.connected_since, found.error) != before:
            before = (found.connected_since, found.error)
            changed()
        for todo in watch.look(found, now()):
            if isinstance(todo, GiveUp):
                ended = end_calls()
                if ended:
                    tell(watch.gave_up(todo, ended, now()))
            else:
                tell(todo)
        wait = min(max(watch.wake_at() - now(), 0), LOOK_EVERY)  # a clock that was set back makes it no longer
        await asyncio.sleep(wait / 1_000)
