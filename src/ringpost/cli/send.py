"""`ringpost send`: events from a file to the running service."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import IO

import rich_click as click

from ringpost.errors import RingpostError

from .client import connect
from .options import service_options, settings_from


@click.command("send")
@click.argument("file", type=click.File("rb"))
@click.option("--company", help="The company of the events that name none (needed with an operator's key).")
@click.option("--idempotency-key", help="Sending again with the same key does nothing twice.")
@service_options
def command(
    file: IO[bytes], company: str | None, idempotency_key: str | None, config: Path | None, data: str | None,
    url: str | None, key_file: IO[str] | None, as_json: bool,
) -> None:  # fmt: skip
    """Send the events in FILE: one JSON event, or one a line (`-` reads standard input).

    Prints the verdict of each; the exit code is 1 if any was refused.
    """
    client = connect(settings_from(config, data=data), url, key_file)
    refused = 0
    events = _events(file.read())
    if not events:
        raise RingpostError("invalid_json", "There is no event in the file.", field="file")
    for number, event in enumerate(events, start=1):
        once = f"{idempotency_key}-{number}" if idempotency_key else None
        try:
            accepted = client.request(
                "POST", "/v1/events", _named(event, company), headers={"Idempotency-Key": once} if once else None
            )
        except RingpostError as error:
            if error.code == "service_unreachable":
                raise
            refused += 1
            _tell(as_json, {"event": number, "error": {"code": error.code, "message": error.message}},
                  f"event {number}: refused: {error.code}: {error.message}")  # fmt: skip
        else:
            _tell(as_json, accepted, f"event {number}: accepted as {accepted['event']}, call {accepted['id']}, "
                  f"owed to {accepted['deliveries']} integrations")  # fmt: skip
    sys.exit(1 if refused else 0)


def _events(content: bytes) -> list[bytes]:
    """The file as one event, or, where each of its lines is a document of its own, as one a line."""
    lines = [line for line in content.splitlines() if line.strip()]
    try:
        json.loads(content)
    except ValueError:
        return lines
    return [content]


def _named(event: bytes, company: str | None) -> bytes:
    """The event with the company in it, where it names none; all its other bytes are the service's to judge."""
    try:
        document = json.loads(event)
    except ValueError:
        return event
    if company is None or not isinstance(document, dict) or not document or "company" in document:
        return event
    return event.replace(b"{", b'{"company":' + json.dumps(company).encode() + b",", 1)


def _tell(as_json: bool, result: object, sentence: str) -> None:
    click.echo(json.dumps(result) if as_json else sentence)
