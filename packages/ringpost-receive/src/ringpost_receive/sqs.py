"""Events from an AWS SQS queue: verified, each handled once, deleted when its handler has returned.

    consumer = Consumer(queue_url, secret, handle, store=SqliteStore("seen.db"))
    consumer.run()

secret: the integration's AWS secret key, which signs its messages. On a FIFO queue the events of a call come in order:
where one fails, those of its call that came after it wait for it. A standard queue promises no order, which
`delivery.sequence` tells. What is not genuine is left in the queue, for its redrive policy to set aside, and is named
in the log. Needs boto3: `pip install ringpost-receive[sqs]`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any, Callable, Optional

from .once import BusyError, Store
from .receiver import Handler, Receiver
from .verifying import RejectedError, Secrets

BATCH = 10  # as many as SQS gives at once
WAIT_S = 20  # as long as SQS waits
VISIBILITY_S = 60
_AFTER_FAULT_S = 5.0

_log = logging.getLogger("ringpost_receive")


class Consumer:
    """handler: called with each `Delivery`; it has to be done in visibility_s (seconds), or the message comes
    again. client: boto3's for SQS; None: one from the environment; store: what was handled is kept there."""

    def __init__(
        self,
        queue_url: str,
        secret: Secrets,
        handler: Handler,
        *,
        store: Optional[Store] = None,
        client: Any = None,
        wait_s: int = WAIT_S,
        visibility_s: int = VISIBILITY_S,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url, self._handler = queue_url, handler
        self._receiver = Receiver(secret, store=store, untimed=True)
        self._client = _client() if client is None else client
        self._wait_s, self._visibility_s, self._clock_s = wait_s, visibility_s, clock_s

    def run(self, stop: Optional[threading.Event] = None) -> None:
        """Until stop is set; a fault of SQS is logged, and tried again."""
        stop = threading.Event() if stop is None else stop
        while not stop.is_set():
            try:
                self.take()
            except Exception:  # noqa: BLE001 - a queue that is away must not end the consumer
                _log.exception("the queue could not be read")
                stop.wait(_AFTER_FAULT_S)

    def take(self) -> int:
        """One batch; how many messages of it are done. Raises what boto3 raises."""
        messages = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=BATCH,
            WaitTimeSeconds=self._wait_s,
            VisibilityTimeout=self._visibility_s,
            MessageAttributeNames=["All"],
            AttributeNames=["MessageGroupId"],
        ).get("Messages", [])
        visible_at = self._clock_s() + self._visibility_s
        failed: set[str] = set()  # groups whose order would break
        skipped: list[Mapping[str, Any]] = []
        done = 0
        for place, message in enumerate(messages):
            group = message.get("Attributes", {}).get("MessageGroupId", "") if self._url.endswith(".fifo") else ""
            if group and group in failed:
                skipped.append(message)
                continue
            if self._clock_s() > visible_at - self._visibility_s / 2:
                self._show_again(messages[place:], self._visibility_s)
                visible_at = self._clock_s() + self._visibility_s
            if self._handled(message):
                self._client.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
                done += 1
            else:
                failed.add(group)
        if skipped:  # theirs comes first, as it is in flight still
            self._show_again(skipped, 0)
        return done

    def _handled(self, message: Mapping[str, Any]) -> bool:
        attributes = {name: one.get("StringValue", "") for name, one in message.get("MessageAttributes", {}).items()}
        try:
            delivery = self._receiver.verify(message["Body"].encode(), attributes)
            with self._receiver.handling(delivery) as is_new:
                if is_new:
                    self._handler(delivery)
        except RejectedError:
            return False  # it is in the log already
        except BusyError:
            return False
        except Exception:  # noqa: BLE001 - whatever it is, the message comes again
            _log.exception("the handler failed with the message %s; it comes again", message.get("MessageId"))
            return False
        return True

    def _show_again(self, messages: list[Mapping[str, Any]], after_s: int) -> None:
        """Messages stay ours for so long, and then come again."""
        entries = [
            {"Id": str(place), "ReceiptHandle": one["ReceiptHandle"], "VisibilityTimeout": after_s}
            for place, one in enumerate(messages)
        ]
        self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)


def _client() -> Any:
    try:
        import boto3  # noqa: PLC0415 - an extra
    except ImportError:
        raise ImportError("the queue's consumer needs boto3: pip install ringpost-receive[sqs]") from None
    return boto3.client("sqs")
