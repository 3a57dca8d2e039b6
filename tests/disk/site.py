"""A node on a disk that fails: a client, a receiver, a phone line, and the comparison of accepted and received."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import apsw
import httpx

from ringpost.calls.observation import Dials, HungUp, Leg, LegAppeared, Snapshot
from ringpost.integrations.requests import InstallRequest
from ringpost.node import Node, start_node
from ringpost.settings import Settings
from ringpost.sources.source import Say, SourceStatus
from tests.real.receiver import Receiver

COMPANY: Final = "acme"
PATIENCE: Final = 60  # seconds until all is as it should be: results are tried again every 5 s
DELIVERED: Final = 2  # the state in the ledger
REFUSALS: Final = frozenset({"ledger_full", "ledger_unavailable"})


class Line:
    """A source whose test makes the calls."""

    def __init__(self) -> None:
        self._say: Say | None = None

    async def run(self, say: Say) -> None:
        say(Snapshot())
        self._say = say
        await asyncio.Event().wait()

    def status(self) -> SourceStatus:
        return SourceStatus()

    def call(self, number: int) -> None:
        """A whole call: start and end."""
        assert self._say is not None
        call = f"line.{number}"
        caller, callee = Leg(id=call, call=call, endpoint="1001"), Leg(id=f"{call}b", call=call, endpoint="1002")
        for seen in (LegAppeared(caller), LegAppeared(callee), Dials(caller, callee), HungUp(callee), HungUp(caller)):
            self._say(seen)


class Site:
    """accepted: the types of the events of each call that were accepted, by the call's id."""

    def __init__(self, node: Node, client: httpx.AsyncClient, receiver: Receiver) -> None:
        self.node = node
        self.client = client
        self.receiver = receiver
        self.line = Line()
        self.accepted: dict[str, list[str]] = defaultdict(list)
        self.refused: list[str] = []  # the codes
        self.integration = ""

    async def ask(self, method: str, path: str, body: object = None, **query: str) -> tuple[int, Any]:
        """The status, and the result or the error's code."""
        answer = await self.client.request(method, path, json=body, params=query)
        told: Any = answer.json() if answer.content.startswith(b"{") else answer.text
        if answer.status_code < 300:
            return answer.status_code, told["result"] if isinstance(told, dict) else told
        return answer.status_code, told["error"]["code"]

    async def send(self, call: str, kind: str, data: str = "") -> int:
        """Send an event; the status. Only a refusal for the ledger's sake is taken."""
        body = {"company": COMPANY, "id": call, "type": f"call:{kind}", "data": {"status": "TALKING", "more": data}}
        status, told = await self.ask("POST", "/v1/events", body)
        if status == 202:
            self.accepted[f"{COMPANY}_{call}"].append(f"call:{kind}")
        else:
            assert (status, told in REFUSALS) == (503, True), f"{call} {kind}: {status} {told}"
            self.refused.append(told)
        return status

    async def send_until_accepted(self, call: str, kind: str, data: str = "") -> None:
        while await self.send(call, kind, data) != 202:
            pass

    def called(self, count: int) -> None:
        """So many calls on the line, which the ledger has to take sooner or later."""
        for number in range(count):
            self.line.call(number)
            self.accepted[f"{COMPANY}_hq_line.{number}"] = ["call:start", "call:end"]

    def received(self) -> dict[str, list[str]]:
        """The events that the receiver had, in its order; none came twice."""
        found = defaultdict(list)
        ids = [request.header("webhook-id") for request in self.receiver.requests]
        assert len(set(ids)) == len(ids), "a delivery was made again, though its receiver took it"
        for request in self.receiver.requests:
            event = json.loads(request.body)
            found[event["id"]].append(event["type"])
        return found

    async def wait_received(self) -> None:
        """Until the receiver has as many events as were accepted, and the ledger knows it."""
        total = sum(map(len, self.accepted.values()))
        await self.receiver.wait_for(total, timeout=PATIENCE)
        async with asyncio.timeout(PATIENCE):
            await self.node.dispatcher.wait_idle()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():  # noqa: ASYNC110 - what the parts of a node count tells nobody
                await asyncio.sleep(0.005)


@asynccontextmanager
async def site(folder: Path, receiver: Receiver) -> AsyncIterator[Site]:
    """A node with one integration and one PBX."""
    settings = Settings(data=str(folder / "data"), port=0, allow_networks=("127.0.0.0/8",))
    node = await start_node(settings, later=[(COMPANY, "hq")])
    try:
        _, key = await node.keys.create(company=None, role="operator", name="")
        headers = {"authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=node.local_url, headers=headers, trust_env=False) as client:
            made = Site(node, client, receiver)
            installed, _ = await node.registry.install(COMPANY, InstallRequest(type="webhook", url=receiver.url))
            made.integration = installed.id
            await node.ledger.register_pbx(COMPANY, "first", node.now())  # so that the line's calls have `hq` in them
            await node.listen_to(COMPANY, "hq", made.line)
            await node.wait_in_step()
            yield made
    finally:
        await node.stop()


def check_ledger(path: Path, accepted: dict[str, list[str]]) -> None:
    """The file of a service that was stopped: sound, with what was accepted and nothing else, all of it delivered."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        assert connection.pragma("integrity_check") == "ok"
        found = defaultdict(list)
        for call, type_ in connection.execute("SELECT call, type FROM events WHERE type LIKE 'call:%' ORDER BY seq"):
            found[call].append(type_)
        assert found == accepted
        states = [state for (state,) in connection.execute("SELECT state FROM deliveries")]  # nobody wants notices
        assert states == [DELIVERED] * sum(map(len, accepted.values()))
    finally:
        connection.close()
