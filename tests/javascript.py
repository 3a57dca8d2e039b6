"""A receiver in JavaScript, run by the machine's Node.js: a stranger to our code."""

from __future__ import annotations

import json
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple


class Seen(NamedTuple):
    """What a receiver in JavaScript makes of a body: JSON.stringify(JSON.parse(body)), and its x-signature."""

    body: bytes
    signature: str


class JavaScript:
    """A receiver in a real JavaScript, one process for all tests."""

    def __init__(self, to_node: IO[bytes], from_node: IO[bytes]) -> None:
        self._to_node = to_node
        self._from_node = from_node

    def receive(self, body: bytes, secret: str = "") -> Seen:
        self._to_node.write(json.dumps({"body": b64encode(body).decode(), "secret": secret}).encode() + b"\n")
        self._to_node.flush()
        answer: dict[str, Any] = json.loads(self._from_node.readline())
        if "refused" in answer:
            raise ValueError(answer["refused"])
        return Seen(b64decode(answer["body"]), answer["signature"])


@contextmanager
def node_process(node: Path) -> Iterator[JavaScript]:
    script = Path(__file__).with_name("verify.mjs")
    with subprocess.Popen([node, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield JavaScript(process.stdin, process.stdout)
        process.stdin.close()
