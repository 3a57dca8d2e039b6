"""`ringpost verify`: whether a saved request is genuine, and if not, which step fails. It asks no service."""

from __future__ import annotations

import json
import sys
from typing import IO, Any

import rich_click as click

from ringpost.errors import RingpostError
from ringpost_receive import Explanation, explain

_MOST: int = 4_194_304  # bytes


@click.command("verify")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--secret-file", type=click.File("r"), required=True, multiple=True,
    help="A file with the integration's secret; may repeat, while one is replaced by another.",
)  # fmt: skip
@click.option("--any-time", is_flag=True, help="Whenever it was sent: a saved request is old.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(file: IO[bytes], secret_file: tuple[IO[str], ...], any_time: bool, as_json: bool) -> None:
    """Check the signature of the request in FILE, and say which step fails and what helps (`-` reads standard input).

    FILE is the request as it came: its headers, an empty line, its body; or JSON with `headers` and `body`. The exit
    code is 0 where it is genuine, else 1.
    """
    headers, body = _request(file.read(_MOST))
    secrets = [one.read().strip("\r\n") for one in secret_file]
    now_s = _sent_at(headers) if any_time else None
    found = explain(body, headers, secrets, now_s=now_s)
    click.echo(json.dumps(_shown(found)) if as_json else str(found))
    if not as_json:
        click.echo("\nIt is genuine." if found.verified else f"\nIt is not: {found.says} ({found.code})")
    sys.exit(0 if found.verified else 1)


def _request(raw: bytes) -> tuple[dict[str, str], bytes]:
    """Headers and body. Raises `invalid_value`."""
    if raw.lstrip()[:1] == b"{" and (saved := _saved(raw)) is not None:
        return saved
    head, gap, body = raw.partition(b"\r\n\r\n") if b"\r\n\r\n" in raw else raw.partition(b"\n\n")
    lines = head.decode("latin-1").splitlines()
    if lines and ":" not in lines[0].partition(" ")[0]:
        lines = lines[1:]  # POST /hook HTTP/1.1
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise RingpostError(
                "invalid_value", f"{line[:60]!r} is no header: the file has headers, an empty line, then the body.",
                field="file",
            )  # fmt: skip
        headers.setdefault(name.strip().lower(), value.strip())
    if not gap:
        raise RingpostError("invalid_value", "There is no empty line between headers and body.", field="file")
    return headers, body


def _saved(raw: bytes) -> tuple[dict[str, str], bytes] | None:
    """JSON with headers and body; None for any other, as a body alone."""
    try:
        saved: Any = json.loads(raw)
    except ValueError:
        return None
    if not isinstance(saved, dict) or not isinstance(saved.get("headers"), dict):
        return None
    headers = {str(name).lower(): str(value) for name, value in saved["headers"].items()}
    return headers, str(saved.get("body", "")).encode()


def _sent_at(headers: dict[str, str]) -> float | None:
    text = headers.get("webhook-timestamp", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _shown(found: Explanation) -> dict[str, object]:
    steps = [{"name": one.name, "state": one.state, "says": one.says, "helps": one.helps} for one in found.steps]
    return {"verified": found.verified, "code": found.code, "says": found.says, "steps": steps}
