"""How PBXs stand, over the API: all that is known of each, and no company's to another."""

from __future__ import annotations

import pytest

from ringpost.sources.source import SourceStatus
from ringpost.sources.standing import PbxStanding
from tests.api.world import OURS, START, THEIRS, World

CONNECTED = SourceStatus(connected_since=START, heard=START + 1, version="22.5.2", dropped=2)
LOST = SourceStatus(error="pbx_login_refused", message="The PBX refused the login.", attempts=3, heard=START)


@pytest.fixture
async def world(world: World) -> World:
    world.pbxs = [
        PbxStanding(
            company=OURS, serial="pbx1", address="192.0.2.10:5038", status=CONNECTED, calls=7, seen=41, ended=2,
            begun=1, waiting=5, lost=4,
        ),
        PbxStanding(company=OURS, serial="pbx2", address="192.0.2.11:5038", status=LOST),
        PbxStanding(company=THEIRS, serial="pbx3", address="", status=SourceStatus()),
    ]  # fmt: skip
    return world


async def test_each_tells_how_it_stands(world: World) -> None:
    connected, lost, connecting = await world.done("GET", "/v1/pbxs", key="operator")
    assert connected == {
        "company": OURS, "serial": "pbx1", "address": "192.0.2.10:5038", "state": "connected",
        "connectedSince": START, "lastEvent": START + 1, "version": "22.5.2", "calls": 7, "seen": 41, "ended": 2,
        "begun": 1, "waiting": 5, "lost": 4, "dropped": 2, "attempts": 0, "error": None, "message": None,
    }  # fmt: skip
    assert (lost["state"], lost["error"], lost["attempts"]) == ("not connected", "pbx_login_refused", 3)
    assert (lost["message"], lost["connectedSince"]) == ("The PBX refused the login.", None)
    assert (connecting["state"], connecting["address"], connecting["lastEvent"]) == ("connecting", None, None)


async def test_each_company_sees_its_own_and_an_operator_all(world: World) -> None:
    async def serials(query: str = "", key: str = "viewer") -> list[str]:
        return [one["serial"] for one in await world.done("GET", f"/v1/pbxs{query}", key=key)]

    assert await serials() == ["pbx1", "pbx2"]
    assert await serials(key="foreign") == ["pbx3"]
    assert await serials(f"?company={THEIRS}", "operator") == ["pbx3"]
    await world.refused("company_foreign", "GET", f"/v1/pbxs?company={THEIRS}")
