"""`ringpost replay` and `ringpost replays` against a running service, and the times that people type."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost.api.replay_shapes import show_replay
from ringpost.cli.replay import progress
from ringpost.cli.times import read_time, show_time
from ringpost.model.work import REPLAY, Work
from ringpost.work.selection import check_selection
from tests.cli.program import Done, Running, ringpost, running
from tests.real.receiver import Receiver

NOW = 1_795_573_019_000
LOOPBACK = {"RINGPOST_ALLOW_NETWORKS": "127.0.0.0/8"}
KINDS = ("call:start", "call:update", "call:end")


def test_an_age_goes_back_from_now() -> None:
    for text, ms in (("45s", 45_000), ("2h", 7_200_000), ("30m", 1_800_000), ("3d", 259_200_000), ("1w", 604_800_000)):
        assert read_time(text, NOW) == NOW - ms
    assert read_time("999999w", NOW) == 0


def test_an_iso_time_is_in_utc_unless_it_says_otherwise() -> None:
    for text in ("2023-11-14T22:13:20", "2023-11-14T22:13:20Z", "2023-11-14T23:13:20+01:00", "2023-11-14 22:13:20"):
        assert read_time(text, NOW) == 1_700_000_000_000
    assert show_time(read_time("2023-11-14", NOW)) == "2023-11-14 00:00:00"


@given(ms=st.integers(0, 4_102_444_800_000))
def test_a_time_that_is_shown_can_be_typed(ms: int) -> None:
    assert read_time(show_time(ms), NOW) == ms // 1_000 * 1_000


@given(text=st.text("0123456789smhdwTZ:-+ .", max_size=20) | st.text(max_size=20))
def test_any_other_text_is_refused_and_nothing_else_happens(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert read_time(text, NOW) >= 0


def test_a_replay_is_never_further_than_there_is() -> None:
    """More may have ended between the counting and the replaying."""
    selection = check_selection(
        integration=None, call=None, state=None, type_=None, since=None, until=None, never_owed=False
    )
    work = Work(
        id="rpl_0000000000001", company="acme", kind=REPLAY, request=msgspec.json.encode(selection), created=NOW,
        updated=NOW, total=3_608, done=3_789, place=b"",
    )  # fmt: skip
    assert progress(msgspec.to_builtins(show_replay(work))) == "3,789 of 3,789"


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Running]:
    service = await running(tmp_path, "serve", "--port", "0", env=LOOPBACK)
    await service.wait_for(lambda lines: any("listens at" in line for line in lines))
    yield service
    await service.stop(signal.SIGKILL)


async def shown(folder: Path, *words: str, stdin: str = "") -> Done:
    done = await ringpost(folder, *words, stdin=stdin)
    assert done.code == 0, done.err
    return done


async def install(folder: Path, receiver: Receiver) -> str:
    words = ("integrations", "install", "webhook", receiver.url, "--company", "acme", "--json")
    return str(json.loads((await shown(folder, *words)).out)["id"])


async def send(folder: Path, call: str) -> None:
    events = [json.dumps({"id": call, "type": kind, "data": {"status": "CONNECTING"}}) for kind in KINDS]
    await shown(folder, "send", "-", "--company", "acme", stdin="\n".join(events))


@pytest.mark.slow
async def test_a_replay_counts_asks_and_is_followed_to_its_end(
    tmp_path: Path, service: Running, receiver: Receiver
) -> None:
    identifier = await install(tmp_path, receiver)
    await send(tmp_path, "1")
    await receiver.wait_for(3)
    words = ("replay", "--integration", identifier, "--call", "acme_1", "--since", "1h")
    counted = await shown(tmp_path, *words, "--dry-run")
    while "3 deliveries" not in counted.out:  # what was received is recorded a moment later
        counted = await shown(tmp_path, *words, "--dry-run")
    assert "0 events that were never owed" in counted.out
    declined = await ringpost(tmp_path, *words, stdin="n\n")
    assert (declined.code, "Deliver them again?" in declined.out) == (1, True)
    assert "Nothing was done." in declined.err
    assert "There are no replays." in (await shown(tmp_path, "replays", "list")).out
    done = await shown(tmp_path, *words, stdin="y\n")
    assert "Done: 3 deliveries go out again." in done.out
    again = (await receiver.wait_for(6))[3:]
    assert [json.loads(request.body)["type"] for request in again] == list(KINDS)
    assert {request.header("x-ringpost-replay") for request in again} == {"1"}
    [row] = json.loads((await shown(tmp_path, "replays", "list", "--company", "acme", "--json")).out)
    assert (row["state"], row["done"], row["selection"]["call"]) == ("done", 3, "acme_1")
    plain = (await shown(tmp_path, "replays", "show", row["id"])).out
    assert "3 of 3" in plain
    assert f"ended, integration {identifier}, call acme_1, since 20" in plain
    late = await ringpost(tmp_path, "replays", "cancel", row["id"])
    assert (late.code, "too late" in late.err, "3 of 3" in late.out) == (1, True, True)


@pytest.mark.slow
async def test_what_was_never_owed_goes_to_an_integration_that_was_installed_later(
    tmp_path: Path, service: Running, receiver: Receiver
) -> None:
    await send(tmp_path, "1")
    identifier = await install(tmp_path, receiver)
    words = ("replay", "--integration", identifier, "--never-owed")
    missing = await ringpost(tmp_path, *words)
    assert (missing.code, "missing_field (since)" in missing.err) == (1, True)
    done = await shown(tmp_path, *words, "--since", "2h", "--yes", "--json")
    assert json.loads(done.out)["done"] == 3
    assert "exhausted or never owed, integration" in (await shown(tmp_path, "replays", "list")).out
    assert [json.loads(request.body)["type"] for request in await receiver.wait_for(3)] == list(KINDS)


@pytest.mark.slow
async def test_nothing_to_replay_and_wrong_use_are_told(tmp_path: Path, service: Running, receiver: Receiver) -> None:
    await install(tmp_path, receiver)
    nothing = await ringpost(tmp_path, "replay", "--company", "acme", "--yes")
    assert (nothing.code, "nothing_to_replay" in nothing.err) == (1, True)
    assert "0 deliveries" in (await shown(tmp_path, "replay", "--company", "acme", "--dry-run")).out
    assert "company_missing" in (await ringpost(tmp_path, "replay")).err
    assert "integration_not_found" in (await ringpost(tmp_path, "replay", "--integration", "zzzzzz")).err
    wrong = await ringpost(tmp_path, "replay", "--since", "yesterday")
    assert (wrong.code, "2h" in wrong.err) == (2, True)
    empty = await ringpost(tmp_path, "replay", "--company", "acme", "--since", "1h", "--until", "2h")
    assert (empty.code, "--since 2h --until 1h" in " ".join(empty.err.split())) == (2, True)
    assert "--company" in (await ringpost(tmp_path, "replay")).err
    for words in (("replay",), ("replays", "list"), ("replays", "show"), ("replays", "cancel")):
        assert "Usage" in (await shown(tmp_path, *words, "--help")).out
    assert "work_not_found" in (await ringpost(tmp_path, "replays", "show", "rpl_0000000000001")).err


@pytest.mark.slow
async def test_leaving_the_command_leaves_the_replay_running_until_it_is_cancelled(
    tmp_path: Path, receiver: Receiver
) -> None:
    env = {**LOOPBACK, "RINGPOST_DELIVERIES_IN_MEMORY": "1000"}  # so little room that a replay has to wait
    service = await running(tmp_path, "serve", "--port", "0", env=env)
    await service.wait_for(lambda lines: any("listens at" in line for line in lines))
    identifier = await install(tmp_path, receiver)
    event = json.dumps({"type": "call:update", "id": "1", "data": {"status": "TALKING"}})
    start = json.dumps({"type": "call:start", "id": "1", "data": {"status": "TALKING"}})
    await shown(tmp_path, "send", "-", "--company", "acme", stdin="\n".join([start, *[event] * 900]))
    await receiver.wait_for(901, timeout=30)
    await shown(tmp_path, "integrations", "pause", identifier)
    command = await running(tmp_path, "replay", "--integration", identifier, "--state", "delivered", "--yes")
    lines = await command.wait_for(lambda lines: any("Ctrl-C leaves it running" in line for line in lines))
    replay_id = next(word for word in " ".join(lines).split() if word.startswith("rpl_"))
    assert await command.stop(signal.SIGINT) == 130
    assert any(f"replays cancel {replay_id}" in line for line in command.lines)
    shown_now = json.loads((await shown(tmp_path, "replays", "show", replay_id, "--json")).out)
    assert shown_now["state"] == "running"
    cancelled = json.loads((await shown(tmp_path, "replays", "cancel", replay_id, "--json")).out)
    assert (cancelled["state"], cancelled["done"] < cancelled["total"]) == ("cancelled", True)
    await service.stop(signal.SIGKILL)
