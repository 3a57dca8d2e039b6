"""The leak test finds what got out, by every way and in every form: so that its silence means something."""

from __future__ import annotations

import json
import os
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from ringpost.access.keys import Keys
from ringpost.access.sealing import Vault
from ringpost.api.request_id import RequestIds
from ringpost.errors import RingpostError
from ringpost.ledger.open import open_ledger
from ringpost.model.integration import Credentials
from tests.cli.program import kill_what_is_left, ringpost, running
from tests.leaks import watch
from tests.leaks.forms import Index, Secret
from tests.leaks.watch import PROCESS_LIST, Finding, Watch
from tests.real.receiver import Answer, Receiver, Request
from tests.world import Clock

SECRET = "ünder/my+pillow \"&' 17"
LINE = "the service says: "


@pytest.fixture
def here() -> Iterator[Watch]:
    """The run's own watch, with nothing in it: what these tests let out must not fail the run."""
    run = watch.WATCH
    kept = dict(vars(run))
    vars(run).update(vars(Watch()), test="this test")
    yield run
    vars(run).update(kept)


def found(watched: Watch) -> set[tuple[str, str]]:
    return {(finding.channel, finding.kind) for finding in watched.findings()}


# --- forms -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        SECRET.encode().decode("latin-1"),
        json.dumps(SECRET),
        json.dumps({"secret": SECRET}, ensure_ascii=False),
        repr(SECRET.encode()),
        quote(SECRET),
        quote(SECRET, safe=""),
        "ünder/my+pillow &quot;&amp;&#x27; 17",
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        *(b64encode(b"x" * before + SECRET.encode() + b"yz").decode() for before in range(4)),
        *(urlsafe_b64encode(b"\xff" * before + SECRET.encode()).decode() for before in range(4)),
        SECRET[:16] + "…",
    ],
)
def test_a_secret_is_found_in_every_form(form: str) -> None:
    secret = Secret("signing secret", SECRET)
    other = Secret("signing secret", "quite another one")
    assert Index([secret, other]).search(f"{LINE}{form}.") == {secret}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("Bearer 5f7d2a90c1", "5f7d2a90c1"),
        ("rp_abcdefgh_Kx9-qq_3tZ8", "Kx9-qq_3tZ8"),
    ],
)
def test_the_part_that_is_secret_is_enough(value: str, text: str) -> None:
    secret = Secret("API key", value)
    assert Index([secret]).search(LINE + text) == {secret}
    assert Index([secret]).search("whsec_ Bearer rp_abcdefgh_") == set()


def test_a_sealing_key_is_found_as_hex_and_base64() -> None:
    key = os.urandom(32)
    secret = Secret("sealing key", key.hex())
    for text in (key.hex(), b64encode(key).decode(), json.dumps({"key": b64encode(b"\0" + key).decode()})):
        assert Index([secret]).search(text) == {secret}


@given(st.text(min_size=8), st.text(), st.text())
def test_whatever_the_secret_it_is_found_wherever_it_stands(value: str, before: str, after: str) -> None:
    secret = Secret("custom header", value)
    watched = Watch()
    watched.secret(*secret)
    watched.seen("log", before + value + after)
    watched.seen("log", before + json.dumps(value) + after)
    is_real = len(set(value)) >= 5
    assert [finding.kind for finding in watched.findings()] == (["custom header"] if is_real else [])


def test_what_a_test_printed_is_told_without_the_secret(here: Watch) -> None:
    here.secret("signing secret", SECRET)
    here.seen("Captured log call", LINE + SECRET)
    [finding] = here.findings()
    assert finding == Finding("this test", "Captured log call", "signing secret", "this test")
    assert "pillow" not in str(finding)


# --- ways out --------------------------------------------------------------------------------------------------------
def credentials() -> Credentials:
    made = Credentials(
        secret=SECRET, headers=(("x-token", "Bearer f0r-this-t3st-alone"),), previous=(("an-earlier-one", 1),)
    )
    Vault(bytes(range(1, 33))).seal_credentials("acme", "abc123", made)
    return made


def test_a_secret_in_a_log_line_is_found(here: Watch) -> None:
    log = structlog.get_logger()
    log.info("installed", of="acme")
    assert found(here) == set()
    made = credentials()
    log.info("installed", secret=made.secret)
    log.info("installed %s", made.headers)
    assert found(here) == {("log", "signing secret"), ("log", "custom header")}


def test_a_secret_in_an_error_that_is_logged_is_found(here: Watch) -> None:
    made = credentials()
    try:
        try:
            raise ValueError(made.previous)
        except ValueError:
            raise KeyError("no such thing")  # noqa: B904 - the context is what matters
    except KeyError:
        structlog.get_logger().exception("failed")
    assert found(here) == {("log", "earlier secret")}


@pytest.mark.parametrize("field", [False, True])
def test_a_secret_in_an_error_is_found(here: Watch, field: bool) -> None:
    made = credentials()
    RingpostError("secret_invalid", "It is not usable.", field="secret")
    assert found(here) == set()
    RingpostError("secret_invalid", None if field else f"{made.secret[:20]} is not usable.", field=made.secret)
    assert found(here) == {("error", "signing secret")}


async def answered(path: str, method: str, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    """What the application answers with there."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["path_template"] = path
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body[:9], "more_body": True})
        await send({"type": "http.response.body", "body": body[9:]})

    wrapped: Any = RequestIds(app)
    transport = httpx.ASGITransport(app=wrapped)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.request(method, path)).content == body


async def test_a_secret_in_an_answer_is_found_but_where_it_is_to_be_shown(here: Watch) -> None:
    body = json.dumps({"secret": credentials().secret}).encode()
    for method, path in (("POST", "/v1/integrations"), ("POST", "/v1/integrations/{id}/rotate"), ("POST", "/v1/keys")):
        await answered(path, method, body, [])
    assert found(here) == set()
    await answered("/v1/integrations", "GET", body, [])
    await answered("/v1/integrations", "POST", b"{}", [(b"location", body)])
    assert found(here) == {
        ("answer to GET /v1/integrations", "signing secret"),
        ("answer to POST /v1/integrations, header", "signing secret"),
    }


async def test_a_key_or_a_secret_in_a_ledger_is_found(here: Watch, tmp_path: Path) -> None:
    ledger = await open_ledger(tmp_path / "ringpost.db", now=Clock())
    keys = Keys(ledger, Clock())
    _, text = await keys.create(company="acme", role="viewer", name="for the wall")
    Vault(key := os.urandom(32))
    here.ledgers(tmp_path)
    assert found(here) == set()
    await keys.create(company="acme", role="viewer", name=f"was {text}")
    here.ledgers(tmp_path)  # its log has it already
    assert found(here) == {("ledger", "API key")}
    await ledger.close()
    (tmp_path / "other.db").write_bytes(b"\0" * 100 + key)
    here.ledgers(tmp_path)
    assert found(here) == {("ledger", "API key"), ("ledger", "sealing key")}


def test_metrics_are_looked_at(here: Watch) -> None:
    here.metrics(f'ringpost_x{{secret="{credentials().secret}"}} 1'.encode)
    here.test_ended()
    assert found(here) == {("metrics", "signing secret")}


# --- other processes -------------------------------------------------------------------------------------------------
@pytest.mark.slow
async def test_what_a_service_let_out_is_found_whoever_kills_it(here: Watch, tmp_path: Path) -> None:
    try:
        made = await ringpost(tmp_path, "keys", "create", "--role", "viewer", "--company", "acme")
        assert found(here) == set()
        key = made.out.strip()
        here.secret("API key", key)
        service = await running(tmp_path, "serve", "--port", "0", "--host", f"127.0.0.1{key}")
        await service.process.wait()
        await service.stop()
    finally:
        kill_what_is_left()
    assert (PROCESS_LIST, "API key") in found(here)
    assert ("output of a service", "API key") in found(here)


@pytest.mark.slow
async def test_the_secrets_that_a_service_makes_are_known(here: Watch, tmp_path: Path) -> None:
    made = await ringpost(tmp_path, "keys", "create", "--role", "viewer", "--company", "acme")
    kept = json.dumps({"name": made.out.strip()})
    here.seen("log", kept)
    assert found(here) == {("log", "API key")}


@pytest.mark.slow
async def test_a_whole_service_shows_its_secrets_nowhere(here: Watch, tmp_path: Path, receiver: Receiver) -> None:
    """Custom headers and secrets that were given and made, a receiver that echoes all of it, and every list."""
    receiver.answer_by = echo
    given = {"secret-1": "giv3n-by-the-op3rator", "headers-1": "authorization: Bearer giv3n-in-a-h3ader"}
    for name, text in given.items():
        (tmp_path / name).write_text(text)
    service = await running(tmp_path, "serve", "--port", "0", env={"RINGPOST_ALLOW_NETWORKS": "127.0.0.0/8"})
    try:
        await service.wait_for(lambda lines: any("listens at" in line for line in lines))
        for more in ((), ("--secret-file", "secret-1", "--header-file", "headers-1")):
            words = ("integrations", "install", "webhook", receiver.url, "--company", "acme", *more, "--json")
            identifier = json.loads((await ringpost(tmp_path, *words)).out)["id"]
            await ringpost(tmp_path, "integrations", "test", identifier)
        requests = await receiver.wait_for(8)
        assert any(request.header("authorization") == "Bearer giv3n-in-a-h3ader" for request in requests)
        await look_at_everything(tmp_path)
        here.ledgers(tmp_path)
    finally:
        await service.stop()
    assert here.findings() == []
    channels = {channel for channel, _ in here.texts()}
    assert {"answer to GET /v1/deliveries/{id}", "answer to GET /metrics", "ledger", PROCESS_LIST} <= channels
    assert any("[secret]" in text for _, text in here.texts())
    assert {"API key", "signing secret", "custom header", "sealing key"} <= here.kinds()


def echo(request: Request) -> Answer:
    return Answer(body=json.dumps(request.headers).encode())


async def look_at_everything(folder: Path) -> None:
    """Ask for every address that can be read, and for one of each thing that is listed."""
    told = json.loads((folder / "ringpost-data" / "service.json").read_text())
    async with httpx.AsyncClient(base_url=told["url"], headers={"authorization": f"Bearer {told['key']}"}) as client:
        described = (await client.get("/v1/openapi.json")).json()
        readable = {path: operations["get"] for path, operations in described["paths"].items() if "get" in operations}
        del readable["/v1/events/stream"]  # it has no end

        async def read(path: str, operation: str) -> httpx.Response:
            known = {parameter["name"] for parameter in readable[operation].get("parameters", ())}
            return await client.get(path, params={"company": "acme"} if "company" in known else {})

        lists = {path: await read(path, path) for path in readable if "{" not in path}
        assert {path: answer.status_code for path, answer in lists.items() if answer.status_code != 200} == {}
        for path in readable:
            of, begin, below = path.partition("/{id}")
            if begin and of in lists:
                for one in lists[of].json()["result"]:
                    assert (await read(f"{of}/{one['id']}{below}", path)).status_code == 200


@pytest.mark.slow
def test_a_run_with_a_leak_fails_and_names_the_place(pytester: pytest.Pytester) -> None:
    """A whole run of its own, on two processes: a test that leaks and passes."""
    root = Path(__file__).parents[2]
    pytester.makeconftest("pytest_plugins = ('tests.leaks.plugin',)")
    pytester.makepyfile(
        test_it="""
        from ringpost.access.sealing import Vault
        from ringpost.model.integration import Credentials

        def test_that_leaks():
            made = Credentials(secret="under-my-p1ll0w")
            Vault(bytes(range(32))).seal_credentials("acme", "abc123", made)
            print("installed", made.secret)
        """
    )
    environment = f"{root / 'src'}:{root}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", environment)
        for processes in ("0", "2"):
            words = (sys.executable, "-m", "pytest", "-p", "no:randomly", "-n", processes, "-q")
            result = pytester.run(*words)
            assert result.ret == pytest.ExitCode.TESTS_FAILED
            text = result.stdout.str()
            assert "test_it.py::test_that_leaks: signing secret" in text
            assert "Captured stdout call" in text
            assert "1 passed" in text
            assert "under-my-p1ll0w" not in text
