from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringpost.model.integration import Credentials
from ringpost.model.outcome import Outcome
from ringpost.settings import Settings
from ringpost.transports.message import message_of
from ringpost.transports.sqs import BATCHES, SIZE_LIMIT, SqsTransport, group_id
from ringpost.transports.transport import Sending
from ringpost.wire.canonical import encode
from ringpost.wire.signature import verify_standard, verify_x
from tests.transports.receivers import NOW, Do, Receiver, Request, make_sending, reply, serving

if TYPE_CHECKING:
    from tests.real.sqs import Sqs

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
CREDENTIALS = Credentials(key=KEY, secret=SECRET)
SETTINGS = Settings(allow_sqs_hosts=("127.0.0.1", "localhost"))


def sending(url: str, number: int = 1, **others: Any) -> Sending:
    given: dict[str, Any] = {"call": f"it_w118741_{number}.1", "delivery": f"dlv_{number:019d}", **others}
    return make_sending(url, kind="sqs", credentials=CREDENTIALS, **given)


def queue(receiver: Receiver, name: str = "calls") -> str:
    return f"{receiver.url}/123456789012/{name}"


def entries(request: Request) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(request.body)["Entries"]
    return found


def taking(request: Request) -> Sequence[bytes]:
    """SQS's answer to a batch that it takes."""
    taken = [{"Id": entry["Id"], "MessageId": f"m-{entry['Id']}"} for entry in entries(request)]
    return [reply("200 OK", json.dumps({"Successful": taken, "Failed": []}).encode())]


def refusing(status: str, code: str, message: str) -> Callable[[Request], Sequence[bytes]]:
    return lambda _request: [reply(status, json.dumps({"__type": code, "message": message}).encode())]


async def send_all(transport: SqsTransport, sendings: Sequence[Sending]) -> list[Outcome]:
    return await asyncio.gather(*[transport.send(each) for each in sendings])


# --- batches -------------------------------------------------------------------------------------------------------
async def test_attempts_made_at_the_same_time_share_requests_of_ten() -> None:
    transport = SqsTransport(SETTINGS)
    async with serving(Receiver(taking)) as receiver:
        url = queue(receiver)
        outcomes = await send_all(transport, [sending(url, number) for number in range(25)])
        await transport.close()
    assert all(outcome.ok for outcome in outcomes)
    assert sorted(len(entries(request)) for request in receiver.requests) == [5, 10, 10]
    sent = [entry["MessageGroupId"] for request in receiver.requests for entry in entries(request)]
    assert sorted(sent) == sorted(f"it_w118741_{number}.1" for number in range(25))
    for request in receiver.requests:
        assert [entry["Id"] for entry in entries(request)] == [str(n) for n in range(len(entries(request)))]


async def test_batches_under_way_are_bounded_and_the_rest_follows() -> None:
    transport = SqsTransport(SETTINGS)
    async with serving(Receiver(taking)) as receiver:
        url = queue(receiver)
        outcomes = await send_all(transport, [sending(url, number) for number in range(10 * BATCHES * 3)])
        await transport.close()
    assert all(outcome.ok for outcome in outcomes)
    assert receiver.connections <= BATCHES
    assert len(receiver.requests) == BATCHES * 3


async def test_a_batch_is_within_the_size_that_sqs_takes_and_a_large_message_goes_alone() -> None:
    transport = SqsTransport(SETTINGS)
    large, small = (encode({"x": "y" * size}) for size in (SIZE_LIMIT // 2, 100))
    async with serving(Receiver(taking)) as receiver:
        url = queue(receiver)
        datas = [small, large, large, small, encode({"x": "y" * SIZE_LIMIT})]
        await send_all(transport, [sending(url, number, data=data) for number, data in enumerate(datas)])
        await transport.close()
    numbers = sorted([entry["MessageGroupId"][11] for entry in entries(request)] for request in receiver.requests)
    assert numbers == [["0", "1"], ["2", "3"], ["4"]]


async def test_a_batch_that_fails_in_part_fails_for_that_part() -> None:
    def answer(request: Request) -> Sequence[bytes]:
        taken = [{"Id": "0", "MessageId": "m"}, {"Id": "2", "MessageId": "m"}]
        refused = [{"Id": "1", "Code": "InternalError", "Message": "again", "SenderFault": False}]
        return [reply("200 OK", json.dumps({"Successful": taken, "Failed": refused}).encode())]

    transport = SqsTransport(SETTINGS)
    async with serving(Receiver(answer)) as receiver:
        outcomes = await send_all(transport, [sending(queue(receiver), number) for number in range(3)])
        await transport.close()
    assert [outcome.error for outcome in outcomes] == [None, "sqs", None]
    assert outcomes[0].reply == "MessageId m"
    assert outcomes[1].detail == "SQS says: InternalError: again"


async def test_integrations_do_not_share_batches() -> None:
    transport = SqsTransport(SETTINGS)
    async with serving(Receiver(taking)) as receiver:
        url = queue(receiver)
        await send_all(transport, [sending(url, 1, integration="aaaaaa"), sending(url, 2, integration="bbbbbb")])
        await transport.close()
    assert [len(entries(request)) for request in receiver.requests] == [1, 1]


async def test_an_attempt_that_is_given_up_while_it_waits_is_not_sent() -> None:
    transport = SqsTransport(SETTINGS)
    async with serving(Receiver(taking)) as receiver:
        url = queue(receiver)
        tasks = [asyncio.create_task(transport.send(sending(url, number))) for number in range(2)]
        await asyncio.sleep(0)  # both wait for their batch
        tasks[0].cancel()
        assert (await tasks[1]).ok
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        await transport.close()
    assert [entry["MessageGroupId"] for entry in entries(receiver.requests[0])] == ["it_w118741_1.1"]


async def test_new_credentials_are_used_from_the_next_attempt_on() -> None:
    transport = SqsTransport(SETTINGS)
    async with serving(Receiver(taking)) as receiver:
        url = queue(receiver)
        await transport.send(sending(url))
        await transport.send(make_sending(url, kind="sqs", credentials=Credentials(key="AKIANEW0NEW0NEW0", secret="s")))
        await transport.close()
    assert f"Credential={KEY}/" in receiver.requests[0].headers["authorization"]
    assert "Credential=AKIANEW0NEW0NEW0/" in receiver.requests[1].headers["authorization"]


# --- what a message is ---------------------------------------------------------------------------------------------
async def test_a_request_speaks_the_json_protocol() -> None:
    transport = SqsTransport(SETTINGS)
    async with serving(Receiver(taking)) as receiver:
        url = queue(receiver)
        await transport.send(sending(url))
        await transport.close()
    (request,) = receiver.requests
    assert request.line == "POST / HTTP/1.1"
    assert request.headers["x-amz-target"] == "AmazonSQS.SendMessageBatch"
    assert request.headers["content-type"] == "application/x-amz-json-1.0"
    assert request.headers["x-amz-date"] == "20230830T100500Z"
    assert json.loads(request.body)["QueueUrl"] == url
    (entry,) = entries(request)
    assert "MessageDeduplicationId" not in entry
    assert request.headers["authorization"].endswith(f"Signature={signature_of_botocore(request)}")


def signature_of_botocore(request: Request) -> str:
    signed = {name: request.headers[name] for name in ("host", "content-type", "x-amz-date", "x-amz-target")}
    theirs = AWSRequest(method="POST", url=f"http://{signed['host']}/", headers=signed, data=request.body)
    theirs.context["timestamp"] = signed["x-amz-date"]
    auth = SigV4Auth(BotoCredentials(KEY, SECRET), "sqs", "us-east-1")
    return str(auth.signature(auth.string_to_sign(theirs, auth.canonical_request(theirs)), theirs))


async def test_a_fifo_queue_gets_group_and_deduplication_and_a_replay_one_of_its_own() -> None:
    transport = SqsTransport(SETTINGS)
    async with serving(Receiver(taking)) as receiver:
        url = queue(receiver, "calls.fifo")
        for attempt, replay in ((1, 0), (2, 0), (3, 1)):
            await transport.send(sending(url, attempt=attempt, replay=replay, delivery="dlv_x"))
        await transport.close()
    sent = [entries(request)[0] for request in receiver.requests]
    assert [entry["MessageDeduplicationId"] for entry in sent] == ["dlv_x", "dlv_x", "dlv_x-r1"]
    assert {entry["MessageGroupId"] for entry in sent} == {"it_w118741_1.1"}
    assert all(len(entry["MessageAttributes"]) <= 10 for entry in sent)


@given(st.text(min_size=1))
def test_any_call_id_makes_a_group_that_sqs_takes_and_its_own(call: str) -> None:
    group = group_id(call)
    assert 1 <= len(group) <= 128
    assert group.isascii()
    assert group.isprintable()
    assert " " not in group
    assert group == group_id(call)
    assert group != group_id(call + "x")


# --- groups that an endpoint refuses -------------------------------------------------------------------------------
NOT_FOR_THIS_QUEUE = "The request include parameter that is not valid for this queue type."


async def test_a_standard_queue_that_refuses_groups_gets_messages_without_from_then_on() -> None:
    def answer(request: Request) -> Sequence[bytes]:
        grouped = any("MessageGroupId" in entry for entry in entries(request))
        return refusing("400 Bad", "InvalidParameterValue", NOT_FOR_THIS_QUEUE)(request) if grouped else taking(request)

    transport = SqsTransport(SETTINGS)
    async with serving(Receiver(answer)) as receiver:
        url = queue(receiver)
        for number in range(2):
            assert (await transport.send(sending(url, number))).ok
        await transport.close()
    assert ["MessageGroupId" in entries(request)[0] for request in receiver.requests] == [True, False, False]


async def test_a_refusal_for_another_reason_is_not_sent_again() -> None:
    transport = SqsTransport(SETTINGS)
    refusal = refusing("400 Bad", "InvalidParameterValue", "Message must be shorter than 262144 bytes.")
    async with serving(Receiver(refusal)) as receiver:
        outcome = await transport.send(sending(queue(receiver)))
        await transport.close()
    assert (outcome.error, outcome.status, len(receiver.requests)) == ("sqs", 400, 1)


async def test_a_fifo_queue_is_never_sent_to_without_a_group() -> None:
    transport = SqsTransport(SETTINGS)
    async with serving(Receiver(refusing("400 Bad", "InvalidParameterValue", NOT_FOR_THIS_QUEUE))) as receiver:
        assert (await transport.send(sending(queue(receiver, "calls.fifo")))).error == "sqs"
        await transport.close()
    assert len(receiver.requests) == 1


async def test_no_secret_is_kept_of_an_integration_that_has_nothing_to_send() -> None:
    transport = SqsTransport(SETTINGS)
    async with serving(Receiver(taking)) as receiver:
        await send_all(transport, [sending(queue(receiver), number) for number in range(30)])
        await asyncio.sleep(0)  # the last batch ends a turn after the outcomes are there
        gc.collect()
        assert [held for held in gc.get_objects() if type(held).__name__ == "_QueueSender"] == []
        await transport.close()


# --- failures ------------------------------------------------------------------------------------------------------
async def test_neither_key_nor_secret_of_a_message_from_aws_is_kept() -> None:
    said = "x" * 380 + f" the key {KEY} and {SECRET}"
    transport = SqsTransport(SETTINGS)
    async with serving(Receiver(refusing("403 Forbidden", "SignatureDoesNotMatch", said))) as receiver:
        outcome = await transport.send(sending(queue(receiver)))
        await transport.close()
    assert outcome.error == "sqs_credentials"
    assert len(outcome.detail or "") == 400
    assert KEY[:6] not in repr(outcome)
    assert SECRET[:6] not in repr(outcome)


@pytest.mark.parametrize(
    "url", ["https://sqs.example/1/calls", "http://sqs.eu-west-1.amazonaws.com/123456789012/calls"]
)
async def test_a_queue_url_that_is_refused_by_now_is_not_connected_to(url: str) -> None:
    transport = SqsTransport(Settings())
    assert (await transport.send(sending(url))).error == "connect"
    await transport.close()


async def test_every_attempt_of_a_silent_queue_ends_in_its_own_time_those_that_wait_as_well() -> None:
    transport = SqsTransport(Settings(allow_sqs_hosts=("127.0.0.1",), attempt_timeout_ms=200))
    async with serving(Receiver([Do.SILENCE])) as receiver:
        url = queue(receiver)
        outcomes = await send_all(transport, [sending(url, number) for number in range(10 * BATCHES + 5)])
        await transport.close()
    assert {outcome.error for outcome in outcomes} == {"timeout"}


# --- a real endpoint, under a name that says its region ------------------------------------------------------------
def endpoint(sqs: Sqs) -> str:
    return f"sqs.{sqs.client.meta.region_name}.endpoint.example"


def real_transport(sqs: Sqs) -> SqsTransport:
    async def resolve(host: str) -> Sequence[str]:
        assert host == endpoint(sqs)
        return ("127.0.0.1",)

    return SqsTransport(Settings(allow_sqs_hosts=(endpoint(sqs),)), resolver=resolve)


def by_name(sqs: Sqs, url: str) -> str:
    """The URL of a queue of the real endpoint, with its name in place of its address."""
    return url.replace("127.0.0.1", endpoint(sqs))


@pytest.mark.real
async def test_a_message_arrives_as_it_was_signed_on_queues_of_both_kinds(sqs: Sqs) -> None:
    for url in (sqs.standard_queue(), sqs.fifo_queue()):
        transport = real_transport(sqs)
        one = sending(
            by_name(sqs, url), data=encode({"status": "RINGING", "name": 'Größe 日本 \u2028 " \\ \x01 <&>'}), replay=2
        )
        outcome = await transport.send(one)
        assert outcome.ok, outcome
        (message,) = await asyncio.to_thread(sqs.receive_all, url, 1)
        await transport.close()
        body = message["Body"].encode()
        assert body == message_of(one).body
        attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
        assert verify_x(SECRET, body, attributes["X-SIGNATURE"])
        assert verify_standard(
            SECRET, one.delivery, attributes["webhook-timestamp"], body, attributes["webhook-signature"]
        )
        assert attributes["webhook-id"] == one.delivery
        assert attributes["webhook-timestamp"] == str(NOW // 1_000)
        assert (attributes["x-ringpost-attempt"], attributes["x-ringpost-sequence"]) == ("1", "3")
        assert attributes["x-ringpost-replay"] == "2"
        assert message["Attributes"]["MessageGroupId"] == one.event.call


@pytest.mark.real
async def test_a_fifo_queue_swallows_a_second_attempt_and_takes_a_replay(sqs: Sqs) -> None:
    url = sqs.fifo_queue()
    transport = real_transport(sqs)
    for attempt, replay in ((1, 0), (2, 0), (3, 1)):
        assert (await transport.send(sending(by_name(sqs, url), attempt=attempt, replay=replay))).ok
    messages = await asyncio.to_thread(sqs.receive_all, url, 2)
    await transport.close()
    assert await asyncio.to_thread(sqs.waiting, url) == 0
    assert [m["MessageAttributes"]["x-ringpost-attempt"]["StringValue"] for m in messages] == ["1", "3"]


@pytest.mark.real
async def test_a_call_that_is_sent_in_order_is_received_in_order_from_a_fifo_queue(sqs: Sqs) -> None:
    url = sqs.fifo_queue()
    transport = real_transport(sqs)

    async def one_call(number: int) -> None:
        for event in range(4):
            each = sending(by_name(sqs, url), number, delivery=f"dlv_{number}x{event}")
            assert (await transport.send(each)).ok

    await asyncio.gather(*[one_call(number) for number in range(12)])
    messages = await asyncio.to_thread(sqs.receive_all, url, 48)
    await transport.close()
    by_call: dict[str, list[str]] = {}
    for message in messages:
        identifier = message["MessageAttributes"]["webhook-id"]["StringValue"]
        by_call.setdefault(message["Attributes"]["MessageGroupId"], []).append(identifier[-1])
    assert list(by_call.values()) == [["0", "1", "2", "3"]] * 12


@pytest.mark.real
async def test_a_queue_that_is_gone_is_named_as_such(sqs: Sqs) -> None:
    transport = real_transport(sqs)
    outcome = await transport.send(sending(by_name(sqs, sqs.standard_queue()) + "-gone"))
    await transport.close()
    assert (outcome.error, outcome.status) == ("sqs_queue", 400)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff"), max_size=5), inner,
        max_size=3,
    ),
    max_leaves=8,
)  # fmt: skip


@pytest.mark.real
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(JSON, min_size=1, max_size=10))
def test_any_body_arrives_byte_for_byte(sqs: Sqs, values: list[object]) -> None:
    url = sqs.standard_queue()
    sendings = [
        sending(by_name(sqs, url), number, data=encode({"value": value})) for number, value in enumerate(values)
    ]

    async def run() -> list[Outcome]:
        transport = real_transport(sqs)
        outcomes = await send_all(transport, sendings)
        await transport.close()
        return outcomes

    assert all(outcome.ok for outcome in asyncio.run(run()))
    received = {message["Body"].encode() for message in sqs.receive_all(url, len(values))}
    assert received == {message_of(each).body for each in sendings}
