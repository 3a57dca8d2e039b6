"""Receivers that do harm, over real sockets and TLS: bounded in time and bytes, and nobody else's harm."""

from __future__ import annotations

import asyncio
import json
import select
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest
import uvloop
from structlog.testing import capture_logs

from ringpost.integrations.requests import InstallRequest
from ringpost.model.integration import Credentials
from ringpost.model.outcome import Outcome
from ringpost.node import start_node
from ringpost.settings import Settings
from ringpost.transports.connection import HEADERS_LIMIT
from ringpost.transports.reply import EXCERPT_LIMIT
from ringpost.transports.webhook import WebhookTransport
from tests.real import certificates
from tests.real.hostile import AMPLE_MS, Attacker, Kind, Peer, attacking
from tests.real.hostile_kinds import KINDS, head
from tests.real.receiver import Receiver
from tests.transports.receivers import make_sending

CREDENTIALS = Credentials(
    secret="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    headers=(("x-token", "tok-3n-0f-ours"),),
    previous=(("the-secret-before-it", 2**53),),
)
SECRETS = (CREDENTIALS.secret, "tok-3n-0f-ours", "the-secret-before-it")
REPLY_LIMIT = Settings().reply_limit_bytes
# What a reply may take on the wire, and what the buffers of both sides and one read of the loop hold beyond it.
MOST_SENT = HEADERS_LIMIT + 8 * REPLY_LIMIT + 1_048_576
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, None]], None]:
    """Runs a test on a loop of its own: sockets behave differently on the two that there are."""

    def run(test: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            runner.run(test)

    return run


async def resolve(host: str) -> Sequence[str]:
    return ["127.0.0.1"]


def transport_with(timeout_ms: int) -> WebhookTransport:
    settings = Settings(allow_networks=("127.0.0.0/8",), attempt_timeout_ms=timeout_ms)
    return WebhookTransport(settings, resolver=resolve, ssl_context=certificates.trusting())


async def attempt(
    transport: WebhookTransport, target: Attacker | Receiver, *, body: int = 2, delivery: str = "dlv_1"
) -> Outcome:
    data = json.dumps("x" * (body - 2)).encode()
    integration = "victim" if isinstance(target, Receiver) else "attack"
    sending = make_sending(target.url, credentials=CREDENTIALS, data=data, integration=integration, delivery=delivery)
    return await transport.send(sending)


def check_sentence(outcome: Outcome) -> None:
    """What is said about an attempt can be shown to anybody."""
    for secret in SECRETS:
        assert secret[:9] not in repr(outcome)
    assert outcome.reply is None or (len(outcome.reply) <= EXCERPT_LIMIT and outcome.reply.isprintable())
    if outcome.detail is not None:
        assert outcome.detail.isprintable()
        assert outcome.detail.endswith(".")
        assert not outcome.detail.endswith("..")
        assert len(outcome.detail) < 200
        assert "_ssl.c" not in outcome.detail


# --- every kind ----------------------------------------------------------------------------------------------------
@pytest.mark.real
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_receiver_that_does_harm_ends_its_own_attempt_and_harms_nothing_else(
    kind: Kind, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    async def test() -> None:
        tasks = asyncio.all_tasks()
        healthy, trap = Receiver(), Receiver()
        await healthy.start()
        await trap.start()
        transport = transport_with(kind.timeout_ms)
        async with attacking(kind, trap=trap.port) as attacker:
            # Twice where it takes no time: what the first left behind must not change the second.
            for number in range(1 if "timeout" in kind.errors else 2):
                outcome = await attempt(transport, attacker, body=kind.body, delivery=f"dlv_{number}")
                assert outcome.error in kind.errors, outcome
                assert outcome.status == kind.status or kind.status is None or "timeout" in kind.errors, outcome
                assert outcome.retry_after in kind.waits
                check_sentence(outcome)
            assert attacker.sent <= MOST_SENT
            outcome = await attempt(transport, healthy)
            assert (outcome.ok, outcome.status) == (True, 200)
            await transport.close()
        assert trap.connections == 0
        assert len(healthy.requests) == 1
        await healthy.stop()
        await trap.stop()
        await settled()
        assert asyncio.all_tasks() == tasks

    with capture_logs() as lines:
        run(test())
    assert lines == []  # nothing of this is a fault of ours


def test_there_are_at_least_forty_kinds_and_every_failure_of_a_connection_is_among_their_outcomes() -> None:
    assert len(KINDS) >= 40
    expected = {error for kind in KINDS for error in kind.errors}
    assert expected >= {None, "status", "redirect", "gone", "timeout", "tls", "reset", "protocol", "reply_too_large"}


async def settled() -> None:
    """Until closed connections are gone from the loop."""
    for _ in range(5):
        await asyncio.sleep(0)


# --- kept connections ----------------------------------------------------------------------------------------------
Ending = Callable[[Peer], None]
ENDINGS: dict[str, Ending] = {"close": lambda peer: peer.writer.close(), "reset": Peer.reset, "cut": Peer.cut}
OK = head("200 OK", "Content-Length: 2") + b"ok"


def ending_under_a_request(end: Ending, *, secure: bool, times: int, said: bytes = b"") -> Kind:
    """The first `times` connections take one request, and end as the second one comes."""
    left = iter(range(times))

    async def act(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        await peer.request()
        if next(left, None) is not None:
            await peer.send(said)
            end(peer)
        else:
            await peer.send(OK)
            await peer.stall()

    return Kind("", (None,), act, secure=secure, context=certificates.presenting if secure else None)


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_kept_connection_that_ends_under_a_request_is_no_failure_and_sends_twice_at_most(
    ending: str, secure: bool, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    async def test() -> None:
        transport = transport_with(AMPLE_MS)
        async with attacking(ending_under_a_request(ENDINGS[ending], secure=secure, times=1)) as attacker:
            for delivery in ("dlv_1", "dlv_2"):
                assert (await attempt(transport, attacker, delivery=delivery)).ok
            sent = [[id_of(request) for request in peer.requests] for peer in attacker.peers]
            assert sent == [["dlv_1", "dlv_2"], ["dlv_2"]]
            await transport.close()

    run(test())


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_kept_connection_that_ends_in_the_answer_is_a_failure_and_nothing_is_sent_twice(
    ending: str, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    async def test() -> None:
        transport = transport_with(AMPLE_MS)
        kind = ending_under_a_request(ENDINGS[ending], secure=False, times=1, said=b"HTTP/1.1 200 O")
        async with attacking(kind) as attacker:
            assert (await attempt(transport, attacker)).ok
            outcome = await attempt(transport, attacker)
            assert (outcome.error, outcome.status) == ("reset", None)
            check_sentence(outcome)
            assert [len(peer.requests) for peer in attacker.peers] == [2]
            await transport.close()

    run(test())


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_kept_connection_that_ends_between_requests_costs_nothing(
    ending: str, secure: bool, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    async def act(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK)
        ENDINGS[ending](peer)

    async def test() -> None:
        transport = transport_with(AMPLE_MS)
        context = certificates.presenting if secure else None
        async with attacking(Kind("", (None,), act, secure=secure, context=context)) as attacker:
            for _ in range(5):
                assert (await attempt(transport, attacker)).ok
            assert [len(peer.requests) for peer in attacker.peers] == [1] * 5
            await transport.close()

    run(test())


SECOND_ANSWERS = {
    "whole": OK,
    "whole, without a length": head() + b"poison",
    "begun": b"HTTP/1.1 200 OK\r\nX: ",
    "its first letter": b"H",
    "interim": head("100 Continue"),
    "no HTTP": b"poison",
}


@pytest.mark.parametrize("second", SECOND_ANSWERS)
@pytest.mark.parametrize(
    "first", [OK, head("204 No Content"), head("200 OK", "Transfer-Encoding: chunked") + b"0\r\n\r\n"]
)
def test_a_second_answer_to_one_request_is_not_taken_for_the_next_one_s(
    first: bytes, second: str, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    requests = iter([first + SECOND_ANSWERS[second]])

    async def act(peer: Peer) -> None:
        await peer.request()
        await peer.send(next(requests, head("503 No", "Content-Length: 0")))
        await peer.stall()

    async def test() -> None:
        transport = transport_with(AMPLE_MS)
        async with attacking(Kind("", (), act)) as attacker:
            assert (await attempt(transport, attacker)).ok
            outcome = await attempt(transport, attacker)
            assert (outcome.error, outcome.status) == ("status", 503)
            assert [len(peer.requests) for peer in attacker.peers] == [1, 1]
            await transport.close()

    run(test())


@pytest.mark.parametrize("second", [OK, b"H", b"\r\n"])
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
def test_an_answer_that_comes_between_requests_is_not_taken_for_the_next_one_s(
    second: bytes, secure: bool, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    answers = iter([OK])

    async def act(peer: Peer) -> None:
        await peer.request()
        await peer.send(next(answers, head("503 No", "Content-Length: 0")))
        await peer.stall()

    async def test() -> None:
        transport = transport_with(AMPLE_MS)
        context = certificates.presenting if secure else None
        async with attacking(Kind("", (), act, secure=secure, context=context)) as attacker:
            assert (await attempt(transport, attacker)).ok
            # It has arrived, and the loop has had no turn to notice it, when the next request starts.
            attacker.peers[0].writer.write(second)
            (kept,) = transport._client._idle
            assert kept._transport is not None
            assert select.select([kept._transport.get_extra_info("socket")], [], [], 10)[0]
            outcome = await attempt(transport, attacker)
            assert (outcome.error, outcome.status) == ("status", 503)
            assert [len(peer.requests) for peer in attacker.peers] == [1, 1]
            await transport.close()

    run(test())


# --- a whole node --------------------------------------------------------------------------------------------------
WORST = (
    "accepts and is silent", "endless body without a length", "endless headers", "endless 100", "resets in the body",
    "a length and chunks", "random bytes", "echoes the request", "closes at once",
)  # fmt: skip


@pytest.mark.real
async def test_a_receiver_beside_the_worst_ones_gets_all_its_events_in_order(
    tmp_path: Path, receiver: Receiver
) -> None:
    acts = [kind.act for kind in KINDS if kind.name in WORST]
    assert len(acts) == len(WORST)
    turn = iter(range(10**6))

    async def one_after_another(peer: Peer) -> None:
        act = acts[next(turn) % len(acts)]
        assert act is not None
        await act(peer)

    tasks = asyncio.all_tasks()
    settings = Settings(
        data=str(tmp_path), port=0, allow_networks=("127.0.0.0/8",), attempt_timeout_ms=300, retry_delays_ms=(0,) * 50,
        drain_ms=1_000,
    )  # fmt: skip
    calls, steps = [f"call-{number}" for number in range(40)], ("call:start", "call:update", "call:end")
    async with attacking(Kind("", (), one_after_another)) as attacker:
        node = await start_node(settings)
        await node.registry.install("acme", InstallRequest(type="webhook", url=attacker.url))
        await node.registry.install("acme", InstallRequest(type="webhook", url=receiver.url))
        for step in steps:
            for call in calls:
                event = {"id": call, "type": step, "data": {"status": "TALKING"}}
                answered = await node.intake.accept_event(json.dumps(event).encode(), lambda _: "acme")
                assert answered.status == 202
        requests = await receiver.wait_for(len(calls) * len(steps), timeout=30)
        async with asyncio.timeout(30):
            while len(attacker.peers) < len(WORST):  # noqa: ASYNC110 - the breaker lets in one a second
                await asyncio.sleep(0.05)
        await node.stop()
        assert attacker.sent <= MOST_SENT
    got = [json.loads(request.body) for request in requests]
    assert len(got) == len(calls) * len(steps)
    for call in calls:
        assert [event["type"] for event in got if event["id"] == f"acme_{call}"] == list(steps)
    await receiver.stop()
    assert asyncio.all_tasks() <= tasks


def id_of(request: bytes) -> str:
    return request.partition(b"webhook-id: ")[2].split(b"\r\n")[0].decode()
