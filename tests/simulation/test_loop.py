"""The virtual-time loop."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import Any

import pytest

from tests.simulation.loop import Kill, StandstillError, VirtualLoop


def loop_at(began: float = 0.0) -> VirtualLoop:
    return VirtualLoop(began, lambda _: None)


def test_a_year_passes_at_once_and_to_the_second() -> None:
    loop = loop_at(5.0)
    year = 365 * 86_400.0
    began = perf_counter()
    loop.run(asyncio.sleep(year))
    assert loop.time() == 5.0 + year
    assert perf_counter() - began < 60


def test_timers_come_in_the_order_of_their_times_and_not_of_their_setting() -> None:
    loop = loop_at()
    seen: list[tuple[float, str]] = []

    def note(name: str) -> None:
        seen.append((loop.time(), name))

    async def work() -> None:
        for wait, name in ((3.0, "c"), (1.0, "a"), (2.0, "b")):
            loop.call_later(wait, note, name)
        await asyncio.sleep(10)

    loop.run(work())
    assert seen == [(1.0, "a"), (2.0, "b"), (3.0, "c")]


def test_timeouts_are_of_virtual_time() -> None:
    async def work() -> None:
        async with asyncio.timeout(3_600):
            await asyncio.sleep(7_200)

    loop = loop_at()
    with pytest.raises(TimeoutError):
        loop.run(work())
    assert loop.time() == 3_600


def test_waiting_for_what_never_comes_is_told() -> None:
    async def work() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(StandstillError):
        loop_at().run(work())


def test_work_that_is_taken_up_again_and_again_is_told() -> None:
    async def work() -> None:
        while True:  # noqa: ASYNC110 - this is what it is about
            await asyncio.sleep(0)

    with pytest.raises(StandstillError):
        loop_at().run(work())


def test_a_kill_leaves_everything_where_it_stands() -> None:
    faults: list[dict[str, Any]] = []
    seen: list[str] = []

    async def product() -> None:
        try:
            await asyncio.sleep(1)
            seen.append("went on")
        except Exception:  # noqa: BLE001 - as the product catches what it can
            seen.append("caught")

    async def dies() -> None:
        raise Kill("here")

    async def work() -> None:
        tasks = [asyncio.create_task(product()), asyncio.create_task(dies())]
        await asyncio.wait(tasks)

    loop = VirtualLoop(0.0, faults.append)
    with pytest.raises(Kill):
        loop.run(work())
    assert seen == []
    assert faults == []


def test_a_task_that_fails_with_nobody_looking_is_told() -> None:
    faults: list[dict[str, Any]] = []

    async def fails() -> None:
        raise ValueError("of the product")

    async def work() -> None:
        task = asyncio.create_task(fails())
        await asyncio.sleep(1)
        assert task.done()
        del task
        await asyncio.sleep(1)

    VirtualLoop(0.0, faults.append).run(work())
    assert [str(fault["exception"]) for fault in faults] == ["of the product"]
