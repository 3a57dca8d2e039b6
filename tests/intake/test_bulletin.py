"""The bulletin: what was told is kept until the ledger has it, in order and within bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ringpost.errors import RingpostError
from ringpost.intake import bulletin
from ringpost.intake.bulletin import BATCH, FAULTS_LIMIT, LIMIT, Bulletin
from ringpost.model.notice import EXHAUSTED, RESUMED, Notice


def notice(number: int) -> Notice:
    return Notice(company="acme", type=EXHAUSTED, time=number, message=f"number {number}", integration="aaaaaa")


class Accepting:
    """Takes notices as the intake does; `fails` makes it raise; a notice in `bad` spoils every batch with it."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.offers = 0
        self.fails: Exception | None = None
        self.bad: set[int] = set()
        self.open = asyncio.Event()
        self.open.set()
        self._news = asyncio.Condition()

    async def __call__(self, notices: Sequence[Notice]) -> None:
        self.offers += 1
        async with self._news:
            self._news.notify_all()
        await self.open.wait()
        if self.fails is not None:
            raise self.fails
        if self.bad & {one.time for one in notices}:
            raise ValueError("a fault")
        self.taken += [one.time for one in notices]
        async with self._news:
            self._news.notify_all()

    async def wait_until_taken(self, count: int) -> None:
        async with asyncio.timeout(10), self._news:
            await self._news.wait_for(lambda: len(self.taken) >= count)

    async def wait_until_offered(self, count: int) -> None:
        async with asyncio.timeout(10), self._news:
            await self._news.wait_for(lambda: self.offers >= count)


@pytest.fixture
def accepting() -> Accepting:
    return Accepting()


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulletin, "_RETRY", (0.001, 0.01))


async def test_what_is_told_is_taken_in_order(accepting: Accepting) -> None:
    told = Bulletin(accepting)
    for number in range(2 * BATCH + 1):
        told.tell(notice(number))
    assert accepting.taken == []  # it returned at once
    await told.close(5_000)
    assert accepting.taken == list(range(2 * BATCH + 1))


async def test_what_the_ledger_does_not_take_is_offered_again_until_it_does(accepting: Accepting) -> None:
    told = Bulletin(accepting)
    accepting.fails = RingpostError("ledger_full")
    told.tell(notice(0))
    await accepting.wait_until_offered(2 * FAULTS_LIMIT)
    told.tell(notice(1))
    accepting.fails = None
    await accepting.wait_until_taken(2)
    told.tell(notice(2))
    await told.close(5_000)
    assert accepting.taken == [0, 1, 2]


async def test_one_that_cannot_be_taken_keeps_no_other_waiting(accepting: Accepting) -> None:
    told = Bulletin(accepting)
    accepting.bad = {2}
    with capture_logs() as lines:
        for number in range(5):
            told.tell(notice(number))
        await told.close(5_000)
    assert accepting.taken == [0, 1, 3, 4]
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["notice_lost"]


async def test_beyond_the_bound_the_oldest_goes_and_the_log_says_so(accepting: Accepting) -> None:
    told = Bulletin(accepting)
    accepting.fails = RingpostError("ledger_unavailable")
    with capture_logs() as lines:
        for number in range(LIMIT + 3):
            told.tell(notice(number))
        await accepting.wait_until_offered(2)
        assert len(told) <= LIMIT
        accepting.fails = None
        await told.close(5_000)
    assert accepting.taken == list(range(3, LIMIT + 3))
    assert [line["code"] for line in lines if line["event"] == "notice_lost"] == ["overloaded"] * 3


async def test_one_that_is_told_while_others_are_offered_waits_behind_them(accepting: Accepting) -> None:
    told = Bulletin(accepting)
    accepting.open.clear()
    told.tell(notice(0))
    await accepting.wait_until_offered(1)
    told.tell(notice(1))
    accepting.fails = RingpostError("ledger_full")
    accepting.open.set()
    await accepting.wait_until_offered(2)
    accepting.fails = None
    await told.close(5_000)
    assert accepting.taken == [0, 1]


async def test_a_close_waits_no_longer_than_its_limit_and_names_what_is_lost(accepting: Accepting) -> None:
    before = asyncio.all_tasks()
    told = Bulletin(accepting)
    accepting.fails = RingpostError("ledger_full")
    told.tell(notice(0))
    await accepting.wait_until_offered(1)
    with capture_logs() as lines:
        await told.close(0)
        told.tell(notice(1))
    lost = [line for line in lines if line["event"] == "notice_lost"]
    assert [(line["code"], line["lane"]) for line in lost] == [("stopping", "acme_notice/aaaaaa")] * 2
    assert asyncio.all_tasks() == before


async def test_a_close_within_an_offer_names_what_was_being_offered(accepting: Accepting) -> None:
    told = Bulletin(accepting)
    accepting.open.clear()
    told.tell(notice(0))
    await accepting.wait_until_offered(1)
    with capture_logs() as lines:
        await told.close(0)
    assert [line["code"] for line in lines if line["event"] == "notice_lost"] == ["stopping"]


@given(
    told=st.lists(st.integers(1, 150), max_size=6),
    outcomes=st.lists(st.sampled_from(["ok", "ledger_full", "overloaded", "fault"]), max_size=12),
)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_ledger_does_all_are_taken_once_and_in_order(told: list[int], outcomes: list[str]) -> None:
    """Faults come one at a time: a notice that always fails is lost."""
    taken: list[int] = []
    left = list(outcomes)

    async def accept(notices: Sequence[Notice]) -> None:
        await asyncio.sleep(0)
        match left.pop() if left else "ok":
            case "ok":
                taken.extend(one.time for one in notices)
            case "fault":
                left.append("ok")
                raise ValueError("a fault")
            case code:
                raise RingpostError(code)

    async def run() -> None:
        bulletin = Bulletin(accept)
        number = 0
        for count in told:
            for _ in range(count):
                bulletin.tell(notice(number))
                number += 1
            await asyncio.sleep(0.001)
        await bulletin.close(10_000)

    asyncio.run(run())
    assert taken == list(range(sum(told)))


async def test_every_notice_is_one_line_in_the_log(accepting: Accepting) -> None:
    told = Bulletin(accepting)
    with capture_logs() as lines:
        told.tell(notice(7))
        told.tell(Notice(company="acme", type=RESUMED, time=8, message="on again", integration="aaaaaa"))
        await told.close(5_000)
    assert lines == [
        {
            "event": EXHAUSTED,
            "log_level": "warning",
            "company": "acme",
            "time": 7,
            "message": "number 7",
            "integration": "aaaaaa",
        },
        {
            "event": RESUMED,
            "log_level": "info",
            "company": "acme",
            "time": 8,
            "message": "on again",
            "integration": "aaaaaa",
        },
    ]
