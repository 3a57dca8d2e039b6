"""The contract: work that takes a while is kept, listed, advanced as long as it runs, and cancelled for good."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger
from ringpost.model.work import Work, WorkKind, new_work_id, parse_work_id, work_id
from tests.contract.ledger.making import NOW, remember


def work(number: int = 0, *, company: str = "acme", kind: WorkKind = "replay") -> Work:
    """Of the given ms after NOW."""
    return Work(
        id=new_work_id(kind, NOW + number, 0.25),
        company=company,
        kind=kind,
        request=b'{"what":1}',
        created=NOW + number,
        updated=NOW + number,
        total=7,
        place=b'{"at":0}',
    )


def test_an_id_says_what_it_is_of_and_comes_after_the_earlier_ones() -> None:
    ids = [new_work_id("replay", NOW + ms, chance) for ms, chance in ((0, 0.0), (0, 0.999), (1, 0.0), (2, 0.5))]
    assert ids == sorted(ids)
    assert all(len(one) == 17 and one.startswith("rpl_") for one in ids)
    assert parse_work_id(work_id("erasure", 42)) == ("erasure", 42)
    for text in ("", "rpl_", "evt_0000000000001", "rpl_000000000000u", "rpl_00000000000011"):
        assert parse_work_id(text) is None


async def test_a_work_is_kept_as_it_was_added(ledger: Ledger, reopen: Callable[[], Awaitable[Ledger]]) -> None:
    first = replace(work(), total=None, report=b'{"r":1}', error="internal", state="failed", done=3)
    await ledger.add_work(first)
    ledger = await reopen()
    assert await ledger.work("acme", first.id) == first
    assert await ledger.work(None, first.id) == first
    assert await ledger.work("other", first.id) is None
    assert await ledger.work("acme", "era_" + first.id[4:]) is None
    assert await ledger.work("acme", "nonsense") is None


async def test_an_id_is_taken_once(ledger: Ledger) -> None:
    await ledger.add_work(work())
    with pytest.raises(RingpostError) as refused:
        await ledger.add_work(replace(work(), company="other"))
    assert (refused.value.code, refused.value.field) == ("invalid_value", "id")
    assert (await ledger.works("other", None, cursor=None, limit=5)).items == []


async def test_what_is_to_be_remembered_is_kept_with_it_or_neither_is(ledger: Ledger) -> None:
    await ledger.add_work(work(), remember(b"the answer"))
    kept = await ledger.recall("acme", "k")
    assert kept is not None
    assert kept.answer == b"the answer"
    with pytest.raises(RingpostError, match="Idempotency"):
        await ledger.add_work(work(1), remember())
    assert await ledger.work("acme", work(1).id) is None


async def test_lists_are_newest_first_page_by_page(ledger: Ledger) -> None:
    ours = [work(number) for number in range(5)]
    for one in (*ours, work(10, company="other"), work(11, kind="erasure")):
        await ledger.add_work(one)
    found: list[Work] = []
    cursor = None
    while True:
        page = await ledger.works("acme", "replay", cursor=cursor, limit=2)
        found += page.items
        if (cursor := page.next) is None:
            break
        assert len(page.items) == 2
    assert found == ours[::-1]
    everything = await ledger.works(None, None, cursor=None, limit=10)
    assert [one.created - NOW for one in everything.items] == [11, 10, 4, 3, 2, 1, 0]
    assert [one.kind for one in (await ledger.works(None, "erasure", cursor=None, limit=10)).items] == ["erasure"]
    with pytest.raises(RingpostError, match="cursor"):
        await ledger.works(None, None, cursor="nonsense", limit=2)


async def test_what_runs_is_found_again_oldest_first(ledger: Ledger, reopen: Callable[[], Awaitable[Ledger]]) -> None:
    await ledger.add_work(work(2, company="other"))
    await ledger.add_work(work(1))
    await ledger.add_work(replace(work(3), state="done"))
    ledger = await reopen()
    assert await ledger.running_works() == [work(1), work(2, company="other")]


async def test_how_far_it_came_is_kept_as_long_as_it_runs(ledger: Ledger) -> None:
    before = work()
    await ledger.add_work(before)
    after = replace(before, place=b'{"at":9}', done=4, updated=NOW + 9)
    assert await ledger.advance_work(before, after) == after
    assert await ledger.work("acme", before.id) == after
    assert await ledger.advance_work(before, replace(before, done=99)) == after  # it was prepared for another place
    done = replace(after, state="done", report=b'{"all":true}', total=4)
    assert await ledger.advance_work(after, done) == done
    assert await ledger.advance_work(done, replace(done, state="running")) == done
    assert await ledger.running_works() == []


async def test_a_work_that_is_not_there_cannot_be_advanced(ledger: Ledger) -> None:
    with pytest.raises(RingpostError) as refused:
        await ledger.advance_work(work(), work())
    assert refused.value.code == "work_not_found"


async def test_a_cancelled_work_is_never_advanced(ledger: Ledger, reopen: Callable[[], Awaitable[Ledger]]) -> None:
    before = work()
    await ledger.add_work(before)
    cancelled = await ledger.cancel_work("acme", before.id, NOW + 5)
    assert cancelled == replace(before, state="cancelled", updated=NOW + 5)
    assert await ledger.advance_work(before, replace(before, done=1)) == cancelled
    assert await ledger.cancel_work(None, before.id, NOW + 6) == cancelled
    ledger = await reopen()
    assert await ledger.work("acme", before.id) == cancelled
    assert await ledger.running_works() == []


async def test_only_the_work_of_the_company_is_cancelled(ledger: Ledger) -> None:
    await ledger.add_work(work())
    for company, work_id_ in (("other", work().id), ("acme", work(1).id), (None, "nonsense")):
        with pytest.raises(RingpostError) as refused:
            await ledger.cancel_work(company, work_id_, NOW)
        assert refused.value.code == "work_not_found"
    assert await ledger.running_works() == [work()]
