"""The first minute: one command shows calls arrive verified, tells what is next, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import urllib.request
from collections.abc import AsyncIterator
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError

import pytest

from tests.cli.program import Running, ringpost, running

pytestmark = pytest.mark.slow

LINK = re.compile(r"http://\S+/login/\S+")


def one_of_each(lines: list[str]) -> bool:
    """An answered, a missed, a busy and a queue call were told to their end."""
    ends = [line for line in lines if "call:end" in line]
    told = ("talked", "User alerting, no answer", "User busy", "queue ")
    return all(any(words in line for line in ends) for words in told)


def first_end(lines: list[str]) -> bool:
    return any("call:end" in line for line in lines)


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url) as response:
            return int(response.status)
    except HTTPError as error:
        with error:
            return error.code


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Running]:
    demo = await running(tmp_path, "demo", "--port", "0", "--seed", "7")
    yield demo
    await demo.stop(signal.SIGKILL)


async def test_calls_of_every_kind_arrive_verified(demo: Running) -> None:
    lines = await demo.wait_for(one_of_each)
    events = [line for line in lines if re.search(r"call:(start|update|end)", line)]
    assert all("✓ verified" in line for line in events)
    assert {kind for line in events for kind in re.findall(r"call:\w+", line)} == {
        "call:start",
        "call:update",
        "call:end",
    }
    assert await demo.stop() == 0


async def test_the_link_signs_in_once_and_the_page_shows_what_arrived(demo: Running) -> None:
    lines = await demo.wait_for(first_end)
    link = next(match.group() for line in lines if (match := LINK.search(line)))
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    page = await asyncio.to_thread(lambda: opener.open(link).read().decode())
    assert page.count("✓ verified") >= 3
    assert "What to do next" in page
    assert await asyncio.to_thread(status_of, link) == 401
    assert await asyncio.to_thread(status_of, link.rpartition("/login/")[0] + "/inbox") == 401


async def test_it_works_a_second_time_and_ends_the_calls_of_the_first(tmp_path: Path) -> None:
    words = ("demo", "--port", "0", "--seed", "7")
    first = await running(tmp_path, *words)
    await first.wait_for(lambda lines: sum("call:start" in line for line in lines) >= 2)
    await first.stop(signal.SIGKILL)
    second = await running(tmp_path, *words)
    lines = await second.wait_for(first_end)
    assert any("✓ verified" in line for line in lines)
    assert await second.stop() == 0
    assert "[]" in (await ringpost(tmp_path, "keys", "list", "--json", "--data", "ringpost-demo")).out


async def test_a_taken_port_is_another_port_or_a_clear_word(tmp_path: Path, demo: Running) -> None:
    lines = await demo.wait_for(lambda lines: any("runs at" in line for line in lines))
    port = next(match.group(1) for line in lines if (match := re.search(r"runs at http://\S+:(\d+)", line)))
    given = await ringpost(tmp_path, "demo", "--port", port, "--data", "other")
    assert (given.code, "port_taken" in given.err, "--port" in given.err) == (1, True, True)


async def test_two_demos_on_one_folder_are_refused_with_a_clear_word(tmp_path: Path, demo: Running) -> None:
    await demo.wait_for(lambda lines: any("runs at" in line for line in lines))
    second = await ringpost(tmp_path, "demo", "--port", "0")
    assert (second.code, "ledger_in_use" in second.err) == (1, True)
    assert await demo.stop() == 0


async def test_what_is_next_works_as_it_is_printed(tmp_path: Path, demo: Running) -> None:
    await demo.wait_for(first_end)
    data = ("--data", "ringpost-demo")
    listed = await ringpost(tmp_path, "integrations", "list", "--json", *data)
    [inbox] = json.loads(listed.out)
    tested = await ringpost(tmp_path, "integrations", "test", inbox["id"], *data)
    assert tested.code == 0
    await demo.wait_for(lambda lines: any("Ringpost test" in line and "call:end" in line for line in lines))
    key = (await ringpost(tmp_path, "keys", "create", "--role", "viewer", "--company", "demo", *data)).out.strip()
    assert key.startswith("rp_")
