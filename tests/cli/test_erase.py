"""Erasing a person on the command line: it counts first, asks, and reports."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.program import Done, Running, ringpost, running

NUMBER = "+15550177"


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Running]:
    service = await running(tmp_path, "serve", env={"RINGPOST_PORT": "0"})
    await service.wait_for(lambda lines: any("listens at" in line for line in lines))
    for type_ in ("call:start", "call:end"):
        data = {"status": "TALKING", "caller": {"type": "REMOTE", "phone": NUMBER}}
        await ringpost(
            tmp_path, "send", "-", "--company", "acme", stdin=json.dumps({"id": "1.1", "type": type_, "data": data})
        )
    yield service
    await service.stop()


async def erase(folder: Path, *words: str, stdin: str = "") -> Done:
    return await ringpost(folder, "erase", "--company", "acme", *words, stdin=stdin)


async def test_it_counts_asks_and_erases(tmp_path: Path, service: Running) -> None:
    counted = await erase(tmp_path, "--phone", NUMBER, "--dry-run")
    assert (counted.code, "Would erase 1 calls: 2 events" in counted.out) == (0, True)
    refused = await erase(tmp_path, "--phone", NUMBER, stdin="n\n")
    assert refused.code == 130
    erased = await erase(tmp_path, "--phone", NUMBER, stdin="y\n")
    assert (erased.code, "Erased 1 calls: 2 events" in erased.out) == (0, True)
    again = json.loads((await erase(tmp_path, "--phone", "-", "--yes", "--json", stdin=NUMBER + "\n")).out)
    assert (again["state"], again["calls"]) == ("done", 0)
    assert not any(NUMBER in line for line in service.lines)


async def test_who_is_meant_must_be_clear(tmp_path: Path, service: Running) -> None:
    done = await erase(tmp_path, "--phone", NUMBER, "--email", "a@example.com")
    assert (done.code, "invalid_value" in done.err, "Traceback" in done.err) == (1, True, False)
    assert "missing_field" in (await erase(tmp_path)).err
