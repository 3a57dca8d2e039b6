"""The verifier for Node.js in the docs agrees with the one in Python, request by request."""

from __future__ import annotations

import json
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Any

from ringpost_receive import RejectedError, verify
from tests.receive.sent import BODY, NOW, PLAIN, SECRET, Sent, sent

MODULE = Path(__file__).parents[2] / "docs" / "verify.mjs"
PROGRAM = """
import { verify } from "MODULE";
import { readFileSync } from "node:fs";
const told = JSON.parse(readFileSync(0, "utf8")).map(({ body, headers, secret, untimed }) => {
  try { return ["ok", verify(Buffer.from(body, "base64"), headers, secret, { untimed, nowS: NOW }).event.id]; }
  catch (error) { return [error.code ?? error.name, ""]; }
});
console.log(JSON.stringify(told));
"""


def by_python(one: Sent, secret: Any, untimed: bool) -> list[str]:
    try:
        return ["ok", verify(one.body, one.headers, secret, untimed=untimed, now_s=NOW).event.id]
    except RejectedError as error:
        return [error.code, ""]
    except ValueError:
        return ["TypeError", ""]


def test_both_say_the_same_of_every_request(node: Path, golden: list[dict[str, str]]) -> None:
    asked: list[tuple[Sent, Any, bool]] = [
        (sent(), SECRET, False), (sent(PLAIN), PLAIN, False), (sent(SECRET, PLAIN), [PLAIN, "other"], False),
        (sent(), "other", False), (sent(), "", False), (sent(), "whsec_!", False), (sent(), [], False),
        (sent().but(BODY + b" "), SECRET, False), (sent(at=NOW - 301), SECRET, False),
        (sent(at=NOW + 301), SECRET, False),
        (sent(at=NOW - 301), SECRET, True), (sent().but(webhook_signature=None), SECRET, False),
        (sent().but(webhook_signature=None), SECRET, True), (sent().but(webhook_id=None), SECRET, False),
        (sent().but(webhook_signature="v1,AAAA"), SECRET, True), (sent().but(x_signature="00"), SECRET, False),
        (sent().but(x_signature="00", webhook_signature=None), SECRET, True), (Sent(BODY, {}), SECRET, True),
    ]  # fmt: skip
    asked += [(Sent(row["body"].encode(), {"x-signature": row["x-signature"]}), row["secret"], True) for row in golden]
    lines = [
        {"body": b64encode(one.body).decode(), "headers": one.headers, "secret": secret, "untimed": untimed}
        for one, secret, untimed in asked
    ]
    program = PROGRAM.replace("MODULE", MODULE.as_uri()).replace("NOW", str(NOW))
    told = subprocess.run(
        [node, "--input-type=module", "-e", program],
        input=json.dumps(lines),
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout) == [by_python(*one) for one in asked]
    assert {code for code, _ in json.loads(told.stdout)} >= {"ok", "signature_wrong", "too_old", "too_new", "TypeError"}
