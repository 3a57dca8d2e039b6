"""The registry: the one owner of what is installed, in memory and in the ledger.

Every change is checked, sealed, made durable, and only then seen by the intake and told to `on_change` (the
dispatcher). Called from the event loop by the API, the console and the command line's own start.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from typing import Final, Literal

from msgspec import UNSET
from msgspec.structs import replace

from ringpost.access.sealing import Vault
from ringpost.errors import RingpostError
from ringpost.intake.bulletin import log_notice
from ringpost.intake.match import check_filter
from ringpost.intake.notices import notice_event
from ringpost.ledger.ledger import Ledger, Remember
from ringpost.model.event import NewEvent
from ringpost.model.integration import Credentials, Integration
from ringpost.model.notice import Notice
from ringpost.settings import Settings
from ringpost.transports.egress import check_address, parse_networks
from ringpost.transports.headers import check_headers
from ringpost.transports.resolve import Resolve, Resolver
from ringpost.wire.signature import make_secret

from .pausing import paused, resumed
from .requests import (
    EditRequest,
    InstallRequest,
    RotateRequest,
    check_type,
    check_url,
    new_credentials,
    rotated,
    wanted_delays,
    wanted_filter,
)

_LETTERS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_ID_LENGTH: Final = 6
_RESOLVE_SECONDS: Final = 2.0
_CANCEL_SECONDS: Final = 3.0  # that a deletion waits for what it cancels
_CANCEL_WAITS: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)  # seconds, while the ledger refuses; then the last again

Installed = tuple[Integration, Credentials]


class Registry:
    """The integrations of one ledger. told: called with each notice that became durable with a change."""

    def __init__(
        self,
        ledger: Ledger,
        vault: Vault,
        settings: Settings,
        now: Callable[[], int],
        *,
        on_change: Callable[[str], None],
        told: Callable[[Notice], None] = log_notice,
        resolver: Resolve | None = None,
    ) -> None:
        self._ledger = ledger
        self._vault = vault
        self._settings = settings
        self._now = now
        self._on_change = on_change
        self._told = told
        self._resolve = resolver or Resolver()
        self._installed: dict[str, Installed] = {}
        self._of_company: dict[str, dict[str, Integration]] = {}
        self._cancelling: set[asyncio.Task[int]] = set()
        self._changing = asyncio.Lock()  # an edit reads, waits and writes: one at a time, or the later undoes the first

    async def load(self) -> None:
        """Raises `sealing_key_invalid` where the key file is not the ledger's."""
        for integration in await self._ledger.integrations():
            opened = self._vault.open_credentials(integration.company, integration.id, integration.sealed)
            self._put(integration, opened)

    # --- asking ----------------------------------------------------------------------------------------------------
    def of(self, company: str) -> Sequence[Integration]:
        """What a company has installed, oldest first."""
        return tuple(self._of_company.get(company, {}).values())

    def all(self) -> list[Integration]:
        return [integration for integration, _ in self._installed.values()]

    def installed(self, integration_id: str) -> Installed | None:
        """An integration with its credentials; None where it is not installed (any more)."""
        return self._installed.get(integration_id)

    def get(self, company: str | None, integration_id: str) -> Installed:
        """The same, within a company (None: any). Raises `integration_not_found`."""
        found = self._installed.get(integration_id)
        if found is None or company not in (None, found[0].company):
            raise RingpostError("integration_not_found")
        return found

    # --- changing --------------------------------------------------------------------------------------------------
    async def install(
        self,
        company: str,
        request: InstallRequest,
        remember: Callable[[Installed], Remember] | None = None,
    ) -> Installed:
        """Install it. Raises `RingpostError` with the field."""
        check_type(request.type)
        await self._check_url(request.type, request.url)
        credentials = new_credentials(request, make_secret(secrets.token_bytes(32)))
        now = self._now()
        integration = Integration(
            company=company,
            id=self._new_id(),
            type="sqs" if request.type == "sqs" else "webhook",
            name=request.name,
            url=request.url,
            filter=wanted_filter(request.filter),
            state="active",
            created=now,
            updated=now,
            sealed=b"",
            retry_delays_ms=wanted_delays(request.retryDelaysMs),
        )
        integration = self._sealed(integration, credentials)
        await self._ledger.add_integration(integration, remember((integration, credentials)) if remember else None)
        self._put(integration, credentials)
        return integration, credentials

    async def edit(self, company: str | None, integration_id: str, request: EditRequest) -> Installed:
        """Change what is given. Raises `integration_not_found`, `type_fixed`, and what `install` raises."""
        kind = self.get(company, integration_id)[0].type
        if request.type is not UNSET and request.type != kind:
            raise RingpostError("type_fixed", field="type")
        if request.url is not UNSET:
            await self._check_url(kind, request.url)
        async with self._changing:
            integration, credentials = self.get(company, integration_id)
            if request.url is not UNSET:
                integration = replace(integration, url=request.url)
            if request.filter is not UNSET:
                integration = replace(integration, filter=check_filter(request.filter))
            if request.retryDelaysMs is not UNSET:
                integration = replace(integration, retry_delays_ms=wanted_delays(request.retryDelaysMs))
            if request.name is not UNSET:
                integration = replace(integration, name=request.name)
            if request.headers is not UNSET:
                if integration.type == "sqs" and request.headers:
                    raise RingpostError("invalid_value", "Custom headers are for webhooks alone.", field="headers")
                credentials = replace(credentials, headers=check_headers(request.headers or {}))
            return await self._change(integration, credentials)

    async def pause(self, company: str | None, integration_id: str) -> Installed:
        """Pause it, with a notice. One that is paused stays as it is."""
        async with self._changing:
            integration, credentials = self.get(company, integration_id)
            if integration.state == "paused":
                return integration, credentials
            return await self._change_and_tell(*paused(integration, "asked", self._now()), credentials)

    async def pause_unfit(self, integration_id: str, reason: Literal["gone", "failing"], since: int) -> None:
        """Pause one that only failed since that time (ms), or whose receiver is gone, with a notice.

        Nothing changes where it is paused or deleted already. Raises what the ledger raises; then nothing changed.
        """
        async with self._changing:
            found = self._installed.get(integration_id)
            if found is None or found[0].state != "active":
                return
            integration, credentials = found
            await self._change_and_tell(*paused(integration, reason, self._now(), since), credentials)

    async def resume(self, company: str | None, integration_id: str) -> Installed:
        """Let it go on, with a notice. One that is active stays as it is."""
        async with self._changing:
            integration, credentials = self.get(company, integration_id)
            if integration.state == "active":
                return integration, credentials
            return await self._change_and_tell(*resumed(integration, self._now()), credentials)

    async def rotate(self, company: str | None, integration_id: str, request: RotateRequest) -> Installed:
        """A new secret; the old one is signed with, beside it, for the grace time."""
        async with self._changing:
            integration, credentials = self.get(company, integration_id)
            grace = self._settings.secret_grace_ms if request.graceMs is None else request.graceMs
            generated = make_secret(secrets.token_bytes(32))
            changed = rotated(credentials, integration.type, request, generated=generated, now=self._now(), grace=grace)
            return await self._change(integration, changed)

    async def delete(self, company: str | None, integration_id: str) -> int:
        """Uninstall it; how many deliveries that it was owed are cancelled.

        It is gone, for everyone and for good, before they are: a long backlog takes a while, and goes on after this
        has returned. Raises `integration_not_found`, and what the ledger raises; then it is installed still.
        """
        async with self._changing:
            integration, _ = self.get(company, integration_id)
            owed = await self._ledger.pending_count(integration.company, integration.id)
            await self._ledger.delete_integration(integration.company, integration.id, self._now())
            del self._installed[integration.id]
            del self._of_company[integration.company][integration.id]
            self._on_change(integration.id)
        cancelling = asyncio.create_task(self._cancel_owed(integration), name=f"cancel {integration.id}")
        self._cancelling.add(cancelling)
        cancelling.add_done_callback(self._cancelling.discard)
        await asyncio.wait({cancelling}, timeout=_CANCEL_SECONDS)
        return cancelling.result() if cancelling.done() else owed

    async def close(self) -> None:
        """Leave it to the next start of the ledger to cancel what deleted integrations are still owed."""
        for cancelling in self._cancelling:
            cancelling.cancel()
        if self._cancelling:
            await asyncio.wait(set(self._cancelling))

    async def reveal(self, company: str | None, integration_id: str, key_id: str) -> Installed:
        """The integration with its secrets; that they were shown is recorded first."""
        integration, _ = self.get(company, integration_id)
        await self._ledger.record_reveal(integration.company, integration.id, key_id, self._now())
        return self.get(company, integration_id)

    async def _cancel_owed(self, integration: Integration) -> int:
        """Until the ledger has taken it. How many those were."""
        waits = iter(_CANCEL_WAITS)
        while True:
            try:
                return await self._ledger.cancel_owed(integration.company, integration.id, self._now())
            except RingpostError:
                await asyncio.sleep(next(waits, _CANCEL_WAITS[-1]))

    async def _change_and_tell(self, integration: Integration, notice: Notice, credentials: Credentials) -> Installed:
        """One transaction for both."""
        told = notice_event(notice, self.of(integration.company))
        changed = await self._change(integration, credentials, [told])
        self._told(notice)
        return changed

    async def _change(
        self, integration: Integration, credentials: Credentials, notices: Sequence[NewEvent] = ()
    ) -> Installed:
        changed = self._sealed(replace(integration, updated=self._now()), credentials)
        await self._ledger.change_integration(changed, notices)
        self._put(changed, credentials)
        self._on_change(changed.id)
        return changed, credentials

    async def _check_url(self, kind: str, url: str) -> None:
        """Refuse early what every attempt would refuse; a name that cannot be resolved yet is let through."""
        host = check_url(kind, url, self._settings)
        if host is None:
            return
        allowed = parse_networks(self._settings.allow_networks)
        for address in await self._addresses(host):
            check_address(address, allowed)

    async def _addresses(self, host: str) -> Sequence[str]:
        try:
            async with asyncio.timeout(_RESOLVE_SECONDS):
                return await self._resolve(host)
        except (OSError, TimeoutError):
            return []

    def _sealed(self, integration: Integration, credentials: Credentials) -> Integration:
        sealed = self._vault.seal_credentials(integration.company, integration.id, credentials)
        return replace(integration, sealed=sealed)

    def _put(self, integration: Integration, credentials: Credentials) -> None:
        self._installed[integration.id] = (integration, credentials)
        self._of_company.setdefault(integration.company, {})[integration.id] = integration

    def _new_id(self) -> str:
        while True:
            identifier = "".join(secrets.choice(_LETTERS) for _ in range(_ID_LENGTH))
            if identifier not in self._installed:
                return identifier
