"""`ringpost listen`: a company's events as they are accepted, forwarded, signed, to a receiver on this machine.

Nothing is installed for it. A connection that breaks is made again and goes on where it was; a replay reaches it, too.
"""

from __future__ import annotations

import http.client
import json
import secrets
import ssl
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import urlsplit

import rich_click as click
from msgspec import Struct

from ringpost import __version__
from ringpost.clock import wall_clock
from ringpost.errors import RingpostError
from ringpost.model.delivery import delivery_id
from ringpost.model.event import decode_seq
from ringpost.wire.signature import check_secret, make_secret, standard_header, x_signature

from .client import Client, connect
from .options import service_options, settings_from
from .times import Time

LISTENER: Final = "listen"
_WAITS: Final = (0.5, 1, 2, 5)  # seconds, before a connection that broke is made again
_SECONDS: Final = 30.0  # for the receiver to answer
_AWAY: Final = frozenset({"service_unreachable", "overloaded", "stopping", "ledger_unavailable"})


class Heard(Struct, frozen=True, kw_only=True):
    """One event of the stream, as the API tells it."""

    id: str
    type: str
    call: str
    sequence: int
    replay: int
    body: str


class Answered(Struct, frozen=True):
    """What the receiver answered: its status, or why there was none; ms."""

    status: int | None
    why: str
    ms: int

    @property
    def is_good(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@click.command("listen")
@click.option("--forward", help="Where to send each event: a receiver's address, as http://localhost:3000/hook.")
@click.option("--company", help="Whose events (needed with an operator's key).")
@click.option(
    "--since", type=Time(), help="Begin with those of an age, as 10m, or since a time. [default: from now on]"
)
@click.option("--filter", "wanted", multiple=True, help="A type that is wanted, as call:end; may repeat. [default: *]")
@click.option(
    "--secret-file", type=click.File("r"), help="The secret to sign with, as the receiver has it. [default: a new one]"
)
@click.option("--events", type=click.IntRange(min=1), help="Stop after so many.")
@service_options
def command(
    forward: str | None, company: str | None, since: int | None, wanted: tuple[str, ...],
    secret_file: IO[str] | None, events: int | None, config: Path | None, data: str | None, url: str | None,
    key_file: IO[str] | None, as_json: bool,
) -> None:  # fmt: skip
    """Follow a company's events, and forward each to a receiver on this machine, signed as an integration's are.

    One line for each, with what the receiver answered. Ctrl-C ends it.
    """
    secret = secret_file.read().strip() if secret_file else make_secret(secrets.token_bytes(32))
    check_secret(secret)
    target = None if forward is None else _Target(forward)
    settings = settings_from(config, data=data)
    client = connect(settings, url, key_file)
    # A service on this machine that starts again has another key for those who find it by its folder.
    again = partial(connect, settings, url, None) if key_file is None else (lambda: client)
    if not as_json:
        _greet(target, secret if secret_file is None else None)
    for count, heard in enumerate(_heard(client, again, company, since, ",".join(wanted)), 1):
        answered = None if target is None else target.send(heard, secret)
        click.echo(_json(heard, answered) if as_json else _line(heard, answered))
        if count == events:
            return


def _greet(target: _Target | None, secret: str | None) -> None:
    if target is None:
        click.echo("Following; nothing is forwarded (--forward http://localhost:3000/hook would). Ctrl-C ends it.")
        return
    click.echo(f"Forwarding to {target.url}. Ctrl-C ends it.")
    if secret is not None:
        click.echo(f"Signed with a secret of this run; verify with it: RINGPOST_SECRET={secret}")


def _heard(
    client: Client, again: Callable[[], Client], company: str | None, since: int | None, wanted: str
) -> Iterator[Heard]:
    """Without end; what broke is made again."""
    last: str | None = None
    tries = 0
    begin = wall_clock() if since is None else since
    while True:
        place = {"since": begin} if last is None else {"after": last}
        try:
            client = again() if tries else client
            for message in client.stream("/v1/events/stream", company=company, filter=wanted or None, **place):
                tries = 0
                heard = Heard(**{name: message[name] for name in Heard.__struct_fields__})
                last = last if heard.replay else heard.id
                yield heard
        except RingpostError as error:
            if error.code not in _AWAY or (last is None and not tries):
                raise
            click.echo(f"{error.message} Trying again …", err=True)
        time.sleep(_WAITS[min(tries, len(_WAITS) - 1)])
        tries += 1


class _Target:
    """The receiver that events are forwarded to. Raises `target_invalid`."""

    def __init__(self, url: str) -> None:
        self.url = url
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise RingpostError("target_invalid", "--forward takes an address as http://localhost:3000/hook.")
        self._parts = parts

    def send(self, heard: Heard, secret: str) -> Answered:
        began = time.monotonic()
        try:
            status, why = self._post(heard.body.encode(), _headers(heard, secret))
        except (OSError, http.client.HTTPException) as error:
            status, why = None, getattr(error, "strerror", None) or type(error).__name__
        return Answered(status, why, round((time.monotonic() - began) * 1_000))

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        parts = self._parts
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(parts.netloc, timeout=_SECONDS, context=context)
        else:
            connection = http.client.HTTPConnection(parts.netloc, timeout=_SECONDS)
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path, body, headers)
            reply = connection.getresponse()
            reply.read(65_536)
            return reply.status, reply.reason
        finally:
            connection.close()


def _headers(heard: Heard, secret: str) -> dict[str, str]:
    """As an integration's deliveries have them."""
    body, now = heard.body.encode(), wall_clock() // 1_000
    delivery = delivery_id(decode_seq(heard.id[4:]) or 0, LISTENER)
    headers = {
        "content-type": "application/json",
        "user-agent": f"Ringpost/{__version__}",
        "x-signature": x_signature(secret, body),
        "webhook-id": delivery,
        "webhook-timestamp": str(now),
        "webhook-signature": standard_header([secret], delivery, now, body),
        "x-ringpost-attempt": "1",
        "x-ringpost-sequence": str(heard.sequence),
    }
    return headers | ({"x-ringpost-replay": str(heard.replay)} if heard.replay else {})


def _line(heard: Heard, answered: Answered | None) -> str:
    clock = time.strftime("%H:%M:%S")
    data: dict[str, Any] = json.loads(heard.body)["data"]
    who = " → ".join(_party(data.get(name)) for name in ("caller", "callee"))
    told = f"{heard.type:11}  {who}  {heard.call}{'  replay' if heard.replay else ''}"
    if answered is None:
        return f"{clock}  {told}"
    colour = "green" if answered.is_good else "red"
    status = click.style(f"{answered.status or '---'!s:>3}", fg=colour)
    why = "" if answered.is_good else f"  {answered.why}"
    return f"{clock}  {status}  {answered.ms:>5} ms  {told}{why}"


def _party(party: object) -> str:
    if not isinstance(party, dict):
        return "–"
    return " ".join(str(party[name]) for name in ("name", "phone") if party.get(name)) or "anonymous"


def _json(heard: Heard, answered: Answered | None) -> str:
    told: dict[str, Any] = {name: getattr(heard, name) for name in Heard.__struct_fields__}
    if answered is not None:
        told |= {"status": answered.status, "error": None if answered.is_good else answered.why, "ms": answered.ms}
    return json.dumps(told)
