"""The transmission type `webhook`: one signed POST per attempt.

Implements `transport.Transport` over `http.HttpClient`. The URL and every address are checked again at each attempt.
Headers: ours first, then the integration's own, which cannot have our names (`headers.check_headers`).
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

from ringpost import __version__
from ringpost.errors import RingpostError
from ringpost.model.outcome import Outcome
from ringpost.settings import Settings

from .connection import HttpFailure
from .egress import Target, check_target, parse_networks
from .fault import log_fault
from .http import HttpClient
from .message import Message, failed, message_of
from .reply import outcome_of, secrets_of
from .resolve import Resolve
from .transport import Sending

_OURS: Final = f"content-type: application/json\r\nuser-agent: Ringpost/{__version__}\r\n"
_TARGETS: Final = 4_096  # URLs whose parts are remembered


class WebhookTransport:
    """resolver: addresses of a host, best first; ssl_context: instead of one that trusts the system's authorities."""

    def __init__(
        self, settings: Settings, *, resolver: Resolve | None = None, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self._timeout = settings.attempt_timeout_ms / 1_000
        self._allowed = parse_networks(settings.allow_networks)
        self._targets: dict[str, Target] = {}
        self._client = HttpClient(
            allowed=self._allowed,
            reply_limit=settings.reply_limit_bytes,
            idle_per_pool=settings.connections_per_integration,
            idle_in_all=settings.connections,
            proxy=settings.proxy,
            resolve=resolver,
            ssl_context=ssl_context,
        )

    async def send(self, sending: Sending) -> Outcome:
        deadline = asyncio.get_running_loop().time() + self._timeout
        try:
            target = self._target(sending.integration.url)
            request = _request(target, message_of(sending), sending.credentials.headers)
            reply = await self._client.post(target, request, pool=sending.integration.id, deadline=deadline)
        except HttpFailure as failure:
            return failed(sending, failure.error, failure.detail, failure.status)
        except RingpostError as error:
            return failed(sending, "address_refused" if error.code == "target_refused" else "connect", error.message)
        except Exception as failure:  # noqa: BLE001 - an attempt ends with an outcome, whatever happens
            log_fault(failure, delivery=sending.delivery)
            return failed(sending, "internal", None)
        return outcome_of(reply, sending.now, secrets_of(sending.credentials))

    async def close(self) -> None:
        await self._client.close()

    def _target(self, url: str) -> Target:
        target = self._targets.get(url)
        if target is None:
            target = check_target(url, self._allowed)
            if len(self._targets) >= _TARGETS:
                self._targets.clear()
            self._targets[url] = target
        return target


def _request(target: Target, message: Message, custom: tuple[tuple[str, str], ...]) -> bytes:
    """The whole request. Values were checked when they came in, so none of them can end a line."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in (*message.fields, *custom)])
    head = (
        f"POST {target.path} HTTP/1.1\r\nhost: {target.host_header}\r\n{_OURS}"
        f"content-length: {len(message.body)}\r\n{lines}\r\n"
    )
    return head.encode("latin-1") + message.body
