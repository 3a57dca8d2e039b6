"""`ringpost record`, as a user has it, and what `ringpost decode` makes of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.program import ringpost
from tests.sources.ami_server import SECRET, AmiServer, channel

pytestmark = pytest.mark.slow


@pytest.fixture
async def server() -> AsyncIterator[AmiServer]:
    server = AmiServer()
    await server.start()
    yield server
    await server.stop()


def settings(folder: Path, server: AmiServer, *serials: str) -> None:
    tables = (
        f'[[pbx]]\ncompany = "acme"\nserial = "{serial}"\nhost = "127.0.0.1"\nport = {server.port}\n'
        f'user = "ringpost"\nsecret = "{SECRET}"\n'
        for serial in serials
    )
    (folder / "ringpost.toml").write_text("\n".join(tables))


async def test_what_was_recorded_can_be_decoded(server: AmiServer, tmp_path: Path) -> None:
    settings(tmp_path, server, "hq")
    server.channels = [channel("1.1", "1.1", "7001", 6, BridgeId="b"), channel("1.2", "1.1", "7002", 6, BridgeId="b")]
    words = ("record", "calls.ami", "--config", "ringpost.toml", "--for", "1")
    done = await ringpost(tmp_path, *words, "--pseudonyms")
    assert done.code == 0, done.err
    assert "Connected; 2 channels now." in done.err
    assert (tmp_path / "calls.ami").stat().st_mode & 0o077 == 0
    decoded = await ringpost(tmp_path, "decode", "calls.ami")
    (start,) = (json.loads(line) for line in decoded.out.splitlines())
    assert (start["type"], start["data"]["status"], start["data"]["flags"]) == ("call:start", "TALKING", ["resumed"])
    assert start["data"]["caller"]["phone"] not in {"7001", "7002"}
    assert decoded.err == "Still open at the end: test_1.1 (TALKING)\n"
    again = await ringpost(tmp_path, *words)
    assert again.code == 1
    assert "calls.ami cannot be made: File exists" in again.err


async def test_which_pbx_is_meant_must_be_clear(server: AmiServer, tmp_path: Path) -> None:
    settings(tmp_path, server, "hq", "branch")
    unclear = await ringpost(tmp_path, "record", "x.ami", "--config", "ringpost.toml")
    assert "choose with --pbx: acme/hq, acme/branch" in unclear.err
    unknown = await ringpost(tmp_path, "record", "x.ami", "--config", "ringpost.toml", "--pbx", "nowhere")
    assert "No PBX has the serial 'nowhere'" in unknown.err
    assert (await ringpost(tmp_path, "record", "x.ami")).code == 1
    assert not (tmp_path / "x.ami").exists()


async def test_a_login_that_is_refused_is_told(server: AmiServer, tmp_path: Path) -> None:
    settings(tmp_path, server, "hq")
    file = tmp_path / "ringpost.toml"
    file.write_text(file.read_text().replace(SECRET, "wrong secret"))
    done = await ringpost(tmp_path, "record", "x.ami", "--config", "ringpost.toml")
    assert done.code == 1
    assert done.err.startswith("ringpost: pbx_login_refused")
