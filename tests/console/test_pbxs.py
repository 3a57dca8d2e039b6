"""The screens of PBXs: how each stands in words, whose it is, what is to be pasted for a new one, and trying it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from html import unescape
from typing import Any

import msgspec
import pytest
from msgspec import structs
from structlog.testing import capture_logs

from ringpost.console import pbxs
from ringpost.console.live import PBX
from ringpost.settings import PbxSettings
from ringpost.sources.source import SourceStatus
from ringpost.sources.standing import PbxStanding
from tests.api.world import NOT_THERE
from tests.console.world import OURS, THEIRS, World

NEW = {"company": OURS, "serial": "pbx1", "host": "127.0.0.1", "port": "9", "user": "ringpost", "ours": ""}


def standing(serial: str = "PBX1", company: str = OURS, status: SourceStatus | None = None, **more: Any) -> PbxStanding:
    return PbxStanding(
        company=company, serial=serial, address="192.0.2.10:5038", status=status or SourceStatus(), **more
    )


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", page.split("<main", 1)[1])))


@pytest.fixture
async def world(world: World) -> World:
    connected = SourceStatus(connected_since=world.time, heard=world.time, version="22.10.1 <b>", dropped=2)
    lost = SourceStatus(error="pbx_login_refused", message="Authentication failed.", attempts=3)
    world.pbxs = [
        standing(status=connected, calls=7, seen=41, ended=2, begun=1, waiting=5, lost=1),
        standing("PBX2", status=lost),
        standing("PBX3", THEIRS),
    ]
    return world


async def test_each_pbx_is_shown_as_it_stands(world: World) -> None:
    page = (await (await world.signed_in("operator")).get("/pbxs")).text
    told = text_of(page)
    assert re.search(r"PBX1 acme_gmbh connected 20\S+ \S+ 20\S+ \S+ 7 3 22.10.1 <b>", told)
    assert "PBX2 acme_gmbh not connected none yet 0 0 Authentication failed. Check user and secret" in told
    assert "PBX3 wildix_srl connecting" in told
    assert "22.10.1 &lt;b&gt;" in page


async def test_a_company_sees_its_own_alone(world: World) -> None:
    foreign = await world.signed_in("foreign")
    page = (await foreign.get("/pbxs")).text
    assert "PBX3" in page
    assert "PBX1" not in page
    assert (await foreign.get("/pbxs/PBX1")).status_code == 404
    assert (await foreign.get("/pbxs/PBX3")).status_code == 200
    assert (await (await world.signed_in("operator")).get(f"/pbxs/PBX3?company={OURS}")).status_code == 404


async def test_one_pbx_tells_what_was_missed_and_its_notices(world: World) -> None:
    await world.notice(type="notice:pbx-lost", message="PBX PBX1 is <lost>.", pbx="PBX1")
    await world.notice(type="notice:pbx-lost", message="Another one.", pbx="PBX2")
    told = text_of((await (await world.signed_in("viewer")).get("/pbxs/PBX1")).text)
    assert "2 calls ended and 1 begun while it was not connected" in told
    assert "5 events for the ledger" in told
    assert "1 event that the ledger refused" in told
    assert "2 messages that could not be read" in told
    assert "PBX PBX1 is <lost>." in told
    assert "Another one." not in told
    assert "Check it now" not in told  # there is no login of the settings
    assert "3 attempts in vain" in text_of((await (await world.signed_in("viewer")).get("/pbxs/PBX2")).text)


async def test_one_of_the_settings_can_be_checked_by_who_may_change_things(world: World) -> None:
    viewer = (await (await world.signed_in("viewer")).get("/pbxs/PBX2")).text
    assert "Check it now" not in viewer
    assert "[ringpost]" in viewer
    admin = await world.signed_in("admin")
    assert "Check it now" in (await admin.get("/pbxs/PBX2")).text
    reply = await admin.submit("/pbxs/PBX2", {}, to="/pbxs/PBX2/check")
    told = text_of(reply.text)
    assert reply.status_code == 200
    assert "not right No connection to the PBX" in told
    assert "Check host, port, firewall" in told
    assert NOT_THERE.secret not in reply.text
    refused = await admin.submit("/pbxs/PBX2", {}, to="/pbxs/PBX1/check")
    assert "no PBX of the settings" in refused.text


async def test_who_knows_no_pbx_is_told_what_to_do(world: World) -> None:
    world.pbxs = []
    await world.ledger.register_pbx(OURS, "PBX9", 0)
    operator = text_of((await (await world.signed_in("operator")).get("/pbxs")).text)
    assert "No PBX is listened to." in operator
    assert "Add a PBX" in operator
    assert f"Not in the settings any more: {OURS}/PBX9." in operator
    assert "Add a PBX" not in text_of((await (await world.signed_in("admin")).get("/pbxs")).text)


async def test_what_to_paste_fits_together_and_is_what_the_settings_read(world: World) -> None:
    operator = await world.signed_in("operator")
    pages = [(await operator.submit("/add-pbx", NEW | {"tls": "yes"})).text for _ in range(2)]
    told = [re.findall(r'<pre id="([^"]+)"[^>]*>([^<]*)</pre>', page) for page in pages]
    found = {name: unescape(text) for name, text in told[0]}
    assert f"secret = {found['secret']}\n" in found["stanza"]
    assert f"secret={found['secret']}\n" in found["stanza-freepbx"]
    assert "permit = 127.0.0.1/32" in found["stanza"]
    [table] = tomllib.loads(found["toml"])["pbx"]
    assert msgspec.convert(table, PbxSettings) == PbxSettings(
        company=OURS, serial="pbx1", host="127.0.0.1", port=9, user="ringpost", tls=True,
        secret_file="/etc/ringpost/pbx1.secret",
    )  # fmt: skip
    assert len(found["secret"]) == 32
    assert told[0] != told[1]  # another secret each time


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("company", "Acme GmbH"), ("serial", "pbx 1"), ("serial", "api"), ("serial", "PBX1"), ("host", "a]\n[b"),
        ("host", "pbx.example.com:5038"), ("host", ""), ("port", "70000"),
        ("port", "x"), ("user", "r]\nwrite = all"), ("ours", "not an address"), ("ours", "10.0.0.0/8"),
    ],
)  # fmt: skip
async def test_what_no_stanza_can_hold_is_refused_by_its_field(world: World, field: str, wrong: str) -> None:
    operator = await world.signed_in("operator")
    for to in ("/add-pbx", "/add-pbx/try"):
        reply = await operator.submit("/add-pbx", NEW | {field: wrong}, to=to)
        assert reply.status_code == 422
        assert re.search(rf'id="f-{field}"[^>]*aria-invalid="true"', reply.text)
        assert f"`{field}` is not right" in unescape(reply.text).replace("<code>", "`").replace("</code>", "`")
        assert unescape(wrong).split("\n")[0] in unescape(reply.text)  # what was entered is there still


async def test_a_try_keeps_the_secret_of_its_page_and_says_what_is_wrong(world: World) -> None:
    operator = await world.signed_in("operator")
    reply = await operator.submit("/add-pbx", NEW | {"secret": "kept-7f3c90ab"}, to="/add-pbx/try")
    assert reply.status_code == 200
    assert "No connection to the PBX" in text_of(reply.text)
    assert "secret = kept-7f3c90ab" in unescape(reply.text)


async def test_pages_are_live_by_the_topic_that_the_node_tells(world: World) -> None:
    viewer = await world.signed_in("viewer")
    for path in ("/pbxs", "/pbxs/PBX1"):
        assert re.search(rf'data-live="[^"]*\b{PBX}\b', (await viewer.get(path)).text)


async def test_a_secret_that_the_page_did_not_make_is_in_no_stanza(world: World) -> None:
    operator = await world.signed_in("operator")
    for secret in ("kept-7f3c90ab\nwrite = all", "kept-7f3c90ab;", "a" * 129):
        reply = await operator.submit("/add-pbx", NEW | {"secret": secret}, to="/add-pbx/try")
        assert reply.status_code == 422
        assert "kept-7f3c90ab" not in reply.text


async def test_a_host_without_a_way_to_it_needs_our_address_to_be_said(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pbxs, "address_towards", lambda *_: None)
    operator = await world.signed_in("operator")
    refused = await operator.submit("/add-pbx", NEW | {"host": "pbx..example.com"})
    assert refused.status_code == 422
    assert re.search(r'id="f-ours"[^>]*aria-invalid="true"', refused.text)
    said = await operator.submit("/add-pbx", NEW | {"host": "pbx..example.com", "ours": "192.0.2.20"})
    assert "permit = 192.0.2.20/32" in said.text
    tried = await operator.submit(
        "/add-pbx", NEW | {"host": "pbx..example.com", "ours": "192.0.2.20"}, to="/add-pbx/try"
    )
    assert tried.status_code == 200
    assert "The PBX's host is no name of a host." in text_of(tried.text)


async def test_a_page_that_is_only_looked_at_looks_no_name_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    monkeypatch.setattr(pbxs, "address_towards", lambda host, _: looked.append(host))
    named = structs.replace(NOT_THERE, host="localhost")
    world.services = replace(world.services, settings=structs.replace(world.services.settings, pbx=(named,)))
    world.serving.services = world.services
    admin = await world.signed_in("admin")
    told = text_of((await admin.get("/pbxs/PBX2")).text)
    assert looked == []
    assert "A check looks its host up" in told
    checked = await admin.submit("/pbxs/PBX2", {}, to="/pbxs/PBX2/check")
    assert looked == ["localhost"]
    assert "There is no way to its host from here" in text_of(checked.text)


async def test_its_own_notices_are_found_behind_many_others(world: World) -> None:
    await world.notice(type="notice:pbx-lost", message="PBX PBX1 is gone.", pbx="PBX1")
    for number in range(101):
        await world.notice(type="notice:failing", message=f"Failure {number}.")
    await world.notice(type="notice:pbx-back", message="PBX PBX1 is here again.", pbx="PBX1")
    told = text_of((await (await world.signed_in("viewer")).get("/pbxs/PBX1")).text)
    assert told.index("PBX PBX1 is here again.") < told.index("PBX PBX1 is gone.")
    assert "Failure" not in told


async def test_who_tried_what_is_in_the_log_and_no_secret(world: World) -> None:
    operator = await world.signed_in("operator")
    with capture_logs() as logs:
        await operator.submit("/add-pbx", NEW | {"secret": "kept-7f3c90ab"}, to="/add-pbx/try")
    [told] = [entry for entry in logs if entry["event"] == "pbx tried"]
    assert (told["address"], told["user"], told["code"]) == ("127.0.0.1:9", "ringpost", "pbx_unreachable")
    assert told["by"]
    assert "kept-7f3c90ab" not in str(logs)


def test_an_address_of_ipv6_stands_in_brackets() -> None:
    assert structs.replace(NOT_THERE, host="2001:db8::5").address == "[2001:db8::5]:9"
