"""Replays through the API: counted, begun once, looked at, cancelled; and every refusal names what is wrong."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ringpost.errors import RingpostError
from ringpost.model.delivery import parse_delivery_id
from ringpost.model.work import Work, new_work_id
from tests.api.world import OURS, START, THEIRS, World, event

REPLAYS = "/v1/replays"
DAY = 86_400_000


async def ended_call(world: World, call: str = "1", state: Any = "exhausted") -> str:
    """The id of a whole call whose deliveries ended."""
    for kind in ("call:start", "call:update", "call:end"):
        await world.done("POST", "/v1/events", event(kind, call=call))
    for delivery in await world.done("GET", f"/v1/deliveries?call={OURS}_{call}"):
        await world.conclude(delivery["id"], state, error=None if state == "delivered" else "status")
    return f"{OURS}_{call}"


async def finished(world: World, replay: dict[str, Any]) -> dict[str, Any]:
    await world.works.wait(replay["id"])
    shown: dict[str, Any] = await world.done("GET", f"{REPLAYS}/{replay['id']}")
    return shown


async def counts(world: World, **fields: Any) -> tuple[int, int]:
    counted = await world.done("POST", REPLAYS, {"dryRun": True, **fields})
    assert counted["complete"] is True
    return counted["ended"], counted["neverOwed"]


async def test_what_was_exhausted_goes_out_again_and_nothing_else(world: World) -> None:
    await world.install()
    exhausted = await ended_call(world, "1")
    await ended_call(world, "2", "delivered")
    reply = await world.ask("POST", REPLAYS, {})
    assert reply.status_code == 202
    begun = reply.json()["result"]
    assert (begun["state"], begun["total"], begun["done"], begun["company"]) == ("running", 3, 0, OURS)
    assert begun["selection"]["state"] == "exhausted"
    shown = await finished(world, begun)
    assert (shown["state"], shown["total"], shown["done"]) == ("done", 3, 3)
    assert [owed.call for owed in world.replayed] == [exhausted] * 3
    assert [owed.seq for owed in world.replayed] == sorted(owed.seq for owed in world.replayed)
    assert {owed.replay for owed in world.replayed} == {1}
    states = {row["call"]: row["state"] for row in await world.done("GET", "/v1/deliveries")}
    assert sorted(states.values()) == ["delivered", "pending"]


async def test_all_of_a_call_goes_out_again_to_all_or_to_one(world: World) -> None:
    first, second = await world.install(), await world.install()
    call = await ended_call(world, "1", "delivered")
    await ended_call(world, "2")
    assert await counts(world, call=call) == (6, 0)
    assert await counts(world, call=call, state="exhausted") == (0, 0)
    assert await counts(world, call=call, integration=second["id"], type="call:end") == (1, 0)
    await finished(world, await world.done("POST", REPLAYS, {"call": call}))
    for one in (first, second):
        seqs = [owed.seq for owed in world.replayed if owed.integration == one["id"]]
        assert len(seqs) == 3
        assert seqs == sorted(seqs)


async def test_an_integration_that_was_installed_later_gets_what_it_was_never_owed(world: World) -> None:
    world.time = START - DAY
    await ended_call(world, "0")
    world.time = START
    calls = [await ended_call(world, str(number)) for number in range(1, 4)]
    later = await world.install(filter=["call:start", "call:end"])
    await ended_call(world, "4")
    fields = {"integration": later["id"], "since": START, "neverOwed": True}
    assert await counts(world, **fields) == (2, 6)
    assert await counts(world, **fields, type="call:end") == (1, 3)
    assert await counts(world, **fields, state="delivered") == (0, 6)
    assert await counts(world, **fields, call=calls[1]) == (0, 2)
    assert await counts(world, **{**fields, "since": START - DAY}) == (2, 8)
    shown = await finished(world, await world.done("POST", REPLAYS, fields))
    assert (shown["state"], shown["done"], shown["total"]) == ("done", 8, 8)
    assert {owed.integration for owed in world.replayed} == {later["id"]}
    assert [owed.seq for owed in world.replayed] == sorted(owed.seq for owed in world.replayed)
    assert {owed.replay for owed in world.replayed} == {1}


async def test_a_time_selects_what_was_accepted_in_it(world: World) -> None:
    await world.install()
    for number in range(3):
        world.time = START + number
        await ended_call(world, str(number))
    assert await counts(world, since=START + 1) == (6, 0)
    assert await counts(world, until=START + 1) == (6, 0)
    assert await counts(world, since=START + 1, until=START + 1) == (3, 0)


async def test_a_dry_run_changes_nothing(world: World) -> None:
    await world.install()
    await ended_call(world)
    assert await counts(world, state="ended") == (3, 0)
    assert await world.done("GET", REPLAYS) == []
    assert {row["state"] for row in await world.done("GET", "/v1/deliveries")} == {"exhausted"}
    assert world.replayed == []
    reply = await world.ask("POST", REPLAYS, {"dryRun": True, "state": "cancelled"})
    assert (reply.status_code, reply.json()["result"]["ended"]) == (200, 0)


@pytest.mark.parametrize(
    ("code", "field", "body"),
    [
        ("integration_not_found", "integration", {"integration": "zzzzzz"}),
        ("call_not_found", "call", {"call": f"{OURS}_none"}),
        ("unknown_event_type", "type", {"type": "call:hold"}),
        ("invalid_value", "state", {"state": "pending"}),
        ("invalid_value", "type", {"call": "1", "type": "notice:paused"}),
        ("invalid_value", "until", {"since": 2, "until": 1}),
        ("invalid_value", "since", {"since": -1}),
        ("invalid_value", "call", {"call": ""}),
        ("wrong_type", "until", {"until": "yesterday"}),
        ("wrong_type", "neverOwed", {"neverOwed": 1}),
        ("missing_field", "integration", {"neverOwed": True, "since": 1}),
        ("missing_field", "since", {"neverOwed": True, "integration": "zzzzzz"}),
        ("unknown_field", "never_owed", {"never_owed": True}),
        ("company_foreign", "company", {"company": THEIRS}),
        ("nothing_to_replay", None, {"state": "cancelled"}),
        ("nothing_to_replay", None, {"until": 1}),
    ],
)
async def test_what_cannot_be_replayed_is_refused_by_its_field(
    world: World, code: str, field: str | None, body: dict[str, Any]
) -> None:
    await world.install()
    await ended_call(world)
    refused = await world.refused(code, "POST", REPLAYS, body)
    assert refused.get("field") == field
    assert await world.done("GET", REPLAYS) == []


async def test_a_deleted_integration_is_told_as_that(world: World) -> None:
    made = await world.install()
    await ended_call(world)
    await world.done("DELETE", f"/v1/integrations/{made['id']}")
    refused = await world.refused("integration_deleted", "POST", REPLAYS, {"integration": made["id"]})
    assert refused["field"] == "integration"
    await world.refused("nothing_to_replay", "POST", REPLAYS, {"state": "ended"})
    await world.refused("integration_not_found", "POST", REPLAYS, {"integration": made["id"]}, key="foreign")


async def test_another_company_s_integration_is_not_there(world: World) -> None:
    made = await world.install()
    call = await ended_call(world)
    await world.refused("integration_not_found", "POST", REPLAYS, {"integration": made["id"]}, key="foreign")
    await world.refused("call_not_found", "POST", REPLAYS, {"call": call}, key="foreign")


async def test_an_operator_names_the_company(world: World) -> None:
    await world.install()
    await ended_call(world)
    assert (await world.refused("company_missing", "POST", REPLAYS, {}, key="operator"))["field"] == "company"
    begun = await world.done("POST", REPLAYS, {"company": OURS}, key="operator")
    for query in ("", f"?company={OURS}"):
        assert (await world.done("GET", f"{REPLAYS}/{begun['id']}{query}", key="operator"))["id"] == begun["id"]
    assert len(await world.done("GET", REPLAYS, key="operator")) == 1
    assert await world.done("GET", f"{REPLAYS}?company={THEIRS}", key="operator") == []


async def test_an_idempotency_key_begins_one_replay(world: World) -> None:
    await world.install()
    await ended_call(world)
    first = await world.ask("POST", REPLAYS, {}, idempotency_key="k1")
    again = await world.ask("POST", REPLAYS, {}, idempotency_key="k1")
    assert first.status_code == again.status_code == 202
    assert first.content == again.content
    await world.refused("idempotency_key_reused", "POST", REPLAYS, {"state": "ended"}, idempotency_key="k1")
    assert len(await world.done("GET", REPLAYS)) == 1


async def test_a_key_whose_replay_was_refused_can_be_used_again(world: World) -> None:
    await world.install()
    await world.refused("nothing_to_replay", "POST", REPLAYS, {}, idempotency_key="k1")
    await ended_call(world)
    assert (await world.ask("POST", REPLAYS, {}, idempotency_key="k1")).status_code == 202


async def test_a_cancelled_replay_goes_on_no_more(world: World) -> None:
    made = await world.install()
    await ended_call(world)
    world.has_room = False
    begun = await world.done("POST", REPLAYS, {})
    cancelled = await world.done("POST", f"{REPLAYS}/{begun['id']}/cancel")
    assert (cancelled["state"], cancelled["done"], cancelled["total"]) == ("cancelled", 0, 3)
    world.has_room = True
    assert (await finished(world, begun))["state"] == "cancelled"
    assert await world.done("POST", f"{REPLAYS}/{begun['id']}/cancel") == cancelled
    assert world.replayed == []
    assert (await world.done("GET", f"/v1/integrations/{made['id']}"))["pending"] == 0


async def test_replays_are_listed_newest_first_page_by_page(world: World) -> None:
    await world.install()
    world.has_room = False
    begun = []
    for number in range(3):
        world.time += 1
        await ended_call(world, str(number))
        begun.append((await world.done("POST", REPLAYS, {}))["id"])
    first = (await world.ask("GET", f"{REPLAYS}?limit=2")).json()
    rest = (await world.ask("GET", f"{REPLAYS}?limit=2&cursor={first['next']}")).json()
    assert [row["id"] for row in first["result"] + rest["result"]] == begun[::-1]
    assert rest["next"] is None
    await world.refused("cursor_invalid", "GET", f"{REPLAYS}?cursor=x")


async def test_what_is_no_replay_is_not_found(world: World) -> None:
    for wrong in ("rpl_0000000000001", "era_0000000000001", "nonsense", "rpl_"):
        await world.refused("work_not_found", "GET", f"{REPLAYS}/{wrong}")
        await world.refused("work_not_found", "POST", f"{REPLAYS}/{wrong}/cancel")


async def test_other_long_work_is_no_replay(world: World) -> None:
    erasure = Work(
        id=new_work_id("erasure", START, 0.5), company=OURS, kind="erasure", request=b"{}", created=1, updated=1
    )
    await world.ledger.add_work(erasure)
    await world.refused("work_not_found", "GET", f"{REPLAYS}/{erasure.id}")
    await world.refused("work_not_found", "POST", f"{REPLAYS}/{erasure.id}/cancel")
    assert await world.done("GET", REPLAYS) == []
    assert await world.ledger.work(OURS, erasure.id) == erasure


async def test_a_replay_that_is_not_durable_is_not_begun(world: World) -> None:
    await world.install()
    await ended_call(world)
    world.failing.failure = RingpostError("ledger_full")
    await world.refused("ledger_full", "POST", REPLAYS, {})
    world.failing.failure = None
    assert await world.done("GET", REPLAYS) == []
    assert world.replayed == []


async def test_two_replays_of_the_same_deliveries_make_each_pending_once(world: World) -> None:
    await world.install()
    await ended_call(world)
    answers = await asyncio.gather(*(world.ask("POST", REPLAYS, {"call": f"{OURS}_1"}) for _ in range(2)))
    begun = [answer.json()["result"] for answer in answers if answer.status_code == 202]
    shown = [await finished(world, one) for one in begun]
    assert sum(one["done"] for one in shown) == 3
    late = [answer for answer in answers if answer.status_code != 202]  # it counted after the other had begun
    assert [answer.json()["error"]["code"] for answer in late] == ["nothing_to_replay"] * len(late)
    assert len({owed.id for owed in world.replayed}) == len(world.replayed) == 3
    assert all(parse_delivery_id(owed.id) for owed in world.replayed)
