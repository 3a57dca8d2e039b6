"""What every transport promises, on each of them: an outcome within the deadline, whatever the receiver does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec import Struct
from structlog.testing import capture_logs

from ringpost.model.integration import Credentials, TransmissionType
from ringpost.model.outcome import FAILURES, Outcome
from ringpost.settings import Settings
from ringpost.transports.egress import check_target
from ringpost.transports.message import message_of
from ringpost.transports.queue_url import check_queue_url
from ringpost.transports.resolve import Resolve
from ringpost.transports.sqs import SqsTransport
from ringpost.transports.transport import Sending, Transport
from ringpost.transports.webhook import WebhookTransport
from ringpost.wire.signature import verify_x
from tests.transports.receivers import Answer, Do, Receiver, Request, make_sending, reply, serving

CREDENTIALS = Credentials(
    key="AKIAIOSFODNN7EXAMPLE",
    secret="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    headers=(("x-my-token", "Bearer tok-3n-0f-ours"),),
    previous=(("the-secret-before-it", 2**53),),
)
SECRETS = (CREDENTIALS.key, CREDENTIALS.secret, "tok-3n-0f-ours", "the-secret-before-it")


class Kind(Struct, frozen=True):
    """One transport: how it is made, where it sends on a local port, on a public host, and how success is answered."""

    name: TransmissionType
    make: Callable[[Settings, Resolve | None], Transport]
    path: str
    public: str
    install: Callable[[str], object]
    success: Callable[[Request], Answer]
    received: Callable[[Request], tuple[bytes, str]]  # body and x-signature
    refused: str  # the error of a status that is no success

    def url(self, receiver: Receiver) -> str:
        return receiver.url + self.path

    def transport(self, *, resolver: Resolve | None = None, timeout: int = 20_000) -> Transport:
        settings = Settings(allow_networks=("127.0.0.0/8",), allow_sqs_hosts=("127.0.0.1",), attempt_timeout_ms=timeout)
        return self.make(settings, resolver)

    def sending(self, url: str, **others: Any) -> Sending:
        return make_sending(url, kind=self.name, credentials=CREDENTIALS, **others)


def _sqs_success(request: Request) -> Answer:
    taken = [{"Id": entry["Id"], "MessageId": "m"} for entry in json.loads(request.body)["Entries"]]
    return [reply("200 OK", json.dumps({"Successful": taken, "Failed": []}).encode())]


def _sqs_received(request: Request) -> tuple[bytes, str]:
    (entry,) = json.loads(request.body)["Entries"]
    return entry["MessageBody"].encode(), entry["MessageAttributes"]["X-SIGNATURE"]["StringValue"]


KINDS = (
    Kind(
        "webhook",
        lambda settings, resolver: WebhookTransport(settings, resolver=resolver),
        "/in",
        "http://hooks.example/in",
        check_target,
        lambda _request: [reply()],
        lambda request: (request.body, request.headers["x-signature"]),
        "status",
    ),
    Kind(
        "sqs",
        lambda settings, resolver: SqsTransport(settings, resolver=resolver),
        "/123456789012/calls",
        "https://sqs.eu-west-1.amazonaws.com/123456789012/calls",
        lambda url: check_queue_url(url, ()),
        _sqs_success,
        _sqs_received,
        "sqs",
    ),
)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


async def attempt(
    kind: Kind, *answers: Answer | Callable[[Request], Answer], timeout: int = 20_000
) -> tuple[Outcome, Receiver]:
    """One attempt against a receiver that answers so."""
    transport = kind.transport(timeout=timeout)
    async with serving(Receiver(*answers)) as receiver:
        outcome = await transport.send(kind.sending(kind.url(receiver)))
        await transport.close()
    return outcome, receiver


async def test_a_delivery_that_is_taken_is_a_success_with_the_signed_bytes(kind: Kind) -> None:
    outcome, receiver = await attempt(kind, kind.success)
    assert (outcome.ok, outcome.status, outcome.detail, outcome.retry_after) == (True, 200, None, None)
    body, signature = kind.received(receiver.requests[0])
    assert body == message_of(kind.sending(kind.url(receiver))).body
    assert verify_x(CREDENTIALS.secret, body, signature)


async def test_every_attempt_of_a_delivery_has_the_same_bytes(kind: Kind) -> None:
    transport = kind.transport()
    async with serving(Receiver([reply("500 No", b"{}")], kind.success)) as receiver:
        outcomes = [
            await transport.send(kind.sending(kind.url(receiver), attempt=number, replay=number // 2))
            for number in (1, 2, 3)
        ]
        await transport.close()
    assert [outcome.ok for outcome in outcomes] == [False, True, True]
    assert len({kind.received(request) for request in receiver.requests}) == 1


async def test_a_receiver_that_is_down_is_a_failure(kind: Kind) -> None:
    transport = kind.transport()
    async with serving(Receiver()) as receiver:
        url = kind.url(receiver)
    assert (await transport.send(kind.sending(url))).error == "connect"
    await transport.close()


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok"])
async def test_a_receiver_that_falls_silent_is_a_failure_in_time(kind: Kind, begun: bytes) -> None:
    outcome, receiver = await attempt(kind, [begun, Do.SILENCE], timeout=200)
    assert outcome.error == "timeout"
    assert len(receiver.requests) == 1


async def test_a_receiver_that_hangs_up_is_a_failure(kind: Kind) -> None:
    outcome, receiver = await attempt(kind, [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", Do.CLOSE])
    assert (outcome.error, outcome.status) == ("reset", 200)
    assert len(receiver.requests) == 1


async def test_an_answer_that_is_no_http_is_a_failure(kind: Kind) -> None:
    outcome, _ = await attempt(kind, [b"220 mail.example ESMTP\r\n", Do.SILENCE])
    assert outcome.error == "protocol"


async def test_a_huge_answer_is_not_read_and_no_success(kind: Kind) -> None:
    outcome, _ = await attempt(kind, [b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 65_536] * 4, Do.SILENCE])
    assert (outcome.error, outcome.status) == ("reply_too_large", 200)


async def test_a_huge_answer_that_is_a_refusal_stays_that_refusal(kind: Kind) -> None:
    outcome, _ = await attempt(kind, [b"HTTP/1.1 503 No\r\nRetry-After: 9\r\n\r\n", *[b"x" * 65_536] * 4, Do.SILENCE])
    assert (outcome.error, outcome.status, outcome.retry_after) == (kind.refused, 503, 9_000)


@pytest.mark.parametrize(("value", "wait"), [("120", 120_000), ("9999999", 86_400_000), ("later", None)])
async def test_the_wait_that_a_receiver_asks_for_is_in_the_outcome(kind: Kind, value: str, wait: int | None) -> None:
    outcome, _ = await attempt(kind, [reply("429 Too Many Requests", b"slow down", f"Retry-After: {value}")])
    assert (outcome.error, outcome.status, outcome.retry_after) == (kind.refused, 429, wait)


async def test_a_connection_that_is_kept_and_closed_under_a_request_costs_no_attempt(kind: Kind) -> None:
    transport = kind.transport()
    async with serving(Receiver(kind.success, [Do.CLOSE], kind.success)) as receiver:
        for _ in range(2):
            assert (await transport.send(kind.sending(kind.url(receiver)))).ok
        await transport.close()
    assert [request.connection for request in receiver.requests] == [1, 1, 2]


async def test_close_ends_the_attempts_under_way_with_an_outcome(kind: Kind) -> None:
    transport = kind.transport()
    async with serving(Receiver([Do.SILENCE])) as receiver:
        url = kind.url(receiver)
        tasks = [asyncio.create_task(transport.send(kind.sending(url, call=f"c_{n}.1"))) for n in range(60)]
        await receiver.arrived.wait()
        await transport.close()
        outcomes = await asyncio.gather(*tasks)
        await receiver.wait_closed()
    assert {outcome.error for outcome in outcomes} == {"reset"}
    assert (await transport.send(kind.sending(url))).error == "reset"


async def test_a_host_that_moves_to_an_inside_address_after_it_was_installed_is_refused(kind: Kind) -> None:
    addresses = ["192.0.2.1"]

    async def resolve(host: str) -> Sequence[str]:
        assert host in kind.public
        return addresses

    transport = kind.transport(resolver=resolve)
    kind.install(kind.public)
    for address in ("10.0.0.1", "169.254.169.254", "::1", "::ffff:192.168.0.1"):
        addresses[:] = ["8.8.8.8", address]
        outcome = await transport.send(kind.sending(kind.public))
        assert outcome.error == "address_refused"
        assert address.rpartition(":")[2] in (outcome.detail or "") or address in (outcome.detail or "")
    await transport.close()


async def test_no_outcome_holds_a_secret_that_a_receiver_sends_back(kind: Kind) -> None:
    def echo(request: Request) -> Answer:
        said = json.dumps({"__type": "Echo", "message": f"{request.headers} {SECRETS}"})
        return [reply("400 Bad Request", said.encode())]

    def echo_at_the_cut(request: Request) -> Answer:
        return [reply("400 Bad Request", b"x" * 1_015 + CREDENTIALS.secret.encode())]

    for answer in (echo, echo_at_the_cut):
        outcome, _ = await attempt(kind, answer)
        assert not outcome.ok
        for secret in SECRETS:
            assert secret[:9] not in repr(outcome)


@pytest.mark.parametrize("url", ["", "nonsense", "http://", "http://[::1", "https://u:p@x.example/1/q"])
async def test_whatever_the_url_is_an_attempt_raises_nothing(kind: Kind, url: str) -> None:
    transport = kind.transport()
    outcome = await transport.send(kind.sending(url))
    assert outcome.error in FAILURES
    assert "u:p" not in repr(outcome)
    await transport.close()


async def test_a_fault_of_our_own_is_an_outcome_and_its_log_holds_no_secret(kind: Kind) -> None:
    transport = kind.transport()
    broken = Credentials(key=CREDENTIALS.key, secret=CREDENTIALS.secret, headers=(("x", "tok-3n-0f-ours\u20ac"),))
    sending = make_sending("http://127.0.0.1:1/1/q", kind=kind.name, credentials=broken, call="c_1.1", data=b"\xff")
    with capture_logs() as lines:
        outcome = await transport.send(sending)
    await transport.close()
    assert outcome.error == "internal"
    (line,) = lines
    assert line["failure"].startswith("Unicode")
    assert not any(secret in repr((line, outcome)) for secret in SECRETS)


async def test_a_silent_receiver_delays_no_other_integration(kind: Kind) -> None:
    transport = kind.transport()
    async with serving(Receiver([Do.SILENCE])) as silent, serving(Receiver(kind.success)) as quick:
        stuck = [
            asyncio.create_task(transport.send(kind.sending(kind.url(silent), integration="silent")))
            for _ in range(100)
        ]
        await silent.arrived.wait()
        for _ in range(5):
            assert (await transport.send(kind.sending(kind.url(quick), integration="quickx"))).ok
        assert not any(task.done() for task in stuck)
        await transport.close()
        await asyncio.gather(*stuck)
