"""The screens of integrations: installing, changing, pausing, testing and deleting, without a script."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from ringpost.console.examples import examples_for
from ringpost.console.integrations import BARS, DAY, HIGH, health_of
from ringpost.model.point import QUARTER, Point
from ringpost.wire.signature import x_signature
from tests.api.world import AWS, HOOK, QUEUE
from tests.console.world import OURS, World

INSTALL = "/integrations/install"
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
    (integration,) = world.registry.of(OURS)
    assert (integration.name, integration.filter) == ("Other", ("call:end",))
    wrong = await browser.submit(f"{at}/delete", {"id": "nothis"})
    assert wrong.status_code == 422
    assert world.registry.of(OURS)
    gone = await browser.submit(f"{at}/delete", {"id": integration.id})
    assert "The integration is deleted." in (await browser.follow(gone)).text
    assert not world.registry.of(OURS)


async def test_a_test_call_leads_to_the_calls_page_where_it_arrives(world: World) -> None:
    browser = await world.signed_in("admin")
    at = f"/integrations/{(await world.install())['id']}"
    reply = await browser.submit(at, {}, to=f"{at}/test")
    page = (await browser.follow(reply)).text
    assert "A test call is on its way" in page
    assert page.count("call:start") == 1
    assert "waiting" in page


async def test_a_secret_that_is_shown_is_recorded_and_a_new_one_replaces_it(world: World) -> None:
    browser = await world.signed_in("admin")
    made = await world.install()
    at = f"/integrations/{made['id']}"
    assert made["secret"] in (await browser.submit(at, {}, to=f"{at}/reveal")).text
    assert "Who saw the secret" in (await browser.get(at)).text
    rotated = (await browser.submit(at, {}, to=f"{at}/rotate")).text
    assert made["secret"] not in rotated
    assert "whsec_" in rotated
    assert "Who saw" not in (await (await world.signed_in("viewer")).get(at)).text


async def test_without_integrations_the_page_says_what_to_do_next(world: World) -> None:
    assert "No integration is installed." in (await (await world.signed_in("viewer")).get("/integrations")).text


def test_the_last_day_is_bars_of_hours_with_failures_marked() -> None:
    quiet = health_of([], 0)
    assert quiet.bars == []
    points = [
        Point(company="a", integration="b", span=QUARTER, time=0, delivered=10),
        Point(company="a", integration="b", span=QUARTER, time=DAY - QUARTER, delivered=4, failed=1),
    ]
    health = health_of(points, 0)
    assert [(bar.x, bar.kind) for bar in health.bars] == [(0, "good"), ((BARS - 1) * 5, "bad")]
    assert health.bars[0].height == HIGH
    assert health.words == "last day: 14 delivered, 1 attempts failed"


def test_the_python_that_is_shown_verifies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGPOST_SECRET", "whsec_c2VjcmV0")
    names: dict[str, object] = {}
    exec(examples_for("webhook")[0].code, names)
    is_genuine = names["is_genuine"]
    assert callable(is_genuine)
    signature = x_signature("whsec_c2VjcmV0", b"{}")
    assert is_genuine(b"{}", signature)
    assert not is_genuine(b"{} ", signature)


def test_the_javascript_that_is_shown_verifies(node: Path) -> None:
    signature = x_signature("whsec_c2VjcmV0", b"{}")
    asks = [f'console.log(isGenuine(Buffer.from("{body}"), "{signature}"))' for body in ("{}", "{} ")]
    code = "\n".join([examples_for("sqs")[1].code, *asks])
    environment = {**os.environ, "RINGPOST_SECRET": "whsec_c2VjcmV0"}
    told = subprocess.run([str(node), "-e", code], capture_output=True, text=True, check=True, env=environment)
    assert told.stdout.split() == ["true", "false"]


def test_each_language_takes_the_right_place_of_the_signature() -> None:
    assert all("header x-signature" in example.code for example in examples_for("webhook"))
    assert all("attribute X-SIGNATURE" in example.code for example in examples_for("sqs"))
