"""What SQS's answer to a SendMessageBatch means for each message of the batch.

Pure. Formats: the AWS JSON 1.0 protocol
(https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html) and
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html. A batch that SQS
took may have failed in part: each message gets its own result.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from .reply import Reply, printable, retry_after

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html, and older names for the same.
_CREDENTIALS: Final = frozenset(
    {
        "AccessDenied", "AccessDeniedException", "AuthFailure", "ExpiredToken", "ExpiredTokenException",
        "IncompleteSignature", "IncompleteSignatureException", "InvalidAccessKeyId", "InvalidClientTokenId",
        "InvalidSecurity", "InvalidSignatureException", "KmsAccessDenied", "KMS.AccessDeniedException",
        "MissingAuthenticationToken", "MissingAuthenticationTokenException", "NotAuthorized", "OptInRequired",
        "SignatureDoesNotMatch", "UnrecognizedClientException",
    }
)  # fmt: skip
_NO_QUEUE: Final = frozenset(
    {"AWS.SimpleQueueService.NonExistentQueue", "NonExistentQueue", "QueueDeletedRecently", "QueueDoesNotExist"}
)
_CLOCK: Final = frozenset({"RequestExpired", "RequestTimeTooSkewed"})
_CLOCK_WORDS: Final = ("Signature expired", "Signature not yet current")  # under several codes
_GROUP_WORDS: Final = ("messagegroupid", "message group id", "parameter that is not valid for this queue type")


class Result(Struct, frozen=True, kw_only=True):
    """What became of one message. error: a code of `outcome.FAILURES`; refuses_group: the endpoint does not know
    MessageGroupId on a queue of this kind; message_id: what SQS calls the message that it took."""

    status: int | None
    error: str | None = None
    detail: str | None = None
    retry_after: int | None = None
    message_id: str | None = None
    refuses_group: bool = False


class _Taken(Struct):
    id: str = msgspec.field(name="Id")
    message_id: str | None = msgspec.field(name="MessageId", default=None)


class _Refused(Struct):
    id: str = msgspec.field(name="Id")
    code: str = msgspec.field(name="Code", default="")
    message: str | None = msgspec.field(name="Message", default=None)


class _Answer(Struct):
    taken: list[_Taken] | None = msgspec.field(name="Successful", default=None)
    refused: list[_Refused] | None = msgspec.field(name="Failed", default=None)


class _Error(Struct):
    type: str = msgspec.field(name="__type", default="")
    message: str | None = None
    Message: str | None = None


_ANSWER: Final = msgspec.json.Decoder(_Answer)
_ERROR: Final = msgspec.json.Decoder(_Error)


def results_of(reply: Reply, count: int, now: int) -> list[Result]:
    """A result for each of the `count` messages, whose ids in the batch are "0", "1", …; now: ms."""
    if not 200 <= reply.status <= 299:
        return [_refusal(reply, now)] * count
    if reply.truncated:
        return [Result(status=reply.status, error="reply_too_large")] * count
    try:
        answer = _ANSWER.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return [Result(status=reply.status, error="protocol", detail="The answer is not one of SQS.")] * count
    results = {
        taken.id: Result(status=reply.status, message_id=printable(taken.message_id or "")[:100])
        for taken in answer.taken or ()
    }
    for refused in answer.refused or ():
        results[refused.id] = _failure(refused.code, refused.message, status=None, wait=None)
    silent = Result(status=reply.status, error="protocol", detail="The answer does not mention this message.")
    return [results.get(str(number), silent) for number in range(count)]


def _refusal(reply: Reply, now: int) -> Result:
    """The result of a batch that was refused whole."""
    wait = retry_after(reply.headers.get("retry-after"), now)
    try:
        error = _ERROR.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        error = _Error()
    code = error.type.rpartition("#")[2].partition(":")[0]
    if not code and reply.status in {401, 403}:
        code = "AccessDenied"
    return _failure(code, error.message or error.Message, status=reply.status, wait=wait)


def _failure(code: str, message: str | None, *, status: int | None, wait: int | None) -> Result:
    said = printable(": ".join(filter(None, (code, message)))) or (status and f"status {status}")
    error, detail = "sqs", f"SQS says: {said}"
    if code in _CLOCK or (message and any(words in message for words in _CLOCK_WORDS)):
        detail = f"The clock of this machine and that of AWS differ; set it right. {detail}"
    elif code in _CREDENTIALS or status in {401, 403}:
        error = "sqs_credentials"
    elif code in _NO_QUEUE:
        error = "sqs_queue"
    return Result(
        status=status, error=error, detail=detail, retry_after=wait, refuses_group=_is_about_group(code, message)
    )


def _is_about_group(code: str, message: str | None) -> bool:
    said = (message or "").lower()
    refused = code.startswith(("Invalid", "Unknown", "Unsupported", "Validation", "Serialization"))
    return refused and any(words in said for words in _GROUP_WORDS)
