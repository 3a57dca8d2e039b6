"""The intake: the one way by which an event becomes accepted.

Promise: what `accept_*` reports as accepted is durable, with every delivery that it owes, by one ledger transaction.
A refusal names the field; of a refused event nothing is kept. Called from the event loop, by the API and the sources.
The ledger itself hands the committed batch over to the dispatcher, so a caller that goes away loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from ringpost.calls.events import CallEvent
from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger, Remember, Verdict
from ringpost.model.data import to_wire
from ringpost.model.event import CALL_END, SOURCE, Event, NewEvent
from ringpost.model.integration import Integration
from ringpost.model.notice import Notice
from ringpost.telemetry.metrics import Metrics
from ringpost.wire import canonical

from .match import matching
from .notices import notice_event
from .once import Keep, Once
from .split import split_batch
from .validate import check_event

EVENT_LIMIT: Final = 262_144  # bytes of one event, as SQS had it for a message
BATCH_LIMIT: Final = 8_388_608  # bytes of one batch
BATCH_EVENTS: Final = 1_000

_encode = msgspec.json.Encoder().encode
_pack = msgspec.msgpack.Encoder().encode


class Answer(Struct, frozen=True):
    """What to reply: an HTTP status and the body."""

    status: int
    body: bytes


_unpack = msgspec.msgpack.Decoder(Answer).decode


class Intake:
    """One node's intake.

    integrations_of: what a company has installed now; once: for all that is done once for an Idempotency-Key. The
    company of a request comes from `company_of`, given the one that an event names (None: none), which raises
    `company_foreign` or `company_missing`.
    """

    def __init__(
        self,
        ledger: Ledger,
        integrations_of: Callable[[str], Iterable[Integration]],
        metrics: Metrics,
        now: Callable[[], int],
    ) -> None:
        self._ledger = ledger
        self._integrations_of = integrations_of
        self._metrics = metrics
        self._now = now
        self.once = Once(ledger)

    async def accept_event(
        self, body: bytes, company_of: Callable[[str | None], str], idempotency_key: str | None = None
    ) -> Answer:
        """`POST /v1/events`: one event as JSON. Raises `RingpostError`."""
        with self._counting_refusals():
            if len(body) > EVENT_LIMIT:
                raise RingpostError("body_too_large", f"An event takes up to {EVENT_LIMIT} bytes; this has more.")
            event = self._read(body, company_of)

            def answer(verdicts: Sequence[Verdict]) -> Answer:
                return _answer_event(verdicts[0], len(event.integrations))

            if idempotency_key is None:
                return answer(await self._commit([event]))
            return await self._once(event.company, idempotency_key, body, [event], answer)

    async def accept_batch(
        self, body: bytes, company_of: Callable[[str | None], str], idempotency_key: str | None = None
    ) -> Answer:
        """`POST /v1/events/batch`: `{"events": […]}`, each with a verdict of its own. Raises `RingpostError`."""
        with self._counting_refusals():
            read = [self._read_or_refusal(raw, company_of) for raw in _events_of(body)]
        events = [item for item in read if isinstance(item, NewEvent)]

        def answer(verdicts: Sequence[Verdict]) -> Answer:
            committed = iter(verdicts)
            return _answer_batch(
                [
                    (next(committed), len(item.integrations)) if isinstance(item, NewEvent) else (item, 0)
                    for item in read
                ]
            )

        if not events:
            return answer([])  # nothing was done, so there is nothing to do once
        if idempotency_key is None:
            return answer(await self._commit(events))
        return await self._once(events[0].company, idempotency_key, body, events, answer)

    async def accept_calls(
        self, company: str, pbx: str, events: Sequence[CallEvent], *, extra_keys: bool
    ) -> list[Verdict]:
        """Events of a source, in order. Raises what the ledger raises; then none of them was accepted."""
        return await self._commit([self._of_source(company, pbx, event, extra_keys) for event in events])

    async def accept_notices(self, notices: Sequence[Notice]) -> list[Verdict]:
        """Notices of the service, in order. Raises what the ledger raises; then none of them was accepted."""
        return await self._commit([notice_event(notice, self._integrations_of(notice.company)) for notice in notices])

    def _read(self, body: bytes, company_of: Callable[[str | None], str]) -> NewEvent:
        checked = check_event(canonical.parse(body))
        company = company_of(checked.company)
        prefix = company + "_"
        return NewEvent(
            company=company,
            call=checked.call if checked.call.startswith(prefix) else prefix + checked.call,
            pbx=checked.pbx,
            time=self._now() if checked.time is None else checked.time,
            type=checked.type,
            data=canonical.encode(checked.data, ("data",)),
            integrations=matching(self._integrations_of(company), checked.type),
        )

    def _read_or_refusal(self, raw: bytes, company_of: Callable[[str | None], str]) -> NewEvent | RingpostError:
        try:
            if len(raw) > EVENT_LIMIT:
                raise RingpostError("body_too_large", f"An event takes up to {EVENT_LIMIT} bytes; this has more.")
            return self._read(raw, company_of)
        except RingpostError as error:
            self._metrics.events_refused.labels(error.code).inc()
            return error

    def _of_source(self, company: str, pbx: str, event: CallEvent, extra_keys: bool) -> NewEvent:
        data = to_wire(event.data, ended=event.type == CALL_END, extra_keys=extra_keys)
        return NewEvent(
            company=company,
            call=event.call,
            pbx=pbx,
            time=event.time,
            type=event.type,
            data=canonical.encode(data, ("data",)),
            integrations=matching(self._integrations_of(company), event.type),
            origin=SOURCE,
        )

    async def _commit(self, events: Sequence[NewEvent], remember: Remember | None = None) -> list[Verdict]:
        verdicts = await self._ledger.commit(events, remember)
        for verdict in verdicts:
            if isinstance(verdict, Event):
                self._metrics.events_accepted.labels(verdict.type).inc()
            else:
                self._metrics.events_refused.labels(verdict.code).inc()
        return verdicts

    async def _once(
        self,
        company: str,
        key: str,
        body: bytes,
        events: Sequence[NewEvent],
        answer: Callable[[Sequence[Verdict]], Answer],
    ) -> Answer:
        """Commit them once for an Idempotency-Key."""

        async def work(keep: Keep) -> Answer:
            return answer(await self._commit(events, keep(lambda verdicts: _pack(answer(verdicts)))))

        return await self.once.do(company, key, body, recall=_unpack, work=work)

    def _counting_refusals(self) -> _Counting:
        return _Counting(self._metrics)


class _Counting:
    """Counts a refusal that passes by."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, RingpostError):
            self._metrics.events_refused.labels(error.code).inc()


def _events_of(body: bytes) -> list[bytes]:
    """The events of a batch, each still as bytes, so that each can be refused alone."""
    if len(body) > BATCH_LIMIT:
        raise RingpostError("body_too_large", f"A batch takes up to {BATCH_LIMIT} bytes; send it in parts.")
    events = split_batch(body)
    if len(events) > BATCH_EVENTS:
        raise RingpostError(
            "too_many_events", f"A batch takes up to {BATCH_EVENTS} events; this has {len(events)}.", field="events"
        )
    return events


def _answer_event(verdict: Verdict, owed: int) -> Answer:
    return Answer(202 if isinstance(verdict, Event) else verdict.status, _encode(_told(verdict, owed)))


def _answer_batch(verdicts: Sequence[tuple[Verdict, int]]) -> Answer:
    accepted = sum(isinstance(verdict, Event) for verdict, _ in verdicts)
    events = [_told(verdict, owed) for verdict, owed in verdicts]
    result = {"accepted": accepted, "refused": len(verdicts) - accepted, "events": events}
    return Answer(200, _encode({"success": True, "result": result}))


def _told(verdict: Verdict, owed: int) -> dict[str, object]:
    """One event's verdict; owed: how many integrations it goes to."""
    if isinstance(verdict, RingpostError):
        return {"success": False, "error": error_object(verdict)}
    result = {
        "event": verdict.id,
        "id": verdict.call,
        "type": verdict.type,
        "sequence": verdict.sequence,
        "time": verdict.time,
        "deliveries": owed,
    }
    return {"success": True, "result": result}


def error_object(error: RingpostError) -> dict[str, str]:
    """The `error` of an answer."""
    shown = {"code": error.code, "message": error.message}
    return shown if error.field is None else {**shown, "field": error.field}
