"""A node whose disk is full: nothing is promised that is not durable, nothing is lost, and it heals by itself."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from ringpost.errors import RingpostError
from ringpost.integrations.requests import InstallRequest
from tests.disk.site import COMPANY, Site, check_ledger, site
from tests.ledger.disk import Disk, disk
from tests.real.receiver import Answer, Receiver

CALLS = 20
FULL = (503, "ledger_full")


async def refusals(here: Site, delivery: str) -> None:
    """Every operation that changes something, and readiness."""
    one = f"/v1/integrations/{here.integration}"
    install = {"type": "webhook", "url": here.receiver.url, "company": COMPANY}
    _, before = await here.ask("GET", "/v1/integrations", company=COMPANY)
    for method, path, body in (
        ("GET", "/readyz", None),
        ("POST", "/v1/events/batch", {"events": [start("batch"), start("batch2")]}),
        ("POST", "/v1/integrations", install),
        ("PATCH", one, {"name": "another"}),
        ("POST", f"{one}/pause", None),
        ("POST", f"{one}/rotate", None),
        ("POST", f"{one}/reveal", None),
        ("POST", f"{one}/test", None),
        ("DELETE", one, None),
        ("POST", f"/v1/deliveries/{delivery}/replay", None),
        ("POST", "/v1/keys", {"role": "viewer", "company": COMPANY, "name": "x"}),
    ):
        query = {"company": COMPANY} if path.startswith((one, "/v1/deliveries")) else {}
        assert await here.ask(method, path, body, **query) == FULL, path
    assert (await here.ask("GET", "/v1/integrations", company=COMPANY))[1] == before
    assert len((await here.ask("GET", "/v1/keys"))[1]) == 1
    assert (await here.ask("GET", "/healthz"))[0] == 200


def start(call: str) -> dict[str, object]:
    return {"company": COMPANY, "id": call, "type": "call:start", "data": {"status": "CONNECTING"}}


@pytest.mark.slow
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
async def test_a_full_disk_is_told_loses_nothing_and_heals(tmp_path: Path, receiver: Receiver, number: int) -> None:
    with disk() as watched:
        watched.error = number
        async with site(tmp_path, receiver) as here:
            await heals(here, watched)
    check_ledger(tmp_path / "data" / "ringpost.db", here.accepted)


async def heals(here: Site, watched: Disk) -> None:
    await here.send("old", "start")
    await here.wait_received()
    [delivery] = (await here.ask("GET", "/v1/deliveries", company=COMPANY))[1]
    here.receiver.answer = Answer(hang=True)
    for number in range(CALLS):
        for kind in ("start", "update", "end"):
            await here.send(f"1.{number}", kind)
    await here.receiver.wait_for(2)  # these are under way

    watched.left = 0
    for number in range(CALLS):
        assert await here.send(f"2.{number}", "start") == 503
        assert await here.send("old", "update") == 503
    assert set(here.refused) == {"ledger_full"}
    await refusals(here, delivery["id"])
    here.called(CALLS)
    here.receiver.release()
    await here.receiver.wait_for(1 + 3 * CALLS)  # what was accepted before goes on
    assert here.node.dispatcher.statistics().unrecorded > 0
    feed = here.node._feeds[COMPANY, "hq"]
    failures = here.node.ledger.statistics().failures
    await here.until(lambda: here.node.ledger.statistics().failures > failures + 8)  # both have tried some times
    assert feed.statistics().error == "ledger_full"
    assert feed.statistics().backlog == 2 * CALLS
    assert "ringpost_source_backlog" in (await here.ask("GET", "/metrics"))[1]

    watched.left = None
    assert await here.ask("GET", "/readyz") == (200, "ready")
    for number in range(CALLS):
        assert await here.send(f"2.{number}", "start") == 202
    await here.wait_received()
    assert here.received() == here.accepted
    assert feed.statistics().lost == feed.statistics().refused == 0
    assert here.node.dispatcher.statistics().unrecorded == 0


@pytest.mark.slow
@pytest.mark.parametrize("space", [100_000, 300_000, 1_000_000])
async def test_a_disk_that_fills_up_in_the_middle_takes_what_it_can_hold(
    tmp_path: Path, receiver: Receiver, space: int
) -> None:
    with disk() as watched:
        async with site(tmp_path, receiver) as here:
            watched.left = space
            number = 0
            while len(here.refused) < 5:
                number += 1
                if await here.send(f"1.{number}", "start", data="x" * 5_000) == 202:
                    await here.send(f"1.{number}", "end", data="x" * 5_000)
            watched.left = None
            for call in [call for call, types in here.accepted.items() if types == ["call:start"]]:
                await here.send(call.removeprefix(f"{COMPANY}_"), "end")
            await here.wait_received()
            assert here.received() == here.accepted
            assert here.accepted
    check_ledger(tmp_path / "data" / "ringpost.db", here.accepted)


@pytest.mark.slow
async def test_a_node_that_stops_while_its_disk_is_full_goes_on_at_the_next_start(
    tmp_path: Path, receiver: Receiver
) -> None:
    """The results of the last attempts could not be kept: they are made again, with the same id."""
    with disk() as watched:
        async with site(tmp_path, receiver) as here:
            await here.send("1", "start")
            await here.wait_received()
            receiver.answer = Answer(hang=True)
            await here.send("1", "end")
            await receiver.wait_for(2)
            watched.left = 0
            receiver.release()
            await here.until(lambda: here.node.dispatcher.statistics().unrecorded > 0)
        watched.left = None
        receiver.answer = Answer()
        async with site(tmp_path, receiver) as again:
            assert again.integration != here.integration
            requests = await receiver.wait_for(3)
            await again.node.dispatcher.wait_idle()
    ids = [request.header("webhook-id") for request in requests]
    assert ids[1] == ids[2] != ids[0]
    check_ledger(tmp_path / "data" / "ringpost.db", here.accepted)


async def test_a_replay_and_an_installation_work_again_once_there_is_space(tmp_path: Path, receiver: Receiver) -> None:
    with disk() as watched:
        async with site(tmp_path, receiver) as here:
            await here.send("1", "start")
            await here.wait_received()
            [delivery] = (await here.ask("GET", "/v1/deliveries", company=COMPANY))[1]
            replay = f"/v1/deliveries/{delivery['id']}/replay"
            install = {"type": "webhook", "url": receiver.url, "company": COMPANY}
            key = {"idempotency-key": "once"}
            watched.left = 0
            assert await here.ask("POST", replay, company=COMPANY) == FULL
            refused = await here.client.post("/v1/integrations", json=install, headers=key)
            assert refused.status_code == 503
            watched.left = None
            assert (await here.ask("POST", replay, company=COMPANY))[0] < 300
            made = [await here.client.post("/v1/integrations", json=install, headers=key) for _ in range(2)]
            assert [answer.status_code for answer in made] == [201, 201]
            assert made[0].content == made[1].content
            await receiver.wait_for(2)
            assert len(here.node.registry.all()) == 2


async def test_a_node_does_not_start_on_a_full_disk_and_leaves_nothing_half_made(
    tmp_path: Path, receiver: Receiver
) -> None:
    with disk() as watched:
        watched.left = 5_000
        with pytest.raises(RingpostError) as refused:
            async with site(tmp_path, receiver):
                pass
        assert refused.value.code == "ledger_full"
        watched.left = None
        async with site(tmp_path, receiver) as here:
            await here.send("1", "start")
            await here.node.registry.install(COMPANY, InstallRequest(type="webhook", url=receiver.url))
            await here.wait_received()
