"""kill -9 of the real service under load, at any moment: nothing accepted is lost, and what is delivered is in order.

pytest tests/crash/test_kill.py                          # 100 kills, in four runs of their own seeds
pytest tests/crash/test_kill.py --times 1000             # 1,000: in 40 runs
pytest tests/crash/test_kill.py --times 25 --crash-seed 3    # one run again, by the seed in its name
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
from pathlib import Path

import pytest

from tests.cli.program import Running, ringpost, running
from tests.crash.check import DELIVERED, check_inbox, check_ledger, read_ledger
from tests.crash.kill import ENVIRONMENT, KILLS, SECOND_SIGNAL, Supervisor
from tests.real.receiver import Answer, Receiver

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]


async def test_a_service_that_is_killed_loses_nothing_accepted_and_keeps_the_order(
    tmp_path: Path, kill_seed: int
) -> None:
    supervisor = Supervisor(tmp_path, kill_seed)
    try:
        await supervisor.run(KILLS)
    except BaseException:
        print(f"--crash-seed {kill_seed}; the service said last:", *supervisor.last_lines(), sep="\n")
        raise
    finally:
        await supervisor.close()
    book, inboxes = supervisor.book, supervisor.inboxes
    print(
        f"seed {kill_seed}: {dict(supervisor.deaths)}, {len(book.sent)} events sent, {len(book.accepted)} accepted, "
        f"{len(book.unknown)} unknown, {book.again} requests sent again, arrivals "
        f"{[len(inbox.arrivals) for inbox in inboxes]}"
    )
    assert sum(supervisor.deaths.values()) == KILLS
    assert len(book.accepted) > KILLS
    assert not book.refused, f"--crash-seed {kill_seed}"
    kept = read_ledger(tmp_path / "ringpost-data" / "ringpost.db")
    check_ledger(book, kept, {inbox.integration for inbox in inboxes})
    for inbox in inboxes:
        check_inbox(inbox, kept)


@pytest.mark.parametrize("fraction", [0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
async def test_a_first_start_that_is_killed_is_done_again(tmp_path: Path, fraction: float) -> None:
    """In a folder where nothing is yet: the ledger, its tables and the sealing key are made."""
    (tmp_path / "elsewhere").mkdir()
    began = time.monotonic()
    measured = await started(tmp_path / "elsewhere")
    startup = time.monotonic() - began
    await measured.stop(signal.SIGKILL)
    broken_off = await running(tmp_path, "serve", "--port", "0", env=ENVIRONMENT)
    await asyncio.sleep(startup * fraction)
    await broken_off.stop(signal.SIGKILL)
    service = await started(tmp_path)
    made = await ringpost(tmp_path, "integrations", "install", "webhook", "http://127.0.0.1:9/", "--company", "acme")
    assert made.code == 0, made.err
    assert await service.stop(signal.SIGTERM) == 0
    assert read_ledger(tmp_path / "ringpost-data" / "ringpost.db") == {}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_a_drain_that_is_cut_short_loses_nothing(
    tmp_path: Path, receiver: Receiver, number: signal.Signals
) -> None:
    """A second SIGTERM, or a SIGKILL, while an attempt is under way that would never end."""
    receiver.answer = Answer(hang=True)
    env = {**ENVIRONMENT, "RINGPOST_DRAIN_MS": "60000", "RINGPOST_ATTEMPT_TIMEOUT_MS": "30000"}
    service = await started(tmp_path, env)
    words = ("integrations", "install", "webhook", receiver.url, "--company", "acme")
    assert (await ringpost(tmp_path, *words)).code == 0
    key = (await ringpost(tmp_path, "keys", "create", "--role", "source", "--company", "acme")).out.strip()
    events = [
        {"id": "1", "type": f"call:{kind}", "data": {"status": "TALKING", "number": n}}
        for n, kind in ((1, "start"), (2, "end"))
    ]
    sent = "\n".join(map(json.dumps, events))
    assert (await ringpost(tmp_path, "send", "-", stdin=sent, env={"RINGPOST_API_KEY": key})).code == 0
    [under_way] = await receiver.wait_for(1)
    service.process.send_signal(signal.SIGTERM)
    await service.wait_for(lambda lines: any(line.startswith("Stopping") for line in lines))
    assert await service.stop(number) == (SECOND_SIGNAL if number == signal.SIGTERM else -number)

    receiver.answer = Answer()
    service = await started(tmp_path, env)
    _, again, last = await receiver.wait_for(3)
    assert (again.header("webhook-id"), again.body) == (under_way.header("webhook-id"), under_way.body)
    assert [json.loads(request.body)["data"]["number"] for request in (again, last)] == [1, 2]
    assert await service.stop(signal.SIGTERM) == 0
    kept = read_ledger(tmp_path / "ringpost-data" / "ringpost.db")
    assert [list(event.states.values()) for event in kept.values()] == [[DELIVERED], [DELIVERED]]


async def started(folder: Path, env: dict[str, str] = ENVIRONMENT) -> Running:
    service = await running(folder, "serve", "--port", "0", env=env)
    await service.wait_for(lambda lines: any("listens at" in line for line in lines))
    return service
