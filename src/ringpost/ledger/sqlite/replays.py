"""Replays of many deliveries: `find` in a reader's thread, beside the commits; `write` in the writer's transaction.

Each costs as much as the rows that it looks at, however many there are. What was found is looked at again before it is
written, for other replays and the dispatcher may have been there first.
"""

from __future__ import annotations

from collections.abc import Sequence

import apsw
import msgspec
from msgspec.structs import replace

from ringpost.model.delivery import Owed
from ringpost.model.notice import lane_of
from ringpost.model.replay import Replayable, ReplayFilter
from ringpost.model.work import Work

from . import works
from .sql import QUERIES

_Found = tuple[int, str, int, int]  # seq, call, attempts, replay
_decode_seqs = msgspec.json.Decoder(list[int]).decode
_decode_found = msgspec.json.Decoder(list[_Found]).decode


def find(
    connection: apsw.Connection, company: str, integration: str, wanted: ReplayFilter, after: int, limit: int
) -> Replayable:
    if wanted.call is not None:
        query = "replayable_of_call"
    else:
        query = "replayable_events" if wanted.never_owed else "replayable_deliveries"
    names = {
        **_names(company, integration, wanted),
        "call": wanted.call,
        "type": wanted.type,
        "never_owed": msgspec.json.encode(wanted.never_owed).decode(),
        "own": lane_of(company, integration),
        "after": after,
        "until": wanted.until,
        "limit": limit,
    }
    [(looked, last, ended, never_owed)] = connection.execute(QUERIES[query], names)
    return Replayable(
        ended=tuple(sorted(_decode_seqs(ended))),
        never_owed=tuple(sorted(_decode_seqs(never_owed))),
        reached=last if looked == limit else None,
    )


def write(
    connection: apsw.Connection,
    before: Work,
    after: Work,
    integration: str,
    wanted: ReplayFilter,
    batch: Replayable,
    now: int,
) -> tuple[Work, list[Owed]]:
    found = works.held(connection, before)
    if not works.is_as(found, before):
        return found, []
    company, owed = before.company, []
    if connection.execute(QUERIES["integration_state"], (company, integration)).get != "deleted":
        names = {**_names(company, integration, wanted), "now": now}
        rows = _again(connection, "ended_among", "replay_ended", names, batch.ended)
        rows += _again(connection, "never_owed_among", "owe_never_owed", names, batch.never_owed)
        owed = [_owed(company, integration, row, now) for row in sorted(rows)]
    after = replace(after, done=before.done + len(owed))
    works.keep(connection, after)
    return after, owed


def _again(
    connection: apsw.Connection, look: str, change: str, names: dict[str, apsw.SQLiteValue], seqs: Sequence[int]
) -> list[_Found]:
    """Change those that still are as they were found; what they were then."""
    if not seqs:
        return []
    names["seqs"] = msgspec.json.encode(seqs).decode()
    found = _decode_found(connection.execute(QUERIES[look], names).get)
    if found:
        names["seqs"] = msgspec.json.encode([seq for seq, *_ in found]).decode()
        connection.execute(QUERIES[change], names)
    return found


def _owed(company: str, integration: str, row: _Found, now: int) -> Owed:
    seq, call, attempts, replays = row
    return Owed(
        company=company,
        integration=integration,
        call=call,
        seq=seq,
        attempts=attempts,
        due=now,
        replay=replays + 1,
        earlier=attempts,
    )


def _names(company: str, integration: str, wanted: ReplayFilter) -> dict[str, apsw.SQLiteValue]:
    return {
        "company": company,
        "integration": integration,
        "delivered": "delivered" in wanted.states,
        "exhausted": "exhausted" in wanted.states,
        "cancelled": "cancelled" in wanted.states,
    }
