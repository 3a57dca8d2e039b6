"""Integrations as the API takes and shows them. A secret is in a shape only where its docstring says so."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from ringpost.access.keys import RIGHTS, Caller
from ringpost.integrations.requests import InstallRequest
from ringpost.model.integration import Credentials, Integration, IntegrationState, PauseReason, TransmissionType
from ringpost.transports.shown import MASK, url_shown
from ringpost.wire.signature import standard_form

from .shapes import Shape


class Install(InstallRequest, kw_only=True, forbid_unknown_fields=True):
    """Install an integration. An SQS one needs `key` and `secret`; a webhook's secret is made where none is given."""

    company: Annotated[str, Meta(description="The company; an operator's key names it.")] | None = None


class IntegrationShown(Shape, frozen=True, kw_only=True):
    """An integration in a list; `key` and `secret` are always empty, and a viewer sees the URL without the values of
    its query.

    paused: since when it is paused; pauseReason: `asked`, `gone` (its receiver answered 410 Gone) or `failing` (for too
    long); retryDelaysMs: the waits before the second and each later attempt, null: those of the settings."""

    company_id: str
    type: TransmissionType
    url: str
    key: str
    secret: str
    filter: tuple[str, ...]
    id: str
    integration_id: str
    name: str | None
    state: IntegrationState
    created: int
    updated: int
    paused: int | None
    pause_reason: PauseReason | None
    retry_delays_ms: tuple[int, ...] | None


class IntegrationDetails(IntegrationShown, frozen=True, kw_only=True):
    """An integration with the names of its custom headers (no values), how many deliveries it is owed, and until when
    the secret before a rotation is signed with too."""

    headers: dict[str, str]
    pending: int
    previous_until: int | None


class IntegrationWithSecret(IntegrationShown, frozen=True, kw_only=True):
    """An integration right after it got a secret, with it; later only `reveal` shows it, and each time is recorded.

    standardSecret: the secret as Standard Webhooks libraries take it; null for SQS."""

    standard_secret: str | None
    headers: dict[str, str]
    previous_until: int | None


class Secrets(Shape, frozen=True, kw_only=True):
    """All that is secret of an integration."""

    id: str
    key: str
    secret: str
    standard_secret: str | None
    headers: dict[str, str]


class Reveal(Shape, frozen=True, kw_only=True):
    """One time that the secrets were shown: when, and to which API key (its id)."""

    time: int
    key_id: str


class Deleted(Shape, frozen=True, kw_only=True):
    """cancelled: how many deliveries the integration was still owed."""

    cancelled: int


class SentTestCall(Shape, frozen=True, kw_only=True):
    """A test call on its way, or a test notice where the integration wants notices alone.

    call: the call's id, or what stands in its place in the notice; deliveries: their ids; `GET /v1/deliveries/{id}`
    shows how each went."""

    company: str
    call: str
    deliveries: list[str]


def integration_values(integration: Integration, caller: Caller | None = None) -> dict[str, Any]:
    """The values of `IntegrationShown`, without what may be secret in the URL for a caller who may see no secret."""
    is_whole = caller is None or "reveal" in RIGHTS[caller.role]
    return {
        "company_id": integration.company,
        "type": integration.type,
        "url": integration.url if is_whole else url_shown(integration.url),
        "key": "",
        "secret": "",
        "filter": integration.filter,
        "id": integration.id,
        "integration_id": integration.id,
        "name": integration.name,
        "state": integration.state,
        "created": integration.created,
        "updated": integration.updated,
        "paused": integration.paused,
        "pause_reason": integration.pause_reason,
        "retry_delays_ms": integration.retry_delays_ms,
    }


def masked(credentials: Credentials) -> dict[str, str]:
    return {name: MASK for name, _ in credentials.headers}


def with_secret(integration: Integration, credentials: Credentials) -> IntegrationWithSecret:
    values = integration_values(integration) | {"key": credentials.key, "secret": credentials.secret}
    return IntegrationWithSecret(
        **values,
        standard_secret=standard_secret(integration, credentials),
        headers=masked(credentials),
        previous_until=previous_until(credentials),
    )


def standard_secret(integration: Integration, credentials: Credentials) -> str | None:
    return standard_form(credentials.secret) if integration.type == "webhook" else None


def previous_until(credentials: Credentials) -> int | None:
    """How long the latest of the secrets before this one is signed with (ms), None where there is none."""
    return credentials.previous[0][1] if credentials.previous else None
