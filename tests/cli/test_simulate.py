"""`ringpost simulate`: real events through a running service to a receiver, in order, verified, marked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ringpost_receive import verify
from tests.cli.program import ringpost, running
from tests.real.receiver import Receiver

pytestmark = pytest.mark.real
LOOPBACK = {"RINGPOST_ALLOW_NETWORKS": "127.0.0.0/8"}


async def test_a_queue_call_arrives_whole_in_order_and_verified(tmp_path: Path, receiver: Receiver) -> None:
    service = await running(tmp_path, "serve", "--port", "0", env=LOOPBACK)
    await service.wait_for(lambda lines: any("listens at" in line for line in lines))
    installed = await ringpost(
        tmp_path, "integrations", "install", "webhook", receiver.url, "--company", "acme", "--json"
    )
    secret = json.loads(installed.out)["secret"]
    done = await ringpost(tmp_path, "simulate", "queue", "--company", "acme", "--fast", "--seed", "7")
    assert done.code == 0, done.err
    told = done.out.splitlines()
    assert "call:start" in told[0]
    assert "owed to 1 integration)" in told[0]
    requests = await receiver.wait_for(len(told))
    deliveries = [verify(one.body, one.headers, secret) for one in requests]
    assert [one.sequence for one in deliveries] == list(range(1, len(told) + 1))
    assert deliveries[-1].event.type == "call:end"
    assert all(one.event.call.tags == ("simulated",) for one in deliveries)
    wrong = await ringpost(tmp_path, "simulate", "earthquake", "--company", "acme")
    assert wrong.code == 2
    assert "busy-hour" in wrong.err
    as_json = await ringpost(tmp_path, "simulate", "busy", "--company", "acme", "--fast", "--json")
    assert all(json.loads(line)["deliveries"] == 1 for line in as_json.out.splitlines())
    await service.stop()
