"""The directory in a whole node: calls of a PBX are told with who is who, and a change is seen by what comes next."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ringpost.calls.observation import Dials, HungUp, Leg, LegAppeared, Observation, Snapshot
from ringpost.integrations.requests import InstallRequest
from ringpost.model.directory import NumberingPlan, Person
from ringpost.node import Node, start_node
from ringpost.settings import Settings
from ringpost.sources.source import Say, SourceStatus
from tests.real.receiver import Receiver
from tests.sources.ami_server import AmiServer, channel, event

ALICE = Person(extension="1001", name="Alice Rossi", email="alice@example.com", group_id="7")
NEVER = 60_000  # ms


class Line:
    """A source whose test says what is seen."""

    def __init__(self) -> None:
        self._say: Say | None = None

    def status(self) -> SourceStatus:
        return SourceStatus(connected_since=1)

    async def run(self, say: Say) -> None:
        self._say = say
        say(Snapshot())
        await asyncio.Event().wait()

    def see(self, *seen: Observation) -> None:
        assert self._say is not None
        for one in seen:
            self._say(one)

    def call(self, name: str, caller: str, callee: str, *, dialled: str = "1002") -> None:
        """From one endpoint to another, of which the first hangs up."""
        legs = [
            Leg(id=f"{name}.{number}", call=f"{name}.1", endpoint=endpoint, number=endpoint, inside=None)
            for number, endpoint in ((1, caller), (2, callee))
        ]
        first, second = replace(legs[0], dialled=dialled), legs[1]
        self.see(LegAppeared(first), Dials(first, second), HungUp(second, 16), HungUp(first, 16))


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    nodes: list[Node] = []

    async def start(receiver: Receiver, **more: Any) -> Node:
        settings = Settings(data=str(tmp_path / "data"), port=0, allow_networks=("127.0.0.0/8",), **more)
        nodes.append(await start_node(settings))
        if not nodes[-1].registry.all():
            await nodes[-1].registry.install("acme", InstallRequest(type="webhook", url=receiver.url))
        return nodes[-1]

    yield start
    for node in nodes:
        await node.stop()


async def listened_to(node: Node, *trunks: str) -> Line:
    line = Line()
    await node.listen_to("acme", "hq", line, trunks)
    await node.wait_in_step()
    return line


async def told(receiver: Receiver, call: str, kind: str) -> dict[str, Any]:
    """The `data` of an event, once it is delivered."""

    def of_call(requests: Any) -> list[Any]:
        bodies = [json.loads(request.body) for request in requests]
        return [one for one in bodies if one["id"].endswith(f"_{call}.1") and one["type"] == kind]

    requests = await receiver.wait_for(lambda got: bool(of_call(got)))
    data: dict[str, Any] = of_call(requests)[0]["data"]
    return data


async def test_people_and_queues_are_told_as_the_directory_has_them_now(start: Any, receiver: Receiver) -> None:
    node = await start(receiver)
    line = await listened_to(node)
    await node.directories.enter("acme", ALICE)
    await node.directories.enter("other", Person(extension="1002", name="Nobody of ours"))
    line.call("1", "1001", "1002")
    data = await told(receiver, "1", "call:end")
    assert (data["caller"]["name"], data["caller"]["email"]) == ("Alice Rossi", "alice@example.com")
    assert (data["caller"]["groupId"], data["callee"]["name"]) == ("7", None)
    await node.directories.enter("acme", replace(ALICE, name="Alice Bianchi"))
    line.call("2", "1001", "1002")
    assert (await told(receiver, "2", "call:end"))["caller"]["name"] == "Alice Bianchi"


async def test_new_trunks_are_used_at_once_beside_those_of_the_settings(start: Any, receiver: Receiver) -> None:
    node = await start(receiver)
    line = await listened_to(node, "200")
    for name, trunks in (("1", ()), ("2", ("300",)), ("3", ())):
        await node.directories.edit_plan("acme", lambda _, trunks=trunks: NumberingPlan(trunks=trunks))
        line.call(f"{name}0", "200", "1002")
        line.call(f"{name}1", "300", "1002")
    directions = [
        (await told(receiver, call, "call:end"))["direction"] for call in ("10", "11", "20", "21", "30", "31")
    ]
    assert directions == ["INBOUND", "INTERNAL", "INBOUND", "INBOUND", "INBOUND", "INTERNAL"]


async def test_a_call_to_an_emergency_number_of_the_directory_is_told_at_once(start: Any, receiver: Receiver) -> None:
    node = await start(receiver, start_hold_ms=NEVER)
    await node.directories.take_file("acme", b"emergency\n118\n", "merge", dry_run=False)
    line = await listened_to(node)
    for number in ("118", "112"):
        line.see(LegAppeared(Leg(id=f"{number}.1", call=f"{number}.1", endpoint="1001", dialled=number)))
        data = await told(receiver, number, "call:start")
        assert (data["destination"], data["tags"]) == (number, ["emergency"])


async def test_after_a_restart_calls_that_go_on_are_told_again_only_where_something_is_other(
    start: Any, receiver: Receiver
) -> None:
    node = await start(receiver)
    await node.directories.enter("acme", ALICE)
    line = await listened_to(node)
    caller, callee = (Leg(id=f"5.{number}", call="5.1", endpoint=f"100{number}", state="up") for number in (1, 2))
    line.see(LegAppeared(caller), Dials(caller, callee))
    assert (await told(receiver, "5", "call:start"))["caller"]["name"] == "Alice Rossi"
    await node.stop()
    node = await start(receiver)
    line = await listened_to(node)
    line.see(LegAppeared(caller), HungUp(caller, 16))
    data = await told(receiver, "5", "call:end")
    assert (data["caller"]["name"], data["caller"]["email"]) == ("Alice Rossi", "alice@example.com")
    bodies = [request.body for request in receiver.requests]
    payloads = [json.loads(body)["data"] for body in bodies if json.loads(body)["type"] != "call:end"]
    assert all(one != other for one, other in pairwise(payloads))


async def test_what_an_asterisk_shows_of_its_people_is_learned(start: Any, receiver: Receiver) -> None:
    server = AmiServer()
    await server.start()
    try:
        node = await start(receiver, pbx=(server.settings(),))
        await node.directories.enter("acme", Person(extension="1002", name="Bob B."))
        await node.wait_in_step()
        learned = asyncio.Event()
        node.directories._on_change = lambda _: learned.set()
        for number, name in ((1, "Alice"), (2, "Bob")):
            fields = channel(f"{number}.1", f"{number}.1", f"100{number}", 4, CallerIDName=name)
            server.say(event("Newchannel", **fields))
            async with asyncio.timeout(10):
                await learned.wait()
            learned.clear()
        people = {person.extension: person.name for person in node.directories.of("acme").people}
        assert people == {"1001": "Alice", "1002": "Bob B."}
        assert node.directories.count("acme") == (1, 1)
    finally:
        await server.stop()
