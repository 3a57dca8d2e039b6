"""What is installed: integrations, keys, PBXs; and running: the check, statistics."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger, Remembered
from ringpost.model.access import Pbx, User
from tests.contract.ledger.making import (
    NOW,
    api_key,
    codes,
    commit_one,
    delete,
    integration,
    new_event,
    remember,
    result,
    whole_call,
)

Reopen = Callable[[], Awaitable[Ledger]]


async def test_integrations_are_listed_oldest_first_as_they_were_given(ledger: Ledger, reopen: Reopen) -> None:
    third = integration("aaaaaa", created=NOW + 3)
    first = replace(integration("cccccc", company="zeta", created=NOW + 1), name="a name", filter=("call:end", "*"))
    second = replace(integration("bbbbbb", created=NOW + 2), type="sqs", state="paused", sealed=bytes(range(256)))
    for one in (third, first, second):
        await ledger.add_integration(one)
    assert await ledger.integrations() == [first, second, third]
    ledger = await reopen()
    assert await ledger.integrations() == [first, second, third]


async def test_an_integration_can_be_changed(ledger: Ledger) -> None:
    await ledger.add_integration(integration("aaaaaa"))
    await ledger.add_integration(integration("bbbbbb"))
    changed = replace(
        integration("aaaaaa"),
        name="new",
        url="https://x.example",
        filter=(),
        state="paused",
        sealed=b"",
        updated=NOW + 9,
    )
    await ledger.change_integration(changed)
    assert await ledger.integrations() == [changed, integration("bbbbbb")]


async def test_an_integration_that_is_not_there_is_not_found(ledger: Ledger) -> None:
    await ledger.add_integration(integration("aaaaaa"))
    await ledger.add_integration(integration("bbbbbb"))
    await ledger.delete_integration("acme", "bbbbbb", NOW)
    for company, id_ in (("acme", "bbbbbb"), ("acme", "cccccc"), ("other", "aaaaaa")):
        with pytest.raises(RingpostError) as refused:
            await ledger.change_integration(integration(id_, company=company))
        assert refused.value.code == "integration_not_found"
        with pytest.raises(RingpostError) as refused:
            await ledger.delete_integration(company, id_, NOW)
        assert refused.value.code == "integration_not_found"
    assert await ledger.integrations() == [integration("aaaaaa")]


@pytest.mark.parametrize("company", ["acme", "other"])
async def test_an_integration_id_that_is_taken_is_refused(ledger: Ledger, company: str) -> None:
    await ledger.add_integration(integration())
    with pytest.raises(RingpostError) as refused:
        await ledger.add_integration(replace(integration(company=company), url="https://x.example"))
    assert (refused.value.code, refused.value.field) == ("invalid_value", "id")
    assert await ledger.integrations() == [integration()]


async def test_an_installation_is_remembered_with_its_key(ledger: Ledger) -> None:
    await ledger.add_integration(integration(), remember(b"installed"))
    assert await ledger.recall("acme", "k") == Remembered(b"print", b"installed")
    with pytest.raises(RingpostError) as refused:
        await ledger.add_integration(integration("bbbbbb"), remember(b"again"))
    assert refused.value.code == "idempotency_in_flight"
    assert await ledger.integrations() == [integration()]


async def test_deleting_an_integration_says_how_many_deliveries_it_cancelled(ledger: Ledger, reopen: Reopen) -> None:
    await ledger.add_integration(integration("aaaaaa"))
    await ledger.add_integration(integration("bbbbbb"))
    done = await commit_one(ledger, new_event(call="acme_done", integrations=["aaaaaa", "bbbbbb"]))
    await ledger.record([result(done)])
    for n in range(5):
        await ledger.commit(whole_call(f"acme_{n}", integrations=["aaaaaa", "bbbbbb"], updates=998))
    assert await ledger.pending_count("acme", "aaaaaa") == 5_000
    assert await delete(ledger, "acme", "aaaaaa", NOW + 1) == 5_000
    assert await ledger.pending_count("acme", "aaaaaa") == 0
    assert await ledger.pending_count("acme", "bbbbbb") == 5_001
    assert await ledger.integrations() == [integration("bbbbbb")]
    ledger = await reopen()
    assert await ledger.integrations() == [integration("bbbbbb")]
    delivery = await ledger.delivery("acme", done.seq, "aaaaaa")
    assert delivery is not None
    assert delivery.state == "delivered"


async def test_each_showing_of_a_secret_is_kept(ledger: Ledger, reopen: Reopen) -> None:
    await ledger.record_reveal("acme", "aaaaaa", "key1", NOW)
    await ledger.record_reveal("acme", "aaaaaa", "key2", NOW)
    await ledger.record_reveal("acme", "bbbbbb", "key1", NOW)
    await ledger.record_reveal("acme", "aaaaaa", "key1", NOW + 1)
    ledger = await reopen()
    assert await ledger.reveals("acme", "aaaaaa") == [(NOW + 1, "key1"), (NOW, "key2"), (NOW, "key1")]
    assert await ledger.reveals("other", "aaaaaa") == []


async def test_keys_are_listed_oldest_first_the_revoked_ones_too(ledger: Ledger, reopen: Reopen) -> None:
    later, first = api_key("a", created=NOW + 1), api_key("b", company=None)
    await ledger.add_key(later)
    await ledger.add_key(first)
    await ledger.revoke_key("a", NOW + 5)
    ledger = await reopen()
    assert await ledger.keys() == [first, replace(later, revoked=NOW + 5)]
    await ledger.revoke_key("a", NOW + 9)
    assert await ledger.keys() == [first, replace(later, revoked=NOW + 5)]


async def test_a_key_that_is_not_there_cannot_be_revoked(ledger: Ledger) -> None:
    await ledger.add_key(api_key())
    with pytest.raises(RingpostError) as refused:
        await ledger.revoke_key("other", NOW)
    assert refused.value.code == "key_not_found"
    assert await ledger.keys() == [api_key()]


async def test_a_key_that_is_there_cannot_be_added(ledger: Ledger) -> None:
    await ledger.add_key(api_key())
    for twin in (replace(api_key(), hash=b"other"), replace(api_key("key2"), hash=api_key().hash)):
        with pytest.raises(RingpostError) as refused:
            await ledger.add_key(twin)
        assert refused.value.code == "invalid_value"
    assert await ledger.keys() == [api_key()]


async def test_a_companys_first_pbx_is_short_for_ever(ledger: Ledger, reopen: Reopen) -> None:
    first = Pbx(company="acme", serial="P1", short=True, registered=NOW)
    second = Pbx(company="acme", serial="P2", short=False, registered=NOW + 1)
    other = Pbx(company="other", serial="P2", short=True, registered=NOW + 2)
    assert await ledger.register_pbx("acme", "P1", NOW) == first
    assert await ledger.register_pbx("acme", "P2", NOW + 1) == second
    assert await ledger.register_pbx("other", "P2", NOW + 2) == other
    ledger = await reopen()
    assert await ledger.register_pbx("acme", "P2", NOW + 9) == second
    assert await ledger.register_pbx("acme", "P1", NOW + 9) == first


async def test_of_pbxs_registered_at_once_one_is_short(ledger: Ledger) -> None:
    pbxs = await asyncio.gather(*(ledger.register_pbx("acme", f"P{n % 5}", NOW) for n in range(20)))
    assert len({pbx.serial for pbx in pbxs if pbx.short}) == 1
    assert len(set(map(repr, pbxs))) == 5


# --- running ---------------------------------------------------------------------------------------------------------
async def test_a_sound_ledger_passes_its_check(ledger: Ledger) -> None:
    for _ in range(3):
        await ledger.check()


async def test_statistics_count_commits_and_events(ledger: Ledger) -> None:
    before = ledger.statistics()
    assert codes(await ledger.commit([new_event(), new_event()])) == [None, "call_already_started"]
    after = ledger.statistics()
    assert (after.commits - before.commits, after.events - before.events) == (1, 1)
    assert after.commit_seconds > before.commit_seconds
    assert (after.failures, after.waiting) == (0, 0)


async def test_commits_at_once_share_transactions(ledger: Ledger) -> None:
    before = ledger.statistics()
    jobs = [asyncio.ensure_future(ledger.commit([new_event(call=f"acme_{n}")])) for n in range(500)]
    await asyncio.sleep(0)
    await asyncio.gather(*jobs)
    after = ledger.statistics()
    assert after.events - before.events == 500
    assert after.commits - before.commits < 250


async def test_refusals_are_no_failures(ledger: Ledger) -> None:
    with pytest.raises(RingpostError):
        await ledger.revoke_key("none", NOW)
    assert ledger.statistics().failures == 0


async def test_closing_finishes_what_was_begun(ledger: Ledger, reopen: Reopen) -> None:
    jobs = [asyncio.ensure_future(ledger.commit([new_event(call=f"acme_{n}")])) for n in range(100)]
    await asyncio.sleep(0)
    ledger = await reopen()
    verdicts = await asyncio.gather(*jobs)
    assert all(codes(one) == [None] for one in verdicts)
    assert len((await ledger.calls("acme", open_only=True, cursor=None, limit=200)).items) == 100


async def test_more_events_than_can_wait_are_refused_as_a_whole(ledger: Ledger) -> None:
    def batch(name: str) -> asyncio.Future[object]:
        events = [new_event(call=f"acme_{name}_{n}") for n in range(1_000)]
        return asyncio.ensure_future(ledger.commit(events))

    jobs = [batch(f"{number}") for number in range(60)]
    answers = await asyncio.gather(*jobs, return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, RingpostError)]
    assert {answer.code for answer in refused} == {"overloaded"}
    assert 10 <= len(refused) < 60
    assert ledger.statistics().events == 1_000 * (60 - len(refused))
    assert ledger.statistics().waiting == 0
    assert codes(await ledger.commit([new_event()])) == [None]


async def test_users_are_listed_by_name_with_their_latest_password(ledger: Ledger, reopen: Reopen) -> None:
    bea = User(name="bea", company=None, role="operator", password="$argon2id$1", created=NOW, updated=NOW)
    ann = User(name="ann", company="acme", role="viewer", password="$argon2id$2", created=NOW + 1, updated=NOW + 1)
    await ledger.add_user(bea)
    await ledger.add_user(ann)
    await ledger.change_password("bea", "$argon2id$3", NOW + 5)
    ledger = await reopen()
    assert await ledger.users() == [ann, replace(bea, password="$argon2id$3", updated=NOW + 5)]
    await ledger.remove_user("ann")
    assert [user.name for user in await ledger.users()] == ["bea"]


async def test_a_user_that_is_there_cannot_be_added_and_one_that_is_not_cannot_be_changed(ledger: Ledger) -> None:
    ann = User(name="ann", company="acme", role="viewer", password="$argon2id$2", created=NOW, updated=NOW)
    await ledger.add_user(ann)
    with pytest.raises(RingpostError) as refused:
        await ledger.add_user(replace(ann, company="other"))
    assert refused.value.code == "invalid_value"
    for change in (ledger.change_password("bea", "$argon2id$3", NOW), ledger.remove_user("bea")):
        with pytest.raises(RingpostError) as refused:
            await change
        assert refused.value.code == "user_not_found"
    assert await ledger.users() == [ann]
