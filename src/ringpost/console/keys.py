"""The screens of API keys: list, make (shown once), revoke. The pattern of a form and of a change that asks first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from msgspec import Struct

from ringpost.errors import RingpostError
from ringpost.model.access import ROLES, ApiKey, Role

from .screen import Action, Go, Screen, View, Visit

_LONGEST_NAME = 100
_MEANINGS = {
    "operator": "operator: everything, of every company",
    "admin": "admin: everything of its company",
    "viewer": "viewer: reads, sees no secret",
    "source": "source: sends events alone",
}


class KeyList(Struct, frozen=True, kw_only=True):
    """The page. roles: what this caller may grant, with their meanings."""

    rows: Sequence[ApiKey]
    roles: Sequence[tuple[str, str]]


class KeyMade(Struct, frozen=True, kw_only=True):
    """A new key, whose text is shown this once."""

    key: ApiKey
    text: str

    def __repr__(self) -> str:
        return f"KeyMade({self.key.id})"


async def show_keys(visit: Visit) -> View:
    company = visit.companies
    keys = [key for key in visit.services.keys.all() if company in {None, key.company}]
    rows = sorted(keys, key=lambda key: (key.revoked is not None, -key.created))
    is_operator = visit.caller.company is None
    roles = [(role, _MEANINGS[role]) for role in reversed(ROLES) if is_operator or role != "operator"]
    return View("keys.html", KeyList(rows=rows, roles=roles))


async def make_key(visit: Visit) -> View:
    role, name = visit.form.get("role", ""), visit.form.get("name", "").strip()
    if len(name) > _LONGEST_NAME:
        raise RingpostError("invalid_value", f"A name has up to {_LONGEST_NAME} characters.", field="name")
    company = None
    if role == "operator":
        visit.caller.require("operate")
        if visit.form.get("company", "").strip():
            told = "An operator's key is for every company: leave the company empty, or choose another role."
            raise RingpostError("invalid_value", told, field="company")
    else:
        company = visit.company
    key, text = await visit.services.keys.create(company=company, role=cast("Role", role), name=name)
    return View("key_made.html", KeyMade(key=key, text=text), 201)


async def ask_to_revoke(visit: Visit) -> View:
    return View("key_revoke.html", {"key": _key(visit)})


async def revoke_key(visit: Visit) -> Go:
    key = _key(visit)
    if key.revoked is None:
        await visit.services.keys.revoke(key.id)
    return Go(visit.url("/keys"), f"The key {key.name or key.id} is revoked.")


def _key(visit: Visit) -> ApiKey:
    """The key that the address names, within the company. Raises `key_not_found`."""
    for key in visit.services.keys.all():
        if key.id == visit.path["id"] and visit.caller.company in {None, key.company}:
            return key
    raise RingpostError("key_not_found")


def key_screens() -> list[Screen | Action]:
    listed = Screen(path="/keys", title="Keys", nav="Keys", letter="k", right="change", show=show_keys)
    return [
        listed,
        Action(path="/keys", do=make_key, again=listed),
        Screen(path="/keys/{id}/revoke", title="Revoke a key", right="change", show=ask_to_revoke),
        Action(path="/keys/{id}/revoke", do=revoke_key, again=listed),
    ]
