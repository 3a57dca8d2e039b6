"""`ringpost verify`: a saved request, in each form that people save it in."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests.cli.program import Done, ringpost
from tests.receive.sent import BODY, NOW, SECRET, Sent, sent


async def verified(folder: Path, raw: bytes, *options: str, secret: str = SECRET) -> Done:
    (folder / "request").write_bytes(raw)
    (folder / "secret").write_text(secret + "\n")
    done = await ringpost(folder, "verify", "request", "--secret-file", "secret", *options)
    assert secret[6:22] not in done.out + done.err
    return done


def raw_of(one: Sent, end: str = "\r\n") -> bytes:
    lines = ["POST /hook HTTP/1.1", "Host: here", *(f"{name.title()}: {value}" for name, value in one.headers.items())]
    return end.join([*lines, "", ""]).encode() + one.body


async def test_a_request_as_it_came_or_as_json_is_genuine(tmp_path: Path) -> None:
    now = sent(at=int(time.time()))
    as_json = json.dumps({"headers": now.headers, "body": now.body.decode()}).encode()
    for raw in (raw_of(now), raw_of(now, "\n"), as_json):
        done = await verified(tmp_path, raw)
        assert done.code == 0, done.out
        assert done.out.endswith("It is genuine.\n")


async def test_an_old_one_is_told_so_and_taken_where_that_is_meant(tmp_path: Path) -> None:
    old = raw_of(sent(at=NOW))
    done = await verified(tmp_path, old)
    assert (done.code, "too_old" in done.out) == (1, True)
    assert (await verified(tmp_path, old, "--any-time")).code == 0


async def test_what_fails_is_named(tmp_path: Path) -> None:
    now = sent(at=int(time.time()))
    changed = await verified(tmp_path, raw_of(now.but(json.dumps(json.loads(BODY)).encode())), "--json")
    assert changed.code == 1
    told = json.loads(changed.out)
    assert (told["verified"], told["code"], told["steps"][-1]["state"]) == (False, "body_changed", "wrong")
    other = await verified(tmp_path, raw_of(now), secret="whsec_" + "QUJD" * 10)
    assert "rotated" in other.out


async def test_what_is_no_request_is_told_with_what_one_is(tmp_path: Path) -> None:
    for raw in (b"only a line", b"Header: x\nno colon here\n\nbody", BODY):
        done = await verified(tmp_path, raw)
        assert done.code == 1
        assert "empty line" in done.err
