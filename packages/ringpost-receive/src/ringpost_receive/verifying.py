"""Whether a request is genuine: signed with our secret, and not long ago. Pure, but for the clock's default.

Ringpost signs each POST in two ways. `webhook-signature` (Standard Webhooks) covers the id and the time of the attempt,
so what was overheard cannot be sent again later; it is what counts. `x-signature` covers the body alone; it is enough
only where the caller says so (`untimed`), as for messages of a queue, which may wait there for days.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Optional, Union

from .events import Delivery, parse_event
from .fields import ATTEMPT, ID, REPLAY, SEQUENCE, SIGNATURE, TIMESTAMP, X_SIGNATURE, Headers, fields_of
from .keys import same, standard_key, standard_signature, x_signature

TOLERANCE_S = 300  # Standard Webhooks' libraries take five minutes, too

Secrets = Union[str, Sequence[str]]


class RejectedError(ValueError):
    """The request is not genuine, or cannot be told to be. code: stable; `explain` finds out more."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def verify(
    body: Union[bytes, bytearray, memoryview],
    headers: Headers,
    secret: Secrets,
    *,
    tolerance_s: int = TOLERANCE_S,
    untimed: bool = False,
    now_s: Optional[float] = None,
) -> Delivery:
    """The delivery that a genuine request brings.

    body: the bytes as they came, before anything parsed them. headers: a mapping or pairs, in any case. secret: the
    integration's, or several while one is replaced by another. tolerance_s: how old, or how far ahead, the attempt may
    be (seconds). untimed: `x-signature` is enough. now_s: the time (seconds), for tests.

    Raises `RejectedError` with the code `signature_missing`, `signature_wrong`, `timestamp_wrong`, `too_old`,
    `too_new` or `not_an_event`; TypeError for a body that is not bytes; ValueError for a secret that is none.
    """
    raw, secrets, fields = raw_body(body), secrets_of(secret), fields_of(headers)
    timestamp = None
    if SIGNATURE in fields:
        _check_standard(raw, fields, secrets)
        timestamp = _check_time(fields[TIMESTAMP], time.time() if now_s is None else now_s, tolerance_s, untimed)
    elif untimed and X_SIGNATURE in fields:
        _check_x(raw, fields[X_SIGNATURE], secrets)
    else:
        raise RejectedError("signature_missing", _missing(fields))
    return delivery_of(raw, fields, timestamp)


def raw_body(body: Union[bytes, bytearray, memoryview]) -> bytes:
    """Raises TypeError with what helps."""
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    raise TypeError(f"verify takes the raw body in bytes, not {type(body).__name__}: read it before anything parses it")


def secrets_of(secret: Secrets) -> list[str]:
    """Raises ValueError where there is none: an empty key would verify what anybody signs."""
    secrets = [secret] if isinstance(secret, str) else list(secret)
    if not secrets or not all(secrets):
        raise ValueError("no secret was given, or an empty one: is the variable set that it is read from?")
    return secrets


def delivery_of(raw: bytes, fields: dict[str, str], timestamp: Optional[int]) -> Delivery:
    """Raises `RejectedError` with the code `not_an_event`."""
    try:
        event = parse_event(raw)
    except (ValueError, RecursionError) as error:
        raise RejectedError("not_an_event", f"It is signed with the secret, but it is no event: {error}.") from None
    return Delivery(
        id=fields.get(ID),
        event=event,
        timestamp=timestamp,
        attempt=_number(fields.get(ATTEMPT)),
        sequence=_number(fields.get(SEQUENCE)),
        replay=_number(fields.get(REPLAY)) or 0,
    )


def _check_standard(raw: bytes, fields: dict[str, str], secrets: list[str]) -> None:
    if not fields.get(ID) or not fields.get(TIMESTAMP):
        raise RejectedError("signature_missing", f"`{SIGNATURE}` is there, but `{ID}` or `{TIMESTAMP}` is not.")
    given = fields[SIGNATURE].split(" ")
    fits = False
    for secret in secrets:
        expected = standard_signature(standard_key(secret), fields[ID], fields[TIMESTAMP], raw)
        for one in given:
            fits |= same(expected, one)
    if not fits:
        raise RejectedError("signature_wrong", f"`{SIGNATURE}` is not what the secret makes of this body.")


def _check_x(raw: bytes, given: str, secrets: list[str]) -> None:
    fits = False
    for secret in secrets:
        fits |= same(x_signature(secret.encode(), raw), given)
    if not fits:
        raise RejectedError("signature_wrong", f"`{X_SIGNATURE}` is not what the secret makes of this body.")


def _check_time(text: str, now_s: float, tolerance_s: int, untimed: bool) -> int:
    timestamp = _number(text)
    if timestamp is None:
        raise RejectedError("timestamp_wrong", f"`{TIMESTAMP}` is no number of seconds.")
    if not untimed and timestamp < now_s - tolerance_s:
        raise RejectedError("too_old", f"It was sent {now_s - timestamp:.0f} s ago, more than {tolerance_s} s.")
    if not untimed and timestamp > now_s + tolerance_s:
        raise RejectedError("too_new", f"It says that it is sent in {timestamp - now_s:.0f} s: a clock is wrong.")
    return timestamp


def _missing(fields: dict[str, str]) -> str:
    if X_SIGNATURE in fields:
        return (
            f"Only `{X_SIGNATURE}` is there, which anybody who overheard it could send again: `{SIGNATURE}` is wanted."
        )
    return f"`{SIGNATURE}` is not among the headers."


def _number(text: Optional[str]) -> Optional[int]:
    is_number = text is not None and text.isascii() and text.isdigit() and len(text) < 16
    return int(text) if is_number and text is not None else None
