"""A real SQS endpoint over HTTP (moto's server, a process of its own), and the eyes of a test on it (boto3).

One server serves a whole test run; each test makes queues of its own. `receive_all` blocks: from a test on an event
loop, call it with `asyncio.to_thread`.
"""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import boto3

from tests.real.processes import bound_to_us, kill_group

REGION = "us-east-1"  # what is signed for where a queue URL names no region
KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # the example pair of AWS's own pages


class SqsServer:
    """The server process. `endpoint` is where it listens; access key and secret are KEY and SECRET."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            bound_to_us([sys.executable, str(Path(__file__).with_name("moto_server.py"))]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        port = self._process.stdout.readline().decode().strip()
        if not port:
            self.stop()
            raise RuntimeError("moto's server did not start: python tests/real/moto_server.py says why")
        self.endpoint = f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        kill_group(self._process.pid)
        self._process.communicate()


class Sqs:
    """Queues on the server. Every queue made here is a new one."""

    def __init__(self, server: SqsServer) -> None:
        self.endpoint = server.endpoint
        self.client = boto3.client(
            "sqs",
            endpoint_url=server.endpoint,
            region_name=REGION,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
        )

    def standard_queue(self, **attributes: str) -> str:
        """The URL of a new standard queue."""
        return str(self.client.create_queue(QueueName=f"calls-{uuid.uuid4().hex}", Attributes=attributes)["QueueUrl"])

    def fifo_queue(self, **attributes: str) -> str:
        """The URL of a new FIFO queue."""
        name, kind = f"calls-{uuid.uuid4().hex}.fifo", {"FifoQueue": "true"}
        return str(self.client.create_queue(QueueName=name, Attributes=kind | attributes)["QueueUrl"])

    def receive_all(self, queue_url: str, count: int, *, timeout: float = 10) -> list[dict[str, Any]]:
        """Take that many messages off the queue, in the order in which they came, with all their attributes."""
        messages: list[dict[str, Any]] = []
        end = time.monotonic() + timeout
        while len(messages) < count:
            wait = end - time.monotonic()
            if wait <= 0:
                raise AssertionError(f"after {timeout} s only {len(messages)} of {count} messages came: {messages}")
            reply = self.client.receive_message(
                QueueUrl=queue_url,
                MaxNumberOfMessages=min(10, count - len(messages)),
                WaitTimeSeconds=max(1, min(int(wait), 5)),
                MessageAttributeNames=["All"],
                AttributeNames=["All"],
            )
            for message in reply.get("Messages", []):
                messages.append(dict(message))
                self.client.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        return messages

    def waiting(self, queue_url: str) -> int:
        """How many messages are on the queue now."""
        name = "ApproximateNumberOfMessages"
        reply = self.client.get_queue_attributes(QueueUrl=queue_url, AttributeNames=[name])
        return int(reply["Attributes"][name])

    def close(self) -> None:
        self.client.close()
