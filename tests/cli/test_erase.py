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


@pytest.mark.slow
async def test_it_counts_asks_and_erases(tmp_path: Path, service: Running) -> None:
    counted = await erase(tmp_path, "--phone", NUMBER, "--dry-run")
    assert (counted.code, "Would erase 1 calls: 2 events" in counted.out) == (0, True)
    refused = await erase(tmp_path, "--phone", NUMBER, stdin="n\n")
    assert (refused.code, "Nothing was done." in refused.err) == (1, True)
    erased = await erase(tmp_path, "--phone", NUMBER, stdin="y\n")
    assert (erased.code, "Erased 1 calls: 2 events" in erased.out) == (0, True)
    again = json.loads((await erase(tmp_path, "--phone", "-", "--yes", "--json", stdin=NUMBER + "\n")).out)
    assert (again["state"], again["calls"]) == ("done", 0)
    assert not any(NUMBER in line for line in service.lines)


@pytest.mark.slow
async def test_what_was_erased_is_listed_and_shown_and_not_of_whom(tmp_path: Path, service: Running) -> None:
    assert "There are no erasures." in (await ringpost(tmp_path, "erasures", "list")).out
    await erase(tmp_path, "--phone", NUMBER, "--yes")
    listed = await ringpost(tmp_path, "erasures", "list", "--company", "acme")
    rows = [line.split("\t") for line in listed.out.splitlines()]
    assert [row[1] for row in rows] == ["acme", "acme"]
    assert [row[3:] for row in rows] == [["done", "erase", "1", "2"], ["done", "count", "1", "2"]]
    shown = await ringpost(tmp_path, "erasures", "show", rows[0][0])
    assert (shown.code, "Erased 1 calls: 2 events" in shown.out) == (0, True)
    found = json.loads((await ringpost(tmp_path, "erasures", "show", rows[0][0], "--json")).out)
    assert (found["id"], found["calls"]) == (rows[0][0], 1)
    cut = await ringpost(tmp_path, "erasures", "list", "--limit", "1", "--json")
    assert (json.loads(cut.out), "there are more: --limit" in cut.err) == ([found], True)
    assert NUMBER not in listed.out + shown.out
    missing = await ringpost(tmp_path, "erasures", "show", "ers_0000000000001")
    assert (missing.code, "work_not_found" in missing.err) == (1, True)


async def test_who_is_meant_must_be_clear(tmp_path: Path, service: Running) -> None:
    done = await erase(tmp_path, "--phone", NUMBER, "--email", "a@example.com")
    assert (done.code, "invalid_value" in done.err, "Traceback" in done.err) == (1, True, False)
    assert "missing_field" in (await erase(tmp_path)).err
