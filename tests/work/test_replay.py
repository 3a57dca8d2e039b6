"""Replays batch by batch: in order, bounded by the dispatcher's room, in turns, and none twice over a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ringpost.integrations.requests import EditRequest, InstallRequest
from ringpost.ledger.ledger import Ledger
from ringpost.model.delivery import DeliveryState, Owed
from ringpost.model.event import Event
from ringpost.model.integration import Integration
from ringpost.model.work import Work
from ringpost.work import replay as replay_module
from ringpost.work.replay import BATCH, Replays
from ringpost.work.runner import Works
from ringpost.work.selection import Selection, check_selection
from tests.contract.ledger.making import accepted, all_owed, new_event, result
from tests.world import World, make_world


class Replaying:
    """Replays over a real ledger and registry; `taken` is what the dispatcher would get."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ledger: Ledger = world.ledger
        self.taken: list[Owed] = []
        self.full: set[str] = set()  # integrations that have no room
        self.is_full = asyncio.Event()
        self.full_at: dict[int, str] = {}  # which has no room any more once so many were taken
        self.replays = Replays(
            self.ledger,
            world.registry.installed,
            self._take,
            lambda integration: integration not in self.full,
            world.clock,
            lambda: 0.5,
        )

    async def install(self, **fields: Any) -> Integration:
        request = msgspec.convert({"type": "webhook", "url": "https://example.com/x", **fields}, InstallRequest)
        return (await self.world.registry.install("acme", request))[0]

    async def ended(
        self, *integrations: Integration, count: int, state: DeliveryState = "exhausted", call: str = "acme_1"
    ) -> list[Event]:
        """A call of so many events, whose deliveries to these ended."""
        ids = [one.id for one in integrations]
        kinds = ["call:start", *["call:update"] * (count - 1)]
        verdicts = await self.ledger.commit([new_event(kind, call=call, integrations=ids) for kind in kinds])
        events = [accepted(verdict) for verdict in verdicts]
        error = None if state == "delivered" else "status"
        results = [result(event, one, state=state, error=error) for event in events for one in ids]
        await self.ledger.record(results)
        return events

    async def begin(self, *, to: Sequence[Integration], never_owed: bool = False, **given: Any) -> Work:
        """A replay that is begun and that no runner runs."""
        fields = dict.fromkeys(("integration", "call", "state", "type_", "since", "until"))
        selection: Selection = check_selection(**{**fields, **given}, never_owed=never_owed)
        self.world.clock.ms += 1
        work = self.replays.work("acme", selection, await self.replays.plan("acme", selection, to))
        await self.ledger.add_work(work)
        return work

    async def finish(self, work: Work) -> list[Work]:
        """What it was after each step."""
        passed = []
        while work.state == "running":
            after = await self.replays.step(work)
            assert after is not work
            passed.append(after)
            work = after
        return passed

    def _take(self, owed: Owed) -> None:
        self.taken.append(owed)
        if len(self.taken) in self.full_at:
            self.full.add(self.full_at[len(self.taken)])
            self.is_full.set()

    def seqs(self, integration: Integration) -> list[int]:
        return [owed.seq for owed in self.taken if owed.integration == integration.id]


@pytest.fixture
async def replaying(tmp_path: Path) -> AsyncIterator[Replaying]:
    world = await make_world(tmp_path)
    yield Replaying(world)
    await world.ledger.close()


async def test_no_step_makes_more_than_a_batch_pending_and_all_go_in_event_order(replaying: Replaying) -> None:
    one = await replaying.install()
    events = await replaying.ended(one, count=2 * BATCH + 1)
    passed = await replaying.finish(await replaying.begin(to=[one]))
    assert [work.done for work in passed] == [BATCH, 2 * BATCH, 2 * BATCH + 1, 2 * BATCH + 1]
    assert [work.state for work in passed] == ["running", "running", "running", "done"]
    assert replaying.seqs(one) == [event.seq for event in events]
    assert sorted(await all_owed(replaying.ledger, limit=700), key=lambda owed: owed.seq) == replaying.taken


async def test_a_batch_of_several_states_and_of_what_was_never_owed_is_in_one_order(replaying: Replaying) -> None:
    one = await replaying.install()
    events = []
    for number in range(9):
        to, state = [([one], "exhausted"), ([], "exhausted"), ([one], "delivered")][number % 3]
        events += await replaying.ended(*to, count=80, state=state, call=f"acme_{number}")  # type: ignore[arg-type]
    work = await replaying.begin(to=[one], integration=one.id, state="ended", since=0, never_owed=True)
    passed = await replaying.finish(work)
    assert work.total == 720
    assert [one.done for one in passed][:2] == [BATCH, 720]
    assert replaying.seqs(one) == [event.seq for event in events]


async def test_integrations_take_turns_and_one_without_room_is_passed_over(replaying: Replaying) -> None:
    slow, quick = await replaying.install(), await replaying.install()
    await replaying.ended(slow, quick, count=BATCH + 10)
    work = await replaying.begin(to=[slow, quick])
    assert work.total == 2 * (BATCH + 10)
    work = await replaying.replays.step(work)
    work = await replaying.replays.step(work)
    assert (len(replaying.seqs(slow)), len(replaying.seqs(quick))) == (BATCH, BATCH)
    replaying.full = {slow.id}
    work = await replaying.replays.step(work)
    assert (len(replaying.seqs(slow)), len(replaying.seqs(quick))) == (BATCH, BATCH + 10)
    assert await replaying.replays.step(work) is work  # nothing can be done yet
    replaying.full = set()
    assert [one.state for one in await replaying.finish(work)] == ["running", "done"]
    assert len(replaying.taken) == work.total


async def test_a_restart_between_two_steps_repeats_none_and_leaves_none_out(
    replaying: Replaying, tmp_path: Path
) -> None:
    one = await replaying.install()
    events = await replaying.ended(one, count=BATCH + 10)
    work = await replaying.begin(to=[one])
    await replaying.replays.step(work)
    await replaying.ledger.close()
    again = Replaying(await make_world(tmp_path))
    try:
        [found] = await again.ledger.running_works()
        assert found.done == BATCH
        await again.finish(found)
        assert again.seqs(one) == [event.seq for event in events[BATCH:]]
        pending = await all_owed(again.ledger, limit=600)
        assert [owed.seq for owed in pending] == [event.seq for event in events]
        assert {owed.replay for owed in pending} == {1}
    finally:
        await again.ledger.close()


async def test_a_deleted_integration_is_left_out_and_the_others_get_theirs(replaying: Replaying) -> None:
    gone, stays = await replaying.install(), await replaying.install()
    await replaying.ended(gone, stays, count=3)
    work = await replaying.begin(to=[gone, stays])
    await replaying.world.registry.delete("acme", gone.id)
    assert (await replaying.finish(work))[-1].done == 3
    assert (len(replaying.seqs(gone)), len(replaying.seqs(stays))) == (0, 3)


async def test_a_paused_integration_is_owed_them_and_they_wait(replaying: Replaying) -> None:
    one = await replaying.install()
    await replaying.ended(one, count=3)
    await replaying.world.registry.pause("acme", one.id)
    assert (await replaying.finish(await replaying.begin(to=[one])))[-1].done == 3
    assert await replaying.ledger.pending_count("acme", one.id) == 3


async def test_what_ends_or_comes_while_it_runs_is_none_of_its_business(replaying: Replaying) -> None:
    one = await replaying.install()
    await replaying.ended(one, count=BATCH, state="delivered")
    work = await replaying.begin(to=[one], state="delivered")
    work = await replaying.replays.step(work)
    replaying.world.clock.ms += 1
    await replaying.ended(one, count=5, state="delivered", call="acme_2")
    assert (await replaying.finish(work))[-1].done == BATCH
    assert len(replaying.taken) == BATCH


async def test_the_filter_of_now_decides_what_was_never_owed(replaying: Replaying) -> None:
    await replaying.ended(count=BATCH * 5)
    one = await replaying.install(filter=["call:*"])
    work = await replaying.begin(to=[one], integration=one.id, since=0, never_owed=True)
    work = await replaying.replays.step(work)
    await replaying.world.registry.edit("acme", one.id, EditRequest(filter=["call:end"]))
    assert (await replaying.finish(work))[-1].done == BATCH


async def test_each_step_looks_at_a_bounded_part_however_seldom_something_matches(replaying: Replaying) -> None:
    one = await replaying.install()
    events = await replaying.ended(one, count=6_000)
    await replaying.ended(one, count=1, call="acme_2")
    work = await replaying.begin(to=[one], type_="call:start")
    passed = await replaying.finish(work)
    assert len(passed) == 5  # 2,000 each, the rest, and that there is none
    assert (work.total, passed[-1].done) == (2, 2)
    assert replaying.seqs(one)[0] == events[0].seq


async def test_so_many_that_they_cannot_be_counted_are_replayed_all_the_same(
    replaying: Replaying, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = await replaying.install(), await replaying.install()
    await replaying.ended(one, other, count=20)
    monkeypatch.setattr(replay_module, "COUNTED", 10)
    monkeypatch.setattr(replay_module, "COUNTED_AT_ONCE", 10)
    selection = check_selection(
        integration=None, call=None, state=None, type_=None, since=None, until=None, never_owed=False
    )
    plan = await replaying.replays.plan("acme", selection, [one, other])
    assert (plan.ended, plan.is_whole) == (10, False)
    work = await replaying.begin(to=[one, other])
    assert work.total is None
    assert (await replaying.finish(work))[-1].done == 40


async def test_a_cancelled_replay_hands_over_nothing_more(replaying: Replaying) -> None:
    one = await replaying.install()
    await replaying.ended(one, count=2 * BATCH)
    work = await replaying.replays.step(await replaying.begin(to=[one]))
    cancelled = await replaying.ledger.cancel_work("acme", work.id, 1)
    assert await replaying.replays.step(work) == cancelled
    assert len(replaying.taken) == cancelled.done == BATCH


async def test_two_replays_at_once_make_each_pending_once(replaying: Replaying) -> None:
    one = await replaying.install()
    events = await replaying.ended(one, count=3 * BATCH)
    works = [await replaying.begin(to=[one]) for _ in range(2)]
    ended = await asyncio.gather(*map(replaying.finish, works))
    assert sum(passed[-1].done for passed in ended) == 3 * BATCH
    assert sorted(replaying.seqs(one)) == [event.seq for event in events]
    assert {owed.replay for owed in replaying.taken} == {1}


async def test_the_runner_does_a_whole_replay_as_room_comes(replaying: Replaying) -> None:
    one = await replaying.install()
    events = await replaying.ended(one, count=3 * BATCH)
    work = await replaying.begin(to=[one])
    replaying.full_at = {BATCH: one.id}
    works = Works(replaying.ledger, {"replay": replaying.replays.step}, replaying.world.clock)
    await works.start()
    await replaying.is_full.wait()
    await works.close(1_000)
    assert [found.done for found in await replaying.ledger.running_works()] == [BATCH]
    replaying.full = set()
    works = Works(replaying.ledger, {"replay": replaying.replays.step}, replaying.world.clock)
    await works.start()
    await works.wait(work.id)
    assert replaying.seqs(one) == [event.seq for event in events]
    await works.close(1_000)
