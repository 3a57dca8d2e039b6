"""Where there is one company alone, an operator need not choose it."""

from __future__ import annotations

from tests.console.world import OURS, THEIRS, World


async def test_pages_that_need_a_company_lead_to_the_only_one_and_keep_what_was_asked(world: World) -> None:
    browser = await world.signed_in("operator")
    for path in ("/deliveries?state=failing", "/people"):
        assert (await browser.get(path)).status_code == 200  # there are two
    for key in world.services.keys.all():
        if key.company == THEIRS:
            world.services.keys._keys.pop(key.id)
    for path, to in (
        ("/deliveries?state=failing", f"/deliveries?company={OURS}&state=failing"),
        ("/people", f"/people?company={OURS}"),
    ):
        reply = await browser.get(path)
        assert (reply.status_code, reply.headers["location"]) == (303, to)
        assert (await browser.get(to)).status_code == 200
    assert (await browser.get("/calls")).status_code == 200
    assert (await (await world.signed_in("admin")).get("/deliveries")).status_code == 200
