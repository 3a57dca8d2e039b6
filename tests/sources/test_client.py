"""The client against a manager interface on a real socket."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import structlog
import trustme
from msgspec import structs

from ringpost.calls.observation import HungUp, LegAppeared, LegChanged, Observation, Snapshot
from ringpost.settings import PbxSettings
from ringpost.sources.asterisk import client, session
from ringpost.sources.asterisk.client import AsteriskSource, Waits
from ringpost.sources.asterisk.probe import address_towards, manager_stanza, probe
from tests.sources.ami_server import SECRET, AmiServer, channel, event

Said = Observation | Snapshot


def now() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
async def server() -> AsyncIterator[AmiServer]:
    server = AmiServer()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_RETRY", (2, 20))
    monkeypatch.setattr(client, "_RETRY_REFUSED", (2, 20))


class Ear:
    """Runs a source and keeps what it says."""

    def __init__(self, settings: PbxSettings) -> None:
        self.source = AsteriskSource(settings, now=now, jitter=lambda: 0.0)
        self.said: asyncio.Queue[Said] = asyncio.Queue()
        self.task = asyncio.create_task(self.source.run(self.said.put_nowait))

    async def next(self) -> Said:
        async with asyncio.timeout(10):
            return await self.said.get()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - a status has no event
                await asyncio.sleep(0.002)

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


Listen = Callable[[PbxSettings], Ear]


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    ears: list[Ear] = []

    def listen(settings: PbxSettings) -> Ear:
        ears.append(Ear(settings))
        return ears[-1]

    yield listen
    for ear in ears:
        await ear.stop()


async def test_it_says_a_snapshot_first_and_then_what_happens(server: AmiServer, listen: Listen) -> None:
    server.channels = [channel("1.1", "1.1", "1001", 6, BridgeId="b")]
    ear = listen(server.settings())
    snapshot = await ear.next()
    assert isinstance(snapshot, Snapshot)
    assert [(alive.leg.endpoint, alive.bridge) for alive in snapshot.legs] == [("1001", "b")]
    server.say(event("Newchannel", **channel("2.1", "2.1", "1003", 4)))
    assert isinstance(await ear.next(), LegAppeared)
    status = ear.source.status()
    assert (status.version, status.error, status.attempts) == ("22.5.2", None, 0)
    assert status.connected_since is not None
    assert status.heard is not None


async def test_what_comes_between_login_and_list_follows_the_list(server: AmiServer, listen: Listen) -> None:
    server.before_list = event("Hangup", **channel("1.1", "1.1", "1001", 6, Cause=16))
    ear = listen(server.settings())
    assert isinstance(await ear.next(), Snapshot)
    assert isinstance(await ear.next(), HungUp)


async def test_a_lost_connection_is_made_again_and_a_snapshot_comes_first(server: AmiServer, listen: Listen) -> None:
    ear = listen(server.settings())
    await ear.next()
    server.uptime, server.channels = 1, [channel("9.1", "9.1", "1001", 4)]
    server.cut()
    snapshot = await ear.next()
    assert isinstance(snapshot, Snapshot)
    assert snapshot.restarted
    assert [alive.leg.id for alive in snapshot.legs] == ["9.1"]
    assert server.logins == 2


async def test_a_pbx_that_restarted_is_known_by_its_start_where_the_uptime_may_not_be_read(
    server: AmiServer, listen: Listen
) -> None:
    server.tells_boot, server.started = False, ("2026-11-25", "09:00:01")
    ear = listen(server.settings())
    assert await ear.next() == Snapshot()
    server.cut()
    assert await ear.next() == Snapshot()
    server.started = ("2026-11-25", "10:00:00")
    server.cut()
    assert await ear.next() == Snapshot(restarted=True)
    server.cut()
    assert await ear.next() == Snapshot()


async def test_a_restart_is_not_forgotten_when_the_next_connection_ends_before_the_list(
    server: AmiServer, listen: Listen
) -> None:
    server.started = ("2026-11-25", "09:00:01")
    ear = listen(server.settings())
    assert await ear.next() == Snapshot()
    server.may_list, server.uptime, server.started = False, 1, ("2026-11-25", "10:00:00")
    server.cut()
    await ear.until(lambda: ear.source.status().error == "pbx_permission_missing")
    server.may_list = True
    assert await ear.next() == Snapshot(restarted=True)


async def test_a_wrong_secret_is_reported_without_the_secret(server: AmiServer, listen: Listen) -> None:
    wrong = "not the secret at all"
    with structlog.testing.capture_logs() as logs:
        ear = listen(server.settings(secret=wrong))
        await ear.until(lambda: ear.source.status().attempts >= 2)
    status = ear.source.status()
    assert status.error == "pbx_login_refused"
    assert wrong not in repr((status, logs, ear.source))
    assert {entry["code"] for entry in logs} == {"pbx_login_refused"}


async def test_a_user_without_reporting_is_reported(server: AmiServer, listen: Listen) -> None:
    server.may_list = False
    ear = listen(server.settings())
    await ear.until(lambda: ear.source.status().error == "pbx_permission_missing")


async def test_a_pbx_that_closes_before_its_greeting_is_unreachable(server: AmiServer, listen: Listen) -> None:
    server.greets = False
    ear = listen(server.settings())
    await ear.until(lambda: ear.source.status().error == "pbx_unreachable")
    server.greets = True
    assert isinstance(await ear.next(), Snapshot)
    assert ear.source.status().error is None


async def test_a_port_that_nobody_listens_on_is_unreachable(server: AmiServer, listen: Listen) -> None:
    settings = server.settings()
    await server.stop()
    ear = listen(settings)
    await ear.until(lambda: ear.source.status().attempts >= 2)
    assert ear.source.status().error == "pbx_unreachable"
    await server.start()
    assert isinstance(await ear.next(), Snapshot)


@pytest.mark.parametrize("host", ["pbx..example.com", "a" * 64 + ".example.com"])
async def test_a_host_that_is_no_name_is_a_fault_of_the_settings(server: AmiServer, listen: Listen, host: str) -> None:
    settings = structs.replace(server.settings(), host=host)
    assert (await probe(settings, now=now)).code == "settings_invalid"
    ear = listen(settings)
    await ear.until(lambda: ear.source.status().error == "settings_invalid")
    assert address_towards(host, 5038) is None


async def test_the_last_event_is_one_of_a_call(server: AmiServer, listen: Listen) -> None:
    ear = listen(server.settings())
    assert isinstance(await ear.next(), Snapshot)
    assert ear.source.status().heard is None
    server.say(event("Newchannel", **channel("2.1", "2.1", "1003", 4)))
    assert isinstance(await ear.next(), LegAppeared)
    assert ear.source.status().heard is not None


async def test_a_pbx_that_goes_silent_is_left(
    server: AmiServer, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "PING_EVERY", 10)
    monkeypatch.setattr(session, "SILENCE_LIMIT", 100)
    ear = listen(server.settings())
    await ear.next()
    server.silent = True
    await ear.until(lambda: ear.source.status().message == "The PBX has gone silent.")
    server.silent = False
    assert isinstance(await ear.next(), Snapshot)


async def test_the_secret_is_read_from_its_file(server: AmiServer, listen: Listen, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    ear = listen(server.settings(secret="", secret_file=str(file)))
    await ear.until(lambda: ear.source.status().error == "settings_invalid")
    file.write_text(SECRET + "\n")
    assert isinstance(await ear.next(), Snapshot)


@pytest.fixture
async def tls_server(tmp_path: Path) -> AsyncIterator[tuple[AmiServer, str]]:
    authority = trustme.CA()
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server = AmiServer()
    await server.start(context)
    yield server, str(file)
    await server.stop()


async def test_tls_is_used_with_the_authority_that_is_trusted(
    tls_server: tuple[AmiServer, str], listen: Listen
) -> None:
    server, authority = tls_server
    ear = listen(server.settings(tls=True, tls_ca=authority))
    assert isinstance(await ear.next(), Snapshot)


async def test_a_certificate_of_another_authority_is_not_trusted(
    tls_server: tuple[AmiServer, str], listen: Listen
) -> None:
    server, _ = tls_server
    ear = listen(server.settings(tls=True))
    await ear.until(lambda: "TLS" in (ear.source.status().message or ""))
    assert server.logins == 0


def test_waits_grow_to_a_limit_and_are_longer_where_only_a_person_can_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    waits = Waits()
    assert [waits.after("pbx_unreachable", 1.0) for _ in range(8)] == [
        1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
    ]  # fmt: skip
    assert [waits.after("pbx_login_refused", 1.0) for _ in range(5)] == [30_000, 60_000, 120_000, 240_000, 300_000]
    assert waits.after("pbx_unreachable", 0.0) == 500
    waits.over()
    assert waits.after("pbx_unreachable", 1.0) == 1_000


# --- bad weather -------------------------------------------------------------------------------------------------
async def test_a_slow_link_and_pieces_of_one_byte_are_no_matter(server: AmiServer, listen: Listen) -> None:
    ear = listen(server.settings())
    await ear.next()
    await server.asked.wait()  # an answer would come into the middle of the event
    for place in (raw := event("Newchannel", **channel("2.1", "2.1", "1003", 4, CallerIDName="Крот"))):
        server.say(bytes((place,)))
        await asyncio.sleep(0)
    said = await ear.next()
    assert isinstance(said, LegAppeared), raw
    assert said.leg.name == "Крот"


async def test_a_flood_with_huge_events_loses_no_call_and_reads_on(server: AmiServer, listen: Listen) -> None:
    ear = listen(server.settings())
    await ear.next()
    flood = event("VarSet", Variable="X", Value="v" * 3_000) * 1_000
    huge = b"Event: Newstate\r\n" + b"".join(b"K%d: %s\r\n" % (n, b"v" * 60_000) for n in range(20)) + b"\r\n"
    line = b"Event: Newstate\r\nValue: " + b"v" * 1_100_000 + b"\r\n\r\n"
    server.say(flood, huge, line, event("Newchannel", **channel("2.1", "2.1", "1003", 4)))
    assert isinstance(await ear.next(), LegAppeared)
    assert ear.source.status().dropped == 2
    server.cut()
    await ear.next()
    assert ear.source.status().dropped == 2


async def test_a_pbx_that_shuts_the_door_at_the_login_is_told_as_that(server: AmiServer, listen: Listen) -> None:
    """An address that the PBX's access list does not let in."""
    server.admits = False
    ear = listen(server.settings())
    await ear.until(lambda: ear.source.status().error == "pbx_login_refused")
    server.admits = True
    assert isinstance(await ear.next(), Snapshot)


async def test_events_that_the_pbx_holds_back_until_it_is_spoken_to_come_with_the_next_ping(
    server: AmiServer, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "PING_EVERY", 20)
    ear = listen(server.settings())
    await ear.next()
    await server.asked.wait()
    server.holds_back = True
    server.say(event("Newchannel", **channel("2.1", "2.1", "1003", 4)))
    assert isinstance(await ear.next(), LegAppeared)


@pytest.mark.parametrize(
    "number", ["5\r\nUniqueid: 1.1", "5\r\n\r\nEvent: Hangup\r\nUniqueid: 1.1\r\nLinkedid: 1.1\r\n"]
)
async def test_a_call_goes_on_whatever_another_caller_writes_into_its_number(
    server: AmiServer, listen: Listen, number: str
) -> None:
    server.channels = [channel("1.1", "1.1", "1001", 6)]
    ear = listen(server.settings())
    await ear.next()
    await server.asked.wait()
    server.say(event("Newchannel", **channel("9.9", "9.9", "trunk", 4, CallerIDNum=number)))
    server.say(event("Newstate", **channel("1.1", "1.1", "1001", 6)))
    said = await ear.next()
    assert isinstance(said, LegChanged)
    assert said.leg.id == "1.1"


async def test_two_sources_can_listen_to_one_pbx(server: AmiServer, listen: Listen) -> None:
    ears = [listen(server.settings()), listen(server.settings())]
    for ear in ears:
        await ear.next()
    server.say(event("Newchannel", **channel("2.1", "2.1", "1003", 4)))
    assert all([isinstance(await ear.next(), LegAppeared) for ear in ears])


async def test_a_connection_that_is_open_at_our_end_alone_is_left(
    server: AmiServer, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No byte and no end comes from a PBX that lost its power, or whose firewall forgot the connection."""
    monkeypatch.setattr(session, "LOGIN_LIMIT", 100)
    server.greeting = b""
    ear = listen(server.settings())
    await ear.until(lambda: ear.source.status().attempts >= 2)
    assert ear.source.status().message == "The PBX did not finish the greeting in time."


async def test_what_is_no_manager_interface_is_left(server: AmiServer, listen: Listen) -> None:
    server.greeting = b"HTTP/1.1 400 Bad Request\r\nResponse: x\r\n\r\n"
    ear = listen(server.settings())
    await ear.until(lambda: ear.source.status().error == "pbx_unreachable")


# --- probe ---------------------------------------------------------------------------------------------------------
async def test_the_probe_finds_all_well(server: AmiServer) -> None:
    server.channels = [channel("1.1", "1.1", "1001", 6)]
    result = await probe(server.settings(), now=now)
    assert (result.code, result.version, result.legs, result.advice) == (None, "22.5.2", 1, ())
    assert {permission.name: permission.granted for permission in result.permissions} == {
        "write=reporting": True,
        "read=system": True,
        "read=call": None,
        "read=agent": None,
        "nothing else": True,
    }


async def test_the_probe_hears_what_may_be_read(server: AmiServer) -> None:
    listening = asyncio.create_task(probe(server.settings(), now=now, listen=60_000))
    await asyncio.wait_for(server.live.wait(), 10)
    server.say(event("Newchannel", Privilege="call,all", **channel("2.1", "2.1", "1003", 4)))
    server.say(event("QueueCallerJoin", Privilege="agent,all"))
    result = await asyncio.wait_for(listening, 10)
    granted = {permission.name: permission.granted for permission in result.permissions}
    assert (granted["read=call"], granted["read=agent"]) == (True, True)


async def test_the_probe_tells_of_rights_that_are_missing_and_of_those_that_are_too_many(server: AmiServer) -> None:
    server.tells_boot = False
    server.actions = ("Ping", "Originate", "Command", "Hangup")
    result = await probe(server.settings(), now=now)
    by_name = {permission.name: permission for permission in result.permissions}
    assert by_name["read=system"].granted is False
    assert "write=call,command,originate" in by_name["nothing else"].help


Arrange = Callable[[AmiServer], object]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"secret": "wrong"}, "pbx_login_refused"),
        ({"secret_file": "/nowhere"}, "settings_invalid"),
        ({"tls": True, "tls_ca": "/nowhere"}, "settings_invalid"),
    ],
)
async def test_the_probe_tells_what_is_wrong_with_the_settings(
    server: AmiServer, change: dict[str, object], code: str
) -> None:
    assert (await probe(server.settings(**change), now=now)).code == code


async def test_the_probe_tells_what_is_wrong_with_the_pbx(server: AmiServer) -> None:
    async def code() -> str | None:
        return (await probe(server.settings(), now=now)).code

    async def after(arrange: Callable[[], Awaitable[None] | None]) -> str | None:
        outcome = arrange()
        if outcome is not None:
            await outcome
        return await code()

    server.may_list = False
    assert await code() == "pbx_permission_missing"
    server.may_list, server.version = True, "13.1.0"
    assert await code() == "pbx_too_old"
    server.greets = False
    assert await code() == "pbx_unreachable"
    assert await after(server.stop) == "pbx_unreachable"
    await server.start()


@pytest.mark.parametrize("address", ["10.0.0.5", "2001:db8::5"])
def test_the_stanza_gives_the_least_rights_to_our_address_alone(address: str) -> None:
    stanza = manager_stanza(AmiServer().settings(port=5038), address)
    assert stanza.startswith("[ringpost]\n")
    assert f"permit = {address}/" in stanza
    assert "read = system,call,agent\nwrite = reporting\n" in stanza
    assert SECRET not in stanza


@pytest.mark.parametrize(("address", "permit"), [("10.0.0.5", "10.0.0.5/255.255.255.255"), ("::5", "::5/128")])
def test_the_stanza_has_the_form_of_freepbx(address: str, permit: str) -> None:
    stanza = manager_stanza(AmiServer().settings(port=5038), address, "freepbx")
    assert f"\npermit={permit}\nread=system,call,agent\nwrite=reporting\n" in stanza
