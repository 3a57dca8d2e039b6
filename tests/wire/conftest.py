from __future__ import annotations

import json
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import pytest

from tests.real import prerequisites

HERE = Path(__file__).parent


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


@pytest.fixture(scope="session")
def javascript() -> Iterator[JavaScript]:
    """Skips the test where there is no Node.js."""
    with subprocess.Popen(
        [prerequisites.node(), str(HERE / "verify.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield JavaScript(process.stdin, process.stdout)
        process.stdin.close()


@pytest.fixture(scope="session")
def golden() -> list[dict[str, str]]:
    """Events, secrets and signatures, written by a program that shares no code with ours."""
    rows: list[dict[str, str]] = json.loads((HERE / "golden.json").read_text("utf-8"))
    return rows
