"""Real calls on a real Asterisk reach a real HTTP receiver and real SQS queues: told right, in order, signed.

One node listens to the PBX with the least-privileged manager user; a webhook, a FIFO queue and a standard queue are
installed. Each test lets SIPp's phones make one call and compares what all three received, once all was delivered. All
other kinds of calls are in `test_calls_of_the_table`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ringpost.integrations.requests import InstallRequest
from ringpost.node import Node, start_node
from ringpost.settings import PbxSettings, Settings
from ringpost.wire.signature import verify_standard, verify_x
from tests.real.pbx import Pbx
from tests.real.receiver import Receiver, Request
from tests.real.sqs import KEY, SECRET, Sqs

pytestmark = pytest.mark.real

ALICE, JUERGEN = ("1001", "Alice Rossi"), ("1002", "Jürgen Größner")


@dataclass
class Site:
    """A node that listens to the PBX, and what its integrations deliver to."""

    node: Node
    pbx: Pbx
    receiver: Receiver
    secret: str
    sqs: Sqs
    fifo: str
    standard: str

    async def told(self) -> list[dict[str, Any]]:
        """The events of the one call that was made, as all received them: verified, none twice, none after the end."""
        await self.receiver.wait_for(lambda requests: any(_type(one.body) == "call:end" for one in requests))
        await self.pbx.quiet()
        await self.node.dispatcher.wait_idle()
        requests = self.receiver.requests
        for request in requests:
            self._check_post(request)
        told = [json.loads(request.body) for request in requests]
        same = [_without_integration(event) for event in told]
        fifo = await asyncio.to_thread(self._queued, self.fifo, len(told))
        standard = await asyncio.to_thread(self._queued, self.standard, len(told))
        assert [_without_integration(event) for event in fifo] == same
        assert sorted(map(str, map(_without_integration, standard))) == sorted(map(str, same))
        return told

    def _queued(self, queue: str, count: int) -> list[dict[str, Any]]:
        """What was put on the queue: so many messages and no more."""
        messages = self.sqs.receive_all(queue, count)
        assert self.sqs.waiting(queue) == 0
        for message in messages:
            self._check_message(message)
        return [json.loads(message["Body"]) for message in messages]

    def _check_post(self, request: Request) -> None:
        names = ("x-signature", "webhook-id", "webhook-timestamp", "webhook-signature")
        signature, identifier, timestamp, standard = (request.header(name) or "" for name in names)
        assert verify_x(self.secret, request.body, signature)
        assert verify_standard(self.secret, identifier, timestamp, request.body, standard)

    def _check_message(self, message: dict[str, Any]) -> None:
        signature = message["MessageAttributes"]["X-SIGNATURE"]["StringValue"]
        assert verify_x(SECRET, message["Body"].encode(), signature)
        assert message["Attributes"]["MessageGroupId"] == json.loads(message["Body"])["id"]


@pytest.fixture
async def site(pbx: Pbx, receiver: Receiver, sqs: Sqs, tmp_path: Path) -> AsyncIterator[Site]:
    asterisk = pbx.asterisk
    settings = Settings(
        data=str(tmp_path / "data"),
        port=0,
        allow_networks=("127.0.0.0/8",),
        allow_sqs_hosts=(sqs.endpoint.removeprefix("http://"),),
        pbx=(
            PbxSettings(
                company="acme",
                serial="pbx1",
                host=asterisk.host,
                port=asterisk.ami_port,
                user=asterisk.user,
                secret=asterisk.secret,
                trunks=("SIPTRUNK",),
            ),
        ),
    )
    node = await start_node(settings)
    fifo, standard = sqs.fifo_queue(), sqs.standard_queue()
    _, webhook = await node.registry.install("acme", InstallRequest(type="webhook", url=receiver.url))
    for queue in (fifo, standard):
        await node.registry.install("acme", InstallRequest(type="sqs", url=queue, key=KEY, secret=SECRET))
    await node.wait_in_step()
    yield Site(node, pbx, receiver, webhook.secret, sqs, fifo, standard)
    await node.stop()


async def test_a_call_that_the_caller_hangs_up(site: Site) -> None:
    await site.pbx.call_answered(caller_hangs_up=True)
    told = await site.told()
    _expect(told, ["CONNECTING", "RINGING", "TALKING"], caller=ALICE, callee=JUERGEN)
    _expect_end(told, status="TALKING", cause="16", by="CALLER")
    assert told[-1]["data"]["talkTime"] >= 400


async def test_a_call_that_the_caller_gives_up_before_an_answer(site: Site) -> None:
    await site.pbx.call_cancelled()
    told = await site.told()
    _expect(told, ["CONNECTING", "RINGING"], caller=ALICE, callee=JUERGEN)
    _expect_end(told, status="RINGING", cause="16", by="CALLER")
    assert told[-1]["data"]["talkTime"] == 0


async def test_a_call_that_the_callee_declines(site: Site) -> None:
    await site.pbx.call_rejected()
    told = await site.told()
    _expect(told, ["CONNECTING", "RINGING"], caller=ALICE, callee=JUERGEN)
    _expect_end(told, status="RINGING", cause="21", by="CALLEE")


def _expect(
    told: list[dict[str, Any]], statuses: list[str], *, caller: tuple[str, str], callee: tuple[str, str]
) -> None:
    """One start first, one end last, updates between; the statuses on the way; who talks to whom."""
    assert [event["type"] for event in told] == [
        "call:start",
        *["call:update"] * (len(told) - 2),
        "call:end",
    ]
    assert list(dict.fromkeys(event["data"]["status"] for event in told)) == statuses
    assert len({event["id"] for event in told}) == 1
    assert [event["time"] for event in told] == sorted(event["time"] for event in told)
    last = told[-1]["data"]
    assert [(last[side]["phone"], last[side]["name"]) for side in ("caller", "callee")] == [caller, callee]
    assert {last[side]["type"] for side in ("caller", "callee")} == {"LOCAL"}
    assert (last["destination"], last["direction"]) == (callee[0], "INTERNAL")


def _expect_end(told: list[dict[str, Any]], *, status: str, cause: str, by: str | None) -> None:
    data = told[-1]["data"]
    assert (data["status"], data["endCause"], data["endBy"]) == (status, cause, by)
    assert all(event["data"]["endCause"] is None for event in told[:-1])


def _type(body: bytes) -> str:
    return str(json.loads(body)["type"])


def _status(body: bytes) -> str:
    return str(json.loads(body)["data"]["status"])


def _without_integration(event: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key != "integrationId"}
