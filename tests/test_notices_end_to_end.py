"""Notices through a whole node: signed, to those that want them, whatever part of the node tells them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from ringpost.clock import wall_clock
from ringpost.errors import RingpostError
from ringpost.integrations.requests import InstallRequest
from ringpost.ledger.ledger import DeliveryFilter, Ledger, Verdict
from ringpost.ledger.open import open_ledger
from ringpost.ledger.sqlite.store import SqliteLedger
from ringpost.model.event import Event
from ringpost.model.notice import (
    EXHAUSTED,
    FAILING,
    LEDGER_NEARLY_FULL,
    PAUSED,
    PBX_BACK,
    PBX_LOST,
    RESUMED,
    SERVICE_COMPANY,
    Notice,
)
from ringpost.node import start_node
from ringpost.settings import Settings
from ringpost.sources.source import Say, SourceStatus
from ringpost.transports.webhook import WebhookTransport
from ringpost.wire.signature import verify_x
from tests.real.receiver import Answer, Receiver


def settings(folder: Path, **more: object) -> Settings:
    return Settings(data=str(folder / "data"), port=0, allow_networks=("127.0.0.0/8",), **more)  # type: ignore[arg-type]


def webhook(url: str, *wanted: str) -> InstallRequest:
    return InstallRequest(type="webhook", url=url, filter=list(wanted) or ["*"])


class Clock:
    """The wall clock, which can be moved on."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return wall_clock() + self.ahead


class Silent:
    """A source that sees nothing; whether it is connected is set by hand."""

    def __init__(self) -> None:
        self.is_connected = False

    async def run(self, say: Say) -> None:
        await asyncio.Event().wait()

    def status(self) -> SourceStatus:
        if self.is_connected:
            return SourceStatus(connected_since=1)
        return SourceStatus(error="pbx_unreachable", message="The PBX does not answer.")


async def notices(ledger: Ledger) -> list[Event]:
    return (await ledger.notices(None, cursor=None, limit=50)).items[::-1]


async def test_a_pause_is_delivered_signed_to_another_integration_of_the_company_and_to_no_one_else(
    tmp_path: Path, receiver: Receiver
) -> None:
    node = await start_node(settings(tmp_path))
    watcher, credentials = await node.registry.install("acme", webhook(receiver.url, "notice:*"))
    one, _ = await node.registry.install("acme", webhook(receiver.url, "*", "call:*"))
    await node.registry.install("zeta", webhook(receiver.url, "notice:*"))
    await node.registry.pause("acme", one.id)
    await node.registry.resume("acme", one.id)
    requests = await receiver.wait_for(2)
    await node.stop()
    assert len(receiver.requests) == 2
    bodies = [json.loads(request.body) for request in requests]
    for request, body in zip(requests, bodies, strict=True):
        assert verify_x(credentials.secret, request.body, request.header("x-signature") or "")
        assert (body["company"], body["integrationId"], body["pbx"]) == ("acme", watcher.id, "ringpost")
        assert (body["id"], body["data"]["integration"]) == (f"acme_notice/{one.id}", one.id)
        assert request.header("x-ringpost-sequence") == "1"
    assert [body["type"] for body in bodies] == [PAUSED, RESUMED]


async def test_one_that_is_gone_is_paused_and_the_others_are_told(tmp_path: Path, receiver: Receiver) -> None:
    gone = Receiver(Answer(410))
    await gone.start()
    node = await start_node(settings(tmp_path))
    await node.registry.install("acme", webhook(receiver.url, "notice:paused"))
    one, _ = await node.registry.install("acme", webhook(gone.url))
    body = json.dumps({"id": "1", "type": "call:start", "data": {"status": "CONNECTING"}}).encode()
    await node.intake.accept_event(body, lambda _: "acme")
    [request] = await receiver.wait_for(1)
    told = json.loads(request.body)["data"]
    assert (told["integration"], told["reason"]) == (one.id, "gone")
    assert f"ringpost integrations resume {one.id}" in told["message"]
    assert node.registry.get("acme", one.id)[0].pause_reason == "gone"
    wanted = DeliveryFilter(state="pending", integration=one.id)
    pending = await node.ledger.deliveries("acme", wanted, cursor=None, limit=5)
    assert [delivery.type for delivery in pending.items] == ["call:start"]
    await node.stop()
    await gone.stop()


async def test_what_the_ledger_takes_last_before_the_stop_is_kept_and_goes_out_at_the_next_start(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = asyncio.all_tasks()
    commit, close = SqliteLedger.commit, WebhookTransport.close
    fails = [RingpostError("ledger_full")]

    async def commit_at_second_try(ledger: SqliteLedger, *given: Any) -> list[Verdict]:
        if fails:
            raise fails.pop()
        return await commit(ledger, *given)

    async def tell_and_close(transport: WebhookTransport) -> None:
        """All but the bulletin and the ledger was stopped by now."""
        node.bulletin.tell(
            Notice(company=SERVICE_COMPANY, type=LEDGER_NEARLY_FULL, time=wall_clock(), message="Nearly full.", count=9)
        )
        await close(transport)

    with monkeypatch.context() as late:
        late.setattr(SqliteLedger, "commit", commit_at_second_try)
        late.setattr(WebhookTransport, "close", tell_and_close)
        node = await start_node(settings(tmp_path))
        await node.registry.install(SERVICE_COMPANY, webhook(receiver.url, "notice:*"))
        await node.stop()
    assert asyncio.all_tasks() == before
    node = await start_node(settings(tmp_path))
    [request] = await receiver.wait_for(1)
    await node.stop()
    told = json.loads(request.body)
    assert (told["type"], told["company"], told["data"]["count"]) == (LEDGER_NEARLY_FULL, SERVICE_COMPANY, 9)


async def test_a_pbx_that_is_lost_and_back_is_told_over_a_restart_too(tmp_path: Path, receiver: Receiver) -> None:
    clock, source = Clock(), Silent()
    node = await start_node(settings(tmp_path, pbx_lost_after_ms=1_000), now=clock)
    await node.registry.install("acme", webhook(receiver.url, "notice:*"))
    await node.listen_to("acme", "P1", source)
    clock.ahead += 60_000
    [request] = await receiver.wait_for(1)
    lost = json.loads(request.body)
    assert (lost["type"], lost["pbx"], lost["data"]["reason"]) == (PBX_LOST, "P1", "pbx_unreachable")
    await node.stop()
    source.is_connected = True
    node = await start_node(settings(tmp_path), now=clock)
    await node.listen_to("acme", "P1", source)
    _, request = await receiver.wait_for(2)
    await node.stop()
    back = json.loads(request.body)
    assert (back["type"], back["id"]) == (PBX_BACK, lost["id"])
    assert back["data"]["since"] == lost["data"]["since"]
    ledger = await open_ledger(settings(tmp_path).ledger_path, now=clock)
    assert [notice.type for notice in await notices(ledger)] == [PBX_LOST, PBX_BACK]
    await ledger.close()


START = b'{"id": "1.1", "type": "call:start", "data": {"status": "CONNECTING"}}'


async def test_an_exhausted_delivery_is_told_of(tmp_path: Path, receiver: Receiver) -> None:
    down = Receiver(Answer(500))
    await down.start()
    node = await start_node(settings(tmp_path, retry_delays_ms=()))
    await node.registry.install("acme", webhook(receiver.url, "notice:*"))
    one, _ = await node.registry.install("acme", webhook(down.url))
    await node.intake.accept_event(START, lambda _: "acme")
    [request] = await receiver.wait_for(1)
    await node.stop()
    await down.stop()
    told = json.loads(request.body)
    assert (told["type"], told["data"]["integration"], told["data"]["count"]) == (EXHAUSTED, one.id, 1)


async def test_one_that_only_fails_is_warned_of_at_half_of_the_time_and_paused_at_the_end(
    tmp_path: Path, receiver: Receiver
) -> None:
    clock = Clock()
    down = Receiver(Answer(500))
    await down.start()
    often = settings(tmp_path, retry_delays_ms=(1,) * 50, pause_after_ms=7_200_000)
    node = await start_node(often, now=clock)
    await node.registry.install("acme", webhook(receiver.url, "notice:*"))
    one, _ = await node.registry.install("acme", webhook(down.url))
    await node.intake.accept_event(START, lambda _: "acme")
    await down.wait_for(2)  # so the first has ended
    for told in range(1, 3):
        clock.ahead += 4_000_000
        node.dispatcher.wake()
        await receiver.wait_for(told)
    found = node.registry.installed(one.id)
    await node.stop()
    await down.stop()
    assert [json.loads(request.body)["type"] for request in receiver.requests] == [FAILING, PAUSED]
    assert found is not None
    assert (found[0].state, found[0].pause_reason) == ("paused", "failing")


async def test_a_ledger_that_is_nearly_full_is_told_of_by_the_node_itself(tmp_path: Path, receiver: Receiver) -> None:
    first = await start_node(settings(tmp_path))
    await first.registry.install(SERVICE_COMPANY, webhook(receiver.url, "notice:*"))
    await first.stop()
    node = await start_node(settings(tmp_path, ledger_free_mb=1_000_000_000))
    [request] = await receiver.wait_for(1)
    await node.stop()
    assert json.loads(request.body)["type"] == LEDGER_NEARLY_FULL
