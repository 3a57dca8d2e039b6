"""The commands against a running service, and without one."""

from __future__ import annotations

import asyncio
import json
import signal
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringpost.cli.main import COMMANDS
from ringpost.settings import Settings
from ringpost.wire.signature import verify_x
from tests.cli.program import Done, Running, ringpost, running
from tests.real.receiver import Receiver

pytestmark = pytest.mark.slow

LOOPBACK = {"RINGPOST_ALLOW_NETWORKS": "127.0.0.0/8"}
START = {"id": "1.1", "type": "call:start", "data": {"status": "CONNECTING"}}


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Running]:
    service = await running(tmp_path, "serve", "--port", "0", env=LOOPBACK)
    await service.wait_for(lambda lines: any("listens at" in line for line in lines))
    yield service
    await service.stop(signal.SIGKILL)


async def shown(folder: Path, *words: str) -> Done:
    done = await ringpost(folder, *words)
    assert done.code == 0, done.err
    return done


async def test_help_names_every_command(tmp_path: Path) -> None:
    top = await shown(tmp_path, "--help")
    for name in COMMANDS:
        assert name in top.out
    assert "Usage" in (await shown(tmp_path, "erasures", "list", "--help")).out


async def test_wrong_use_is_told_without_a_traceback(tmp_path: Path) -> None:
    for words, code in ((["nonsense"], 2), (["serve", "--port", "x"], 2), (["integrations", "list"], 1)):
        done = await ringpost(tmp_path, *words)
        assert done.code == code
        assert done.err
        assert "Traceback" not in done.err


async def test_every_setting_is_listed_with_its_variable(tmp_path: Path) -> None:
    listed = json.loads((await shown(tmp_path, "settings", "--json")).out)
    assert [row["name"] for row in listed["settings"]] == list(Settings.__struct_fields__)
    assert "RINGPOST_PORT" in (await shown(tmp_path, "settings")).out


async def test_an_integration_is_installed_tested_shown_and_deleted(
    tmp_path: Path, service: Running, receiver: Receiver
) -> None:
    made = json.loads(
        (await shown(tmp_path, "integrations", "install", "webhook", receiver.url, "--company", "acme", "--json")).out
    )
    assert (await shown(tmp_path, "integrations", "test", made["id"])).out.count("delivered: 200") == 4
    requests = await receiver.wait_for(4)
    assert [json.loads(request.body)["type"] for request in requests][-1] == "call:end"
    assert all(verify_x(made["secret"], request.body, request.header("x-signature") or "") for request in requests)
    plain = await shown(tmp_path, "integrations", "show", made["id"])
    assert made["secret"] not in plain.out
    assert made["secret"] in (await shown(tmp_path, "integrations", "show", made["id"], "--reveal")).out
    assert made["id"] in (await shown(tmp_path, "integrations", "list")).out
    assert "Deleted" in (await shown(tmp_path, "integrations", "delete", made["id"], "--yes")).out
    assert made["id"] not in (await shown(tmp_path, "integrations", "list")).out


async def test_a_refused_installation_says_the_field_and_what_helps(tmp_path: Path, service: Running) -> None:
    done = await ringpost(tmp_path, "integrations", "install", "webhook", "http://10.0.0.1/", "--company", "acme")
    assert (done.code, "target_refused (url)" in done.err, "allow_networks" in done.err) == (1, True, True)


async def test_users_are_made_with_and_without_a_service_and_a_link_signs_in(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("four words make one\n")
    words = ("users", "add", "--password-file", "password", "--role")
    await shown(tmp_path, *words, "operator", "ann")
    service = await running(tmp_path, "serve", "--port", "0")
    await service.wait_for(lambda lines: any("users link" in line for line in lines))
    assert "Added bea" in (await shown(tmp_path, *words, "viewer", "bea", "--company", "acme")).out
    listed = json.loads((await shown(tmp_path, "users", "list", "--json")).out)
    assert [(row["name"], row["company"], row["role"]) for row in listed] == [
        ("ann", None, "operator"),
        ("bea", "acme", "viewer"),
    ]
    (tmp_path / "password").write_text("short")
    refused = await ringpost(tmp_path, "users", "password", "ann", "--password-file", "password")
    assert (refused.code, "password_too_weak" in refused.err) == (1, True)
    link = (await shown(tmp_path, "users", "link")).out.strip()
    with urllib.request.build_opener(urllib.request.HTTPCookieProcessor()).open(link) as page:
        assert "one-time link" in page.read().decode()
    await shown(tmp_path, "users", "remove", "bea")
    assert await service.stop(signal.SIGTERM) == 0
    assert (await shown(tmp_path, "users", "list")).out.split("\t")[0] == "ann"


async def test_keys_are_made_with_and_without_a_service(tmp_path: Path) -> None:
    before = (await shown(tmp_path, "keys", "create", "--role", "admin", "--company", "acme")).out.strip()
    service = await running(tmp_path, "serve", "--port", "0")
    lines = await service.wait_for(lambda lines: any("listens at" in line for line in lines))
    url = next(line for line in lines if "listens at" in line).split("listens at ")[1].split(";")[0]
    after = (await shown(tmp_path, "keys", "create", "--role", "viewer", "--company", "acme")).out.strip()
    listed = json.loads((await shown(tmp_path, "keys", "list", "--json")).out)
    assert [row["role"] for row in listed] == ["admin", "viewer"]
    for key in (before, after):
        env = {"RINGPOST_URL": url, "RINGPOST_API_KEY": key}
        assert (await ringpost(tmp_path, "integrations", "list", env=env)).code == 0
    await shown(tmp_path, "keys", "revoke", listed[1]["id"])
    refused = await ringpost(tmp_path, "integrations", "list", env={"RINGPOST_URL": url, "RINGPOST_API_KEY": after})
    assert "key_invalid" in refused.err
    assert await service.stop(signal.SIGTERM) == 0
    assert [row["revoked"] is None for row in json.loads((await shown(tmp_path, "keys", "list", "--json")).out)] == [
        True,
        False,
    ]


async def test_a_service_that_was_killed_keeps_no_command_from_the_ledger(tmp_path: Path, service: Running) -> None:
    await service.stop(signal.SIGKILL)
    made = await shown(tmp_path, "keys", "create", "--role", "admin", "--company", "acme")
    assert made.out.startswith("rp_")
    assert len(json.loads((await shown(tmp_path, "keys", "list", "--json")).out)) == 1
    refused = await ringpost(tmp_path, "integrations", "list")
    assert (refused.code, "service_unreachable" in refused.err, "ringpost serve" in refused.err) == (1, True, True)


async def test_ledger_and_key_may_be_elsewhere_than_the_data_folder(tmp_path: Path) -> None:
    env = {"RINGPOST_LEDGER": str(tmp_path / "a" / "b.db"), "RINGPOST_SEALING_KEY": str(tmp_path / "c" / "d.key")}
    service = await running(tmp_path, "serve", "--port", "0", env=env)
    await service.wait_for(lambda lines: any("listens at" in line for line in lines))
    assert await service.stop() == 0


async def test_sending_tells_each_verdict_and_fails_if_one_was_refused(tmp_path: Path, service: Running) -> None:
    key = (await shown(tmp_path, "keys", "create", "--role", "source", "--company", "acme")).out.strip()
    env = {"RINGPOST_API_KEY": key}
    end = {**START, "type": "call:end"}
    lines = "\n".join(json.dumps(event) for event in (START, {**START, "type": "nonsense"}, end))
    done = await ringpost(tmp_path, "send", "-", stdin=lines, env=env)
    assert done.code == 1
    assert [
        word in done.out for word in ("event 1: accepted", "event 2: refused: unknown_event_type", "event 3: accepted")
    ]
    again = await ringpost(tmp_path, "send", "-", stdin=json.dumps(START), env=env)
    assert (again.code, "call_already_ended" in again.out) == (1, True)


async def test_sending_again_with_an_idempotency_key_does_nothing_twice(tmp_path: Path, service: Running) -> None:
    key = (await shown(tmp_path, "keys", "create", "--role", "source", "--company", "acme")).out.strip()
    words = ("send", "-", "--idempotency-key", "once", "--json")
    first = await ringpost(tmp_path, *words, stdin=json.dumps(START), env={"RINGPOST_API_KEY": key})
    second = await ringpost(tmp_path, *words, stdin=json.dumps(START), env={"RINGPOST_API_KEY": key})
    assert (first.code, json.loads(first.out)) == (0, json.loads(second.out))


async def test_doctor_finds_nothing_wrong_with_and_without_a_service(tmp_path: Path) -> None:
    async def doctor() -> str:
        done = await ringpost(tmp_path, "doctor", env={"RINGPOST_PORT": "0"})
        assert done.code == 0, done.out
        return done.out

    assert "not there yet" in await doctor()
    service = await running(tmp_path, "serve", "--port", "0")
    await service.wait_for(lambda lines: any("listens at" in line for line in lines))
    assert "runs at" in await doctor()
    await service.stop()
    assert "can be read and written" in await doctor()


async def test_a_missing_sealing_key_is_told_and_no_new_one_is_put_in_its_place(
    tmp_path: Path, service: Running, receiver: Receiver
) -> None:
    await shown(tmp_path, "integrations", "install", "webhook", receiver.url, "--company", "acme")
    await service.stop()
    key = tmp_path / "ringpost-data" / "sealing.key"
    kept = key.rename(tmp_path / "kept")
    env = {"RINGPOST_PORT": "0"}
    for words in (("doctor",), ("serve",)):
        done = await ringpost(tmp_path, *words, env=env)
        assert (done.code, "sealing_key_invalid" in done.out + done.err) == (1, True)
    assert not key.exists()
    key.write_bytes(bytes(32))
    key.chmod(0o600)
    assert "sealing_key_invalid" in (await ringpost(tmp_path, "doctor", env=env)).out
    kept.rename(key)
    assert "opens all 1 stored secrets" in (await ringpost(tmp_path, "doctor", env=env)).out


async def test_doctor_tells_of_a_place_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = await ringpost(tmp_path, "doctor", "--data", "file/data", env={"RINGPOST_PORT": "0"})
    assert (done.code, "FAIL" in done.out, "Traceback" in done.err) == (1, True, False)


async def test_a_company_that_is_missing_is_asked_for_by_its_option(tmp_path: Path) -> None:
    done = await ringpost(tmp_path, "keys", "create", "--role", "admin")
    assert (done.code, "needs a company. Add --company." in done.err) == (1, True)


async def test_doctor_tells_of_a_disk_with_little_space(tmp_path: Path) -> None:
    env = {"RINGPOST_PORT": "0", "RINGPOST_LEDGER_FREE_MB": "1000000000"}
    done = await ringpost(tmp_path, "doctor", env=env)
    assert (done.code, "FAIL  disk" in done.out, "ledger_free_mb" in done.out) == (1, True, True)
    assert "ok    disk" in (await ringpost(tmp_path, "doctor", env={**env, "RINGPOST_LEDGER_FREE_MB": "0"})).out


async def test_after_the_first_key_doctor_finds_nothing_wrong(tmp_path: Path) -> None:
    await shown(tmp_path, "keys", "create", "--role", "admin", "--company", "acme")
    assert (await ringpost(tmp_path, "doctor", env={"RINGPOST_PORT": "0"})).code == 0


async def test_a_test_call_to_a_receiver_that_is_down_says_why_it_failed(
    tmp_path: Path, service: Running, receiver: Receiver
) -> None:
    await receiver.stop()
    made = await shown(tmp_path, "integrations", "install", "webhook", receiver.url, "--company", "acme", "--json")
    identifier = json.loads(made.out)["id"]
    tested = await ringpost(tmp_path, "integrations", "test", identifier)
    assert (tested.code, "No connection could be made" in tested.out) == (1, True)
    assert "latest failing" in (await shown(tmp_path, "integrations", "show", identifier)).out


async def test_an_operator_sends_for_the_company_that_is_named(tmp_path: Path, service: Running) -> None:
    bare = await ringpost(tmp_path, "send", "-", stdin=json.dumps(START))
    assert (bare.code, "company_missing" in bare.out) == (1, True)
    assert "acme_1.1" in (await ringpost(tmp_path, "send", "-", "--company", "acme", stdin=json.dumps(START))).out
    assert (await ringpost(tmp_path, "send", "-", stdin="\n")).code == 1


async def test_doctor_says_what_is_wrong_and_prints_the_stanza_to_paste(tmp_path: Path) -> None:
    await shown(tmp_path, "keys", "list")
    (tmp_path / "ringpost.toml").write_text(
        '[[pbx]]\ncompany = "acme"\nserial = "pbx1"\nhost = "127.0.0.1"\nport = 1\nuser = "ringpost"\nsecret = "hush"\n'
    )
    done = await ringpost(tmp_path, "doctor", "--config", "ringpost.toml")
    assert done.code == 1
    assert "pbx_unreachable" in done.out
    assert "Check host, port, firewall" in done.out
    assert "[ringpost]" in done.out
    assert "read = system,call,agent" in done.out
    assert "hush" not in done.out + done.err


async def test_doctor_prints_nothing_to_paste_where_the_fault_is_on_this_side(tmp_path: Path) -> None:
    (tmp_path / "ringpost.toml").write_text(
        '[[pbx]]\ncompany = "acme"\nserial = "pbx1"\nhost = "127.0.0.1"\nuser = "ringpost"\nsecret_file = "none"\n'
    )
    done = await ringpost(tmp_path, "doctor", "--config", "ringpost.toml", env={"RINGPOST_PORT": "0"})
    assert (done.code, "secret_file cannot be read" in done.out, "manager.conf" in done.out) == (1, True, False)


@pytest.mark.parametrize(
    ("env", "code"),
    [
        ({"RINGPOST_PROT": "1"}, "setting_unknown"),
        ({"RINGPOST_PORT": "many"}, "settings_invalid"),
        ({"RINGPOST_HOST": "192.0.2.1"}, "settings_invalid"),
        ({"RINGPOST_LEDGER": "postgresql://db/ringpost", "RINGPOST_PORT": "0"}, "settings_invalid"),
        ({"RINGPOST_SEALING_KEY": "/nowhere/at/all/sealing.key", "RINGPOST_PORT": "0"}, None),
    ],
)
async def test_a_wrong_setting_stops_the_start_with_a_clear_word(
    tmp_path: Path, env: dict[str, str], code: str | None
) -> None:
    if code is None:
        (tmp_path / "file").write_text("")
        env, code = {**env, "RINGPOST_SEALING_KEY": str(tmp_path / "file" / "key")}, "sealing_key_invalid"
    done = await ringpost(tmp_path, "serve", env=env)
    assert done.code == 1
    assert f"ringpost: {code}" in done.err
    assert "Traceback" not in done.err


async def test_a_second_service_on_the_same_ledger_is_refused(tmp_path: Path, service: Running) -> None:
    second = await ringpost(tmp_path, "serve", "--port", "0")
    assert (second.code, "ledger_in_use" in second.err) == (1, True)


async def test_what_is_owed_goes_on_in_order_after_a_kill(tmp_path: Path, receiver: Receiver) -> None:
    await receiver.stop()
    service = await running(tmp_path, "serve", "--port", "0", env=LOOPBACK)
    await service.wait_for(lambda lines: any("listens at" in line for line in lines))
    await shown(tmp_path, "integrations", "install", "webhook", receiver.url, "--company", "acme")
    key = (await shown(tmp_path, "keys", "create", "--role", "source", "--company", "acme")).out.strip()
    kinds = ["call:start", *["call:update"] * 3, "call:end"]
    events = [{"id": "1", "type": kind, "data": {"status": str(place)}} for place, kind in enumerate(kinds)]
    lines = "\n".join(map(json.dumps, events))
    assert (await ringpost(tmp_path, "send", "-", stdin=lines, env={"RINGPOST_API_KEY": key})).code == 0
    await service.stop(signal.SIGKILL)
    await receiver.start()
    service = await running(tmp_path, "serve", "--port", "0", env={**LOOPBACK})
    requests = await receiver.wait_for(5)
    assert [json.loads(request.body)["data"]["status"] for request in requests] == ["0", "1", "2", "3", "4"]
    assert len({request.header("webhook-id") for request in requests}) == 5
    await service.stop()


async def test_no_secret_is_in_the_process_list_or_the_output(
    tmp_path: Path, service: Running, receiver: Receiver
) -> None:
    secret, header = "a-secret-of-my-own-1234", "header-value-of-my-own-5678"
    (tmp_path / "secret").write_text(secret)
    (tmp_path / "headers").write_text(f"x-token: {header}\n")
    words = ("--company", "acme", "--secret-file", "secret", "--header-file", "headers")
    done = await shown(tmp_path, "integrations", "install", "webhook", receiver.url, *words)
    identifier = done.out.split("Installed ")[1].split(":")[0]
    await shown(tmp_path, "integrations", "test", identifier)
    requests = await receiver.wait_for(4)
    assert all(request.header("x-token") == header for request in requests)
    listed = await shown(tmp_path, "integrations", "show", identifier)
    await service.stop()
    for text in (done.out, done.err, listed.out, *service.lines):
        assert secret not in text
        assert header not in text


async def test_a_signal_ends_the_service_within_its_limit_and_leaves_no_service_file(
    tmp_path: Path, service: Running
) -> None:
    file = tmp_path / "ringpost-data" / "service.json"
    assert await asyncio.to_thread(file.stat)
    assert (await asyncio.to_thread(file.stat)).st_mode & 0o777 == 0o600
    assert await service.stop(signal.SIGTERM) == 0
    assert not await asyncio.to_thread(file.exists)
