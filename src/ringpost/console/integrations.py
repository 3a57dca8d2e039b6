"""The screens of integrations: the list with their health, one with what it is owed, installing in three steps, a test
call that is watched, and every change. What is done is what the API does; a secret is shown where it was made, and
where somebody asks for it, which is recorded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from ringpost.api.body import decode
from ringpost.api.integration_shapes import IntegrationWithSecret, previous_until, with_secret
from ringpost.api.test_call import accept_test_call
from ringpost.errors import RingpostError
from ringpost.integrations.registry import Installed
from ringpost.integrations.requests import EditRequest, InstallRequest, RotateRequest
from ringpost.ledger.views import Backlog
from ringpost.model.event import EVENT_TYPES
from ringpost.model.integration import Integration
from ringpost.model.notice import NOTICE_TYPES
from ringpost.model.point import QUARTER, Point

from .examples import Example, examples_for
from .screen import Action, Go, Screen, View, Visit

T = TypeVar("T", bound=Struct)
DAY: Final = 86_400_000  # ms
BARS: Final = 24  # of the sparkline, an hour each
HIGH: Final = 18  # its height
_FILTERS: Final = ("call:*", *EVENT_TYPES, "notice:*", *NOTICE_TYPES)
_REASONS: Final = {"asked": "somebody paused it", "gone": "its receiver answered 410 Gone", "failing": "it only failed"}


class Bar(Struct, frozen=True):
    """x, y, height: of the bar in the picture; kind: good, or bad where attempts failed in that hour."""

    x: int
    y: int
    height: int
    kind: str


class Health(Struct, frozen=True, kw_only=True):
    """The last day. words: the picture in words."""

    bars: Sequence[Bar]
    words: str


class IntegrationRow(Struct, frozen=True, kw_only=True):
    """state: how it fares, in a word, and kind: of its badge; target: without what may be secret in it."""

    integration: Integration
    state: str
    kind: str
    backlog: Backlog | None
    health: Health


class IntegrationPage(Struct, frozen=True, kw_only=True):
    """One integration. reason: why it is paused; custom: the names of its own headers; reveals: when its secrets were
    shown, and to which key."""

    row: IntegrationRow
    reason: str
    custom: Sequence[str]
    previous_until: int | None
    reveals: Sequence[tuple[int, str]]
    is_fifo: bool
    filters: Sequence[str] = _FILTERS


async def show_integrations(visit: Visit) -> View:
    installed = [one for one in visit.services.registry.all() if visit.companies in {None, one.company}]
    rows = await _rows(visit, installed)
    return View("integrations.html", {"rows": rows})


async def _rows(visit: Visit, installed: Sequence[Integration]) -> list[IntegrationRow]:
    ledger = visit.services.ledger
    backlogs = await ledger.backlogs([(one.company, one.id) for one in installed])
    until = (visit.services.now() // QUARTER + 1) * QUARTER
    rows = []
    for one in installed:
        backlog = backlogs.get((one.company, one.id))
        points = await ledger.points(one.company, one.id, step=QUARTER, since=until - DAY, until=until)
        state, kind = _state(one, backlog)
        rows.append(
            IntegrationRow(
                integration=one, state=state, kind=kind, backlog=backlog, health=health_of(points, until - DAY)
            )
        )
    return rows


def _state(integration: Integration, backlog: Backlog | None) -> tuple[str, str]:
    if integration.state == "paused":
        return "paused", "bad" if integration.pause_reason != "asked" else "warn"
    if backlog is not None and backlog.failing.count:
        return "failing", "warn"
    return "active", "good"


def health_of(points: Sequence[Point], since: int) -> Health:
    """The last day in bars of an hour, from `since` (ms) on."""
    delivered, failed = [0] * BARS, [0] * BARS
    for point in points:
        hour = min(BARS - 1, max(0, (point.time - since) * BARS // DAY))
        delivered[hour] += point.delivered
        failed[hour] += point.failed
    most = max((one + other for one, other in zip(delivered, failed, strict=True)), default=0)
    bars = []
    for hour, (good, bad) in enumerate(zip(delivered, failed, strict=True)):
        if good + bad:
            height = max(2, round(HIGH * (good + bad) / most))
            bars.append(Bar(hour * 5, HIGH - height, height, "bad" if bad else "good"))
    return Health(bars=bars, words=f"last day: {sum(delivered):,} delivered, {sum(failed):,} attempts failed")


async def show_integration(visit: Visit) -> View:
    integration, credentials = _installed(visit)
    (row,) = await _rows(visit, [integration])
    reveals = await visit.services.ledger.reveals(integration.company, integration.id) if visit.may("reveal") else []
    return View(
        "integration.html",
        IntegrationPage(
            row=row,
            reason=_REASONS.get(integration.pause_reason or "", ""),
            custom=[name for name, _ in credentials.headers],
            previous_until=previous_until(credentials),
            reveals=list(reveals)[:5],
            is_fifo=integration.url.endswith(".fifo"),
        ),
    )


def _installed(visit: Visit) -> Installed:
    """Raises `integration_not_found`."""
    return visit.services.registry.get(visit.caller.company, visit.path["id"])


# --- install -------------------------------------------------------------------------------------------------------
async def show_install(_: Visit) -> View:
    return View("integration_install.html", {"filters": _FILTERS})


async def install(visit: Visit) -> View:
    form = visit.form
    wanted = [kind for kind in _FILTERS if form.get(f"wants-{kind}")]
    if not wanted:
        raise RingpostError("invalid_value", "Choose at least one type of events.", field="filter")
    given = {
        name: form[name].strip() for name in ("type", "url", "name", "key", "secret") if form.get(name, "").strip()
    }
    made = await visit.services.registry.install(visit.company, _checked({**given, "filter": wanted}, InstallRequest))
    return _with_secret(with_secret(*made), "It is installed.", 201)


def _checked(fields: Mapping[str, object], shape: type[T]) -> T:
    """What a form gave, through the checks of the API's own body. Raises as that does."""
    return decode(msgspec.json.encode(fields), shape)


def _with_secret(shown: IntegrationWithSecret, told: str, status: int = 200) -> View:
    return View("integration_secret.html", _Secret(shown=shown, told=told, examples=examples_for(shown.type)), status)


class _Secret(Struct, frozen=True, kw_only=True):
    """A page with a secret on it, which is shown this once."""

    shown: IntegrationWithSecret
    told: str
    examples: Sequence[Example]

    def __repr__(self) -> str:
        return f"_Secret({self.shown.id})"


# --- what is done with one -----------------------------------------------------------------------------------------
async def reveal(visit: Visit) -> View:
    made = await visit.services.registry.reveal(visit.caller.company, visit.path["id"], visit.caller.key_id)
    return _with_secret(with_secret(*made), "This is recorded.")


async def rotate(visit: Visit) -> View:
    given = {name: visit.form[name] for name in ("secret", "key") if visit.form.get(name)}
    request = _checked(given, RotateRequest)
    made = await visit.services.registry.rotate(visit.caller.company, visit.path["id"], request)
    return _with_secret(with_secret(*made), "The new secret signs from now on; for a while the old one does, too.")


async def edit(visit: Visit) -> Go:
    form = visit.form
    wanted = [kind for kind in _FILTERS if form.get(f"wants-{kind}")]
    given: dict[str, object] = {"name": form.get("name", "").strip() or None}
    given |= {"url": form["url"].strip()} if form.get("url", "").strip() else {}
    given |= {"filter": wanted} if wanted else {}
    request = _checked(given, EditRequest)
    integration, _ = await visit.services.registry.edit(visit.caller.company, visit.path["id"], request)
    return Go(_page(visit, integration), "It is changed. What is owed goes to the new address, too.")


async def pause(visit: Visit) -> Go:
    integration, _ = await visit.services.registry.pause(visit.caller.company, visit.path["id"])
    return Go(_page(visit, integration), "It is paused. What it is owed is kept, and goes out when it resumes.")


async def resume(visit: Visit) -> Go:
    integration, _ = await visit.services.registry.resume(visit.caller.company, visit.path["id"])
    return Go(_page(visit, integration), "It goes on: what it is owed goes out, in order.")


async def send_test_call(visit: Visit) -> Go:
    integration, _ = visit.services.registry.get(visit.caller.company, visit.path["id"])
    sent = await accept_test_call(visit.services, integration)
    company = integration.company if visit.caller.company is None else None
    told = "A test call is on its way: watch it arrive here."
    if integration.state == "paused":
        told = "The test call waits: the integration is paused."
    return Go(visit.url(f"/calls/{sent.call}", company=company), told)


async def ask_to_delete(visit: Visit) -> View:
    integration, _ = _installed(visit)
    owed = await visit.services.ledger.pending_count(integration.company, integration.id)
    return View("integration_delete.html", {"integration": integration, "owed": owed})


async def delete(visit: Visit) -> Go:
    if visit.form.get("id", "").strip() != visit.path["id"]:
        raise RingpostError("invalid_value", "Type the integration's id to delete it.", field="id")
    cancelled = await visit.services.registry.delete(visit.caller.company, visit.path["id"])
    told = f" {cancelled:,} deliveries that it was owed are cancelled." if cancelled else ""
    return Go(visit.url("/integrations"), f"The integration is deleted.{told}")


def _page(visit: Visit, integration: Integration) -> str:
    return visit.url(f"/integrations/{integration.id}")


def integration_screens() -> list[Screen | Action]:
    listed = Screen(path="/integrations", title="Integrations", nav="Integrations", letter="i", show=show_integrations)
    installing = Screen(path="/integrations/install", title="Install an integration", right="change", show=show_install)
    one = Screen(path="/integrations/{id}", title="Integration", show=show_integration)
    deleting = Screen(
        path="/integrations/{id}/delete", title="Delete an integration", right="change", show=ask_to_delete
    )
    return [
        listed,
        installing,
        Action(path="/integrations/install", do=install, again=installing),
        one,
        Action(path="/integrations/{id}/edit", do=edit, again=one),
        Action(path="/integrations/{id}/pause", do=pause, again=one),
        Action(path="/integrations/{id}/resume", do=resume, again=one),
        Action(path="/integrations/{id}/test", do=send_test_call, again=one),
        Action(path="/integrations/{id}/rotate", do=rotate, again=one),
        Action(path="/integrations/{id}/reveal", do=reveal, again=one, right="reveal"),
        deleting,
        Action(path="/integrations/{id}/delete", do=delete, again=deleting),
    ]
