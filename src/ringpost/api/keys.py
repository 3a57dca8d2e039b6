"""The operations on API keys: an operator's on all of them, an admin's on its own company's, never an operator's."""

from __future__ import annotations

from typing import Final

from ringpost.errors import RingpostError
from ringpost.model.access import ApiKey

from .operation import Asked, Listed, Operation, Route
from .query import COMPANY
from .services import Services
from .shapes import KeyShown, KeyWithText, NewKey, key_values, show_key

_TAG: Final = "Keys"


async def create_key(services: Services, asked: Asked) -> KeyWithText:
    wanted: NewKey = asked.body
    company = wanted.company
    if asked.caller.company is not None:
        company = asked.caller.company_for(company)
        if wanted.role == "operator":
            raise RingpostError("role_too_small", "An operator's key can be made by an operator alone.", field="role")
    key, text = await services.keys.create(company=company, role=wanted.role, name=wanted.name)
    return KeyWithText(**key_values(key), key=text)


async def list_keys(services: Services, asked: Asked) -> Listed:
    company = asked.companies
    return Listed([show_key(key) for key in services.keys.all() if company in {None, key.company}])


async def revoke_key(services: Services, asked: Asked) -> KeyShown:
    key = _key(services, asked)
    if key.revoked is None:
        await services.keys.revoke(key.id)
    return show_key(_key(services, asked))


def _key(services: Services, asked: Asked) -> ApiKey:
    """The key that the address names, within the company. Raises `key_not_found`, `company_foreign`."""
    company = asked.companies
    for key in services.keys.all():
        if key.id == asked.path["id"] and company in {None, key.company}:
            return key
    raise RingpostError("key_not_found")


def key_routes() -> list[Route]:
    """All operations on keys."""
    return [
        Route(
            Operation(
                method="POST", path="/v1/keys", id="createKey", tag=_TAG, right="change", takes=NewKey,
                answers=KeyWithText, status=201, summary="Make an API key",
                example={"role": "viewer", "name": "dashboard"},
                about="Its text is in this answer alone. An admin makes keys of its own company, no operator's.",
            ),
            create_key,
        ),
        Route(
            Operation(
                method="GET", path="/v1/keys", id="listKeys", tag=_TAG, right="change", answers=KeyShown, is_list=True,
                summary="List API keys", query=(COMPANY,),
            ),
            list_keys,
        ),
        Route(
            Operation(
                method="DELETE", path="/v1/keys/{id}", id="revokeKey", tag=_TAG, right="change", answers=KeyShown,
                summary="Revoke an API key", query=(COMPANY,), refusals=("key_not_found",),
                about="At once and for good.",
            ),
            revoke_key,
        ),
    ]  # fmt: skip
