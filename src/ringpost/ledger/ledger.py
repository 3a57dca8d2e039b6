"""The Protocol of every ledger back end, and the shapes that pass through it.

Promises: what a method that writes returned from is durable (power loss included); a write that failed left nothing
behind and raised `RingpostError` (`ledger_full`, `ledger_unavailable`). One suite, `tests/contract/ledger`, runs on
each back end. All methods are called from one event loop. Keys begin with the company.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Generic, Literal, Protocol, TypeVar

from msgspec import Struct

from ringpost.errors import RingpostError
from ringpost.model.access import ApiKey, Pbx, User
from ringpost.model.call import Call
from ringpost.model.delivery import Attempt, Delivery, DeliveryState, Owed
from ringpost.model.directory import DirectoryChange, Entry, NumberingPlan
from ringpost.model.event import Event, NewEvent
from ringpost.model.failing import Failing
from ringpost.model.integration import Integration
from ringpost.model.replay import Replayable, ReplayFilter
from ringpost.model.work import Work, WorkKind

from .forgetting import Forgets
from .views import Views

PAGE_BYTES: Final = 1_048_576  # of events' data in a page of a list
Named = tuple[str, str]  # the company and the id of an integration

T = TypeVar("T")
FIRST_ENTRY: Final = ("", "", "")
NO_FAILINGS: Final[Mapping[Named, Failing | None]] = MappingProxyType({})
Verdict = Event | RingpostError
Accepted = tuple[Event, tuple[str, ...]]  # a durable event, and the integrations that it is owed to


class Remember(Struct, frozen=True):
    """Keep the answer to a request with an Idempotency-Key in the same transaction as what it did.

    answer: called in the writer's thread with the verdicts (with none where no events were committed); what it returns
    is kept for `recall`. Where a transaction is tried again it is called again.
    """

    company: str
    key: str
    fingerprint: bytes
    answer: Callable[[Sequence[Verdict]], bytes]


class Remembered(Struct, frozen=True):
    fingerprint: bytes
    answer: bytes


class Result(Struct, frozen=True, kw_only=True):
    """What became of one delivery by one attempt: the attempt, the delivery's state after it, when the next is due."""

    attempt: Attempt
    state: DeliveryState
    due: int | None


class Page(Struct, Generic[T], frozen=True):
    """A page of a list; `next` is the cursor of the page after it, None on the last.

    Where items hold data of events, a page ends before it holds more than `PAGE_BYTES` of it, with one item at least.
    """

    items: list[T]
    next: str | None


class DeliveryFilter(Struct, frozen=True, kw_only=True):
    """Which deliveries to list; None matches all. failing: pending ones whose last attempt failed.

    since, until: the first and the last millisecond of acceptance, as the event's number has it.
    """

    state: DeliveryState | Literal["failing"] | None = None
    integration: str | None = None
    call: str | None = None
    type: str | None = None
    since: int | None = None
    until: int | None = None


class Ledger(Views, Forgets, Protocol):
    # --- accepting -------------------------------------------------------------------------------------------------
    async def commit(self, events: Sequence[NewEvent], remember: Remember | None = None) -> list[Verdict]:
        """Make the events and all deliveries that they owe durable, in one transaction (shared with others' commits).

        The verdicts are in the order of the events: the durable `Event`, or the refusal of that one event
        (`call_already_started`, `call_not_started`, `call_already_ended`, `call_of_source`); refused ones do not stop
        the others. A call takes events of its own origin alone: a client's event for a call of a source is refused
        with `call_of_source`; a source's call:start for an id that a client's call has, as for any id that was used
        before, and its other events with `call_not_started`. Where a source's call:start is refused, the events of
        that call that follow in the list are refused with the same code: they belong to it, not to the call that has
        the id. A notice (of origin `notice`) belongs to no call and is never refused: sequence 1, its own time.
        An event's `time` is raised to that of its call's event before it, where it is lower; within one call, sequence
        numbers are without gaps and in the order of the list. What is owed to an integration that was deleted meanwhile
        is cancelled from the start. Raises `overloaded` where too many events wait already, and
        `idempotency_in_flight` where the key of `remember` got its answer meanwhile: nothing is accepted then.
        """
        ...

    def hand_over_to(self, take: Callable[[Sequence[Accepted]], None]) -> None:
        """Call this in the event loop after each commit, with what was accepted, in the order of the numbers.

        It is called before any caller of `commit` goes on, and also for one that went away meanwhile.
        """
        ...

    async def recall(self, company: str, key: str) -> Remembered | None:
        """What was remembered for an Idempotency-Key within the last 24 hours."""
        ...

    # --- dispatching -----------------------------------------------------------------------------------------------
    async def record(self, results: Sequence[Result], failings: Mapping[Named, Failing | None] = NO_FAILINGS) -> None:
        """Keep attempts and their deliveries' new states. A delivery that is no longer pending keeps its state.

        The same result twice is the same as once. An attempt of a delivery that is not there is not kept.
        failings: how long these integrations have only failed, to be kept with it; None: not any more.
        """
        ...

    async def failings(self) -> list[Failing]:
        """What was kept of integrations that only fail."""
        ...

    async def owing(self) -> list[tuple[str, str, int]]:
        """(company, integration, how many) of all that are owed something and not deleted."""
        ...

    async def owed(self, company: str, integration: str, after: int, limit: int) -> list[Owed]:
        """The pending deliveries of an integration with numbers after the given one, the lowest first; none where it
        was deleted."""
        ...

    async def owed_in_lanes(self, company: str, integration: str, calls: Sequence[str], limit: int) -> list[Owed]:
        """The pending deliveries of these calls to an integration, the lowest numbers first, so many a call at most."""
        ...

    async def bodies(self, company: str, seqs: Sequence[int]) -> Mapping[int, Event]:
        """The events with these numbers (those that are there)."""
        ...

    async def replay(self, company: str, seq: int, integration: str, now: int) -> Owed:
        """Make a delivery that ended pending again, due now. Raises `delivery_not_found`, `integration_deleted`,
        `delivery_pending`."""
        ...

    # --- what is installed -----------------------------------------------------------------------------------------
    async def integrations(self) -> list[Integration]:
        """All that are not deleted, of every company, oldest first."""
        ...

    async def add_integration(self, integration: Integration, remember: Remember | None = None) -> None:
        """Raises `invalid_value` where any company has an integration of this id, `idempotency_in_flight` as
        `commit` does."""
        ...

    async def change_integration(self, integration: Integration, notices: Sequence[NewEvent] = ()) -> None:
        """Replace the row with the same (company, id), and accept these notices in the same transaction.
        Raises `integration_not_found`."""
        ...

    async def delete_integration(self, company: str, integration: str, now: int) -> None:
        """Mark it deleted and forget its secrets: it is owed nothing from now on. Its history stays.
        Raises `integration_not_found`."""
        ...

    async def cancel_owed(self, company: str, integration: str, now: int) -> int:
        """Cancel what a deleted integration was owed; how many those were.

        A long backlog takes several transactions: if one fails, or the process does, what is left is cancelled when
        the ledger is opened, or when this is called again.
        """
        ...

    async def record_reveal(self, company: str, integration: str, key_id: str, now: int) -> None:
        """Keep that a secret was shown, to whom and when."""
        ...

    async def reveals(self, company: str, integration: str) -> list[tuple[int, str]]:
        """(time, key id) of each time the secret was shown, newest first."""
        ...

    async def keys(self) -> list[ApiKey]:
        """All, the revoked ones too, oldest first."""
        ...

    async def add_key(self, key: ApiKey) -> None:
        """Raises `invalid_value` where there is a key of this id or hash."""
        ...

    async def revoke_key(self, key_id: str, now: int) -> None:
        """Revoke a key; one that was revoked before stays revoked since then. Raises `key_not_found`."""
        ...

    async def users(self) -> list[User]:
        """All users of the console, by name."""
        ...

    async def add_user(self, user: User) -> None:
        """Raises `invalid_value` where there is a user of this name."""
        ...

    async def change_password(self, name: str, password: str, now: int) -> None:
        """password: its hash. Raises `user_not_found`."""
        ...

    async def remove_user(self, name: str) -> None:
        """Raises `user_not_found`."""
        ...

    async def register_pbx(self, company: str, serial: str, now: int) -> Pbx:
        """The PBX with this serial, registered now if it was not: a company's first one is `short`."""
        ...

    async def pbxs(self) -> list[Pbx]:
        """All that were ever registered, of every company, oldest first."""
        ...

    # --- directories -----------------------------------------------------------------------------------------------
    async def entries(self, after: tuple[str, str, str], limit: int) -> list[Entry]:
        """So many entries of all directories, in the order of (company, extension, known), after a place
        (`FIRST_ENTRY` first)."""
        ...

    async def numbering_plans(self) -> dict[str, NumberingPlan]:
        """Of the companies that have one."""
        ...

    async def change_directory(self, company: str, change: DirectoryChange) -> None:
        """Make the whole change in one transaction. What is to be removed and is not there is no matter."""
        ...

    # --- reading ---------------------------------------------------------------------------------------------------
    async def calls(self, company: str | None, *, open_only: bool, cursor: str | None, limit: int) -> Page[Call]:
        """Calls in the order in which their call:start was accepted, newest first. Raises `cursor_invalid`."""
        ...

    async def open_calls(self, company: str, pbx: str) -> list[Call]:
        """The calls of a PBX that its source told and that have no call:end yet, oldest first. What clients sent in
        the PBX's name is not among them: its end is theirs to send."""
        ...

    async def call(self, company: str, call: str) -> Call | None: ...

    async def events_of_call(self, company: str, call: str, *, cursor: str | None, limit: int) -> Page[Event]:
        """In their order; empty for a call that is not known. Raises `cursor_invalid`."""
        ...

    async def event(self, company: str, seq: int) -> Event | None: ...

    async def events_after(self, company: str, seq: int, limit: int) -> tuple[list[Event], int]:
        """The events of a company behind a number, the oldest first, and up to which number that was looked at: beyond
        the given one, save where nothing is behind it."""
        ...

    async def deliveries_of_events(self, company: str, seqs: Sequence[int]) -> list[Delivery]:
        """Those of the events with these numbers, in the order of (seq, integration)."""
        ...

    async def attempts_of_events(self, company: str, seqs: Sequence[int]) -> list[Attempt]:
        """Those of the deliveries of these events, in the order of (seq, integration, number)."""
        ...

    async def delivery(self, company: str, seq: int, integration: str) -> Delivery | None: ...

    async def attempts(self, company: str, seq: int, integration: str) -> list[Attempt]: ...

    async def deliveries(
        self, company: str | None, wanted: DeliveryFilter, *, cursor: str | None, limit: int
    ) -> Page[Delivery]:
        """Deliveries by (seq, integration), newest first. Raises `cursor_invalid`."""
        ...

    async def pending_count(self, company: str, integration: str) -> int:
        """How many deliveries an integration is owed."""
        ...

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
        """Notices, newest first; None matches all. since, until: the first and the last millisecond of acceptance.
        Raises `cursor_invalid`."""
        ...

    # --- replays and other long work -------------------------------------------------------------------------------
    async def add_work(self, work: Work, remember: Remember | None = None) -> None:
        """Raises `invalid_value` where there is one of this id, `idempotency_in_flight` as `commit` does."""
        ...

    async def work(self, company: str | None, work_id: str) -> Work | None:
        """Within a company, or in any."""
        ...

    async def works(self, company: str | None, kind: WorkKind | None, *, cursor: str | None, limit: int) -> Page[Work]:
        """Newest first; None matches all. Raises `cursor_invalid`."""
        ...

    async def running_works(self) -> list[Work]:
        """Of every company, oldest first."""
        ...

    async def advance_work(self, before: Work, after: Work) -> Work:
        """Keep how far it came (state, total, done, place, report, error, updated, request) where it still runs and is
        as it was before; the work as it is then. An erasure that ended keeps no request."""
        ...

    async def cancel_work(self, company: str | None, work_id: str, now: int) -> Work:
        """End it where it is: no batch of it is written from now on. One that ended before stays as it is.
        Raises `work_not_found`."""
        ...

    async def highest_seq(self) -> int:
        """The highest number of an event, 0 where there is none."""
        ...

    async def was_deleted(self, company: str, integration: str) -> bool:
        """Whether the company had an integration of this id, and deleted it."""
        ...

    async def replayable(
        self, company: str, integration: str, wanted: ReplayFilter, after: int, limit: int
    ) -> Replayable:
        """What of the events after a number may be replayed. It looks at so many rows at most, in the order of the
        numbers, except that a call's events are walked along as a whole. A notice about the integration itself and a
        test call to another one are never owed to it."""
        ...

    async def replay_some(
        self, before: Work, after: Work, integration: str, wanted: ReplayFilter, batch: Replayable, now: int
    ) -> tuple[Work, list[Owed]]:
        """Make a batch pending, due now, and keep how far the work came, in one transaction.

        Nothing is done where the work runs no longer or is not as it was before. A delivery that is no longer as it is
        wanted is left alone, and so is all of a deleted integration. What is pending now comes in the order of the
        numbers; the work, as it is then, has so many more `done`.
        """
        ...

    # --- running ---------------------------------------------------------------------------------------------------
    async def check(self) -> None:
        """Write and read a probe; raises what a commit would raise now."""
        ...

    def statistics(self) -> LedgerStatistics: ...

    async def close(self) -> None:
        """Finish what was begun and let the ledger go. Nothing but another close may follow."""
        ...


class LedgerStatistics(Struct, frozen=True, kw_only=True):
    """Since opening: commits (transactions), events accepted in them, seconds spent committing, failures (of
    transactions, and of seeing to the log after them); events waiting now."""

    commits: int
    events: int
    commit_seconds: float
    failures: int
    waiting: int
