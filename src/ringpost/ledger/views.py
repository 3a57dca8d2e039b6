"""What the console's screens read, as a part of the ledger's Protocol: searches, counts and curves.

Promises: each read is short, however much there is. A search looks back for so long at most (`within_ms`), says how far
it came (`looked_to`) and goes on from there by its cursor; a count above its limit says that there is more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Generic, Literal, Protocol, TypeVar

from msgspec import Struct

from ringpost.model.call import Call
from ringpost.model.call_line import CallLine, Mark
from ringpost.model.delivery import Attempt, Delivery, DeliveryState
from ringpost.model.event import Event
from ringpost.model.point import Point
from ringpost.model.search import Search

T = TypeVar("T")
WITHIN_MS: Final = 30
COUNT_LIMIT: Final = 10_000


class Found(Struct, Generic[T], frozen=True):
    """items: newest first; next: the cursor of what comes after them, None where that is nothing; looked_to: it took
    too long and ended early, after all that was accepted since then (ms); None where it did not."""

    items: list[T]
    next: str | None
    looked_to: int | None = None


class CallSearch(Struct, frozen=True, kw_only=True):
    """Which calls to find; None matches all.

    since, until: the first and the last millisecond of acceptance of the call:start; integration: that was owed any of
    its events; mark: of that integration, or of any; text: in the call's first or latest event; direction:
    as the latest event says.
    """

    open_only: bool = False
    since: int | None = None
    until: int | None = None
    integration: str | None = None
    mark: Mark | None = None
    text: Search | None = None
    direction: str | None = None


class DeliverySearch(Struct, frozen=True, kw_only=True):
    """Which deliveries to find; None matches all. failing: pending ones whose last attempt failed.

    since, until: the first and the last millisecond of acceptance; status, error: of the last attempt; text: in the
    event's data.
    """

    state: DeliveryState | Literal["failing"] | None = None
    integration: str | None = None
    call: str | None = None
    type: str | None = None
    status: int | None = None
    error: str | None = None
    since: int | None = None
    until: int | None = None
    text: Search | None = None


class Count(Struct, frozen=True):
    """more: there are more than so many, or may be."""

    count: int
    more: bool = False


class Counts(Struct, frozen=True, kw_only=True):
    """How many deliveries there are; those that are failing are pending, too."""

    all: Count
    pending: Count
    failing: Count
    delivered: Count
    exhausted: Count
    cancelled: Count


class Backlog(Struct, frozen=True, kw_only=True):
    """What an integration is owed. oldest: when the oldest of it was accepted (ms), None where nothing is owed."""

    pending: Count
    failing: Count
    oldest: int | None


class WholeEvent(Struct, frozen=True):
    """An event with its deliveries, each with its attempts, by integration."""

    event: Event
    deliveries: list[tuple[Delivery, list[Attempt]]]


class WholeCall(Struct, frozen=True):
    """A call with a page of its events, in their order. next: the cursor of those after them; before: the event that
    comes directly before them."""

    call: Call
    events: list[WholeEvent]
    next: str | None
    before: Event | None = None


class WholeDelivery(Struct, frozen=True):
    """event: None where it is there no longer."""

    delivery: Delivery
    event: Event | None
    attempts: list[Attempt]


class Views(Protocol):
    async def find_calls(
        self, company: str | None, wanted: CallSearch, *, cursor: str | None, limit: int, within_ms: int = WITHIN_MS
    ) -> Found[CallLine]:
        """Calls in the order in which their call:start was accepted, newest first, each with its marks, by its
        newest 200 events. Where a mark other than `delivered` is asked for, a call comes where its newest delivery in
        that state is. Raises `cursor_invalid`."""
        ...

    async def find_deliveries(
        self, company: str | None, wanted: DeliverySearch, *, cursor: str | None, limit: int, within_ms: int = WITHIN_MS
    ) -> Found[Delivery]:
        """Deliveries by (seq, integration), newest first. Raises `cursor_invalid`."""
        ...

    async def count_deliveries(
        self,
        company: str,
        *,
        integration: str | None = None,
        since: int | None = None,
        until: int | None = None,
        limit: int = COUNT_LIMIT,
    ) -> Counts:
        """Each exact up to the limit, where the company has 200 integrations at most; of more, 200 are counted.
        since, until: as in `DeliverySearch`."""
        ...

    async def backlogs(
        self, integrations: Sequence[tuple[str, str]], limit: int = COUNT_LIMIT
    ) -> Mapping[tuple[str, str], Backlog]:
        """What these (company, integration) are owed; each count is exact up to the limit."""
        ...

    async def count_open_calls(self, company: str | None, limit: int = COUNT_LIMIT) -> Count:
        """How many calls go on, exact up to the limit."""
        ...

    async def whole_call(self, company: str, call: str, *, cursor: str | None, limit: int) -> WholeCall | None:
        """All at one moment. Raises `cursor_invalid`."""
        ...

    async def whole_delivery(self, company: str, seq: int, integration: str) -> WholeDelivery | None:
        """All at one moment."""
        ...

    async def add_points(self, points: Sequence[Point]) -> None:
        """Add what they count to what is kept for their spans."""
        ...

    async def points(self, company: str, integration: str, *, step: int, since: int, until: int) -> list[Point]:
        """Points that span `step` (ms) from `since` (ms) until before `until`, oldest first; those that count nothing
        are left out. `since` and `until` belong on multiples of the step, and the step is no less than the span that
        is kept there, which is `QUARTER` for an integration and `HOUR` beyond two days."""
        ...

    async def points_of_each(
        self, integrations: Sequence[tuple[str, str]], *, step: int, since: int, until: int
    ) -> Mapping[tuple[str, str], list[Point]]:
        """`points` of each of these (company, integration), in one look."""
        ...

    async def roll_up_points(
        self, after: tuple[str, str], hours_before: int, forget_before: int
    ) -> tuple[str, str] | None:
        """Of the next so many (company, integration) after a place (("", "") first, with the service itself): make
        hours of all spans before a time, and forget those before another. The place to go on from; None at the end.
        hours_before: a full hour (ms)."""
        ...
