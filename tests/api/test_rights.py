"""Who may do what: every operation with no key, a wrong one, a revoked one, each role's and a foreign company's.

The table below names every operation; one that is missing from it fails a test.
"""

from __future__ import annotations

from typing import Any, Final

import pytest

from ringpost.api.app import operations
from ringpost.api.operation import Operation
from tests.api.world import HOOK, OURS, World, event

ROLES: Final = ("operator", "admin", "viewer", "source")
ALL: Final = frozenset(ROLES)
READERS: Final = frozenset({"operator", "admin", "viewer"})
CHANGERS: Final = frozenset({"operator", "admin"})
ENDLESS: Final = "text/event-stream"
SENDERS: Final = frozenset({"operator", "admin", "source"})

# operation: who may, and what a foreign admin is told (None: it is done, within its own company)
TABLE: Final[dict[str, tuple[frozenset[str], str | None]]] = {
    "acceptEvent": (SENDERS, "company_foreign"),
    "acceptBatch": (SENDERS, None),  # each event of a batch has a verdict of its own
    "installIntegration": (CHANGERS, "company_foreign"),
    "listIntegrations": (READERS, None),
    "showIntegration": (READERS, "integration_not_found"),
    "editIntegration": (CHANGERS, "integration_not_found"),
    "deleteIntegration": (CHANGERS, "integration_not_found"),
    "pauseIntegration": (CHANGERS, "integration_not_found"),
    "resumeIntegration": (CHANGERS, "integration_not_found"),
    "rotateSecret": (CHANGERS, "integration_not_found"),
    "revealSecrets": (CHANGERS, "integration_not_found"),
    "listReveals": (CHANGERS, "integration_not_found"),
    "testIntegration": (CHANGERS, "integration_not_found"),
    "listCalls": (READERS, None),
    "showCall": (READERS, "call_not_found"),
    "showEvent": (READERS, "event_not_found"),
    "streamEvents": (READERS, None),
    "listDeliveries": (READERS, None),
    "showDelivery": (READERS, "delivery_not_found"),
    "replayDelivery": (CHANGERS, "delivery_not_found"),
    "beginReplay": (CHANGERS, "company_foreign"),
    "listReplays": (READERS, None),
    "showReplay": (READERS, "work_not_found"),
    "cancelReplay": (CHANGERS, "work_not_found"),
    "listNotices": (READERS, None),
    "listPbxs": (READERS, None),
    "showDirectory": (READERS, None),
    "editDirectory": (CHANGERS, None),
    "listPeople": (READERS, None),
    "showPerson": (READERS, "person_not_found"),
    "enterPerson": (CHANGERS, None),
    "removePerson": (CHANGERS, "person_not_found"),
    "importDirectory": (CHANGERS, None),
    "exportDirectory": (READERS, None),
    "createKey": (CHANGERS, "company_foreign"),
    "listKeys": (CHANGERS, None),
    "revokeKey": (CHANGERS, "key_not_found"),
    "createUser": (CHANGERS, "company_foreign"),
    "listUsers": (CHANGERS, None),
    "setPassword": (CHANGERS, "user_not_found"),
    "removeUser": (CHANGERS, "user_not_found"),
    "makeSignInLink": (frozenset({"operator"}), "role_too_small"),
    "beginErasure": (CHANGERS, "company_foreign"),
    "listErasures": (CHANGERS, None),
    "showErasure": (CHANGERS, "work_not_found"),
    "metrics": (frozenset({"operator"}), "role_too_small"),
    "listEventTypes": (ALL, None),
    "listErrors": (ALL, None),
    "whoAmI": (ALL, None),
    "openapi": (ALL, None),
}
PASSWORD: Final = "four words make one"
OPEN: Final = {"health", "ready"}
BODIES: Final[dict[str, Any]] = {
    "editIntegration": {"name": "edited"},
    "editDirectory": {"region": "IT"},
    "enterPerson": {"name": "edited"},
    "importDirectory": b"extension,name\n1002,edited\n",
}


class Things:
    """What each operation needs to find, made anew for every request of it."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._calls = 0

    async def request(self, operation: Operation, role: str) -> tuple[str, Any]:
        """The address and the body of a request that is good; an operator's and a foreign one's name our company."""
        path, body = await self._path(operation), BODIES.get(operation.id)
        named = {"company": OURS} if role in {"operator", "foreign"} else {}
        match operation.id:
            case "acceptEvent":
                body = event(call=self._next(), **named)
            case "acceptBatch":
                body = {"events": [event(call=self._next(), **named)]}
            case "installIntegration":
                body = {"type": "webhook", "url": HOOK, **named}
            case "beginReplay":
                await self._id("/deliveries/")
                body = {"state": "ended", **named}
            case "createKey":
                body = {"role": "viewer", **named}
            case "createUser" | "setPassword":
                body = self._user_body(operation.id, named)
            case "beginErasure":
                body = {"phone": "+15550100", "dryRun": True, **named}
        one_company = operation.id in {"showCall", "showEvent"} or operation.path.startswith("/v1/directory")
        needs_company = one_company and role == "operator"
        return (f"{path}?company={OURS}" if needs_company else path), body

    async def _path(self, operation: Operation) -> str:
        path = operation.path
        if "{id}" in path:
            path = path.replace("{id}", await self._id(path))
        if "{name}" in path:
            path = path.replace("{name}", await self._user())
        if "{extension}" in path:
            path = path.replace("{extension}", "1002" if operation.id == "enterPerson" else "1001")
            await self._world.done("PUT", path, {"name": "Ours"})
        return path

    def _next(self) -> str:
        self._calls += 1
        return f"call{self._calls}"

    def _user_body(self, operation: str, named: dict[str, str]) -> dict[str, str]:
        if operation == "setPassword":
            return {"password": PASSWORD}
        return {"name": self._next(), "role": "viewer", "password": PASSWORD, **named}

    async def _user(self) -> str:
        made = await self._world.done(
            "POST", "/v1/users", {"name": self._next(), "role": "viewer", "password": PASSWORD}
        )
        return str(made["name"])

    async def _id(self, path: str) -> str:
        world = self._world
        if "/users/" in path:
            return ""
        if "/keys/" in path:
            made = await world.done("POST", "/v1/keys", {"role": "viewer"})
            return str(made["id"])
        integration = await world.install()
        if "/integrations/" in path:
            return str(integration["id"])
        told = await world.done("POST", "/v1/events", event(call=self._next()))
        if "/calls/" in path:
            return str(told["id"])
        if "/events/" in path:
            return str(told["event"])
        [delivery, *_] = await world.done("GET", f"/v1/deliveries?integration={integration['id']}")
        await world.conclude(delivery["id"], "delivered")
        works = {"erasures": {"phone": "+15550100", "dryRun": True}, "replays": {"call": told["id"]}}
        kind = path.split("/")[2]
        return str((await world.done("POST", f"/v1/{kind}", works[kind]))["id"] if kind in works else delivery["id"])


async def test_the_table_names_every_operation(world: World) -> None:
    there = {operation.id for operation in operations(world.services)}
    assert there == set(TABLE) | OPEN


async def test_only_health_and_readiness_are_open(world: World) -> None:
    assert {operation.id for operation in operations(world.services) if operation.is_open} == OPEN


async def test_no_operation_is_done_without_a_good_key(world: World, subtests: pytest.Subtests) -> None:
    things = Things(world)
    good = world.keys["admin"]
    presented: dict[str, list[str | None]] = {
        "key_missing": [None],
        "key_invalid": ["revoked", "rp_", "nonsense", good[:-1], good + "x", good.upper()],
    }
    for operation in operations(world.services):
        if operation.is_open:
            continue
        path, body = await things.request(operation, "admin")
        for code, keys in presented.items():
            for key in keys:
                with subtests.test(operation=operation.id, key=key):
                    await world.refused(code, operation.method, path, body, key=key)


async def test_each_role_may_do_what_the_table_says_and_no_more(world: World, subtests: pytest.Subtests) -> None:
    things = Things(world)
    for operation in operations(world.services):
        if operation.is_open:
            continue
        may, _ = TABLE[operation.id]
        for role in ROLES:
            if role in may and operation.media_type == ENDLESS:
                continue  # test_stream.py
            with subtests.test(operation=operation.id, role=role):
                path, body = await things.request(operation, role)
                reply = await world.ask(operation.method, path, body, key=role)
                if role in may:
                    assert reply.status_code == operation.status, reply.text
                else:
                    world.check_refusal(reply, "role_too_small")


async def test_a_foreign_admin_gets_at_nothing_of_ours(world: World, subtests: pytest.Subtests) -> None:
    things = Things(world)
    for operation in operations(world.services):
        if operation.is_open:
            continue
        _, code = TABLE[operation.id]
        if operation.media_type == ENDLESS:
            continue
        with subtests.test(operation=operation.id):
            path, body = await things.request(operation, "foreign")
            reply = await world.ask(operation.method, path, body, key="foreign")
            if code is None:
                assert reply.status_code < 300
                assert OURS not in reply.text
            else:
                world.check_refusal(reply, code)


async def test_what_is_foreign_is_answered_just_as_what_is_not_there(world: World) -> None:
    things = Things(world)
    for operation in operations(world.services):
        if "{id}" not in operation.path:
            continue
        path, body = await things.request(operation, "foreign")
        foreign = await world.ask(operation.method, path, body, key="foreign")
        missing = await world.ask(operation.method, operation.path.replace("{id}", "nothing"), body, key="foreign")
        assert foreign.status_code == missing.status_code == 404
        assert foreign.content == missing.content


async def test_to_name_a_foreign_company_is_refused(world: World, subtests: pytest.Subtests) -> None:
    things = Things(world)
    for operation in operations(world.services):
        if not any(parameter.name == "company" for parameter in operation.query):
            continue
        with subtests.test(operation=operation.id):
            path, body = await things.request(operation, "admin")
            reply = await world.ask(operation.method, f"{path}?company=wildix_srl", body)
            world.check_refusal(reply, "company_foreign")


async def test_nothing_a_foreign_admin_tried_has_changed_anything(world: World) -> None:
    made = await world.install(name="ours")
    before = await world.done("GET", f"/v1/integrations/{made['id']}")
    path = f"/v1/integrations/{made['id']}"
    for method, below, body in (
        ("PATCH", "", {"name": "theirs"}),
        ("POST", "/pause", None),
        ("POST", "/rotate", None),
        ("POST", "/reveal", None),
        ("DELETE", "", None),
    ):
        await world.refused("integration_not_found", method, path + below, body, key="foreign")
    assert await world.done("GET", path) == before
    assert await world.done("GET", path + "/reveals") == []
