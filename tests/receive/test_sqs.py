"""The queue's consumer on a real SQS endpoint: what the server sends is handled in order, once, and only if genuine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from ringpost.wire.catalog import EVENT_CATALOG
from ringpost_receive import Delivery, MemoryStore
from ringpost_receive.sqs import Consumer
from tests.real.sqs import SqsServer
from tests.receive.sent import Sent, sent

pytestmark = pytest.mark.real

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@pytest.fixture
def client(sqs_server: SqsServer) -> Iterator[Any]:
    client: Any = boto3.client(  # its own login, as a receiver has one
        "sqs", endpoint_url=sqs_server.endpoint, region_name="eu-central-1", aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key=SECRET,
    )  # fmt: skip
    yield client
    client.close()


def queue(client: Any, name: str, **attributes: str) -> str:
    made = client.create_queue(QueueName=name, Attributes=attributes)
    return str(made["QueueUrl"])


def put(client: Any, url: str, one: Sent, group: str) -> None:
    """As Ringpost sends it: the headers as attributes."""
    fifo = {"MessageGroupId": group, "MessageDeduplicationId": one.headers["webhook-id"]} if ".fifo" in url else {}
    names = {"x-signature": "X-SIGNATURE"}
    client.send_message(
        QueueUrl=url,
        MessageBody=one.body.decode(),
        MessageAttributes={
            names.get(name, name): {"DataType": "String", "StringValue": value} for name, value in one.headers.items()
        },
        **fifo,
    )


def event(call: str, number: int) -> Sent:
    body = {**EVENT_CATALOG["call:update"].example, "id": call}
    raw = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    return sent(SECRET, body=raw, at=1, delivery=f"dlv_{call}_{number}")


def left(client: Any, url: str) -> int:
    found = client.get_queue_attributes(
        QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    )["Attributes"]
    return sum(map(int, found.values()))


def test_a_fifo_queue_is_read_in_the_order_of_each_call_and_what_fails_is_not_overtaken(client: Any) -> None:
    url = queue(client, "order.fifo", FifoQueue="true")
    for number in range(3):
        for call in ("a", "b"):
            put(client, url, event(call, number), call)
    handled: list[str] = []
    broken = {"dlv_a_1"}

    def handle(delivery: Delivery) -> None:
        if delivery.id in broken:
            raise ZeroDivisionError
        handled.append(str(delivery.id))

    consumer = Consumer(url, SECRET, handle, client=client, wait_s=0, visibility_s=1)
    consumer.take()
    assert "dlv_a_2" not in handled
    broken.clear()
    while left(client, url):
        consumer.take()
    assert [one for one in handled if "_a_" in one] == ["dlv_a_0", "dlv_a_1", "dlv_a_2"]
    assert [one for one in handled if "_b_" in one] == ["dlv_b_0", "dlv_b_1", "dlv_b_2"]


def test_what_is_not_genuine_stays_for_the_redrive_policy_and_others_are_done(
    client: Any, caplog: pytest.LogCaptureFixture
) -> None:
    url = queue(client, "forged")
    put(client, url, event("a", 0).but(x_signature="00" * 32, webhook_signature="v1,AAAA"), "a")
    put(client, url, event("b", 0), "b")
    handled: list[Delivery] = []
    consumer = Consumer(url, SECRET, handled.append, client=client, wait_s=0)
    consumer.take()
    assert [one.id for one in handled] == ["dlv_b_0"]
    assert "signature_wrong" in caplog.text
    assert left(client, url) == 1


def test_a_message_that_comes_twice_is_handled_once_and_deleted(client: Any) -> None:
    url = queue(client, "twice")
    for _ in range(2):
        put(client, url, event("a", 0), "a")
    handled: list[Delivery] = []
    consumer = Consumer(url, SECRET, handled.append, client=client, wait_s=0, store=MemoryStore())
    while left(client, url):
        consumer.take()
    assert len(handled) == 1


def test_it_runs_until_it_is_stopped_and_a_fault_of_the_queue_does_not_end_it(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringpost_receive.sqs._AFTER_FAULT_S", 0.01)
    url = queue(client, "running")
    stop, failed = threading.Event(), threading.Event()

    class Failing:
        def receive_message(self, **asked: Any) -> Any:
            if not failed.is_set():
                failed.set()
                raise ConnectionError("the queue is away")
            return client.receive_message(**asked)

        def delete_message(self, **asked: Any) -> Any:
            return client.delete_message(**asked)

    put(client, url, event("a", 0), "a")
    consumer = Consumer(url, SECRET, lambda _: stop.set(), client=Failing(), wait_s=0)
    running = threading.Thread(target=consumer.run, args=(stop,))
    running.start()
    running.join(30)
    assert not running.is_alive()
    assert failed.is_set()
    assert left(client, url) == 0
