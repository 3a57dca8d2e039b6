"""The transmission type `sqs`: messages to an AWS SQS queue, up to ten in one request.

Implements `transport.Transport` over `http.HttpClient`: the JSON protocol with SigV4. Attempts that are made at the
same time to one queue share a request; each has its own deadline and outcome. That the events of one call stay in
order is the dispatcher's promise: it has at most one attempt of a lane under way, so no batch holds two of a call.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from ringpost import __version__
from ringpost.errors import RingpostError
from ringpost.model.integration import Credentials, Integration
from ringpost.model.outcome import Outcome
from ringpost.settings import Settings

from .connection import HttpFailure
from .egress import parse_networks
from .fault import log_fault
from .http import HttpClient
from .message import X_SIGNATURE, Message, failed, message_of
from .queue_url import Queue, check_queue_url
from .reply import redacted, secrets_of
from .resolve import Resolve
from .sigv4 import amz_date, authorization
from .sqs_answer import Result, results_of
from .transport import Sending

__all__ = ["SqsTransport", "check_queue_url"]

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
BATCH_LIMIT: Final = 10
SIZE_LIMIT: Final = 262_144  # bytes; AWS takes 1 MiB since 2025, SQS-compatible endpoints often do not
BATCHES: Final = 4  # under way at once for one queue
_DETAIL_LIMIT: Final = 400  # characters
_REPLY_LIMIT: Final = 65_536  # bytes; an answer about ten messages is larger than a receiver's should be
# SendMessage, MessageGroupId: letters, digits and ASCII punctuation
_GROUP: Final = re.compile(r"[!-~]{1,128}")


class _Waiting(Struct, frozen=True, eq=False):
    """An attempt that waits for its batch. size: bytes as SQS counts them; deadline: of the loop's clock."""

    sending: Sending
    message: Message
    size: int
    deadline: float
    outcome: asyncio.Future[Outcome]


class SqsTransport:
    """resolver: addresses of a host, best first; ssl_context: instead of one that trusts the system's authorities."""

    def __init__(
        self, settings: Settings, *, resolver: Resolve | None = None, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        self._timeout = settings.attempt_timeout_ms / 1_000
        self._hosts = settings.allow_sqs_hosts
        self._senders: dict[str, _QueueSender] = {}  # of integrations with something to send: each holds a secret
        self._without_groups: set[str] = set()  # URLs of standard queues that refused a MessageGroupId
        self._client = HttpClient(
            allowed=parse_networks(settings.allow_networks),
            reply_limit=max(settings.reply_limit_bytes, _REPLY_LIMIT),
            idle_per_pool=BATCHES,
            idle_in_all=settings.connections,
            proxy=settings.proxy,
            resolve=resolver,
            ssl_context=ssl_context,
        )

    async def send(self, sending: Sending) -> Outcome:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout
        try:
            message = message_of(sending)
            sender = self._sender(sending.integration, sending.credentials)
            waiting = _Waiting(sending, message, _size(message), deadline, loop.create_future())
            sender.add(waiting)
            async with asyncio.timeout_at(deadline):
                return await waiting.outcome
        except TimeoutError:
            return failed(sending, "timeout", "SQS was silent.")
        except RingpostError as error:
            return failed(sending, "connect", error.message)
        except Exception as failure:  # noqa: BLE001 - an attempt ends with an outcome, whatever happens
            log_fault(failure, delivery=sending.delivery)
            return failed(sending, "internal", None)

    async def close(self) -> None:
        await self._client.close()
        for sender in list(self._senders.values()):
            await sender.finish()

    def _sender(self, integration: Integration, credentials: Credentials) -> _QueueSender:
        """The one of this integration, made anew when its queue or its credentials changed."""
        sender = self._senders.get(integration.id)
        if sender is None or sender.queue.url != integration.url or not sender.uses(credentials):
            queue = check_queue_url(integration.url, self._hosts)
            sender = self._senders[integration.id] = _QueueSender(
                self._client, integration.id, queue, credentials, self._without_groups, self._forget
            )
        return sender

    def _forget(self, sender: _QueueSender) -> None:
        """It has nothing to send any more. A newer one may have taken its place."""
        if self._senders.get(sender.integration) is sender:
            del self._senders[sender.integration]


class _QueueSender:
    """Gathers one integration's attempts into batches. on_idle: called when there are none any more."""

    def __init__(
        self,
        client: HttpClient,
        integration: str,
        queue: Queue,
        credentials: Credentials,
        without_groups: set[str],
        on_idle: Callable[[_QueueSender], None],
    ) -> None:
        self.queue = queue
        self.integration = integration
        self._client = client
        self._key, self._secret = credentials.key, credentials.secret
        self._without_groups = without_groups
        self._on_idle = on_idle
        self._waiting: deque[_Waiting] = deque()
        self._batches: set[asyncio.Task[None]] = set()
        self._scheduled = False

    def uses(self, credentials: Credentials) -> bool:
        return (self._key, self._secret) == (credentials.key, credentials.secret)

    def add(self, waiting: _Waiting) -> None:
        self._waiting.append(waiting)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._start)  # after all that are ready now have come

    async def finish(self) -> None:
        """Wait for all batches to end; those that were not begun end at once, as the client is closed."""
        while self._batches:
            await asyncio.wait(self._batches)

    def _start(self) -> None:
        self._scheduled = False
        while self._waiting and len(self._batches) < BATCHES:
            batch = self._take()
            if batch:
                task = asyncio.get_running_loop().create_task(self._send(batch))
                self._batches.add(task)
                task.add_done_callback(self._ended)
        if not self._batches and not self._scheduled:
            self._on_idle(self)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._batches.discard(task)
        self._start()

    def _take(self) -> list[_Waiting]:
        """The next batch; attempts that ended while they waited are left out."""
        batch: list[_Waiting] = []
        size = 0
        while self._waiting and len(batch) < BATCH_LIMIT:
            first = self._waiting[0]
            if first.outcome.done():
                self._waiting.popleft()
                continue
            size += first.size
            if batch and size > SIZE_LIMIT:
                break
            batch.append(self._waiting.popleft())
        return batch

    async def _send(self, batch: Sequence[_Waiting]) -> None:
        """Send a batch and give each attempt its outcome."""
        try:
            outcomes = [
                _outcome(w.sending, result) for w, result in zip(batch, await self._results(batch), strict=True)
            ]
        except HttpFailure as failure:
            outcomes = [failed(w.sending, failure.error, failure.detail, failure.status) for w in batch]
        except Exception as failure:  # noqa: BLE001 - an attempt ends with an outcome, whatever happens
            log_fault(failure, integration=self.integration)
            outcomes = [failed(w.sending, "internal", None) for w in batch]
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if not waiting.outcome.done():
                waiting.outcome.set_result(outcome)

    async def _results(self, batch: Sequence[_Waiting]) -> list[Result]:
        results = await self._request(batch, groups=self.queue.url not in self._without_groups)
        if self.queue.fifo or not any(result.refuses_group for result in results):
            return results
        again = [number for number, result in enumerate(results) if result.refuses_group]
        without = await self._request([batch[number] for number in again], groups=False)
        for number, result in zip(again, without, strict=True):
            results[number] = result
        if any(result.error is None for result in without):
            self._without_groups.add(self.queue.url)
        return results

    async def _request(self, batch: Sequence[_Waiting], *, groups: bool) -> list[Result]:
        entries = [_entry(str(number), w, self.queue, groups=groups) for number, w in enumerate(batch)]
        body = msgspec.json.encode({"QueueUrl": self.queue.url, "Entries": entries})
        now = max(w.sending.now for w in batch)
        reply = await self._client.post(
            self.queue.target,
            self._head(body, now) + body,
            pool=self.integration,
            deadline=max(w.deadline for w in batch),  # each attempt keeps its own
            any_address=self.queue.custom,
        )
        return results_of(reply, len(batch), now)

    def _head(self, body: bytes, now: int) -> bytes:
        signed = {
            "host": self.queue.target.host_header,
            "content-type": "application/x-amz-json-1.0",
            "x-amz-date": amz_date(now),
            "x-amz-target": "AmazonSQS.SendMessageBatch",
        }
        headers = signed | {
            "user-agent": f"Ringpost/{__version__}",
            "content-length": str(len(body)),
            "authorization": authorization(
                key=self._key,
                secret=self._secret,
                region=self.queue.region,
                service="sqs",
                path="/",
                headers=signed,
                body=body,
            ),
        }
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        return f"POST / HTTP/1.1\r\n{lines}\r\n".encode("latin-1")


def group_id(call: str) -> str:
    """The MessageGroupId of a call: its id, or a name made of it where SQS would not take that."""
    return call if _GROUP.fullmatch(call) else "call-" + hashlib.sha256(call.encode()).hexdigest()


def _entry(number: str, waiting: _Waiting, queue: Queue, *, groups: bool) -> dict[str, Any]:
    sending, message = waiting.sending, waiting.message
    entry: dict[str, Any] = {
        "Id": number,
        "MessageBody": message.body.decode(),
        "MessageAttributes": {
            _attribute(name): {"DataType": "String", "StringValue": value} for name, value in message.fields
        },
    }
    if queue.fifo or groups:
        entry["MessageGroupId"] = group_id(sending.event.call)
    if queue.fifo:
        again = f"-r{sending.replay}" if sending.replay else ""  # or SQS would swallow it within five minutes
        entry["MessageDeduplicationId"] = sending.delivery + again
    return entry


def _attribute(name: str) -> str:
    return "X-SIGNATURE" if name == X_SIGNATURE else name


def _size(message: Message) -> int:
    """What SQS counts: the body, and each attribute's name, type and value."""
    return len(message.body) + sum(len(name) + len("String") + len(value) for name, value in message.fields)


def _outcome(sending: Sending, result: Result) -> Outcome:
    if result.error is None:
        return Outcome(status=result.status, reply=result.message_id and f"MessageId {result.message_id}")
    detail = None if result.detail is None else redacted(result.detail, secrets_of(sending.credentials))
    return Outcome(
        status=result.status,
        error=result.error,
        detail=detail and detail[:_DETAIL_LIMIT],  # a cut before could leave half of a secret
        retry_after=result.retry_after,
    )
