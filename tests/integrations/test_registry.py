"""What is installed: checked, sealed, durable, and seen only then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ringpost.access.sealing import Vault
from ringpost.errors import RingpostError
from ringpost.integrations import registry as registry_module
from ringpost.integrations.registry import Registry
from ringpost.integrations.requests import EditRequest, InstallRequest, RotateRequest
from ringpost.settings import Settings
from ringpost.wire.signature import check_secret
from tests.world import World, make_world

HOOK = "https://example.com/hook"
QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/calls.fifo"
AWS = {"key": "AKIAIOSFODNN7EXAMPLE", "secret": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = await make_world(tmp_path)
    yield world
    await world.ledger.close()


def webhook(**fields: Any) -> InstallRequest:
    return msgspec.convert({"type": "webhook", "url": HOOK, **fields}, InstallRequest)


def holds(folder: Path, text: str) -> bool:
    """Whether any file of the folder has the text in it."""
    return any(text.encode() in file.read_bytes() for file in folder.iterdir())


async def refusal(world: World, **fields: Any) -> tuple[str, str | None]:
    with pytest.raises(RingpostError) as refused:
        await world.registry.install("acme", webhook(**fields))
    assert world.registry.all() == []
    assert await world.ledger.integrations() == []
    return refused.value.code, refused.value.field


async def test_an_installed_webhook_has_a_made_secret_and_wants_everything(world: World) -> None:
    integration, credentials = await world.registry.install("acme", webhook())
    check_secret(credentials.secret)
    assert credentials.secret.startswith("whsec_")
    assert (integration.filter, integration.state, len(integration.id)) == (("*",), "active", 6)
    assert world.registry.of("acme") == (integration,)
    assert world.registry.of("other") == ()


async def test_what_is_installed_is_there_after_a_restart_and_its_secret_is_not_in_the_file(
    world: World, tmp_path: Path
) -> None:
    installed = await world.registry.install("acme", webhook(secret="my own secret", headers={"x-token": "hush-t0k3n"}))
    await world.ledger.close()
    assert not holds(tmp_path, "my own secret")
    assert not holds(tmp_path, "hush-t0k3n")
    assert holds(tmp_path, HOOK)
    again = await make_world(tmp_path)
    assert again.registry.installed(installed[0].id) == installed
    await again.ledger.close()


async def test_another_sealing_key_refuses_to_start(world: World) -> None:
    await world.registry.install("acme", webhook())
    other = Registry(world.ledger, Vault(bytes(32)), Settings(), world.clock, on_change=lambda _: None)
    with pytest.raises(RingpostError) as refused:
        await other.load()
    assert refused.value.code == "sealing_key_invalid"


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"type": "email"}, "invalid_value", "type"),
        ({"url": "example.com"}, "target_invalid", "url"),
        ({"url": "ftp://example.com/"}, "target_invalid", "url"),
        ({"url": "https://user:pw@example.com/"}, "target_has_credentials", "url"),
        ({"url": "http://127.0.0.1/"}, "target_refused", "url"),
        ({"url": "http://[::1]/"}, "target_refused", "url"),
        ({"url": "http://169.254.169.254/latest/meta-data/"}, "target_refused", "url"),
        ({"url": "http://localhost:8080/"}, "target_refused", "url"),
        ({"url": "https://inside.example/"}, "target_refused", "url"),
        ({"filter": ["call:begin"]}, "unknown_filter", "filter[0]"),
        ({"secret": "short"}, "secret_invalid", "secret"),
        ({"secret": "whsec_not-base64!"}, "secret_invalid", "secret"),
        ({"key": AWS["key"]}, "invalid_value", "key"),
        ({"headers": {"x-signature": "1"}}, "header_reserved", "headers.x-signature"),
        ({"headers": {"x-a": "1\r\nx-b: 2"}}, "header_invalid", "headers.x-a"),
        ({"type": "sqs", "url": QUEUE, "secret": AWS["secret"]}, "missing_field", "key"),
        ({"type": "sqs", "url": QUEUE, "key": AWS["key"]}, "missing_field", "secret"),
        ({"type": "sqs", "url": QUEUE, "key": "AKIA", "secret": AWS["secret"]}, "invalid_value", "key"),
        ({"type": "sqs", "url": QUEUE, **AWS, "secret": "with space in"}, "secret_invalid", "secret"),
        ({"type": "sqs", "url": QUEUE, **AWS, "headers": {"x-a": "1"}}, "invalid_value", "headers"),
        ({"type": "sqs", "url": HOOK, **AWS}, "queue_url_invalid", "url"),
        ({"type": "sqs", "url": "http://10.0.0.1:9324/calls", **AWS}, "queue_url_invalid", "url"),
    ],
)
async def test_a_bad_installation_is_refused_by_code_and_field_and_nothing_is_kept(
    world: World, fields: dict[str, Any], code: str, field: str
) -> None:
    assert await refusal(world, **fields) == (code, field)


async def test_a_name_that_cannot_be_resolved_yet_is_let_through(world: World) -> None:
    await world.registry.install("acme", webhook(url="https://not-yet.example/"))


async def test_an_edit_changes_what_is_given_and_null_clears(world: World) -> None:
    integration, _ = await world.registry.install("acme", webhook(name="CRM", headers={"x-token": "t0k3n-one"}))
    world.clock.ms += 5
    edit = msgspec.convert({"filter": ["call:end"], "name": None, "headers": None}, EditRequest)
    edited, credentials = await world.registry.edit("acme", integration.id, edit)
    assert (edited.filter, edited.name, credentials.headers, edited.url) == (("call:end",), None, (), HOOK)
    assert (edited.created, edited.updated) == (integration.created, world.clock.ms)
    assert world.changed == [integration.id]


async def test_an_edit_that_is_refused_changes_nothing(world: World) -> None:
    installed = await world.registry.install("acme", webhook())
    for fields, code in (
        ({"type": "sqs"}, "type_fixed"),
        ({"url": "http://10.0.0.1/", "name": "x"}, "target_refused"),
        ({"name": "x", "filter": []}, "unknown_filter"),
        ({"name": "x", "headers": {"host": "x"}}, "header_reserved"),
    ):
        with pytest.raises(RingpostError) as refused:
            await world.registry.edit("acme", installed[0].id, msgspec.convert(fields, EditRequest))
        assert refused.value.code == code
    assert world.registry.installed(installed[0].id) == installed


async def test_edits_at_the_same_time_undo_none_of_each_other(world: World) -> None:
    integration, _ = await world.registry.install("acme", webhook())
    edits = [{"name": "CRM"}, {"filter": ["call:end"]}, {"headers": {"x-token": "t0k3n-one"}}, {"url": HOOK + "/2"}]
    await asyncio.gather(
        *(world.registry.edit("acme", integration.id, msgspec.convert(edit, EditRequest)) for edit in edits),
        world.registry.pause("acme", integration.id),
    )
    edited, credentials = world.registry.get("acme", integration.id)
    assert (edited.name, edited.filter, edited.url, edited.state) == ("CRM", ("call:end",), HOOK + "/2", "paused")
    assert credentials.headers == (("x-token", "t0k3n-one"),)


async def test_a_rotation_keeps_the_old_secret_for_the_grace_time(world: World) -> None:
    integration, before = await world.registry.install("acme", webhook(headers={"x-token": "t0k3n-one"}))
    _, after = await world.registry.rotate("acme", integration.id, RotateRequest(graceMs=1_000))
    assert after.secret != before.secret
    assert after.previous == ((before.secret, world.clock.ms + 1_000),)
    assert after.headers == before.headers


async def test_a_second_rotation_leaves_the_first_its_grace_time(world: World) -> None:
    integration, first = await world.registry.install("acme", webhook())
    _, second = await world.registry.rotate("acme", integration.id, RotateRequest(graceMs=1_000))
    world.clock.ms += 400
    _, third = await world.registry.rotate("acme", integration.id, RotateRequest(graceMs=1_000))
    assert [secret for secret, _ in third.previous] == [second.secret, first.secret]
    world.clock.ms += 700
    _, fourth = await world.registry.rotate("acme", integration.id, RotateRequest(graceMs=1_000))
    assert [secret for secret, _ in fourth.previous] == [third.secret, second.secret]


async def test_an_sqs_rotation_needs_the_new_pair(world: World) -> None:
    integration, _ = await world.registry.install("acme", webhook(type="sqs", url=QUEUE, **AWS))
    with pytest.raises(RingpostError) as refused:
        await world.registry.rotate("acme", integration.id, RotateRequest())
    assert refused.value.code == "missing_field"
    _, after = await world.registry.rotate(
        "acme", integration.id, RotateRequest(key="AKIA" + "X" * 16, secret="y" * 40)
    )
    assert (after.key, after.previous[0][0]) == ("AKIA" + "X" * 16, AWS["secret"])


async def test_a_deleted_integration_is_gone_for_everyone(world: World) -> None:
    integration, _ = await world.registry.install("acme", webhook())
    await world.registry.delete("acme", integration.id)
    assert world.registry.of("acme") == ()
    assert world.registry.installed(integration.id) is None
    assert world.changed == [integration.id]
    with pytest.raises(RingpostError) as refused:
        await world.registry.delete("acme", integration.id)
    assert refused.value.code == "integration_not_found"


async def test_a_deletion_is_answered_while_the_ledger_does_not_take_what_it_cancels_and_goes_on_until_it_does(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "_CANCEL_SECONDS", 0.01)
    monkeypatch.setattr(registry_module, "_CANCEL_WAITS", (0.001,))
    integration, _ = await world.registry.install("acme", webhook())
    start = b'{"id": "1.1", "type": "call:start", "data": {"status": "RINGING"}}'
    await world.intake.accept_event(start, lambda _: "acme")
    is_well = asyncio.Event()
    cancelled = asyncio.Event()
    cancel_owed = world.ledger.cancel_owed

    async def refuses_for_a_while(company: str, integration_id: str, now: int) -> int:
        if not is_well.is_set():
            raise RingpostError("ledger_full")
        count = await cancel_owed(company, integration_id, now)
        cancelled.set()
        return count

    monkeypatch.setattr(world.ledger, "cancel_owed", refuses_for_a_while)
    assert await world.registry.delete("acme", integration.id) == 1
    assert (world.registry.all(), world.changed) == ([], [integration.id])
    assert await world.ledger.integrations() == []
    assert await world.ledger.pending_count("acme", integration.id) == 1
    is_well.set()
    async with asyncio.timeout(10):
        await cancelled.wait()
    assert await world.ledger.pending_count("acme", integration.id) == 0


async def test_a_deletion_that_the_ledger_refuses_leaves_it_installed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    integration, _ = await world.registry.install("acme", webhook())

    async def fails(*_: object) -> int:
        raise RingpostError("ledger_full")

    for step in ("pending_count", "delete_integration"):
        with monkeypatch.context() as broken:
            broken.setattr(world.ledger, step, fails)
            with pytest.raises(RingpostError, match="full"):
                await world.registry.delete("acme", integration.id)
        assert [one.id for one in world.registry.all()] == [integration.id]


async def test_another_company_s_integration_is_not_found(world: World) -> None:
    integration, _ = await world.registry.install("acme", webhook())
    with pytest.raises(RingpostError) as refused:
        world.registry.get("other", integration.id)
    assert refused.value.code == "integration_not_found"


async def test_a_reveal_is_recorded_with_who_asked(world: World) -> None:
    integration, credentials = await world.registry.install("acme", webhook())
    _, revealed = await world.registry.reveal("acme", integration.id, "key1")
    assert revealed == credentials
    assert await world.ledger.reveals("acme", integration.id) == [(world.clock.ms, "key1")]
