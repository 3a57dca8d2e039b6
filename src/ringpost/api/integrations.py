"""The operations on integrations: install, list, show, change, reveal, test, delete.

A secret is in the answer to an installation, a rotation and a reveal, which is recorded first; nowhere else. An
integration of another company is answered like one that is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from ringpost.intake.once import Keep
from ringpost.integrations.registry import Installed
from ringpost.integrations.requests import EditRequest, RotateRequest
from ringpost.model.integration import Integration

from .integration_shapes import (
    Deleted,
    Install,
    IntegrationDetails,
    IntegrationShown,
    IntegrationWithSecret,
    Reveal,
    Secrets,
    SentTestCall,
    integration_values,
    masked,
    previous_until,
    standard_secret,
    with_secret,
)
from .operation import Asked, Do, Listed, Method, Operation, Right, Route, Sent
from .query import COMPANY
from .services import Services
from .test_call import accept_test_call

_TAG: Final = "Integrations"
_encode: Final = msgspec.json.Encoder().encode
_TARGET: Final = ("target_invalid", "target_has_credentials", "target_refused", "queue_url_invalid", "unknown_filter")
_HEADERS: Final = ("header_invalid", "header_reserved")
_ONE: Final = "/v1/integrations/{id}"
_EXAMPLE: Final = {"type": "webhook", "url": "https://example.com/calls", "filter": ["call:*"], "name": "CRM"}


async def list_integrations(services: Services, asked: Asked) -> Listed:
    company = asked.companies
    found: Sequence[Integration] = services.registry.all() if company is None else services.registry.of(company)
    return Listed([IntegrationShown(**integration_values(integration, asked.caller)) for integration in found])


async def show_integration(services: Services, asked: Asked) -> IntegrationDetails:
    pending = await _pending(services, asked)
    return _details(services.registry.get(asked.companies, asked.path["id"]), pending, asked)


async def _pending(services: Services, asked: Asked) -> int:
    """What the integration is owed. Counted before a change: after it, a failure would deny what was done."""
    integration, _ = services.registry.get(asked.companies, asked.path["id"])
    return await services.ledger.pending_count(integration.company, integration.id)


def _details(installed: Installed, pending: int, asked: Asked) -> IntegrationDetails:
    integration, credentials = installed
    return IntegrationDetails(
        **integration_values(integration, asked.caller),
        headers=masked(credentials),
        pending=pending,
        previous_until=previous_until(credentials),
    )


async def edit(services: Services, asked: Asked) -> IntegrationDetails:
    pending = await _pending(services, asked)
    return _details(await services.registry.edit(asked.companies, asked.path["id"], asked.body), pending, asked)


async def pause(services: Services, asked: Asked) -> IntegrationDetails:
    pending = await _pending(services, asked)
    return _details(await services.registry.pause(asked.companies, asked.path["id"]), pending, asked)


async def resume(services: Services, asked: Asked) -> IntegrationDetails:
    pending = await _pending(services, asked)
    return _details(await services.registry.resume(asked.companies, asked.path["id"]), pending, asked)


async def rotate(services: Services, asked: Asked) -> IntegrationWithSecret:
    return with_secret(*await services.registry.rotate(asked.companies, asked.path["id"], asked.body))


async def delete(services: Services, asked: Asked) -> Deleted:
    return Deleted(cancelled=await services.registry.delete(asked.companies, asked.path["id"]))


async def reveal(services: Services, asked: Asked) -> Secrets:
    integration, credentials = await services.registry.reveal(asked.companies, asked.path["id"], asked.caller.key_id)
    return Secrets(
        id=integration.id,
        key=credentials.key,
        secret=credentials.secret,
        standard_secret=standard_secret(integration, credentials),
        headers=dict(credentials.headers),
    )


async def reveals(services: Services, asked: Asked) -> Listed:
    integration, _ = services.registry.get(asked.companies, asked.path["id"])
    shown = await services.ledger.reveals(integration.company, integration.id)
    return Listed([Reveal(time=time, key_id=key_id) for time, key_id in shown])


async def test(services: Services, asked: Asked) -> SentTestCall:
    integration, _ = services.registry.get(asked.companies, asked.path["id"])
    return await accept_test_call(services, integration)


async def install(services: Services, asked: Asked) -> IntegrationWithSecret | Sent:
    company, request = asked.caller.company_for(asked.body.company), asked.body
    if asked.idempotency_key is None:
        return with_secret(*await services.registry.install(company, request))

    context = f"answer/{company}/{asked.idempotency_key}"  # it holds a secret, so it is kept sealed

    async def work(keep: Keep) -> Sent:
        made = await services.registry.install(
            company, request, lambda made: keep(lambda _: services.seal(_body(made), context))
        )
        return Sent(201, _body(made))

    return await services.intake.once.do(
        company,
        asked.idempotency_key,
        b"POST /v1/integrations\n" + asked.raw,  # the same key on another operation is another request
        recall=lambda kept: Sent(201, services.unseal(kept, context)),
        work=work,
    )


def integration_routes() -> list[Route]:
    """All operations on integrations."""
    return [
        Route(
            Operation(
                method="POST", path="/v1/integrations", id="installIntegration", tag=_TAG, right="change",
                summary="Install an integration", takes=Install, answers=IntegrationWithSecret, status=201,
                idempotent=True, refusals=(*_TARGET, *_HEADERS, "secret_invalid"), example=_EXAMPLE,
                about="The secret is in this answer alone; `reveal` shows it again and records that.",
            ),
            install,
        ),
        Route(
            Operation(
                method="GET", path="/v1/integrations", id="listIntegrations", tag=_TAG, right="read",
                summary="List integrations", answers=IntegrationShown, is_list=True, query=(COMPANY,),
            ),
            list_integrations,
        ),
        _one("GET", "", "showIntegration", "Show an integration", IntegrationDetails, show_integration, right="read"),
        _one(
            "PATCH", "", "editIntegration", "Change an integration", IntegrationDetails, edit, takes=EditRequest,
            refusals=(*_TARGET, *_HEADERS, "type_fixed"),
            example={"filter": ["call:end"], "name": None, "retryDelaysMs": [5_000, 60_000]},
            about="What is left out stays; null clears `name`, `headers` and `retryDelaysMs`.",
        ),
        _one("DELETE", "", "deleteIntegration", "Delete an integration", Deleted, delete,
             about="What it is owed is cancelled; its history stays."),
        _one("POST", "/pause", "pauseIntegration", "Pause an integration", IntegrationDetails, pause,
             about="What it is owed is kept, and goes out in order when it resumes. A notice tells it; one that is "
             "paused stays as it is."),
        _one("POST", "/resume", "resumeIntegration", "Resume an integration", IntegrationDetails, resume,
             about="What it was owed goes out, in order. A notice tells it; one that is active stays as it is."),
        _one(
            "POST", "/rotate", "rotateSecret", "Rotate the secret", IntegrationWithSecret, rotate,
            takes=RotateRequest, optional_body=True, refusals=("secret_invalid",), example={"graceMs": 86_400_000},
            about="The old secret is signed with, beside the new one, for the grace time.",
        ),
        _one("POST", "/reveal", "revealSecrets", "Show the secrets", Secrets, reveal, right="reveal",
             about="That they were shown, and to which key, is recorded."),
        _one("GET", "/reveals", "listReveals", "List when the secrets were shown", Reveal, reveals, right="reveal",
             is_list=True),
        _one("POST", "/test", "testIntegration", "Send a test call", SentTestCall, test, status=202,
             about="A whole call, from call:start to call:end, tagged `test`, to this integration alone. One that "
             "wants no call event gets a test notice instead."),
    ]  # fmt: skip


def _one(
    method: Method, below: str, name: str, summary: str, answers: Any, do: Do, *, right: Right = "change", **more: Any
) -> Route:
    """An operation on one integration."""
    operation = Operation(
        method=method,
        path=_ONE + below,
        id=name,
        summary=summary,
        tag=_TAG,
        answers=answers,
        right=right,
        query=(COMPANY,),
        **{**more, "refusals": ("integration_not_found", *more.get("refusals", ()))},
    )
    return Route(operation, do)


def _body(installed: Installed) -> bytes:
    return _encode({"success": True, "result": with_secret(*installed)})
