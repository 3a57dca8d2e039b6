"""Notices: newest first, page by page, of one kind; and in a banner on every page for as long as they hold."""

from __future__ import annotations

import re

from tests.console.world import OURS, THEIRS, World

TIMES = re.compile(r'<tr id="[^"]+"[^>]*>.*?<time datetime="([^"]+)"', re.DOTALL)


async def test_they_are_listed_newest_first_page_by_page_and_each_once(world: World) -> None:
    for n in range(60):
        world.time += 1_000
        await world.notice(type="notice:exhausted", message=f"Number {n}.", integration="aaaaaa")
    browser = await world.signed_in("viewer")
    first = (await browser.get("/notices")).text
    older = re.search(r'href="([^"]+)" rel="next"', first)
    assert older
    second = (await browser.get(older[1].replace("&amp;", "&"))).text
    assert 'data-live="notice"' in first
    assert "data-live=" not in second
    told = re.findall(r"Number (\d+)\.", first + second)
    assert told == [str(n) for n in reversed(range(60))]


async def test_a_kind_can_be_chosen_and_the_address_shared(world: World) -> None:
    await world.notice(type="notice:exhausted", message="Given up.", integration="aaaaaa")
    await world.notice(type="notice:pbx-back", message="It is back.", pbx="P1")
    browser = await world.signed_in("viewer")
    page = (await browser.get("/notices?type=notice:pbx-back&cursor=&since=")).text
    assert "It is back." in page
    assert "Given up." not in page
    assert (await browser.get("/notices?type=other")).status_code == 422
    assert (await browser.get("/notices?cursor=made-up")).status_code == 422
    assert "Nothing matches." in (await browser.get("/notices?type=notice:resumed")).text


async def test_an_empty_list_says_what_would_stand_there(world: World) -> None:
    assert "All is well." in (await (await world.signed_in("viewer")).get("/notices")).text


async def test_the_banner_tells_what_holds_and_nothing_that_is_over(world: World) -> None:
    browser = await world.signed_in("viewer")
    await world.notice(type="notice:pbx-lost", message="P1 is lost.", pbx="P1")
    await world.notice(type="notice:pbx-lost", message="P9 of another.", pbx="P9", company=THEIRS)
    await world.notice(type="notice:paused", message="One that is not paused any more.", integration="aaaaaa")
    page = (await browser.get("/account")).text
    assert "P1 is lost." in page
    assert "P9 of another." not in page
    assert "not paused any more" not in page
    await world.notice(type="notice:pbx-back", message="P1 is back.", pbx="P1")
    assert "P1 is lost." not in (await browser.get("/account")).text


async def test_the_banner_tells_of_a_paused_integration_until_it_is_resumed(world: World) -> None:
    made = await world.install()
    await world.done("POST", f"/v1/integrations/{made['id']}/pause")
    browser = await world.signed_in("viewer")
    assert 'class="banner"' in (await browser.get("/account")).text
    await world.done("POST", f"/v1/integrations/{made['id']}/resume")
    assert 'class="banner"' not in (await browser.get("/account")).text
    assert OURS in (await browser.get("/account")).text
