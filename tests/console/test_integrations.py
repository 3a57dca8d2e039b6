"""The screens of integrations: installing, changing, pausing, testing and deleting, without a script."""

from __future__ import annotations

import re

import pytest

from ringpost.model.integration import Credentials
from tests.api.world import AWS, HOOK, QUEUE
from tests.console.world import OURS, World

INSTALL = "/integrations/install"
MASK = "••••"


def of(world: World, integration: str) -> Credentials:
    """What is secret of an integration."""
    return world.registry.get(OURS, integration)[1]


GOOD = {"type": "webhook", "url": HOOK, "name": "CRM", "wants-call:*": "1"}


async def test_a_webhook_is_installed_in_one_form_and_its_secret_is_shown_once(world: World) -> None:
    browser = await world.signed_in("admin")
    page = (await browser.submit(INSTALL, GOOD)).text
    secret = re.search(r">(whsec_[^<]+)<", page)
    assert secret is not None
    assert "x-signature" in page  # the code that verifies
    (made,) = world.registry.of(OURS)
    assert (made.name, made.url, made.filter) == ("CRM", HOOK, ("call:*",))
    for path in ("/integrations", f"/integrations/{made.id}"):
        later = (await browser.get(path)).text
        assert made.id in later
        assert secret[1] not in later


async def test_a_queue_is_installed_with_its_aws_key(world: World) -> None:
    browser = await world.signed_in("admin")
    form = {"type": "sqs", "url": QUEUE, "wants-call:start": "1", "wants-call:end": "1", **AWS}
    page = (await browser.submit(INSTALL, form)).text
    assert "X-SIGNATURE" in page
    (made,) = world.registry.of(OURS)
    assert made.filter == ("call:start", "call:end")
    assert "FIFO queue" in (await browser.get(f"/integrations/{made.id}")).text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "https://inside.example.com/"}, "url"),
        ({"url": ""}, "url"),
        ({"type": "fax"}, "type"),
        ({"wants-call:*": ""}, "filter"),
        ({"type": "sqs", "url": QUEUE}, "key"),
        ({"name": "x" * 101}, "name"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field_and_the_rest_is_kept(
    world: World, change: dict[str, str], field: str
) -> None:
    browser = await world.signed_in("admin")
    reply = await browser.submit(INSTALL, GOOD | change)
    assert reply.status_code == 422
    assert f"in <code>{field}</code>" in reply.text
    assert 'role="alert"' in reply.text
    if "name" not in change:
        assert 'value="CRM"' in reply.text
    assert not world.registry.of(OURS)


async def test_an_integration_is_paused_resumed_changed_and_deleted(world: World) -> None:
    browser = await world.signed_in("admin")
    at = f"/integrations/{(await world.install())['id']}"

    async def done(action: str, fields: dict[str, str] | None = None) -> str:
        return (await browser.follow(await browser.submit(at, fields or {}, to=f"{at}/{action}"))).text

    assert "It is paused." in await done("pause")
    assert "somebody paused it" in (await browser.get(at)).text
    assert "It goes on" in await done("resume")
    changed = await done("edit", {"name": "Other", "url": f"{HOOK}/2", "wants-call:end": "1"})
    assert f"{HOOK}/2" in changed
    assert "Changed: name, URL, events. What is owed goes to the new URL, too." in changed
    assert "Nothing was changed." in await done("edit", {"name": "Other", "url": f"{HOOK}/2", "wants-call:end": "1"})
    (integration,) = world.registry.of(OURS)
    assert (integration.name, integration.filter) == ("Other", ("call:end",))
    wrong = await browser.submit(f"{at}/delete", {"id": "nothis"})
    assert wrong.status_code == 422
    assert world.registry.of(OURS)
    gone = await browser.submit(f"{at}/delete", {"id": integration.id})
    assert "The integration is deleted." in (await browser.follow(gone)).text
    assert not world.registry.of(OURS)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"wants-call:*": ""}, "filter"), ({"url": ""}, "url"), ({"url": "ftp://x"}, "url"),
        ({"name": "x" * 101}, "name"),
        ({"headers": "no colon"}, "headers"), ({"headers": f"X-New: {MASK}"}, "headers.X-New"),
        ({"headers": "X-A: 1\nx-a: 2"}, "headers.x-a"), ({"headers": "Host: x"}, "headers.Host"),
        ({"retry": "5s,soon"}, "retryDelaysMs[1]"),
    ],
)  # fmt: skip
async def test_a_change_that_is_refused_comes_back_as_it_was_sent_and_nothing_is_changed(
    world: World, change: dict[str, str], field: str
) -> None:
    browser = await world.signed_in("admin")
    made = await world.install(name="CRM", filter=["call:*"])
    at = f"/integrations/{made['id']}/edit"
    before = world.registry.get(OURS, made["id"])
    sent = {"name": "New", "url": f"{HOOK}/new", "wants-call:*": "1", "wants-notice:*": "1", "retry": "7s"}
    if field == "filter":
        del sent["wants-notice:*"]
    reply = await browser.submit(at, sent | change, to=at)
    assert reply.status_code == 422
    assert f"in <code>{field}</code>" in reply.text
    assert re.search(r'aria-invalid="true"[^>]*aria-errormessage="e-[a-zA-Z]+"', reply.text)
    assert world.registry.get(OURS, made["id"]) == before
    if field != "filter":
        assert re.search(r'name="wants-notice:\*" value="1" checked', reply.text)
        assert 'value="New"' in reply.text or "name" in change
    if "retry" not in change:
        assert 'value="7s"' in reply.text


async def test_custom_headers_are_added_kept_replaced_and_left_out_and_never_shown(world: World) -> None:
    browser = await world.signed_in("admin")
    form = GOOD | {"headers": "X-Tenant: first-value\nAuthorization: Bearer fourth-value\n"}
    await browser.submit(INSTALL, form)
    (made,) = world.registry.of(OURS)
    at = f"/integrations/{made.id}/edit"
    page = (await browser.get(at)).text
    assert f"X-Tenant: {MASK}\nAuthorization: {MASK}" in page
    assert "first-value" not in page + (await browser.get(f"/integrations/{made.id}")).text
    changed = {**GOOD, "headers": f"x-tenant: {MASK}\nX-More: third-value"}
    assert "Changed: headers." in (await browser.follow(await browser.submit(at, changed, to=at))).text
    assert dict(of(world, made.id).headers) == {"x-tenant": "first-value", "X-More": "third-value"}


async def test_a_retry_schedule_is_shown_and_changed_in_words(world: World) -> None:
    browser = await world.signed_in("admin")
    made = await world.install()
    at = f"/integrations/{made['id']}"
    assert "5s, 30s, 2m, 10m, 1h, 3h, 8h, 16h, 1d: the service&#39;s own" in (await browser.get(at)).text
    form = {**GOOD, "retry": "1s, 90s,2h"}
    assert "retry schedule" in (await browser.follow(await browser.submit(f"{at}/edit", form, to=f"{at}/edit"))).text
    assert "<dd>1s, 90s, 2h</dd>" in (await browser.get(at)).text
    assert 'value="1s,90s,2h"' in (await browser.get(f"{at}/edit")).text
    assert world.registry.get(OURS, made["id"])[0].retry_delays_ms == (1_000, 90_000, 7_200_000)


async def test_a_list_is_searched_and_paged_and_says_what_is_owed_for_how_long(world: World) -> None:
    browser = await world.signed_in("admin")
    ids = [(await world.install(name=f"Number {number:02}"))["id"] for number in range(53)]
    first = (await browser.get("/integrations")).text
    assert re.findall(r'<tr id="([^"]+)"', first) == ids[:50]
    assert "53 installed" in first
    following = re.search(r'href="(/integrations\?after=[^"]+)" rel="next"', first)
    assert following is not None
    assert re.findall(r'<tr id="([^"]+)"', (await browser.get(following[1])).text) == ids[50:]
    found = (await browser.get("/integrations?q=number 07")).text
    assert re.findall(r'<tr id="([^"]+)"', found) == [ids[7]]
    assert "Nothing matches." in (await browser.get("/integrations?q=nobody")).text
    await world.call()
    world.time += 75_000
    page = (await browser.get("/integrations")).text
    assert re.search(r'data-label="Owed">1</td>\s*<td class="number" data-label="Oldest">1:1\d<', page)


async def test_who_may_not_see_secrets_sees_no_keys_in_an_address(world: World) -> None:
    url = f"{HOOK}?token=of-the-receiver&tenant=7"
    made = await world.install(url=url)
    for role, shown in (("admin", "token=of-the-receiver"), ("viewer", f"token={MASK}&amp;tenant={MASK}")):
        browser = await world.signed_in(role)
        for path in ("/integrations", f"/integrations/{made['id']}"):
            page = (await browser.get(path)).text
            assert shown in page, (role, path)
            assert ("of-the-receiver" in page) == (role == "admin")
        for wanted in ("token=of", "of-the-receiver"):  # a search tells no more than the page
            found = (await browser.get(f"/integrations?q={wanted}")).text
            assert (f'<tr id="{made["id"]}"' in found) == (role == "admin"), (role, wanted)
        assert f'<tr id="{made["id"]}"' in (await browser.get("/integrations?q=token")).text


async def test_a_paused_one_says_how_much_goes_out_when_it_resumes(world: World) -> None:
    browser = await world.signed_in("admin")
    at = f"/integrations/{(await world.install())['id']}"
    await world.call()
    await world.call()
    assert "2 owed go out" not in (await browser.get(at)).text
    await browser.submit(at, {}, to=f"{at}/pause")
    assert "Resume: 2 owed go out" in (await browser.get(at)).text
    assert (
        "the 2 that it is owed go out, in order."
        in (await browser.follow(await browser.submit(at, {}, to=f"{at}/resume"))).text
    )


async def test_one_that_is_owed_a_delivery_or_none_says_so_in_good_words(world: World) -> None:
    browser = await world.signed_in("admin")
    at = f"/integrations/{(await world.install())['id']}"

    async def told(action: str, fields: dict[str, str] | None = None) -> str:
        return (await browser.follow(await browser.submit(at, fields or {}, to=f"{at}/{action}"))).text

    assert "It goes on: nothing is owed." in await told("resume")
    await world.call()
    assert "It goes on: the 1 that it is owed goes out, in order." in await told("resume")
    assert "The delivery that it was owed is cancelled." in await told("delete", {"id": at.rpartition("/")[2]})


async def test_the_form_of_the_secret_is_told_where_the_code_is(world: World) -> None:
    browser = await world.signed_in("viewer")
    for given, told in (
        ({}, "the whole text, <code>whsec_</code> included"),
        ({"secret": "a secret of their own"}, "one of your own, as it is, without <code>whsec_</code>"),
        ({"type": "sqs", "url": QUEUE, **AWS}, "the AWS secret key that the queue is written with"),
    ):
        made = await world.install(**given)
        page = (await browser.get(f"/integrations/{made['id']}")).text
        assert told in page
        assert "a secret of their own" not in page


async def test_a_test_call_is_watched_on_the_integrations_page(world: World) -> None:
    browser = await world.signed_in("admin")
    at = f"/integrations/{(await world.install())['id']}"
    reply = await browser.submit(at, {}, to=f"{at}/test")
    page = (await browser.follow(reply)).text
    assert "A test call is on its way" in page
    tested = page[page.index('id="tested"') :]
    assert [tested.count(f">{kind}<") for kind in ("call:start", "call:update", "call:end")][:2] == [1, 2]
    assert "no attempt yet" in tested
    deliveries = re.findall(r'id="test-(dlv_[^"]+)"', tested)
    await world.conclude(deliveries[0], "delivered")
    await world.conclude(deliveries[1], "pending", error="status")
    later = (await browser.get(reply.headers["location"])).text
    assert "500 Internal Server Error" in later
    other = f"/integrations/{(await world.install())['id']}"
    assert 'id="tested"' not in (await browser.get(f"{other}?test={','.join(deliveries)}")).text


async def test_a_secret_that_is_shown_is_recorded_and_a_new_one_replaces_it(world: World) -> None:
    browser = await world.signed_in("admin")
    made = await world.install()
    at = f"/integrations/{made['id']}"
    assert made["secret"] in (await browser.submit(at, {}, to=f"{at}/reveal")).text
    assert "Who saw the secret" in (await browser.get(at)).text
    assert "Who saw" not in (await (await world.signed_in("viewer")).get(at)).text


async def test_another_secret_replaces_it_and_the_old_one_signs_for_a_while(world: World) -> None:
    browser = await world.signed_in("admin")
    made = await world.install()
    at = f"/integrations/{made['id']}"
    rotated = (await browser.submit(at, {}, to=f"{at}/rotate")).text
    assert made["secret"] not in rotated
    assert "whsec_" in rotated
    assert "signs beside it until 2023-08-31" in rotated  # the settings' day
    own = {"secret": "a secret of their own", "graceMs": "0"}
    mine = (await browser.submit(f"{at}/rotate", own, to=f"{at}/rotate")).text
    assert "a secret of their own" in mine
    assert "signs beside" not in mine
    assert of(world, made["id"]).previous[0][1] <= world.time
    short = await browser.submit(f"{at}/rotate", {"secret": "short", "graceMs": "3600000"}, to=f"{at}/rotate")
    assert short.status_code == 422
    assert re.search(r'id="f-secret"[^>]*aria-invalid="true"', short.text)
    assert 'value="3600000" selected' in short.text
    assert 'value="short"' not in short.text


async def test_a_queues_aws_key_is_replaced_by_both_its_parts(world: World) -> None:
    browser = await world.signed_in("admin")
    made = await world.install(type="sqs", url=QUEUE, **AWS)
    at = f"/integrations/{made['id']}"
    half = await browser.submit(f"{at}/rotate", {"key": "AKIAI44QH8DHBEXAMPLE"}, to=f"{at}/rotate")
    assert half.status_code == 422
    assert re.search(r'id="f-secret"[^>]*aria-invalid="true"', half.text)
    both = {"key": "AKIAI44QH8DHBEXAMPLE", "secret": "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY"}
    assert (await browser.submit(f"{at}/rotate", both, to=f"{at}/rotate")).status_code == 200
    assert (of(world, made["id"]).key, of(world, made["id"]).secret) == tuple(both.values())


async def test_without_integrations_the_page_says_what_to_do_next(world: World) -> None:
    assert "No integration is installed." in (await (await world.signed_in("viewer")).get("/integrations")).text


async def test_one_that_fails_says_why_and_when_it_is_tried_again(world: World) -> None:
    browser = await world.signed_in("viewer")
    _, delivery = await world.call()
    await world.conclude(delivery, "pending", error="timeout")
    integration = delivery[-6:]
    page = (await browser.get(f"/integrations/{integration}")).text
    assert "The receiver did not finish its answer in time." in page
    assert "next try" in page


async def test_a_page_that_a_form_led_to_has_an_address_that_can_be_loaded_again(world: World) -> None:
    browser = await world.signed_in("admin")
    page = (await browser.submit(INSTALL, GOOD)).text
    (made,) = world.registry.of(OURS)
    assert f'<meta name="here" content="/integrations/{made.id}">' in page
    rotated = (await browser.submit(f"/integrations/{made.id}/rotate", {}, to=f"/integrations/{made.id}/rotate")).text
    assert f'<meta name="here" content="/integrations/{made.id}">' in rotated
    key = (await browser.submit("/keys", {"role": "viewer", "name": "x"})).text
    assert '<meta name="here" content="/keys">' in key
