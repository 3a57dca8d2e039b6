"""Running work: step by step to its end, over restarts and a ledger that refuses, and never after a cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger
from ringpost.ledger.open import open_ledger
from ringpost.model.work import Work
from ringpost.work.runner import STEPS_AT_ONCE, Step, Works
from tests.contract.ledger.making import NOW, remember
from tests.contract.ledger.test_works import work
from tests.world import Clock


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    ledger = await open_ledger(tmp_path / "ringpost.db", now=Clock())
    yield ledger
    await ledger.close()


class Counting:
    """A step that counts the work's `done` up to its total. before: called before each."""

    def __init__(self, ledger: Ledger, before: Callable[[Work], None] = lambda _: None) -> None:
        self.ledger = ledger
        self.before = before
        self.steps = 0
        self.done = asyncio.Condition()
        self.under_way = self.most_under_way = 0

    async def __call__(self, work: Work) -> Work:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            self.steps += 1
            self.before(work)
            state = "done" if work.done + 1 == work.total else "running"
            after = await self.ledger.advance_work(work, replace(work, done=work.done + 1, state=state))
            async with self.done:
                self.done.notify_all()
            return after
        finally:
            self.under_way -= 1

    async def wait_for(self, steps: int) -> None:
        async with asyncio.timeout(5), self.done:
            await self.done.wait_for(lambda: self.steps >= steps)


def running(ledger: Ledger, step: Step) -> Works:
    return Works(ledger, {"replay": step}, lambda: NOW, waits_ms=(1, 2))


async def kept(ledger: Ledger, of: Work) -> Work:
    found = await ledger.work(None, of.id)
    assert found is not None
    return found


async def test_work_is_done_step_by_step_to_its_end(ledger: Ledger) -> None:
    step = Counting(ledger)
    works = running(ledger, step)
    await works.begin(work(), remember())
    assert await ledger.recall("acme", "k") is not None
    await works.wait(work().id)
    assert (step.steps, (await kept(ledger, work())).state) == (7, "done")
    await works.close(1_000)


async def test_each_change_of_work_is_told_and_a_step_that_did_nothing_is_not(ledger: Ledger) -> None:
    told: list[tuple[str, int]] = []
    counting, tries = Counting(ledger), 0

    async def step(one: Work) -> Work:
        nonlocal tries
        tries += 1
        return one if tries == 1 else await counting(one)

    works = Works(
        ledger, {"replay": step}, lambda: NOW, on_change=lambda one: told.append((one.state, one.done)), waits_ms=(1, 2)
    )
    await works.begin(replace(work(), total=2))
    await works.wait(work().id)
    assert told == [("running", 0), ("running", 1), ("done", 2)]
    await works.begin(replace(work(1), total=100_000))
    await works.cancel("acme", work(1).id)
    await works.wait(work(1).id)
    assert "cancelled" in {state for state, _ in told[3:]}
    await works.close(1_000)


async def test_what_was_running_goes_on_after_a_restart_where_it_was(ledger: Ledger) -> None:
    first = Counting(ledger)
    works = running(ledger, first)
    await works.begin(replace(work(), total=100_000))
    await works.begin(work(1))
    await works.wait(work(1).id)
    await works.close(1_000)
    so_far = (await kept(ledger, work())).done
    assert 0 < so_far < 100_000
    steps = first.steps
    await asyncio.sleep(0)
    assert first.steps == steps == so_far + 7
    places: list[int] = []
    second = Counting(ledger, lambda one: places.append(one.done))
    works = running(ledger, second)
    await works.start()
    await second.wait_for(3)
    await works.close(1_000)
    assert places[:3] == [so_far, so_far + 1, so_far + 2]


async def test_a_step_under_way_is_finished_when_it_is_closed_and_no_other_begun(ledger: Ledger) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()
    steps = 0

    async def step(one: Work) -> Work:
        nonlocal steps
        steps += 1
        began.set()
        await go_on.wait()
        return await ledger.advance_work(one, replace(one, done=one.done + 1))

    works = running(ledger, step)
    await works.begin(work())
    await began.wait()
    closing = asyncio.create_task(works.close(5_000))
    await asyncio.sleep(0)
    assert not closing.done()
    go_on.set()
    await closing
    assert (steps, (await kept(ledger, work())).done) == (1, 1)
    await works.begin(work(1))  # it is durable, and goes on after the next start
    assert steps == 1
    assert {one.id for one in await ledger.running_works()} == {work().id, work(1).id}


async def test_a_step_that_hangs_is_given_up_when_the_time_to_close_is_over(ledger: Ledger) -> None:
    began = asyncio.Event()

    async def step(one: Work) -> Work:
        began.set()
        await asyncio.Event().wait()
        return one

    works = running(ledger, step)
    await works.begin(work())
    await began.wait()
    await works.close(0)
    assert await ledger.running_works() == [work()]


async def test_nothing_goes_on_after_a_cancellation(ledger: Ledger) -> None:
    step = Counting(ledger)
    works = running(ledger, step)
    await works.begin(replace(work(), total=100_000))
    await step.wait_for(2)
    cancelled = await works.cancel("acme", work().id)
    assert (cancelled.state, 2 <= cancelled.done < 100_000) == ("cancelled", True)
    await works.wait(work().id)
    assert await kept(ledger, work()) == cancelled
    again = running(ledger, step)
    steps = step.steps
    await again.start()
    await again.wait(work().id)
    assert step.steps == steps
    with pytest.raises(RingpostError, match="no such replay"):
        await works.cancel("other", work().id)
    await works.close(1_000)


async def test_a_cancellation_ends_a_wait_at_once(ledger: Ledger) -> None:
    looked = asyncio.Event()

    async def step(one: Work) -> Work:
        if looked.is_set():
            return await ledger.advance_work(one, one)
        looked.set()
        raise RingpostError("ledger_full")

    works = Works(ledger, {"replay": step}, lambda: NOW, waits_ms=(3_600_000,))
    await works.begin(work())
    await looked.wait()
    await works.cancel(None, work().id)
    async with asyncio.timeout(5):
        await works.wait(work().id)


async def test_work_that_can_do_nothing_yet_ends_when_it_is_cancelled(ledger: Ledger) -> None:
    looked = asyncio.Event()

    async def step(one: Work) -> Work:
        looked.set()
        return one

    works = running(ledger, step)
    await works.begin(work())
    await looked.wait()
    assert (await works.cancel("acme", work().id)).state == "cancelled"
    async with asyncio.timeout(5):
        await works.wait(work().id)
    await works.cancel("acme", work().id)
    await works.close(1_000)


async def test_works_that_wait_for_their_turn_begin_no_step_once_it_is_closed(ledger: Ledger) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()
    stepped: list[str] = []

    async def step(one: Work) -> Work:
        stepped.append(one.id)
        if len(stepped) == STEPS_AT_ONCE:
            began.set()
        await go_on.wait()
        return await ledger.advance_work(one, replace(one, done=one.done + 1))

    works = running(ledger, step)
    for number in range(STEPS_AT_ONCE + 3):
        await works.begin(work(number))
    await began.wait()
    closing = asyncio.create_task(works.close(5_000))
    await asyncio.sleep(0)
    go_on.set()
    await closing
    assert len(stepped) == STEPS_AT_ONCE


async def test_a_ledger_that_refuses_only_makes_it_wait(ledger: Ledger) -> None:
    refusals = ["ledger_full", "ledger_unavailable", "overloaded", "ledger_full"]

    def refuse(_: Work) -> None:
        if refusals:
            raise RingpostError(refusals.pop())

    step = Counting(ledger, refuse)
    works = running(ledger, step)
    await works.begin(work())
    await works.wait(work().id)
    assert (step.steps, (await kept(ledger, work())).state) == (4 + 7, "done")


async def test_a_step_that_could_do_nothing_yet_is_asked_again(ledger: Ledger) -> None:
    asked = 0

    async def step(one: Work) -> Work:
        nonlocal asked
        asked += 1
        return one if asked == 1 else await ledger.advance_work(one, replace(one, state="done"))

    works = running(ledger, step)
    await works.begin(work())
    await works.wait(work().id)
    assert (asked, (await kept(ledger, work())).state) == (2, "done")


@pytest.mark.parametrize(
    ("failure", "code"),
    [(RingpostError("integration_not_found"), "integration_not_found"), (KeyError("x"), "internal")],
)
async def test_a_step_that_fails_ends_the_work_with_its_code_and_no_other(
    ledger: Ledger, failure: Exception, code: str
) -> None:
    def fail(one: Work) -> None:
        if one.id == work().id and one.done == 3:
            raise failure

    step = Counting(ledger, fail)
    works = running(ledger, step)
    await works.begin(work())
    await works.begin(work(1))
    await works.wait(work().id)
    await works.wait(work(1).id)
    failed = await kept(ledger, work())
    assert (failed.state, failed.error, failed.done) == ("failed", code, 3)
    assert (await kept(ledger, work(1))).state == "done"


async def test_many_works_take_turns_with_a_few_steps_at_once(ledger: Ledger) -> None:
    step = Counting(ledger)
    works = running(ledger, step)
    for number in range(10):
        await works.begin(work(number))
    for number in range(10):
        await works.wait(work(number).id)
    assert step.most_under_way <= STEPS_AT_ONCE
    assert step.steps == 70
    assert await ledger.running_works() == []


async def test_a_work_that_cannot_be_added_is_not_run(ledger: Ledger) -> None:
    step = Counting(ledger)
    works = running(ledger, step)
    await works.begin(replace(work(), state="done"))
    with pytest.raises(RingpostError):
        await works.begin(work())
    await works.close(1_000)
    assert step.steps == 0
