"""The operations on calls, events and deliveries: what happened, and making a delivery go out again.

Each is looked up within one company, so that what belongs to another is answered like what is not there. An operator
names the company where an id alone does not tell it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, Literal, cast

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import DeliveryFilter
from ringpost.model.delivery import Attempt, Delivery, DeliveryState, parse_delivery_id
from ringpost.model.event import decode_seq

from .delivery_shapes import (
    CallDetails,
    CallShown,
    DeliveryDetails,
    DeliveryShown,
    EventDetails,
    call_values,
    show_delivery,
    show_delivery_details,
    show_event,
)
from .operation import Asked, Listed, Operation, Route
from .query import CALL, COMPANY, CURSOR, INTEGRATION, LIMIT, OPEN, SINCE, STATE, TYPE, UNTIL
from .services import Services

_TAG: Final = "Calls and deliveries"


async def list_calls(services: Services, asked: Asked) -> Listed:
    page = await services.ledger.calls(
        asked.companies,
        open_only=asked.query.flag("open"),
        cursor=asked.query.text("cursor"),
        limit=asked.query.number("limit") or LIMIT.low,
    )
    return Listed([CallShown(**call_values(call)) for call in page.items], page.next)


async def show_call(services: Services, asked: Asked) -> CallDetails:
    company, call_id = asked.company, asked.path["id"]
    call = await services.ledger.call(company, call_id)
    if call is None:
        raise RingpostError("call_not_found")
    page = await services.ledger.events_of_call(
        company, call_id, cursor=asked.query.text("cursor"), limit=asked.query.number("limit") or LIMIT.low
    )
    deliveries = await _deliveries_of(services, company, [event.seq for event in page.items])
    events = [show_event(event, deliveries[event.seq]) for event in page.items]
    return CallDetails(**call_values(call), events=events, next=page.next)


async def show_event_alone(services: Services, asked: Asked) -> EventDetails:
    company, event_id = asked.company, asked.path["id"]
    seq = decode_seq(event_id[4:]) if event_id.startswith("evt_") else None
    event = None if seq is None else await services.ledger.event(company, seq)
    if event is None:
        raise RingpostError("event_not_found")
    return show_event(event, (await _deliveries_of(services, company, [event.seq]))[event.seq])


async def _deliveries_of(services: Services, company: str, seqs: Sequence[int]) -> dict[int, list[DeliveryDetails]]:
    """The deliveries of these events with their attempts, by the number of the event."""
    attempts: dict[tuple[int, str], list[Attempt]] = defaultdict(list)
    for attempt in await services.ledger.attempts_of_events(company, seqs):
        attempts[attempt.seq, attempt.integration].append(attempt)
    shown: dict[int, list[DeliveryDetails]] = defaultdict(list)
    for delivery in await services.ledger.deliveries_of_events(company, seqs):
        tried = attempts[delivery.seq, delivery.integration]
        shown[delivery.seq].append(show_delivery_details(delivery, tried))
    return shown


async def list_deliveries(services: Services, asked: Asked) -> Listed:
    query = asked.query
    wanted = DeliveryFilter(
        state=cast("DeliveryState | Literal['failing'] | None", query.text("state")),  # one of its choices
        integration=query.text("integration"),
        call=query.text("call"),
        type=query.text("type"),
        since=query.number("since"),
        until=query.number("until"),
    )
    page = await services.ledger.deliveries(
        asked.companies, wanted, cursor=query.text("cursor"), limit=query.number("limit") or LIMIT.low
    )
    return Listed([show_delivery(delivery) for delivery in page.items], page.next)


async def show_delivery_alone(services: Services, asked: Asked) -> DeliveryDetails:
    return await _details(services, await _delivery(services, asked))


async def replay(services: Services, asked: Asked) -> DeliveryDetails:
    delivery = await _delivery(services, asked)
    owed = await services.ledger.replay(delivery.company, delivery.seq, delivery.integration, services.now())
    services.dispatcher_replayed(owed)
    return await _details(services, delivery)


async def _details(services: Services, found: Delivery) -> DeliveryDetails:
    """The attempts are read first: what the delivery says is then never older than they are."""
    attempts = await services.ledger.attempts(found.company, found.seq, found.integration)
    delivery = await services.ledger.delivery(found.company, found.seq, found.integration)
    return show_delivery_details(delivery or found, attempts)


async def _delivery(services: Services, asked: Asked) -> Delivery:
    """The delivery that the address names. Raises `delivery_not_found`, `company_missing`, `company_foreign`."""
    parsed = parse_delivery_id(asked.path["id"])
    if parsed is None:
        raise RingpostError("delivery_not_found")
    seq, integration = parsed
    company = asked.companies
    if company is None:  # an operator who named none: what is installed tells it
        installed = services.registry.installed(integration)
        company = asked.company if installed is None else installed[0].company
    delivery = await services.ledger.delivery(company, seq, integration)
    if delivery is None:
        raise RingpostError("delivery_not_found")
    return delivery


def delivery_routes() -> list[Route]:
    """All operations on calls, events and deliveries."""
    return [
        Route(
            Operation(
                method="GET", path="/v1/calls", id="listCalls", tag=_TAG, right="read", answers=CallShown, is_list=True,
                summary="List calls, newest first", query=(COMPANY, OPEN, CURSOR, LIMIT), refusals=("cursor_invalid",),
            ),
            list_calls,
        ),
        Route(
            Operation(
                method="GET", path="/v1/calls/{id}", id="showCall", tag=_TAG, right="read", answers=CallDetails,
                summary="Show a call with its events and their deliveries", query=(COMPANY, CURSOR, LIMIT),
                refusals=("call_not_found", "company_missing", "cursor_invalid"),
                about="The events come in order, page by page: the next page is asked for with `next` as `cursor`. A "
                "page may hold fewer than `limit` events, where they are large.",
            ),
            show_call,
        ),
        Route(
            Operation(
                method="GET", path="/v1/events/{id}", id="showEvent", tag=_TAG, right="read", answers=EventDetails,
                summary="Show an event with its deliveries", query=(COMPANY,),
                refusals=("event_not_found", "company_missing"),
                about="An event that no integration wanted has no deliveries, and a `note` that says so.",
            ),
            show_event_alone,
        ),
        Route(
            Operation(
                method="GET", path="/v1/deliveries", id="listDeliveries", tag=_TAG, right="read",
                answers=DeliveryShown, is_list=True, summary="List deliveries, newest first",
                query=(COMPANY, STATE, INTEGRATION, CALL, TYPE, SINCE, UNTIL, CURSOR, LIMIT),
                refusals=("cursor_invalid", "unknown_event_type"),
            ),
            list_deliveries,
        ),
        Route(
            Operation(
                method="GET", path="/v1/deliveries/{id}", id="showDelivery", tag=_TAG, right="read",
                answers=DeliveryDetails, summary="Show a delivery with its attempts", query=(COMPANY,),
                refusals=("delivery_not_found", "company_missing"),
            ),
            show_delivery_alone,
        ),
        Route(
            Operation(
                method="POST", path="/v1/deliveries/{id}/replay", id="replayDelivery", tag=_TAG, right="change",
                answers=DeliveryDetails, status=202, summary="Deliver again", query=(COMPANY,),
                refusals=("delivery_not_found", "delivery_pending", "integration_deleted", "company_missing"),
                about="For a delivery that ended. It goes out with the same `webhook-id`.",
            ),
            replay,
        ),
    ]  # fmt: skip
