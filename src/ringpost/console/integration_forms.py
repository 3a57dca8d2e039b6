"""The forms that install an integration, change it, and give it another secret; what they take is what the API takes.

A form that is refused comes back as it was sent, save secrets, with what is wrong beside its field. Values of custom
headers are never shown: a line whose value is `••••` keeps the one that is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from ringpost.api.body import decode
from ringpost.api.integration_shapes import previous_until, with_secret
from ringpost.errors import RingpostError
from ringpost.integrations.requests import EditRequest, InstallRequest, RotateRequest
from ringpost.model.delays import read_delays, write_delays
from ringpost.model.event import EVENT_TYPES
from ringpost.model.integration import Credentials, Integration
from ringpost.model.notice import NOTICE_TYPES
from ringpost.transports.headers import read_header
from ringpost.transports.shown import MASK

from .integrations import installed_at, page_of, secret_page
from .pages import date_time
from .screen import Action, Go, Screen, View, Visit

T = TypeVar("T", bound=Struct)
_HOUR: Final = 3_600_000  # ms
_FILTERS: Final = ("call:*", *EVENT_TYPES, "notice:*", *NOTICE_TYPES)
# How long the secret before it is signed with, too: a form's value, and the words for it.
_GRACES: Final = ((24 * _HOUR, "a day"), (_HOUR, "an hour"), (7 * 24 * _HOUR, "a week"), (0, "not at all"))
_NO_EVENTS: Final = "Choose at least one type of events."


class Choice(Struct, frozen=True):
    """A type of events, and whether it is ticked."""

    kind: str
    is_on: bool


class EditPage(Struct, frozen=True, kw_only=True):
    """The form that changes one, with what stands in its fields."""

    integration: Integration
    name: str
    target: str
    choices: Sequence[Choice]
    headers_text: str
    retry: str
    usual: str


class RotatePage(Struct, frozen=True, kw_only=True):
    integration: Integration
    graces: Sequence[tuple[int, str]]
    grace: int


# --- install -------------------------------------------------------------------------------------------------------
async def show_install(visit: Visit) -> View:
    form = visit.form
    ticked = {kind for kind in _FILTERS if form.get(f"wants-{kind}")} if form else {"call:*"}
    return View("integration_install.html", {"choices": _choices(ticked), "usual": _usual(visit)})


async def install(visit: Visit) -> View:
    form = visit.form
    given: dict[str, object] = {
        name: form[name].strip() for name in ("type", "url", "name", "key", "secret") if form.get(name, "").strip()
    }
    given["filter"] = _wanted(form)
    headers = _headers(form.get("headers", ""), Credentials(secret=""))
    request = _checked({**given, "headers": headers or None, **_retry(form)}, InstallRequest)
    made = await visit.services.registry.install(visit.company, request)
    return secret_page(with_secret(*made), "It is installed.", 201)


# --- change --------------------------------------------------------------------------------------------------------
async def show_edit(visit: Visit) -> View:
    integration, credentials = installed_at(visit)
    form = visit.form
    ticked = {kind for kind in _FILTERS if form.get(f"wants-{kind}")} if form else _ticked(integration)
    lines = "\n".join(f"{name}: {MASK}" for name, _ in credentials.headers)
    page = EditPage(
        integration=integration,
        name=form.get("name", integration.name or ""),
        target=form.get("url", integration.url),
        choices=_choices(ticked),
        headers_text=form.get("headers", lines),
        retry=form.get("retry", write_delays(integration.retry_delays_ms)),
        usual=_usual(visit),
    )
    return View("integration_edit.html", page)


async def edit(visit: Visit) -> Go:
    form = visit.form
    integration, credentials = installed_at(visit)
    given: dict[str, object] = {
        "name": form.get("name", "").strip() or None,
        "url": form.get("url", "").strip(),
        "filter": _wanted(form),
        **_retry(form),
    }
    if integration.type == "webhook":
        given["headers"] = _headers(form.get("headers", ""), credentials)
    request = _checked(given, EditRequest)
    changed, others = await visit.services.registry.edit(visit.caller.company, integration.id, request)
    return Go(page_of(visit, changed), _told(integration, credentials, changed, others))


def _told(before: Integration, secret: Credentials, after: Integration, others: Credentials) -> str:
    """What was changed, in words."""
    parts = (
        ("name", before.name != after.name),
        ("URL", before.url != after.url),
        ("events", _ticked(before) != _ticked(after)),
        ("headers", secret.headers != others.headers),
        ("retry schedule", before.retry_delays_ms != after.retry_delays_ms),
    )
    changed = [part for part, is_other in parts if is_other]
    if not changed:
        return "Nothing was changed."
    moved = " What is owed goes to the new URL, too." if "URL" in changed else ""
    return f"Changed: {', '.join(changed)}.{moved}"


# --- another secret ------------------------------------------------------------------------------------------------
async def show_rotate(visit: Visit) -> View:
    integration, _ = installed_at(visit)
    usual = visit.services.settings.secret_grace_ms
    graces = _GRACES if usual in dict(_GRACES) else ((usual, "as the settings say"), *_GRACES)
    grace = int(visit.form["graceMs"]) if visit.form.get("graceMs", "").isdecimal() else usual
    return View("integration_rotate.html", RotatePage(integration=integration, graces=graces, grace=grace))


async def rotate(visit: Visit) -> View:
    form = visit.form
    given: dict[str, object] = {name: form[name].strip() for name in ("secret", "key") if form.get(name, "").strip()}
    if form.get("graceMs", "").isdecimal():
        given["graceMs"] = int(form["graceMs"])
    request = _checked(given, RotateRequest)
    integration, credentials = await visit.services.registry.rotate(visit.caller.company, visit.path["id"], request)
    until = previous_until(credentials)
    told = "The new secret signs from now on"
    if until is not None and until > visit.services.now():
        told += f"; the one before it signs beside it until {date_time(until)} UTC"
    return secret_page(with_secret(integration, credentials), f"{told}.")


# --- what forms give -----------------------------------------------------------------------------------------------
def _checked(fields: Mapping[str, object], shape: type[T]) -> T:
    """What a form gave, through the checks of the API's own body. Raises as that does."""
    return decode(msgspec.json.encode(fields), shape)


def _wanted(form: Mapping[str, str]) -> list[str]:
    wanted = [kind for kind in _FILTERS if form.get(f"wants-{kind}")]
    if not wanted:
        raise RingpostError("invalid_value", _NO_EVENTS, field="filter")
    return wanted


def _headers(text: str, kept: Credentials) -> dict[str, str]:
    """Each line a header; a masked value is the one that is kept. Raises `header_invalid`."""
    values = {name.lower(): value for name, value in kept.headers}
    found: dict[str, str] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, value = read_header(line)
        if value == MASK and name.lower() not in values:
            raise RingpostError("header_invalid", "A new header needs a value.", field=f"headers.{name[:128]}")
        if name.lower() in {one.lower() for one in found}:
            raise RingpostError("header_invalid", "The header is there twice.", field=f"headers.{name[:128]}")
        found[name] = values[name.lower()] if value == MASK else value
    return found


def _retry(form: Mapping[str, str]) -> dict[str, object]:
    text = form.get("retry", "").strip()
    return {"retryDelaysMs": read_delays(text or "default")}


def _usual(visit: Visit) -> str:
    return write_delays(visit.services.settings.retry_delays_ms)


def _ticked(integration: Integration) -> set[str]:
    return {"call:*" if kind == "*" else kind for kind in integration.filter}


def _choices(ticked: set[str]) -> list[Choice]:
    return [Choice(kind, kind in ticked) for kind in _FILTERS]


def integration_form_screens() -> list[Screen | Action]:
    installing = Screen(path="/integrations/install", title="Install an integration", right="change", show=show_install)
    editing = Screen(path="/integrations/{id}/edit", title="Change an integration", right="change", show=show_edit)
    rotating = Screen(path="/integrations/{id}/rotate", title="Another secret", right="change", show=show_rotate)
    return [
        installing,
        Action(path="/integrations/install", do=install, again=installing),
        editing,
        Action(path="/integrations/{id}/edit", do=edit, again=editing),
        rotating,
        Action(path="/integrations/{id}/rotate", do=rotate, again=rotating),
    ]
