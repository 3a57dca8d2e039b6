"""Live changes: told together, to those who may know of them, from where they were; and bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from ringpost.console.live import CALL, MOST_FOLLOWERS, MOST_OF_ONE, NOTICE, Change, Live, Told
from ringpost.errors import RingpostError


async def follower(
    live: Live, company: str | None = None, last: str = "", whose: str = "ann"
) -> tuple[AsyncIterator[Told], Told]:
    """One that follows, and the first it was told."""
    told = live.follow(company, last, whose)
    return told, await asyncio.wait_for(anext(told), 5)


async def next_of(followed: AsyncIterator[Told]) -> Change:
    return (await asyncio.wait_for(anext(followed), 5)).change


async def test_the_first_message_says_where_the_stream_is() -> None:
    _, first = await follower(Live())
    assert first.change == Change("hello")


async def test_a_burst_is_told_once_for_each_thing() -> None:
    live = Live()
    followed, _ = await follower(live)
    for _ in range(3):
        live.tell(CALL, "acme", "call1")
    live.tell(CALL, "acme", "call2")
    assert [await next_of(followed) for _ in range(2)] == [Change(CALL, "acme", "call1"), Change(CALL, "acme", "call2")]


async def test_each_company_hears_of_its_own_alone_and_an_operator_of_all() -> None:
    live = Live()
    ours, _ = await follower(live, "acme")
    all_of_them, _ = await follower(live, None)
    live.tell(NOTICE, "other", "n1")
    live.tell(NOTICE, "acme", "n2")
    assert await next_of(ours) == Change(NOTICE, "acme", "n2")
    assert [(await next_of(all_of_them)).company for _ in range(2)] == ["other", "acme"]


async def test_who_comes_back_hears_what_it_missed() -> None:
    live = Live()
    followed, _ = await follower(live)
    stays, _ = await follower(live)
    live.tell(CALL, "acme", "call1")
    seen = await asyncio.wait_for(anext(followed), 5)
    await followed.aclose()  # type: ignore[attr-defined]  # an async generator
    live.tell(CALL, "acme", "call2")
    await next_of(stays)
    await next_of(stays)
    _, first = await follower(live, last=seen.id)
    assert first.change == Change(CALL, "acme", "call2")


@pytest.mark.parametrize("last", ["made-up", "00000000.5", "x.y", "."])
async def test_who_comes_back_from_elsewhere_looks_at_everything_anew(last: str) -> None:
    _, first = await follower(Live(), last=last)
    assert first.change == Change("all")


async def test_who_was_alone_and_left_looks_at_everything_anew_if_anything_happened() -> None:
    live = Live()
    followed, first = await follower(live)
    await followed.aclose()  # type: ignore[attr-defined]  # an async generator
    live.tell(CALL, "acme", "call1")
    _, again = await follower(live, last=first.id)
    assert again.change == Change("all")


async def test_a_flood_of_different_changes_is_one_look_at_everything() -> None:
    live = Live()
    followed, _ = await follower(live, "acme")
    for n in range(1_000):
        live.tell(CALL, "acme", f"call{n}")
    seen = [await next_of(followed)]
    while seen[-1].topic == CALL:
        seen.append(await next_of(followed))
    assert seen[-1] == Change("all")
    assert len(seen) <= 201


async def test_one_user_follows_with_only_so_many_pages_and_others_still_can() -> None:
    live = Live()
    pages = [await follower(live) for _ in range(MOST_OF_ONE)]
    with pytest.raises(RingpostError):
        await follower(live)
    await follower(live, whose="bea")
    await pages[0][0].aclose()  # type: ignore[attr-defined]  # an async generator
    await follower(live)


async def test_there_are_only_so_many_followers_and_none_after_the_end() -> None:
    live = Live()
    all_of_them = [await follower(live, whose=f"user{n // MOST_OF_ONE}") for n in range(MOST_FOLLOWERS)]
    with pytest.raises(RingpostError) as refused:
        await follower(live, whose="another")
    assert refused.value.code == "overloaded"
    live.close()
    for followed, _ in all_of_them:
        with pytest.raises(StopAsyncIteration):
            await next_of(followed)


async def test_what_came_after_a_page_was_read_is_told_to_it() -> None:
    live = Live()
    other, _ = await follower(live)
    read_at = live.position
    live.tell(CALL, "acme", "call1")
    await next_of(other)
    _, first = await follower(live, last=read_at)
    assert first.change == Change(CALL, "acme", "call1")


async def test_whoever_missed_nothing_is_told_so_at_once() -> None:
    live = Live()
    _, first = await follower(live, last=live.position)
    assert first == Told(live.position, Change("hello"))


async def test_a_page_that_was_read_while_nobody_followed_looks_anew_where_something_came() -> None:
    live = Live()
    read_at = live.position
    live.tell(CALL, "acme", "call1")
    _, first = await follower(live, last=read_at)
    assert first.change.topic == "all"
