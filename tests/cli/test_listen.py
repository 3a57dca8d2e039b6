"""`ringpost listen`: events of a running service at a receiver on this machine, verified, from where it is asked."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ringpost_receive import verify
from tests.cli.program import ringpost, running
from tests.real.receiver import Answer, Receiver

pytestmark = pytest.mark.real


async def test_events_are_forwarded_signed_and_a_replay_and_the_past_reach_it(
    tmp_path: Path, receiver: Receiver
) -> None:
    service = await running(tmp_path, "serve", "--port", "0", env={"RINGPOST_ALLOW_NETWORKS": "127.0.0.0/8"})
    await service.wait_for(lambda lines: any("listens at" in line for line in lines))
    listening = await running(tmp_path, "listen", "--company", "acme", "--forward", receiver.url)
    lines = await listening.wait_for(lambda lines: any("RINGPOST_SECRET=" in line for line in lines))
    secret = re.search(r"RINGPOST_SECRET=(\S+)", "\n".join(lines))
    assert secret is not None
    receiver.script(Answer(status=500))
    done = await ringpost(tmp_path, "simulate", "busy", "--company", "acme", "--fast")
    count = len(done.out.splitlines())
    requests = await receiver.wait_for(count)
    deliveries = [verify(one.body, one.headers, secret[1]) for one in requests]
    assert [one.sequence for one in deliveries] == list(range(1, count + 1))
    assert {one.event.integration_id for one in deliveries} == {"listen"}
    lines = await listening.wait_for(lambda lines: any("call:end" in line for line in lines))
    assert "500" in next(line for line in lines if "call:start" in line)
    await listening.stop()
    past = await ringpost(
        tmp_path, "listen", "--company", "acme", "--since", "10m", "--filter", "call:end", "--events", "1", "--json"
    )
    [told] = [json.loads(line) for line in past.out.splitlines()]
    assert (told["type"], json.loads(told["body"])["data"]["tags"]) == ("call:end", ["simulated"])
    await service.stop()


async def test_it_goes_on_where_it_was_when_the_service_comes_back(tmp_path: Path, receiver: Receiver) -> None:
    serve = ("serve", "--port", "0")
    service = await running(tmp_path, *serve)
    [line] = [
        one
        for one in await service.wait_for(lambda lines: any("listens at" in one for one in lines))
        if "listens at" in one
    ]
    port = re.search(r":(\d+)", line.rpartition("listens at")[2])
    assert port is not None
    listening = await running(tmp_path, "listen", "--company", "acme", "--forward", receiver.url)
    await listening.wait_for(lambda lines: any("Forwarding" in line for line in lines))
    await ringpost(tmp_path, "simulate", "busy", "--company", "acme", "--fast")
    heard = len(await receiver.wait_for(lambda requests: any(b"call:end" in one.body for one in requests)))
    await service.stop()
    service = await running(tmp_path, "serve", "--port", port[1])
    await service.wait_for(lambda lines: any("listens at" in line for line in lines))
    await ringpost(tmp_path, "simulate", "missed-call", "--company", "acme", "--fast")
    # The listener tries every 5 s in the end: a machine that is busy may need several.
    again = await receiver.wait_for(lambda requests: sum(b"call:end" in one.body for one in requests) == 2, timeout=40)
    ids = [one.header("webhook-id") for one in again]
    assert len(ids) == len(set(ids)) > heard
    await listening.stop()
    await service.stop()


async def test_what_is_no_address_and_no_service_is_told(tmp_path: Path) -> None:
    wrong = await ringpost(tmp_path, "listen", "--forward", "ftp://here")
    assert (wrong.code, "target_invalid" in wrong.err) == (1, True)
    alone = await ringpost(tmp_path, "listen", "--company", "acme")
    assert (alone.code, "ringpost serve" in alone.err) == (1, True)
