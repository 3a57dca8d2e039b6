from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost.model.outcome import FAILURES
from ringpost.transports.reply import Reply
from ringpost.transports.sqs_answer import Result, results_of

NOW = 1_693_389_900_123


def refusal(status: int, code: str, message: str | None = "no", **headers: str) -> Result:
    body = {"__type": code} | ({"message": message} if message is not None else {})
    (result,) = results_of(Reply(status, headers, json.dumps(body).encode()), 1, NOW)
    return result


def test_each_message_of_a_batch_gets_its_own_result() -> None:
    answer = {
        "Successful": [{"Id": "2", "MessageId": "m-2", "MD5OfMessageBody": "x"}],
        "Failed": [{"Id": "0", "SenderFault": False, "Code": "InternalError", "Message": "try again"}],
    }
    first, second, third = results_of(Reply(200, {}, json.dumps(answer).encode()), 3, NOW)
    assert (first.error, first.detail) == ("sqs", "SQS says: InternalError: try again")
    assert second.error == "protocol"
    assert (third.error, third.message_id, third.status) == (None, "m-2", 200)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "com.amazon.coral.service#AccessDeniedException", "sqs_credentials"),
        (403, "com.amazonaws.sqs#InvalidClientTokenId", "sqs_credentials"),
        (400, "InvalidSignatureException", "sqs_credentials"),
        (403, "SignatureDoesNotMatch", "sqs_credentials"),
        (400, "UnrecognizedClientException:http://internal.amazon.com/coral/x", "sqs_credentials"),
        (403, "SomethingNew", "sqs_credentials"),
        (400, "com.amazonaws.sqs#QueueDoesNotExist", "sqs_queue"),
        (400, "AWS.SimpleQueueService.NonExistentQueue", "sqs_queue"),
        (400, "com.amazonaws.sqs#RequestThrottled", "sqs"),
        (400, "ThrottlingException", "sqs"),
        (400, "KmsAccessDenied", "sqs_credentials"),
        (503, "ServiceUnavailable", "sqs"),
        (500, "", "sqs"),
    ],
)
def test_refusals_of_a_whole_batch_are_told_apart(status: int, code: str, error: str) -> None:
    result = refusal(status, code)
    assert (result.status, result.error) == (status, error)
    assert "no" in (result.detail or "")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("InvalidSignatureException", "Signature expired: 20230830T100500Z is now earlier than 20230830T101000Z"),
        ("SignatureDoesNotMatch", "Signature not yet current: 20230830T100500Z is still later than 20230830T095500Z"),
        ("RequestTimeTooSkewed", "The difference is too large"),
        ("RequestExpired", None),
    ],
)
def test_a_wrong_clock_is_named_as_such(code: str, message: str | None) -> None:
    result = refusal(403, code, message)
    assert result.error == "sqs"
    assert (result.detail or "").startswith("The clock of this machine and that of AWS differ")


def test_retry_after_is_read_where_sqs_sends_it() -> None:
    result = refusal(503, "ServiceUnavailable", **{"retry-after": "3"})
    assert result.retry_after == 3_000


@pytest.mark.parametrize(
    ("code", "message", "refuses"),
    [
        ("InvalidParameterValue", "The request include parameter that is not valid for this queue type.", True),
        ("com.amazonaws.sqs#InvalidParameterValueException", "Value 1 for parameter MessageGroupId is invalid.", True),
        ("UnsupportedOperation", "MessageGroupId is for FIFO queues", True),
        ("InvalidParameterValue", "Message must be shorter than 262144 bytes.", False),
        ("MissingParameter", "The request must contain the parameter MessageGroupId.", False),
    ],
)
def test_a_refused_group_is_recognised(code: str, message: str, refuses: bool) -> None:
    assert refusal(400, code, message).refuses_group == refuses


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b"\xff", b'{"Successful": 3}'])
def test_what_is_no_answer_of_sqs_is_a_failure(body: bytes) -> None:
    results = results_of(Reply(200, {}, body), 2, NOW)
    assert [result.error for result in results] == ["protocol", "protocol"]
    assert results_of(Reply(502, {}, body), 1, NOW)[0].error == "sqs"
    assert results_of(Reply(200, {}, body, truncated=True), 1, NOW)[0].error == "reply_too_large"


@given(st.integers(200, 599), st.binary() | st.dictionaries(st.text(), st.text()).map(lambda d: json.dumps(d).encode()))
def test_any_answer_has_a_documented_result_for_each_message(status: int, body: bytes) -> None:
    results = results_of(Reply(status, {}, body), 3, NOW)
    assert len(results) == 3
    assert all(result.error is None or result.error in FAILURES for result in results)
