"""The screens of integrations: the list with their health, and one with what it is owed, its secret, the code that
verifies, a test call that is watched as it arrives, and what can be done with it. The forms that install and change one
are in `integration_forms.py`. Who may not see secrets sees an address without what may be one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from ringpost.api.integration_shapes import IntegrationWithSecret, with_secret
from ringpost.api.query import Parameter
from ringpost.api.test_call import accept_test_call
from ringpost.errors import RingpostError
from ringpost.integrations.registry import Installed
from ringpost.ledger.views import Backlog, DeliverySearch
from ringpost.model.delays import write_delays
from ringpost.model.delivery import Attempt, Delivery, parse_delivery_id
from ringpost.model.integration import Integration
from ringpost.model.point import QUARTER, Point
from ringpost.transports.shown import url_shown

from .calls import KINDS, mark_of
from .deliveries import DeliveryRow, row_of
from .examples import Example, examples_for
from .health import DAY, Health, health_of
from .reasons import Reason, reason_of
from .screen import Action, Go, Screen, View, Visit

ROWS: Final = 50  # on a page
_MOST_TESTED: Final = 8  # deliveries of a test call: four events, or a notice
_REVEALS: Final = 5
_REASONS: Final = {"asked": "somebody paused it", "gone": "its receiver answered 410 Gone", "failing": "it only failed"}
_SEARCH: Final = Parameter(name="q", meaning="A part of an id, a name, a target or a company.")
_AFTER: Final = Parameter(name="after", meaning="The integration that the page before ended with.")
_TEST: Final = Parameter(name="test", meaning="The deliveries of a test call, with commas between them.")


class IntegrationRow(Struct, frozen=True, kw_only=True):
    """state: how it fares, in a word, and kind: of its badge; url: as the visitor may see it; age: of the oldest that
    it is owed (ms)."""

    integration: Integration
    url: str
    state: str
    kind: str
    backlog: Backlog
    age: int | None
    health: Health


class IntegrationList(Struct, frozen=True, kw_only=True):
    """The page. next: the id to go on after; found: how many match in all."""

    rows: Sequence[IntegrationRow]
    next: str | None
    found: int
    wanted: str


class Tested(Struct, frozen=True, kw_only=True):
    """One delivery of a test call. mark, kind: how it fares; last: its latest attempt."""

    delivery: Delivery
    mark: str
    kind: str
    last: Attempt | None
    reason: Reason | None


class IntegrationPage(Struct, frozen=True, kw_only=True):
    """One integration. reason: why it is paused; failing: the newest delivery that fails; older: how many secrets
    before this one sign, too, the last of them until older_until (ms); custom: the names of its own headers;
    reveals: when its secrets were shown, and to which key; retry: its schedule in words; tested: of a test call that is
    watched."""

    row: IntegrationRow
    reason: str
    failing: DeliveryRow | None
    custom: Sequence[str]
    older: int
    older_until: int | None
    reveals: Sequence[tuple[int, str]]
    is_fifo: bool
    is_standard: bool  # its secret begins with whsec_
    retry: str
    tested: Sequence[Tested]
    examples: Sequence[Example]


class WithSecret(Struct, frozen=True, kw_only=True):
    """A page with a secret on it. told: what was done."""

    shown: IntegrationWithSecret
    told: str
    examples: Sequence[Example]

    def __repr__(self) -> str:
        return f"WithSecret({self.shown.id})"


async def show_integrations(visit: Visit) -> View:
    wanted, after = (visit.query.text("q") or "").strip(), visit.query.text("after")
    installed = [one for one in visit.services.registry.all() if visit.companies in {None, one.company}]
    found = [one for one in installed if _matches(visit, one, wanted.casefold())]
    ids = [one.id for one in found]
    start = ids.index(after) + 1 if after in ids else 0
    rows = await _rows(visit, found[start : start + ROWS])
    following = rows[-1].integration.id if len(found) > start + ROWS else None
    return View("integrations.html", IntegrationList(rows=rows, next=following, found=len(found), wanted=wanted))


def _matches(visit: Visit, integration: Integration, wanted: str) -> bool:
    """In what the visitor sees alone: whether a search finds something would tell what is masked, letter by letter."""
    texts = (integration.id, integration.name or "", _url(visit, integration), integration.company)
    return not wanted or any(wanted in text.casefold() for text in texts)


def _url(visit: Visit, integration: Integration) -> str:
    return integration.url if visit.may("reveal") else url_shown(integration.url)


async def _rows(visit: Visit, installed: Sequence[Integration]) -> list[IntegrationRow]:
    ledger, now = visit.services.ledger, visit.services.now()
    names = [(one.company, one.id) for one in installed]
    until = (now // QUARTER + 1) * QUARTER
    backlogs = await ledger.backlogs(names)
    points = await ledger.points_of_each(names, step=QUARTER, since=until - DAY, until=until)
    return [_row(visit, one, backlogs[one.company, one.id], points, until - DAY) for one in installed]


def _row(
    visit: Visit,
    integration: Integration,
    backlog: Backlog,
    points: Mapping[tuple[str, str], Sequence[Point]],
    since: int,
) -> IntegrationRow:
    state, kind = _state(integration, backlog)
    return IntegrationRow(
        integration=integration,
        url=_url(visit, integration),
        state=state,
        kind=kind,
        backlog=backlog,
        age=None if backlog.oldest is None else max(0, visit.services.now() - backlog.oldest),
        health=health_of(points.get((integration.company, integration.id), ()), since),
    )


def _state(integration: Integration, backlog: Backlog) -> tuple[str, str]:
    if integration.state == "paused":
        return "paused", "bad" if integration.pause_reason != "asked" else "warn"
    return ("failing", "warn") if backlog.failing.count else ("active", "good")


async def show_integration(visit: Visit) -> View:
    integration, credentials = installed_at(visit)
    (row,) = await _rows(visit, [integration])
    still = [until for _, until in credentials.previous if until > visit.services.now()]
    reveals = await visit.services.ledger.reveals(integration.company, integration.id) if visit.may("reveal") else []
    return View(
        "integration.html",
        IntegrationPage(
            row=row,
            reason=_REASONS.get(integration.pause_reason or "", ""),
            failing=await _failing(visit, integration) if row.state != "active" else None,
            custom=[name for name, _ in credentials.headers],
            older=len(still),
            older_until=max(still, default=None),
            reveals=list(reveals)[:_REVEALS],
            is_fifo=integration.url.endswith(".fifo"),
            is_standard=credentials.secret.startswith("whsec_"),
            retry=_retry(visit, integration),
            tested=await _tested(visit, integration),
            examples=examples_for(integration.type),
        ),
    )


def installed_at(visit: Visit) -> Installed:
    """The integration that the address names. Raises `integration_not_found`."""
    return visit.services.registry.get(visit.caller.company, visit.path["id"])


async def _failing(visit: Visit, integration: Integration) -> DeliveryRow | None:
    """The newest of what fails, which says why."""
    wanted = DeliverySearch(state="failing", integration=integration.id)
    found = await visit.services.ledger.find_deliveries(integration.company, wanted, cursor=None, limit=1)
    return next((row_of(one, {integration.id: integration.id}, None) for one in found.items), None)


def _retry(visit: Visit, integration: Integration) -> str:
    delays = integration.retry_delays_ms
    if delays is None:
        return write_delays(visit.services.settings.retry_delays_ms).replace(",", ", ") + ": the service's own"
    return write_delays(delays).replace(",", ", ") if delays else "none: one attempt alone"


async def _tested(visit: Visit, integration: Integration) -> list[Tested]:
    """The deliveries that the address names, where they are of this integration."""
    found = []
    for text in (visit.query.text("test") or "").split(",")[:_MOST_TESTED]:
        parsed = parse_delivery_id(text)
        if parsed is None or parsed[1] != integration.id:
            continue
        whole = await visit.services.ledger.whole_delivery(integration.company, *parsed)
        if whole is None:
            continue
        last = whole.attempts[-1] if whole.attempts else None
        mark = mark_of(whole.delivery)
        found.append(
            Tested(
                delivery=whole.delivery,
                mark=mark,
                kind=KINDS.get(mark, "plain"),
                last=last,
                reason=reason_of(last.error, status=last.status, detail=last.detail) if last else None,
            )
        )
    return found


# --- what is done with one -----------------------------------------------------------------------------------------
async def reveal(visit: Visit) -> View:
    made = await visit.services.registry.reveal(visit.caller.company, visit.path["id"], visit.caller.key_id)
    return secret_page(with_secret(*made), "That it was shown is recorded.")


def secret_page(shown: IntegrationWithSecret, told: str, status: int = 200) -> View:
    values = WithSecret(shown=shown, told=told, examples=examples_for(shown.type))
    return View("integration_secret.html", values, status)


async def pause(visit: Visit) -> Go:
    integration, _ = await visit.services.registry.pause(visit.caller.company, visit.path["id"])
    return Go(page_of(visit, integration), "It is paused. What it is owed is kept, and goes out when it resumes.")


async def resume(visit: Visit) -> Go:
    integration, _ = installed_at(visit)
    owed = await visit.services.ledger.pending_count(integration.company, integration.id)
    await visit.services.registry.resume(visit.caller.company, integration.id)
    told = (
        "nothing is owed." if not owed else f"the {owed:,} that it is owed go{'' if owed > 1 else 'es'} out, in order."
    )
    return Go(page_of(visit, integration), f"It goes on: {told}")


async def send_test_call(visit: Visit) -> Go:
    integration, _ = installed_at(visit)
    sent = await accept_test_call(visit.services, integration)
    told = "A test call is on its way: watch it arrive below."
    if integration.state == "paused":
        told = "The test call waits: the integration is paused."
    return Go(visit.url(f"/integrations/{integration.id}", test=",".join(sent.deliveries)), told)


async def ask_to_delete(visit: Visit) -> View:
    integration, _ = installed_at(visit)
    owed = await visit.services.ledger.pending_count(integration.company, integration.id)
    return View("integration_delete.html", {"integration": integration, "owed": owed})


async def delete(visit: Visit) -> Go:
    if visit.form.get("id", "").strip() != visit.path["id"]:
        raise RingpostError("invalid_value", "Type the integration's id to delete it.", field="id")
    cancelled = await visit.services.registry.delete(visit.caller.company, visit.path["id"])
    told = {0: "", 1: " The delivery that it was owed is cancelled."}.get(
        cancelled, f" {cancelled:,} deliveries that it was owed are cancelled."
    )
    return Go(visit.url("/integrations"), f"The integration is deleted.{told}")


def page_of(visit: Visit, integration: Integration) -> str:
    return visit.url(f"/integrations/{integration.id}")


LISTED: Final = Screen(
    path="/integrations",
    title="Integrations",
    nav="Integrations",
    letter="i",
    show=show_integrations,
    query=(_SEARCH, _AFTER),
)
ONE: Final = Screen(path="/integrations/{id}", title="Integration", show=show_integration, query=(_TEST,))


def integration_screens() -> list[Screen | Action]:
    deleting = Screen(
        path="/integrations/{id}/delete", title="Delete an integration", right="change", show=ask_to_delete
    )
    return [
        LISTED,
        ONE,
        Action(path="/integrations/{id}/pause", do=pause, again=ONE),
        Action(path="/integrations/{id}/resume", do=resume, again=ONE),
        Action(path="/integrations/{id}/test", do=send_test_call, again=ONE),
        Action(path="/integrations/{id}/reveal", do=reveal, again=ONE, right="reveal"),
        deleting,
        Action(path="/integrations/{id}/delete", do=delete, again=deleting),
    ]
