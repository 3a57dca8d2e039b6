"""The whole application over a real ledger, in process or on a socket: what the tests of this folder talk to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from random import random
from typing import Any, ClassVar, Final, Self, cast

import httpx
from argon2 import PasswordHasher

from ringpost.access.guesses import Guesses
from ringpost.access.keys import Keys
from ringpost.access.sealing import Vault
from ringpost.access.sessions import Sessions
from ringpost.access.users import Users
from ringpost.api.app import build_app
from ringpost.api.following import Following
from ringpost.api.server import HttpServer, listen
from ringpost.api.services import Services
from ringpost.directory.registry import Directories
from ringpost.errors import RingpostError
from ringpost.intake.accept import Intake
from ringpost.integrations.registry import Registry
from ringpost.ledger.ledger import Ledger, Result
from ringpost.ledger.open import open_ledger
from ringpost.model.access import Role
from ringpost.model.delivery import Attempt, Delivery, DeliveryState, Owed, parse_delivery_id
from ringpost.model.work import ERASURE, REPLAY
from ringpost.settings import PbxSettings, Settings
from ringpost.sources.standing import PbxStanding
from ringpost.telemetry.metrics import Metrics
from ringpost.upkeep.erasure import Erasures
from ringpost.work.replay import Replays
from ringpost.work.runner import Works
from tests.world import VAULT_KEY

OURS: Final = "acme_gmbh"  # in no example of the documentation
THEIRS: Final = "wildix_srl"
START: Final = 1_693_389_850_810  # the clock's first time, ms
ADDRESSES: Final[Mapping[str, list[str]]] = {"inside.example.com": ["10.0.0.7"]}  # others are public
WRITES: Final = {"commit", "add_integration", "check", "call", "add_key", "add_work", "change_directory"}
HOOK: Final = "https://hooks.example.com/calls"
QUEUE: Final = "https://sqs.eu-central-1.amazonaws.com/123456789012/calls.fifo"
NOT_THERE: Final = PbxSettings(
    company=OURS, serial="PBX2", host="127.0.0.1", port=9, user="ringpost", secret="q7-Zr3v-unreachable"
)
QUICK: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # as little as it can
AWS: Final = {"key": "AKIAIOSFODNN7EXAMPLE", "secret": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}


async def resolver(host: str) -> list[str]:
    return ADDRESSES.get(host, ["93.184.216.34"])


class FailingLedger:
    """The real ledger, whose writes fail while `failure` is set."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.failure: Exception | None = None

    def __getattr__(self, name: str) -> Any:
        if self.failure is not None and name in WRITES:
            raise self.failure
        return getattr(self._ledger, name)


class Serving:
    """One application and the services that it works with at the moment: those of the world that is tested. Making an
    application takes 100 ms, so those of worlds that are over serve others."""

    free: ClassVar[dict[type, list[Any]]] = {}

    @classmethod
    def of(cls, services: Services) -> Self:
        free = cls.free.setdefault(cls, [])
        serving: Self = free.pop() if free else cls(services)
        serving.services = services
        return serving

    def __init__(self, services: Services) -> None:
        self.services = services
        self.current: Any = _Late(lambda: self.services)
        self.app = self.make_app()

    def make_app(self) -> Any:
        return build_app(self.current)

    def leave(self) -> None:
        self.free[type(self)].append(self)


class _Late:
    """What is found only when it is used. Its methods may be kept."""

    def __init__(self, found: Callable[[], Any]) -> None:
        self._found = found

    def __getattr__(self, name: str) -> Any:
        if name in {"intake", "ledger"}:  # some operations keep them
            return _Late(lambda: getattr(self._found(), name))
        if name in {"accept_event", "accept_batch"}:
            return lambda *given: getattr(self._found(), name)(*given)  # noqa: PLW0108 - found when it is called
        return getattr(self._found(), name)


class World:
    """The API with its parts. keys: the text of a key by its role, and `foreign`: an admin's of the other company."""

    def __init__(self) -> None:
        self.time = START
        self.is_ready = self.has_room = True
        self.is_sound = True  # its application may serve another
        self.replayed: list[Owed] = []
        self.dropped: list[tuple[str, str, int]] = []
        self.keys: dict[str, str] = {}
        self.pbxs: list[PbxStanding] = []
        self.port = 0
        self._server: HttpServer | None = None

    async def start(self, folder: Path, *, on_socket: bool) -> None:
        self.failing = FailingLedger(await open_ledger(folder / "ringpost.db", now=self.now))
        self.ledger = cast("Ledger", self.failing)
        settings, metrics, vault = Settings(pbx=(NOT_THERE,)), Metrics(), Vault(VAULT_KEY)
        keys = Keys(self.ledger, self.now)
        self.users = Users(self.ledger, self.now, QUICK)
        self.sessions = self.make_sessions()
        self.registry = Registry(self.ledger, vault, settings, self.now, on_change=lambda _: None, resolver=resolver)
        replays = Replays(self.ledger, self.registry.installed, self.replayed.append, self._has_room, self.now, random)
        erasures = Erasures(self.ledger, lambda *lane: self.dropped.append(lane), self.now, random)
        self.directories = Directories(self.ledger, self.now, on_change=lambda _: None)
        self.works = Works(self.ledger, {REPLAY: replays.step, ERASURE: erasures.step}, self.now)
        self.following = Following(self.ledger)
        self.services = Services(
            ledger=self.ledger,
            intake=Intake(self.ledger, self.registry.of, metrics, self.now),
            registry=self.registry,
            keys=keys,
            users=self.users,
            sessions=self.sessions,
            guesses=Guesses(self.now),
            metrics=metrics,
            settings=settings,
            dispatcher_replayed=self.replayed.append,
            refresh_metrics=lambda: None,
            ready=lambda: self.is_ready,
            now=self.now,
            seal=vault.seal,
            unseal=vault.open,
            works=self.works,
            replays=replays,
            erasures=erasures,
            url=lambda: "http://127.0.0.1:8800",
            directories=self.directories,
            pbxs=lambda: self.pbxs,
            following=self.following,
        )
        grants: dict[str, tuple[str | None, Role]] = {
            "operator": (None, "operator"),
            "admin": (OURS, "admin"),
            "viewer": (OURS, "viewer"),
            "source": (OURS, "source"),
            "foreign": (THEIRS, "admin"),
            "revoked": (OURS, "admin"),
        }
        made = await asyncio.gather(
            *(keys.create(company=company, role=role, name=name) for name, (company, role) in grants.items())
        )
        self.keys = {key.name: text for key, text in made}
        await keys.revoke(made[-1][0].id)
        self.serving = self.make_serving()
        self.app: Any = self.serving.app
        app = self.app
        transport = httpx.ASGITransport(app=app)
        if on_socket:
            listening = listen("127.0.0.1", 0)
            self.port = listening.getsockname()[1]
            self._server = HttpServer(app, listening)
            await self._server.start()
        self.http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}",
            transport=None if on_socket else transport,
            trust_env=False,
            verify=False,
        )

    async def stop(self) -> None:
        self.failing.failure = None
        await self.http.aclose()
        if self._server is not None:
            await self._server.stop()
        await self.works.close(1_000)
        await self.directories.close()
        await self.ledger.close()
        if self.is_sound:
            self.serving.leave()

    def make_serving(self) -> Serving:
        return Serving.of(self.services)

    def make_sessions(self) -> Sessions:
        return Sessions(self.now)

    def now(self) -> int:
        return self.time

    def _has_room(self, _: str) -> bool:
        return self.has_room

    async def ask(
        self, method: str, path: str, body: Any = None, *, key: str | None = "admin", **headers: str
    ) -> httpx.Response:
        """One request. body: bytes as they are, anything else as JSON; key: a name in `keys`, or a key's text."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            sent["authorization"] = f"Bearer {self.keys.get(key, key)}"
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        return await self.http.request(method, path, content=content, headers=sent)

    async def done(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The result of a request that is to succeed."""
        reply = await self.ask(method, path, body, **more)
        assert reply.status_code < 300, reply.text
        answer = reply.json()
        assert answer["success"] is True
        return answer["result"]

    async def refused(self, code: str, method: str, path: str, body: Any = None, **more: Any) -> dict[str, str]:
        """The error of a request that is to be refused with this code."""
        reply = await self.ask(method, path, body, **more)
        return self.check_refusal(reply, code)

    def check_refusal(self, reply: httpx.Response, code: str) -> dict[str, str]:
        answer = reply.json()
        assert answer["success"] is False
        error: dict[str, str] = answer["error"]
        assert error["code"] == code, error
        assert set(error) <= {"code", "message", "field"}
        assert error["message"].endswith(".")
        assert reply.status_code == RingpostError(code).status
        return error

    async def install(self, **more: Any) -> dict[str, Any]:
        """A new webhook of ours."""
        made: dict[str, Any] = await self.done("POST", "/v1/integrations", {"type": "webhook", "url": HOOK, **more})
        return made

    async def conclude(self, delivery_id: str, state: DeliveryState, *, error: str | None = None) -> None:
        """What the dispatcher would record after one attempt."""
        parsed = parse_delivery_id(delivery_id)
        assert parsed is not None
        before: Delivery | None = await self.ledger.delivery(OURS, *parsed)
        assert before is not None
        attempt = Attempt(
            company=OURS, seq=parsed[0], integration=parsed[1], number=before.attempts + 1, time=self.time,
            duration=12, status=500 if error else 200, error=error, detail=None, reply="thanks", replay=before.replay,
        )  # fmt: skip
        due = self.time + 5_000 if state == "pending" else None
        await self.ledger.record([Result(attempt=attempt, state=state, due=due)])


def event(kind: str = "call:start", call: str = "1693389850.110", **more: Any) -> dict[str, Any]:
    """An event as a client sends it."""
    return {"id": call, "type": kind, "data": {"status": "CONNECTING"}, **more}
