"""Upkeep within a whole service: what was erased goes out no more, and what is watched is in the metrics."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from ringpost.integrations.requests import InstallRequest
from ringpost.node import Node, start_node
from ringpost.settings import Settings
from ringpost.upkeep.person import Person
from tests.real.receiver import Answer, Receiver

NUMBER = "+390461555"


async def accept(node: Node, call: str, kind: str, phone: str) -> None:
    data = {"status": "TALKING", "caller": {"type": "REMOTE", "phone": phone}}
    body = json.dumps({"id": call, "type": kind, "data": data}).encode()
    answer = await node.intake.accept_event(body, lambda _: "acme")
    assert answer.status == 202


async def test_of_an_erased_call_nothing_goes_out_that_was_still_owed(tmp_path: Path, receiver: Receiver) -> None:
    receiver.answer = Answer(hang=True)
    node = await start_node(Settings(data=str(tmp_path / "data"), port=0, allow_networks=("127.0.0.0/8",)))
    try:
        await node.registry.install("acme", InstallRequest(type="webhook", url=receiver.url))
        for kind in ("call:start", "call:update", "call:end"):
            await accept(node, "1", kind, NUMBER)
        await receiver.wait_for(1)  # its first event is under way
        work = node.erasures.work("acme", Person(phone=NUMBER), dry_run=False)
        await node.works.begin(work)
        await node.works.wait(work.id)
        assert (await node.ledger.calls(None, open_only=False, cursor=None, limit=9)).items == []
        receiver.answer = Answer()
        receiver.release()
        await accept(node, "2", "call:start", "1001")
        await accept(node, "2", "call:end", "1001")
        requests = await receiver.wait_for(3)
        async with asyncio.timeout(10):
            await node.dispatcher.wait_idle()
        calls = [json.loads(request.body)["id"] for request in requests]
        assert calls == ["acme_1", "acme_2", "acme_2"]
        assert len(receiver.requests) == 3
        assert node.dispatcher.statistics().owed == 0
        assert b"ringpost_ledger_disk_free_bytes" in node.metrics.render()
    finally:
        await node.stop()
