"""The SQS endpoint of the tests keeps messages, order and attributes as SQS does."""

from __future__ import annotations

import pytest

from tests.real.sqs import Sqs

pytestmark = pytest.mark.real


def test_a_fifo_queue_gives_back_a_call_in_order_with_its_attributes(sqs: Sqs) -> None:
    queue = sqs.fifo_queue()
    for number in range(12):
        sqs.client.send_message(
            QueueUrl=queue,
            MessageBody=f"{number}",
            MessageGroupId="call",
            MessageDeduplicationId=f"{number}",
            MessageAttributes={"X-SIGNATURE": {"DataType": "String", "StringValue": "abc"}},
        )
    messages = sqs.receive_all(queue, 12)
    assert [message["Body"] for message in messages] == [f"{number}" for number in range(12)]
    assert messages[0]["MessageAttributes"]["X-SIGNATURE"]["StringValue"] == "abc"
    assert messages[0]["Attributes"]["MessageGroupId"] == "call"
    assert sqs.waiting(queue) == 0


def test_a_fifo_queue_swallows_the_second_of_one_deduplication_id(sqs: Sqs) -> None:
    queue = sqs.fifo_queue()
    for _ in range(2):
        sqs.client.send_message(QueueUrl=queue, MessageBody="x", MessageGroupId="call", MessageDeduplicationId="same")
    assert sqs.waiting(queue) == 1


def test_queues_are_a_tests_own(sqs: Sqs) -> None:
    first, second = sqs.standard_queue(), sqs.standard_queue()
    sqs.client.send_message(QueueUrl=first, MessageBody="x")
    assert (sqs.waiting(first), sqs.waiting(second)) == (1, 0)
    with pytest.raises(AssertionError, match="only 0 of 1"):
        sqs.receive_all(second, 1, timeout=1)
