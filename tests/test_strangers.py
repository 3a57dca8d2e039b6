"""Whatever the product sends, code of strangers verifies it: Node's crypto and the standardwebhooks package.

The whole way, and not only the wire's functions: payloads go in by `POST /v1/events`, bodies come out at a real
receiver, one integration with a made secret and one with a secret of its owner's own.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from ringpost.integrations.requests import InstallRequest
from ringpost.model.integration import Credentials
from ringpost.node import start_node
from ringpost.settings import Settings
from ringpost.wire.signature import standard_form
from tests.javascript import JavaScript
from tests.real.receiver import Receiver, Request
from tests.strategies import wire_data

OWN_SECRET = "a secret of its owner's own, with a ü"

payloads = st.lists(wire_data, min_size=20, max_size=60)


@pytest.mark.slow
@given(payloads)
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_strangers_verify_every_body_that_is_sent(javascript: JavaScript, payloads: list[dict[str, Any]]) -> None:
    for secret, request in asyncio.run(_delivered(payloads)):
        seen = javascript.receive(request.body, secret)
        assert seen.body == request.body
        assert seen.signature == request.header("x-signature")
        headers = {
            name: request.header(name) or "" for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
        }
        Webhook(standard_form(secret)).verify(request.body, headers)


async def _delivered(payloads: list[dict[str, Any]]) -> list[tuple[str, Request]]:
    """What a receiver gets for these payloads, each with the secret that it is to be verified with."""
    receiver = Receiver()
    await receiver.start()
    with TemporaryDirectory() as folder:
        node = await start_node(Settings(data=str(Path(folder) / "data"), port=0, allow_networks=("127.0.0.0/8",)))
        secrets: dict[str, Credentials] = {}
        for own in (None, OWN_SECRET):
            request = InstallRequest(type="webhook", url=receiver.url, secret=own)
            installed, credentials = await node.registry.install("acme", request)
            secrets[installed.id] = credentials
        _, key = await node.keys.create(company="acme", role="source", name="")
        accepted = await _post(node.local_url, key, payloads)
        requests = list(await receiver.wait_for(2 * accepted))
        await node.stop()
    await receiver.stop()
    assert len(requests) == 2 * accepted
    return [(secrets[json.loads(request.body)["integrationId"]].secret, request) for request in requests]


async def _post(url: str, key: str, payloads: list[dict[str, Any]]) -> int:
    """A call for every payload, which is its end's; all events must be accepted. How many they are."""
    async with httpx.AsyncClient(base_url=url, headers={"authorization": f"Bearer {key}"}) as client:
        for number, data in enumerate(payloads):
            for kind, said in (("call:start", {"status": "CONNECTING"}), ("call:end", data)):
                event = {"id": str(number), "type": kind, "data": said}
                content = json.dumps(event, ensure_ascii=number % 2 == 0).encode()
                reply = await client.post("/v1/events", content=content)
                assert reply.status_code == 202, reply.text
    return 2 * len(payloads)
