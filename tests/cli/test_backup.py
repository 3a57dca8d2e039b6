"""Backups on the command line: made beside a running service, checked where they lie, and put in place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.program import Running, ringpost, running
from tests.real.receiver import Receiver

START = {"id": "1.1", "type": "call:start", "data": {"status": "CONNECTING"}}
ANYWHERE = {"RINGPOST_ALLOW_NETWORKS": "127.0.0.0/8", "RINGPOST_PORT": "0"}


async def serve(folder: Path) -> Running:
    service = await running(folder, "serve", env=ANYWHERE)
    await service.wait_for(lambda lines: any("listens at" in line for line in lines))
    return service


async def good(folder: Path, *words: str, stdin: str = "") -> str:
    done = await ringpost(folder, *words, stdin=stdin, env=ANYWHERE)
    assert done.code == 0, done.out + done.err
    return done.out + done.err


def put_in_place(folder: Path) -> None:
    data = folder / "ringpost-data"
    for file in data.glob("ringpost.db*"):
        file.unlink()
    (folder / "backup.db").rename(data / "ringpost.db")


def mode(file: Path) -> int:
    return file.stat().st_mode & 0o777


@pytest.mark.slow
async def test_a_backup_of_a_running_service_is_checked_and_restored(tmp_path: Path, receiver: Receiver) -> None:
    service = await serve(tmp_path)
    await good(tmp_path, "integrations", "install", "webhook", receiver.url, "--company", "acme")
    await good(tmp_path, "send", "-", "--company", "acme", stdin=json.dumps(START))
    [before] = await receiver.wait_for(1)
    told = await good(tmp_path, "backup", "backup.db")
    assert "sealing.key" in told
    assert mode(tmp_path / "backup.db") == 0o600
    await good(tmp_path, "send", "-", "--company", "acme", stdin=json.dumps({**START, "id": "1.2"}))
    await receiver.wait_for(2)
    checked = await good(tmp_path, "doctor", "--ledger", "backup.db")
    assert "is a whole ledger" in checked
    assert "opens all 1 stored secrets" in checked
    assert "same webhook-id" in checked
    await service.stop()

    put_in_place(tmp_path)
    service = await serve(tmp_path)
    await good(tmp_path, "send", "-", "--company", "acme", stdin=json.dumps({**START, "id": "1.3"}))
    requests = await receiver.wait_for(3)
    assert requests[-1].header("webhook-id") != before.header("webhook-id")
    live = await good(tmp_path, "doctor", "--ledger", "ringpost-data/ringpost.db")
    assert ("is a whole ledger" in live, "this backup" in live) == (True, False)
    await service.stop()
    assert "can be read and written" in await good(tmp_path, "doctor")


@pytest.mark.slow
async def test_a_backup_overwrites_nothing_unless_it_is_forced(tmp_path: Path) -> None:
    missing = await ringpost(tmp_path, "backup", "backup.db")
    assert (missing.code, "ledger_invalid" in missing.err) == (1, True)
    await good(tmp_path, "keys", "create", "--role", "operator")
    (tmp_path / "backup.db").write_text("mine")
    refused = await ringpost(tmp_path, "backup", "backup.db")
    assert (refused.code, "backup_exists" in refused.err) == (1, True)
    forced = await ringpost(tmp_path, "backup", "backup.db", "--force")
    assert (forced.code, "no copy of a ledger" in forced.err) == (1, True)
    key = await ringpost(tmp_path, "backup", "ringpost-data/sealing.key", "--force")
    assert (key.code, "the place of the sealing key" in key.err) == (1, True)
    await good(tmp_path, "backup", "other.db")
    (tmp_path / "other.db").rename(tmp_path / "backup.db")
    made = await ringpost(tmp_path, "backup", "backup.db", "--force", "--json")
    assert json.loads(made.out) == {"file": "backup.db", "bytes": (tmp_path / "backup.db").stat().st_size}


async def test_doctor_tells_of_a_backup_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no ledger")
    for name, code in (("text", "ledger_invalid"), ("missing", "ledger_invalid")):
        done = await ringpost(tmp_path, "doctor", "--ledger", name, "--json")
        assert done.code == 1
        assert code in json.loads(done.out)[0]["found"]
        assert "Traceback" not in done.err
    assert not (tmp_path / "ringpost-data").exists()
