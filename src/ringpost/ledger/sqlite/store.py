"""The ledger in one SQLite file: the Protocol's methods, each a job of the writer or a query of the readers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final, TypeVar, cast

import apsw
import msgspec

from ringpost.errors import RingpostError
from ringpost.ledger.forgetting import Cleared, Forgettable, Forgotten, Looked, Place
from ringpost.ledger.ledger import (
    NO_FAILINGS,
    Accepted,
    DeliveryFilter,
    LedgerStatistics,
    Named,
    Page,
    Remember,
    Remembered,
    Result,
    Verdict,
)
from ringpost.model.access import ApiKey, Pbx, User
from ringpost.model.call import Call
from ringpost.model.delivery import Attempt, Delivery, Owed
from ringpost.model.directory import DirectoryChange, Entry, NumberingPlan
from ringpost.model.event import Event, NewEvent
from ringpost.model.failing import Failing
from ringpost.model.integration import Integration
from ringpost.model.replay import Replayable, ReplayFilter
from ringpost.model.work import Work, WorkKind

from . import backlog, changes, directories, erasing, forgetting, leftovers, lists, replays, works
from .checkpoint import Checkpointer, Limits
from .file import Lock, lock, open_checkpointer, open_writer, opening
from .jobs import Change, Commit, Record
from .memory import KEPT_MS
from .readers import Readers
from .rows import Row, to_attempt, to_call, to_delivery, to_event, to_failing
from .sql import QUERIES
from .views import SqliteViews
from .writer import Writer

T = TypeVar("T")
_AllReaders = tuple[Readers, Readers]
_READERS: Final = 2  # for what is asked through the API
_WORK_READERS: Final = 1  # for accepting, dispatching and checks alone: nothing that is asked holds these up
_CANCELLED_AT_ONCE: Final = 2_000  # a backlog may be large, and other companies' commits wait meanwhile

_ERASED_AT_ONCE: Final = 500  # rows
_PAGES_AT_ONCE: Final = 2_000  # 16 MiB
_CLEARED_AT_ONCE: Final = 50


class SqliteLedger(SqliteViews):
    """See `ringpost.ledger.ledger.Ledger` for what the methods promise."""

    def __init__(self, held: Lock, writer: Writer, readers: _AllReaders, now: Callable[[], int]) -> None:
        self._held = held
        self._writer = writer
        self._readers, self._work_readers = readers
        self._now = now
        self._closed = False

    @classmethod
    async def open(cls, path: Path, now: Callable[[], int], limits: Limits | None = None) -> SqliteLedger:
        """The ledger in this file, made where it is missing. now: the clock (ms), called in the writer's thread."""
        held, connection, readers, checkpointer = await asyncio.to_thread(_open, path, limits or Limits())
        ledger = cls(held, Writer(connection, now, checkpointer), readers, now)
        try:
            await ledger._cancel_left()
        except BaseException:
            await ledger.close()
            raise
        return ledger

    # --- accepting -------------------------------------------------------------------------------------------------
    async def commit(self, events: Sequence[NewEvent], remember: Remember | None = None) -> list[Verdict]:
        return cast("list[Verdict]", await self._writer.submit(Commit(events, remember)))

    def hand_over_to(self, take: Callable[[Sequence[Accepted]], None]) -> None:
        self._writer.hand_over_to(take)

    async def recall(self, company: str, key: str) -> Remembered | None:
        found = await self._work_rows("remembered", company, key, self._now() - KEPT_MS)
        return Remembered(*found[0]) if found else None

    # --- dispatching -----------------------------------------------------------------------------------------------
    async def record(self, results: Sequence[Result], failings: Mapping[Named, Failing | None] = NO_FAILINGS) -> None:
        await self._writer.submit(Record(results, failings))

    async def failings(self) -> list[Failing]:
        return [to_failing(row) for row in await self._work_rows("failings")]

    async def owing(self) -> list[tuple[str, str, int]]:
        return await self._work_readers.read(backlog.owing)

    async def owed(self, company: str, integration: str, after: int, limit: int) -> list[Owed]:
        read = partial(backlog.owed, company=company, integration=integration, after=after, limit=limit)
        return await self._work_readers.read(read)

    async def owed_in_lanes(self, company: str, integration: str, calls: Sequence[str], limit: int) -> list[Owed]:
        read = partial(backlog.owed_in_lanes, company=company, integration=integration, calls=calls, limit=limit)
        return await self._work_readers.read(read)

    async def bodies(self, company: str, seqs: Sequence[int]) -> Mapping[int, Event]:
        rows = await self._work_readers.read(_reading("bodies", lists.of_seqs(company, seqs)))
        return {event.seq: event for event in map(to_event, rows)}

    async def replay(self, company: str, seq: int, integration: str, now: int) -> Owed:
        return await self._change(partial(changes.replay, company=company, seq=seq, integration=integration, now=now))

    # --- what is installed -----------------------------------------------------------------------------------------
    async def integrations(self) -> list[Integration]:
        columns = Integration.__struct_fields__
        found = []
        for row in await self._rows("integrations"):
            values = dict(zip(columns, row, strict=True))
            values["filter"] = msgspec.json.decode(values["filter"], type=tuple[str, ...])
            if values["retry_delays_ms"] is not None:
                values["retry_delays_ms"] = msgspec.json.decode(values["retry_delays_ms"], type=tuple[int, ...])
            found.append(Integration(**values))
        return found

    async def add_integration(self, integration: Integration, remember: Remember | None = None) -> None:
        await self._change(partial(changes.add_integration, integration=integration), remember)

    async def change_integration(self, integration: Integration, notices: Sequence[NewEvent] = ()) -> None:
        run = partial(changes.change_integration, integration=integration)
        await self._writer.submit(Change(run, notices=notices))

    async def delete_integration(self, company: str, integration: str, now: int) -> None:
        await self._change(partial(changes.delete_integration, company=company, integration=integration, now=now))

    async def cancel_owed(self, company: str, integration: str, now: int) -> int:
        total = 0
        some = partial(changes.cancel_some, company=company, integration=integration, now=now, limit=_CANCELLED_AT_ONCE)
        while count := await self._change(some):
            total += count
        return total

    async def record_reveal(self, company: str, integration: str, key_id: str, now: int) -> None:
        await self._change(
            partial(changes.add_reveal, company=company, integration=integration, key_id=key_id, now=now)
        )

    async def reveals(self, company: str, integration: str) -> list[tuple[int, str]]:
        return [(time, key_id) for time, key_id in await self._rows("reveals", company, integration)]

    async def keys(self) -> list[ApiKey]:
        return [ApiKey(**dict(zip(ApiKey.__struct_fields__, row, strict=True))) for row in await self._rows("keys")]

    async def add_key(self, key: ApiKey) -> None:
        await self._change(partial(changes.add_key, key=key))

    async def revoke_key(self, key_id: str, now: int) -> None:
        await self._change(partial(changes.revoke_key, key_id=key_id, now=now))

    async def users(self) -> list[User]:
        return [User(**dict(zip(User.__struct_fields__, row, strict=True))) for row in await self._rows("users")]

    async def add_user(self, user: User) -> None:
        await self._change(partial(changes.add_user, user=user))

    async def change_password(self, name: str, password: str, now: int) -> None:
        await self._change(partial(changes.change_password, name=name, password=password, now=now))

    async def remove_user(self, name: str) -> None:
        await self._change(partial(changes.remove_user, name=name))

    async def register_pbx(self, company: str, serial: str, now: int) -> Pbx:
        return await self._change(partial(changes.register_pbx, company=company, serial=serial, now=now))

    async def pbxs(self) -> list[Pbx]:
        return [
            Pbx(company=company, serial=serial, short=bool(short), registered=registered)
            for company, serial, short, registered in await self._rows("pbxs")
        ]

    # --- directories -----------------------------------------------------------------------------------------------
    async def entries(self, after: tuple[str, str, str], limit: int) -> list[Entry]:
        return [directories.to_entry(row) for row in await self._rows("people", *after, limit)]

    async def numbering_plans(self) -> dict[str, NumberingPlan]:
        return dict(directories.to_plan(row) for row in await self._rows("numbering_plans"))

    async def change_directory(self, company: str, change: DirectoryChange) -> None:
        await self._change(partial(directories.change, company=company, wanted=change))

    # --- reading ---------------------------------------------------------------------------------------------------
    async def calls(self, company: str | None, *, open_only: bool, cursor: str | None, limit: int) -> Page[Call]:
        return await self._readers.read(
            partial(lists.calls, company=company, open_only=open_only, cursor=cursor, limit=limit)
        )

    async def open_calls(self, company: str, pbx: str) -> list[Call]:
        return [to_call(row) for row in await self._rows("open_calls", company, pbx)]

    async def call(self, company: str, call: str) -> Call | None:
        return next(map(to_call, await self._rows("call", company, call)), None)

    async def events_of_call(self, company: str, call: str, *, cursor: str | None, limit: int) -> Page[Event]:
        return await self._readers.read(partial(lists.events, company=company, call=call, cursor=cursor, limit=limit))

    async def event(self, company: str, seq: int) -> Event | None:
        return next(map(to_event, await self._rows("event", company, seq)), None)

    async def events_after(self, company: str, seq: int, limit: int) -> tuple[list[Event], int]:
        return await self._readers.read(partial(lists.events_after, company=company, seq=seq, limit=limit))

    async def deliveries_of_events(self, company: str, seqs: Sequence[int]) -> list[Delivery]:
        read = _reading("deliveries_of_events", lists.of_seqs(company, seqs))
        return [to_delivery(row) for row in await self._readers.read(read)]

    async def attempts_of_events(self, company: str, seqs: Sequence[int]) -> list[Attempt]:
        read = _reading("attempts_of_events", lists.of_seqs(company, seqs))
        return [to_attempt(row) for row in await self._readers.read(read)]

    async def delivery(self, company: str, seq: int, integration: str) -> Delivery | None:
        return next(map(to_delivery, await self._rows("delivery", company, seq, integration)), None)

    async def attempts(self, company: str, seq: int, integration: str) -> list[Attempt]:
        return [to_attempt(row) for row in await self._rows("attempts", company, seq, integration)]

    async def deliveries(
        self, company: str | None, wanted: DeliveryFilter, *, cursor: str | None, limit: int
    ) -> Page[Delivery]:
        return await self._readers.read(
            partial(lists.deliveries, company=company, wanted=wanted, cursor=cursor, limit=limit)
        )

    async def pending_count(self, company: str, integration: str) -> int:
        [(count,)] = await self._rows("pending_count", company, integration)
        return int(count)

    # --- notices ---------------------------------------------------------------------------------------------------
    async def notices(
        self,
        company: str | None,
        *,
        type: str | None = None,  # noqa: A002 - the field's own name
        since: int | None = None,
        until: int | None = None,
        cursor: str | None,
        limit: int,
    ) -> Page[Event]:
        read = partial(lists.notices, company=company, type_=type, since=since, until=until, cursor=cursor, limit=limit)
        return await self._readers.read(read)

    # --- replays and other long work -------------------------------------------------------------------------------
    async def add_work(self, work: Work, remember: Remember | None = None) -> None:
        await self._change(partial(works.add, work=work), remember)

    async def work(self, company: str | None, work_id: str) -> Work | None:
        return await self._readers.read(partial(works.find, company=company, work_id=work_id))

    async def works(self, company: str | None, kind: WorkKind | None, *, cursor: str | None, limit: int) -> Page[Work]:
        return await self._readers.read(partial(works.page, company=company, kind=kind, cursor=cursor, limit=limit))

    async def running_works(self) -> list[Work]:
        return [works.to_work(row) for row in await self._rows("running_works")]

    async def advance_work(self, before: Work, after: Work) -> Work:
        return await self._change(partial(works.advance, before=before, after=after))

    async def cancel_work(self, company: str | None, work_id: str, now: int) -> Work:
        return await self._change(partial(works.cancel, company=company, work_id=work_id, now=now))

    async def highest_seq(self) -> int:
        [(seq,)] = await self._rows("highest_seq")
        return int(seq)

    async def was_deleted(self, company: str, integration: str) -> bool:
        return await self._rows("integration_state", company, integration) == [("deleted",)]

    async def replayable(
        self, company: str, integration: str, wanted: ReplayFilter, after: int, limit: int
    ) -> Replayable:
        read = partial(replays.find, company=company, integration=integration, wanted=wanted, after=after, limit=limit)
        return await self._readers.read(read)

    async def replay_some(
        self, before: Work, after: Work, integration: str, wanted: ReplayFilter, batch: Replayable, now: int
    ) -> tuple[Work, list[Owed]]:
        run = partial(
            replays.write, before=before, after=after, integration=integration, wanted=wanted, batch=batch, now=now
        )
        return await self._change(run)

    # --- forgetting, erasing, backup -------------------------------------------------------------------------------
    async def forget(self, kind: Forgettable, before: int, place: Place | None, limit: int) -> Forgotten:
        if kind == "answers":
            before = min(before, self._now() - KEPT_MS)
            return await self._change(partial(forgetting.remove_answers, before=before, limit=limit))
        if kind == "works":
            return await self._change(partial(forgetting.remove_works, before=before, limit=limit))
        find = partial(forgetting.find, kind=kind, before=before, place=place, limit=limit)
        batch = await self._readers.read(find)
        if not batch.events and not batch.calls and not batch.attempts:
            return Forgotten(next=batch.next)
        return await self._change(partial(forgetting.remove, batch=batch))

    async def look_for(self, company: str, is_wanted: Callable[[bytes], bool], after: int, limit: int) -> Looked:
        look = partial(erasing.look_for, company=company, is_wanted=is_wanted, after=after, limit=limit)
        return await self._readers.read(look)

    async def cancel_call(self, company: str, call: str, now: int) -> dict[str, int]:
        seqs = await self._readers.read(partial(erasing.pending_events, company=company, call=call))
        total: dict[str, int] = {}
        for start in range(0, len(seqs), _ERASED_AT_ONCE):
            some = seqs[start : start + _ERASED_AT_ONCE]
            for integration, count in (await self._change(partial(erasing.cancel, seqs=some, now=now))).items():
                total[integration] = total.get(integration, 0) + count
        return total

    async def erase_call(self, company: str, call: str) -> Forgotten:
        total = Forgotten(next=None)
        find = partial(erasing.part, company=company, call=call, limit=_ERASED_AT_ONCE)
        while (batch := await self._readers.read(find)) is not None:
            total = forgetting.both(
                total, await self._change(partial(forgetting.remove, batch=batch, pending_too=True))
            )
        return total

    async def clear_leftovers(self, after: int) -> Cleared:
        found, following = await self._readers.read(partial(leftovers.find, after=after, limit=_PAGES_AT_ONCE))
        for start in range(0, len(found), _CLEARED_AT_ONCE):
            await self._change(partial(leftovers.clear, leftovers=found[start : start + _CLEARED_AT_ONCE]))
        return Cleared(len(found), following)

    async def empty_log(self) -> bool:
        self._writer.empty_log_soon()
        await self._change(_nothing)  # after it the writer sees to the log
        await self._change(_nothing)  # begins after that
        return self._writer.is_log_emptied

    # --- running ---------------------------------------------------------------------------------------------------
    async def check(self) -> None:
        written = await self._change(changes.probe)
        [(read,)] = await self._work_rows("read_probe")
        if read < written:
            raise RingpostError("ledger_unavailable")

    def statistics(self) -> LedgerStatistics:
        return self._writer.statistics()

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._readers.close()
        self._work_readers.close()
        self._writer.close()
        self._held.release()

    async def _change(self, run: Callable[[apsw.Connection], T], remember: Remember | None = None) -> T:
        return cast("T", await self._writer.submit(Change(run, remember)))

    async def _rows(self, query: str, *values: apsw.SQLiteValue) -> list[Row]:
        return await self._readers.read(_reading(query, values))

    async def _work_rows(self, query: str, *values: apsw.SQLiteValue) -> list[Row]:
        return await self._work_readers.read(_reading(query, values))

    async def _cancel_left(self) -> None:
        """Finish deletions that a crash broke off."""
        for company, integration in await self._rows("deleted_integrations"):
            if await self.pending_count(company, integration):
                await self.cancel_owed(company, integration, self._now())


def _nothing(_: apsw.Connection) -> None:
    """A transaction that writes nothing."""


def _reading(query: str, values: apsw.Bindings) -> Callable[[apsw.Connection], list[Row]]:
    """A statement for the readers."""
    return lambda connection: connection.execute(QUERIES[query], values).fetchall()


def _open(path: Path, limits: Limits) -> tuple[Lock, apsw.Connection, _AllReaders, Checkpointer]:
    path = path.absolute()
    with ExitStack() as undo, opening(path):
        held = lock(path)
        undo.callback(held.release)
        connection = open_writer(path)
        undo.callback(connection.close)
        readers = Readers(path, _READERS, "reader")
        undo.callback(readers.close)
        work_readers = Readers(path, _WORK_READERS, "work-reader")
        undo.callback(work_readers.close)
        checkpointer = Checkpointer(connection, open_checkpointer(path), limits)
        undo.pop_all()
    return held, connection, (readers, work_readers), checkpointer
