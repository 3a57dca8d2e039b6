"""Values for tests of a ledger, and the back ends that the contract's suite runs on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from ringpost.ledger.ledger import Ledger, Remember, Result, Verdict
from ringpost.ledger.open import open_ledger
from ringpost.model.access import ApiKey
from ringpost.model.delivery import Attempt, DeliveryState, Owed
from ringpost.model.event import CALL_END, CALL_START, CALL_UPDATE, Event, NewEvent, Origin
from ringpost.model.integration import Integration

NOW: Final = 1_700_000_000_000
DAY: Final = 86_400_000
BACK_ENDS: Final = ("sqlite",)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


class Place:
    """Where a ledger of one back end is kept; it can be opened again and again."""

    def __init__(self, back_end: str, folder: Path) -> None:
        self.back_end = back_end
        self.path = folder / "ledger.db"
        self.clock = Clock()

    async def open(self) -> Ledger:
        return await open_ledger(self.path, now=self.clock)


def new_event(
    type_: str = CALL_START,
    *,
    call: str = "acme_1",
    company: str = "acme",
    integrations: Sequence[str] = (),
    time: int = NOW,
    data: bytes = b'{"status":"RINGING"}',
    pbx: str = "PBX1",
    origin: Origin = "api",
) -> NewEvent:
    return NewEvent(
        company=company,
        call=call,
        pbx=pbx,
        time=time,
        type=type_,
        data=data,
        integrations=tuple(integrations),
        origin=origin,
    )


def whole_call(
    call: str, *, company: str = "acme", integrations: Sequence[str] = (), updates: int = 1
) -> list[NewEvent]:
    types = [CALL_START, *[CALL_UPDATE] * updates, CALL_END]
    return [new_event(type_, call=call, company=company, integrations=integrations) for type_ in types]


def accepted(verdict: Verdict) -> Event:
    assert isinstance(verdict, Event), verdict
    return verdict


def codes(verdicts: Sequence[Verdict]) -> list[str | None]:
    """The code of each refusal, None for each acceptance."""
    return [None if isinstance(verdict, Event) else verdict.code for verdict in verdicts]


async def commit_one(ledger: Ledger, event: NewEvent) -> Event:
    [verdict] = await ledger.commit([event])
    return accepted(verdict)


def integration(id_: str = "aaaaaa", *, company: str = "acme", created: int = NOW) -> Integration:
    return Integration(
        company=company,
        id=id_,
        type="webhook",
        name=None,
        url="https://receiver.example/hook",
        filter=("call:*",),
        state="active",
        created=created,
        updated=created,
        sealed=b"\x00sealed\xff",
    )


def api_key(id_: str = "key1", *, company: str | None = "acme", created: int = NOW) -> ApiKey:
    return ApiKey(
        id=id_,
        company=company,
        role="admin",
        name="a key",
        created=created,
        revoked=None,
        hash=b"hash of " + id_.encode(),
    )


def result(
    event: Event,
    integration_id: str = "aaaaaa",
    *,
    number: int = 1,
    state: DeliveryState = "delivered",
    error: str | None = None,
    due: int | None = None,
) -> Result:
    attempt = Attempt(
        company=event.company,
        seq=event.seq,
        integration=integration_id,
        number=number,
        time=NOW + 10,
        duration=5,
        status=200 if error is None else 500,
        error=error,
        detail=None if error is None else "the receiver answered 500",
        reply="ok",
    )
    return Result(attempt=attempt, state=state, due=due)


def failed(event: Event, integration_id: str = "aaaaaa", *, number: int = 1, due: int = NOW + 5_000) -> Result:
    return result(event, integration_id, number=number, state="pending", error="status", due=due)


def remember(answer: bytes = b"answer", *, key: str = "k", company: str = "acme") -> Remember:
    return Remember(company=company, key=key, fingerprint=b"print", answer=lambda _: answer)


async def all_owed(ledger: Ledger, *, limit: int = 3) -> list[Owed]:
    """Everything that is owed, read page by page."""
    found: list[Owed] = []
    for company, integration, count in await ledger.owing():
        before, after = len(found), 0
        while page := await ledger.owed(company, integration, after, limit):
            assert len(page) <= limit
            found += page
            after = page[-1].seq
        assert len(found) - before == count
    return found


def owed(event: Event, integration_id: str = "aaaaaa") -> Owed:
    """What a fresh event owes an integration."""
    return Owed(company=event.company, integration=integration_id, call=event.call, seq=event.seq)


def at(event: NewEvent, time: int) -> NewEvent:
    return replace(event, time=time)


async def delete(ledger: Ledger, company: str, integration_id: str, now: int) -> int:
    """Delete an integration and cancel what it is owed; how many those were."""
    await ledger.delete_integration(company, integration_id, now)
    return await ledger.cancel_owed(company, integration_id, now)


async def events_of(ledger: Ledger, company: str, call: str, *, limit: int = 50) -> list[Event]:
    """All events of a call, read page by page."""
    found: list[Event] = []
    cursor = None
    while True:
        page = await ledger.events_of_call(company, call, cursor=cursor, limit=limit)
        assert len(page.items) <= limit
        found += page.items
        if page.next is None:
            return found
        cursor = page.next
