"""Changing, pausing and resuming integrations, and the notices that tell of it, from the command line."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ringpost.cli.client import connect
from ringpost.settings import Settings
from tests.cli.program import Done, Running, ringpost, running
from tests.real.receiver import Receiver

LOOPBACK = {"RINGPOST_ALLOW_NETWORKS": "127.0.0.0/8"}


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Running]:
    service = await running(tmp_path, "serve", "--port", "0", env=LOOPBACK)
    await service.wait_for(lambda lines: any("listens at" in line for line in lines))
    yield service
    await service.stop(signal.SIGKILL)


async def shown(folder: Path, *words: str) -> Done:
    done = await ringpost(folder, *words)
    assert done.code == 0, done.err
    return done


async def read(folder: Path, *words: str) -> Any:
    return json.loads((await shown(folder, *words, "--json")).out)


async def install(folder: Path, receiver: Receiver, *words: str) -> str:
    made = await read(folder, "integrations", "install", "webhook", receiver.url, "--company", "acme", *words)
    return str(made["id"])


@pytest.mark.slow
async def test_a_pause_is_told_to_the_integration_that_wants_notices(
    tmp_path: Path, service: Running, receiver: Receiver
) -> None:
    assert "no notices" in (await shown(tmp_path, "notices")).out
    one = await install(tmp_path, receiver)
    await install(tmp_path, receiver, "--filter", "notice:*")
    assert f"integrations resume {one}" in (await shown(tmp_path, "integrations", "pause", one)).out
    assert "paused (asked)" in (await shown(tmp_path, "integrations", "list")).out
    assert "Resumed" in (await shown(tmp_path, "integrations", "resume", one)).out
    requests = await receiver.wait_for(2)
    assert [json.loads(request.body)["type"] for request in requests] == ["notice:paused", "notice:resumed"]
    assert [row["type"] for row in await read(tmp_path, "notices")] == ["notice:resumed", "notice:paused"]
    [row] = await read(tmp_path, "notices", "--type", "notice:paused", "--company", "acme", "--limit", "1")
    plain = (await shown(tmp_path, "notices", "--type", "notice:paused")).out
    assert row["message"] in plain
    assert plain.count("\n") == 1


@pytest.mark.slow
async def test_a_paused_integration_is_not_tested_and_says_so_at_once(
    tmp_path: Path, service: Running, receiver: Receiver
) -> None:
    one = await install(tmp_path, receiver)
    await shown(tmp_path, "integrations", "pause", one)
    done = await ringpost(tmp_path, "integrations", "test", one)
    assert (done.code, "It is paused (asked)" in done.err, f"integrations resume {one}" in done.err) == (1, True, True)
    assert (await read(tmp_path, "integrations", "show", one))["pending"] == 0
    kept = await ringpost(tmp_path, "integrations", "delete", one, stdin="n\n")
    assert (kept.code, "Nothing was done." in kept.err) == (1, True)
    assert one in (await shown(tmp_path, "integrations", "list")).out


@pytest.mark.slow
async def test_more_notices_than_one_answer_holds_are_listed(
    tmp_path: Path, service: Running, receiver: Receiver
) -> None:
    one = await install(tmp_path, receiver)
    client = connect(Settings(data=str(tmp_path / "ringpost-data")), None, None)
    for _ in range(103):
        for what in ("pause", "resume"):
            await asyncio.to_thread(client.request, "POST", f"/v1/integrations/{one}/{what}")
    listed = await ringpost(tmp_path, "notices", "--limit", "205")
    assert (len(listed.out.splitlines()), "there are more: --limit" in listed.err) == (205, True)
    everything = await ringpost(tmp_path, "notices", "--limit", "1000")
    assert (len(everything.out.splitlines()), everything.err) == (206, "")


@pytest.mark.slow
async def test_a_test_of_one_that_wants_notices_alone_is_a_notice(
    tmp_path: Path, service: Running, receiver: Receiver
) -> None:
    one = await install(tmp_path, receiver, "--filter", "notice:*")
    told = (await shown(tmp_path, "integrations", "test", one)).out
    assert "A test notice is on its way" in told
    assert "delivered: 200" in told


@pytest.mark.slow
async def test_an_edit_changes_what_is_given(tmp_path: Path, service: Running, receiver: Receiver) -> None:
    one = await install(tmp_path, receiver, "--retry", "5s,2m", "--name", "CRM")
    assert (await read(tmp_path, "integrations", "show", one))["retryDelaysMs"] == [5_000, 120_000]
    edited = await read(tmp_path, "integrations", "edit", one, "--filter", "call:end", "--retry", "none", "--name", "")
    assert (edited["filter"], edited["retryDelaysMs"], edited["name"]) == (["call:end"], [], None)
    edited = await read(tmp_path, "integrations", "edit", one, "--retry", "default", "--target", receiver.url + "/2")
    assert (edited["filter"], edited["retryDelaysMs"], edited["url"]) == (["call:end"], None, receiver.url + "/2")
    assert one in (await shown(tmp_path, "integrations", "edit", one, "--name", "new")).out
    for words, code in (
        ((), 2),
        (("--retry", "5"), 1),
        (("--retry", "31d"), 1),
        (("--filter", "call:begin"), 1),
        (("--target", "http://10.0.0.1/"), 1),
    ):
        done = await ringpost(tmp_path, "integrations", "edit", one, *words)
        assert (done.code, bool(done.err), "Traceback" in done.err) == (code, True, False)
    assert "retryDelaysMs[0]" in (await ringpost(tmp_path, "integrations", "edit", one, "--retry", "31d")).err
