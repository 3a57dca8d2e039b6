"""One delivery with its attempts, one attempt with what was sent and answered, and delivering it again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from ringpost.errors import RingpostError
from ringpost.ledger.views import WholeDelivery
from ringpost.model.delivery import Attempt, parse_delivery_id
from ringpost.model.event import Event
from ringpost.transports.shown import fields_shown
from ringpost.wire.body import body_of

from .deliveries import LISTED, DeliveryRow, names_of, row_of
from .reasons import Reason, reason_of
from .screen import Action, Go, Screen, View, Visit

_ATTEMPTS: Final = 50  # the latest, on a page
_BODY: Final = 12_000  # characters of a body on a page: escaped, and twice on it, they are to stay below 100 KB


class AttemptLine(Struct, frozen=True, kw_only=True):
    attempt: Attempt
    reason: Reason | None


class DeliveryPage(Struct, frozen=True, kw_only=True):
    """The page. lines: the latest attempts, newest first; left_out: how many there were before them; event_id: whose
    event; rest: the characters of the body that are not shown; is_installed: the integration is there still."""

    row: DeliveryRow
    event_id: str
    lines: Sequence[AttemptLine]
    left_out: int
    body: str
    rest: int
    is_installed: bool


class AttemptPage(Struct, frozen=True, kw_only=True):
    """The page. target: where it went, None for who may not see that; sent: its headers or attributes, None for what is
    not shown; before, after: the numbers of the attempts beside it."""

    row: DeliveryRow
    line: AttemptLine
    target: str | None
    is_webhook: bool
    sent: Sequence[tuple[str, str | None]]
    body: str
    rest: int
    curl: str
    before: int | None
    after: int | None

    def __repr__(self) -> str:
        return f"AttemptPage({self.row.delivery.id}, {self.line.attempt.number})"  # a target may have a secret in it


async def show_delivery(visit: Visit) -> View:
    whole, event = await _whole(visit)
    lines = [_line(attempt) for attempt in whole.attempts]
    body, rest = _body(event, whole)
    return View(
        "delivery.html",
        DeliveryPage(
            row=_row(visit, whole, event),
            event_id=event.id,
            lines=lines[::-1][:_ATTEMPTS],
            left_out=max(0, len(lines) - _ATTEMPTS),
            body=body,
            rest=rest,
            is_installed=visit.services.registry.installed(whole.delivery.integration) is not None,
        ),
    )


async def show_attempt(visit: Visit) -> View:
    whole, event = await _whole(visit)
    numbers = {str(attempt.number): attempt for attempt in whole.attempts}
    attempt = numbers.get(visit.path["number"])
    if attempt is None:
        raise RingpostError("delivery_not_found", "This delivery has no such attempt. Its page lists those it has.")
    installed = visit.services.registry.installed(attempt.integration)
    integration = installed[0] if installed is not None else None
    custom = [name for name, _ in installed[1].headers] if installed is not None else []
    is_webhook = integration is None or integration.type == "webhook"
    target = integration.url if integration is not None and visit.may("reveal") else None
    sent = fields_shown("webhook" if integration is None else integration.type, event, attempt, custom)
    body, rest = _body(event, whole)
    page = AttemptPage(
        row=_row(visit, whole, event),
        line=_line(attempt),
        target=target,
        is_webhook=is_webhook,
        sent=sent,
        body=body,
        rest=rest,
        curl="" if not is_webhook or rest else _curl(sent, body, target),
        before=_beside(numbers, attempt.number - 1),
        after=_beside(numbers, attempt.number + 1),
    )
    return View("attempt.html", page)


async def replay_delivery(visit: Visit) -> Go:
    """Once more, with the same webhook-id."""
    parsed = parse_delivery_id(visit.path["id"])
    if parsed is None:
        raise RingpostError("delivery_not_found")
    services = visit.services
    owed = await services.ledger.replay(visit.company, *parsed, services.now())
    services.dispatcher_replayed(owed)
    return Go(visit.url(f"/deliveries/{visit.path['id']}"), "It goes out once more, with the same webhook-id.")


async def _whole(visit: Visit) -> tuple[WholeDelivery, Event]:
    """Raises `delivery_not_found`, `company_missing`, `company_foreign`."""
    parsed = parse_delivery_id(visit.path["id"])
    whole = None if parsed is None else await visit.services.ledger.whole_delivery(visit.company, *parsed)
    if whole is None or whole.event is None:
        raise RingpostError("delivery_not_found")
    return whole, whole.event


def _row(visit: Visit, whole: WholeDelivery, event: Event) -> DeliveryRow:
    return row_of(whole.delivery, names_of(visit), event)


def _line(attempt: Attempt) -> AttemptLine:
    return AttemptLine(attempt=attempt, reason=reason_of(attempt.error, status=attempt.status, detail=attempt.detail))


def _beside(numbers: dict[str, Attempt], number: int) -> int | None:
    return number if str(number) in numbers else None


def _body(event: Event, whole: WholeDelivery) -> tuple[str, int]:
    """The body's start, and how many characters are left out."""
    body = body_of(event, whole.delivery.integration).decode()
    return body[:_BODY], max(0, len(body) - _BODY)


def _curl(sent: Sequence[tuple[str, str | None]], body: str, target: str | None) -> str:
    """The request as curl sends it; what is not shown stands there as its name."""
    shown = [f"{name}: {value if value is not None else f'<{name.upper()}>'}" for name, value in sent]
    parts = ["curl -X POST", *(f"-H {shlex.quote(field)}" for field in shown)]
    return " \\\n  ".join([*parts, f"--data-binary {shlex.quote(body)}", shlex.quote(target or "https://RECEIVER")])


ONE: Final = Screen(path="/deliveries/{id}", title="Delivery", show=show_delivery)


def delivery_screens() -> list[Screen | Action]:
    return [
        LISTED,
        ONE,
        Screen(path="/deliveries/{id}/attempts/{number}", title="Attempt", show=show_attempt),
        Action(path="/deliveries/{id}/replay", do=replay_delivery, again=ONE),
    ]
