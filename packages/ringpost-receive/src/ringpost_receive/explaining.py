"""Why a request does not verify: which step fails, and what helps. For people and for tests, never for answers.

It looks for what goes wrong in practice: a header that got lost, a signature in another form, a secret that was copied
with a space or decoded in the wrong way, a body that a framework parsed and wrote anew, one that was cut, a clock.
Nothing it says holds the secret or a signature that would be right.
"""

from __future__ import annotations

import json
import re
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Optional, Union
from urllib.parse import unquote_to_bytes

from .fields import ID, SIGNATURE, TIMESTAMP, X_SIGNATURE, Headers, fields_of
from .keys import PREFIX, same, standard_key, standard_signature, x_signature
from .verifying import TOLERANCE_S, RejectedError, Secrets, delivery_of, secrets_of

OK, WRONG, UNSURE = "ok", "wrong", "unsure"


@dataclass(frozen=True)
class Step:
    """name: `headers`, `secret`, `body`, `signature`, `clock` or `event`; state: ok, wrong, unsure."""

    name: str
    state: str
    says: str
    helps: str = ""


@dataclass(frozen=True)
class Explanation:
    """verified: `verify` takes it; code: of what is wrong, `ok` where nothing is; steps: in the order of looking."""

    verified: bool
    code: str
    steps: tuple[Step, ...]

    @property
    def says(self) -> str:
        """What is wrong, in one sentence or two."""
        wrong = [step for step in self.steps if step.state == WRONG] or list(self.steps[-1:])
        return " ".join(part for part in (wrong[0].says, wrong[0].helps) if part)

    def __str__(self) -> str:
        marks = {OK: "ok    ", WRONG: "WRONG ", UNSURE: "?     "}
        lines = [f"{marks[step.state]} {step.name:<10} {step.says} {step.helps}".rstrip() for step in self.steps]
        return "\n".join(lines)


class _WrongError(Exception):
    def __init__(self, code: str, step: Step) -> None:
        super().__init__(code)
        self.code, self.step = code, step


def explain(
    body: Union[bytes, str],
    headers: Headers,
    secret: Secrets,
    *,
    tolerance_s: int = TOLERANCE_S,
    now_s: Optional[float] = None,
) -> Explanation:
    """The same arguments as `verify`, and a body of text as well: that it is one may be what is wrong."""
    done: list[Step] = []
    looking = _Looking(body, headers, secret, tolerance_s, time.time() if now_s is None else now_s)
    try:
        done.extend(looking.steps())
    except _WrongError as wrong:
        return Explanation(verified=False, code=wrong.code, steps=(*done, wrong.step))
    return Explanation(verified=looking.code == "ok", code=looking.code, steps=tuple(done))


class _Looking:
    """One request that is looked at."""

    def __init__(self, body: Union[bytes, str], headers: Headers, secret: Secrets, tolerance_s: int, now_s: float):
        self._is_text = isinstance(body, str)
        self._raw = body.encode() if isinstance(body, str) else bytes(body)
        self._fields = fields_of(headers)
        self._secret = secret
        self._secrets: list[str] = []
        self._tolerance_s, self._now_s = tolerance_s, now_s
        self.code = "ok"

    def steps(self) -> Iterator[Step]:
        yield self._headers()
        yield self._form()
        yield self._secret_given()
        yield self._body()
        yield self._signature()
        if SIGNATURE in self._fields:
            yield self._clock()
        yield self._event()
        if self._is_text:
            self.code = "body_text"
            yield Step("body", UNSURE, "The body was given as text.", "Give `verify` the bytes as they came.")
        elif SIGNATURE not in self._fields:
            self.code = "untimed"
            helps = "Give `untimed=True` where that is meant, as for messages of a queue."
            yield Step("headers", UNSURE, f"Only `{X_SIGNATURE}` is there: the time is not signed.", helps)

    # --- what has to be there ------------------------------------------------------------------------------------
    def _headers(self) -> Step:
        there = [name for name in (SIGNATURE, X_SIGNATURE) if name in self._fields]
        if not there:
            raise _WrongError("signature_missing", Step("headers", WRONG, *self._lost()))
        if SIGNATURE in self._fields:
            for name in (ID, TIMESTAMP):
                if not self._fields.get(name):
                    helps = "Have your proxy pass on every header that begins with `webhook-`."
                    raise _WrongError("header_missing", Step("headers", WRONG, f"`{name}` is missing.", helps))
        return Step("headers", OK, f"There is {' and '.join(f'`{name}`' for name in there)}.")

    def _lost(self) -> tuple[str, str]:
        for name in self._fields:
            bare = re.sub(r"^http[_-]", "", name).replace("_", "-")
            if bare in {SIGNATURE, X_SIGNATURE}:
                return (
                    f"`{bare}` is there under the name `{name}`.",
                    "Give the headers by the names that they were sent with: `HTTP_X_SIGNATURE` is `x-signature`.",
                )
        for name in self._fields:
            if "signature" in name:
                return (
                    f"There is `{name}`, which is not Ringpost's.",
                    f"Ringpost sends `{SIGNATURE}` and `{X_SIGNATURE}`: does this request come from another sender?",
                )
        return (
            f"Neither `{SIGNATURE}` nor `{X_SIGNATURE}` is there.",
            "Look whether a proxy or a framework leaves headers out, and whether Ringpost sent this request at all.",
        )

    def _form(self) -> Step:
        given = self._fields.get(X_SIGNATURE, "")
        if SIGNATURE in self._fields:
            if not any(one.startswith("v1,") for one in self._fields[SIGNATURE].split(" ")):
                says = f"`{SIGNATURE}` holds no signature that begins with `v1,`."
                raise _WrongError("signature_form", Step("headers", WRONG, says, "Give its value whole, as it came."))
            return Step("headers", OK, f"`{SIGNATURE}` has the right form.")
        if not re.fullmatch(r"[0-9a-f]{64}", given):
            raise _WrongError("signature_form", Step("headers", WRONG, *_bad_hex(given)))
        return Step("headers", OK, f"`{X_SIGNATURE}` has the right form.")

    def _secret_given(self) -> Step:
        try:
            self._secrets = secrets_of(self._secret)
        except ValueError as error:
            raise _WrongError("secret_missing", Step("secret", WRONG, f"{str(error).capitalize()}")) from None
        for one in self._secrets:
            try:
                standard_key(one)
            except ValueError as error:
                helps = "Copy it again from the integration's page."
                raise _WrongError("secret_form", Step("secret", WRONG, f"{str(error).capitalize()}.", helps)) from None
        count = len(self._secrets)
        return Step("secret", OK, "A secret was given." if count == 1 else f"{count} secrets were given.")

    def _body(self) -> Step:
        if not self._raw:
            helps = "Was it read before? Read it once, before any parser does, and keep the bytes."
            raise _WrongError("body_empty", Step("body", WRONG, "The body is empty.", helps))
        length = self._fields.get("content-length", "")
        if length.isdigit() and int(length) > len(self._raw):
            says = f"The body has {len(self._raw):,} bytes, and `content-length` says {int(length):,}: it was cut."
            raise _WrongError(
                "body_cut", Step("body", WRONG, says, "Read all of it, and raise the limit that cuts it.")
            )
        if self._raw.startswith(b"\x1f\x8b"):
            helps = "Decompress it before you verify it: the signature is of the plain body."
            raise _WrongError("body_compressed", Step("body", WRONG, "The body is compressed.", helps))
        return Step("body", OK, f"The body has {len(self._raw):,} bytes.")

    # --- whether they fit together -------------------------------------------------------------------------------
    def _signature(self) -> Step:
        if self._fits(self._raw):
            return Step("signature", OK, "The signature is that of this body and this secret.")
        for code, step in self._suspects():
            raise _WrongError(code, step)
        raise _WrongError("signature_wrong", self._unexplained())

    def _suspects(self) -> Iterator[tuple[str, Step]]:
        for body, says, helps in _bodies(self._raw):
            if self._fits(body):
                yield "body_changed", Step("body", WRONG, says, helps)
        for one, says in self._other_secrets():
            if self._fits(self._raw, one):
                yield "secret_form", Step("secret", WRONG, says, "Use it as the integration's page shows it.")
        for code, says, helps in _looks(self._raw):
            yield code, Step("body", WRONG, says, helps)

    def _fits(self, body: bytes, keys: Optional[tuple[bytes, bytes]] = None) -> bool:
        """keys: those of `x-signature` and of Standard Webhooks; otherwise those of the secrets that were given."""
        pairs = [(one.encode(), standard_key(one)) for one in self._secrets] if keys is None else [keys]
        given = self._fields.get(SIGNATURE)
        for x_key, key in pairs:
            if given is not None:
                expected = standard_signature(key, self._fields[ID], self._fields[TIMESTAMP], body)
                if any(same(expected, one) for one in given.split(" ")):
                    return True
            elif same(x_signature(x_key, body), self._fields[X_SIGNATURE]):
                return True
        return False

    def _other_secrets(self) -> Iterator[tuple[tuple[bytes, bytes], str]]:
        """Keys that people take for the right one, and why that is not so."""
        for one in self._secrets:
            trimmed = one.strip().strip("\"'").strip()
            if trimmed and trimmed != one:
                says = "The secret has spaces, a line's end or quotes around it, which do not belong to it."
                yield _keys(trimmed), says
            if trimmed.startswith(PREFIX):
                key = _key_or_none(trimmed)
                if key is None:
                    continue
                bare = _text_or_none(key)
                if bare:
                    yield _keys(bare), "The secret is its `whsec_` form; this signature was made with the plain one."
                yield (key, trimmed.encode()), "What follows `whsec_` was decoded, or was not, where it has to be."
            else:
                yield _keys(PREFIX + trimmed), "The secret lost its beginning `whsec_`, which belongs to it."
                standard = PREFIX + b64encode(trimmed.encode()).decode()
                yield _keys(standard), "The secret is the plain one; this signature was made with its `whsec_` form."

    def _unexplained(self) -> Step:
        says = "The body looks whole, and no usual mistake explains it: most likely the secret is another one."
        helps = "Compare it with the integration's page (was it rotated?); and give the body's bytes as they came."
        return Step("signature", WRONG, says, helps)

    def _clock(self) -> Step:
        text = self._fields[TIMESTAMP]
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise _WrongError("timestamp_wrong", Step("clock", WRONG, f"`{TIMESTAMP}` is no number of seconds."))
        behind = self._now_s - int(text)
        if behind > self._tolerance_s:
            says = f"It was sent {behind:,.0f} s ago; more than {self._tolerance_s} s are not taken."
            helps = "Is it a saved request? Else set this machine's clock, or see what holds requests back."
            raise _WrongError("too_old", Step("clock", WRONG, says, helps))
        if behind < -self._tolerance_s:
            says = f"It was sent {-behind:,.0f} s in the future by this machine's clock."
            raise _WrongError(
                "too_new", Step("clock", WRONG, says, "Set the clock here, or the one of Ringpost's machine.")
            )
        return Step("clock", OK, f"It was sent {abs(behind):.0f} s {'ago' if behind >= 0 else 'ahead'}.")

    def _event(self) -> Step:
        try:
            event = delivery_of(self._raw, self._fields, None).event
        except RejectedError as error:
            raise _WrongError(error.code, Step("event", WRONG, error.message)) from None
        return Step("event", OK, f"It is {event.type} of {event.id}.")


def _keys(secret: str) -> tuple[bytes, bytes]:
    return secret.encode(), _key_or_none(secret) or secret.encode()


def _key_or_none(secret: str) -> Optional[bytes]:
    try:
        return standard_key(secret)
    except ValueError:
        return None


def _text_or_none(key: bytes) -> Optional[str]:
    try:
        return key.decode()
    except UnicodeDecodeError:
        return None


def _bad_hex(given: str) -> tuple[str, str]:
    whole = f"`{X_SIGNATURE}` is 64 characters of 0-9 and a-f."
    if re.fullmatch(r"[0-9a-fA-F]{64}", given.strip()):
        return "It is in capital letters, or has a space around it.", whole
    if "=" in given[:8] and re.search(r"[0-9a-f]{64}$", given):
        return "It has another sender's prefix, such as `sha256=`.", whole
    if re.fullmatch(r"[0-9a-f]+", given):
        return f"It was cut or joined: it has {len(given)} characters.", whole
    return "It is not in hexadecimal digits.", whole


# --- what happens to bodies --------------------------------------------------------------------------------------
def _bodies(raw: bytes) -> Iterator[tuple[bytes, str, str]]:
    """Bodies that this one may have been, why, and what helps."""
    keep = "Keep the bytes as they came, and verify those."
    for bare in {raw.strip(), raw.lstrip(b"\xef\xbb\xbf"), raw.replace(b"\r\n", b"\n")} - {raw}:
        yield bare, "Something was added around the body: a line's end, a space, a byte order mark.", keep
    with suppress(UnicodeError):
        yield raw.decode().encode("latin-1"), "The body was read as Latin-1 and written as UTF-8.", keep
    yield unquote_to_bytes(raw.replace(b"+", b" ")), "The body was sent on as a form's text.", keep
    value = _json(raw)
    if isinstance(value, str):
        yield value.encode(), "The body is JSON inside of JSON: it was encoded a second time.", keep
        value = _json(value.encode())
    if isinstance(value, dict):
        why = "The body was parsed, and written anew by another JSON encoder"
        for ordered in (value, _in_order(value)):
            yield _compact(ordered), f"{why}: spaces, escapes or the order of keys are others.", keep


def _looks(raw: bytes) -> Iterator[tuple[str, str, str]]:
    """What can be seen of a body without knowing the right one."""
    if _json(raw) is None:
        if raw[:1] in b"{[" and raw.rstrip()[-1:] not in b"}]":
            yield (
                "body_cut",
                "The body is cut: its JSON does not end.",
                "Read all of it, and raise the limit that cuts it.",
            )
        elif raw[:1] not in b"{[":
            yield "body_changed", "The body is no JSON.", "Read the bytes before anything parses or decodes them."
        return
    if b'": ' in raw or b'", "' in raw or b"\n" in raw.strip():
        yield (
            "body_changed",
            "The body has spaces between its parts, and Ringpost sends none: it was parsed and written anew.",
            "Keep the bytes as they came, and verify those.",
        )


# The order in which Ringpost writes keys; encoders that sort keys lose it.
_ENVELOPE = ("id", "pbx", "time", "company", "type", "integrationId", "data")
_DATA = (
    "status", "caller", "callee", "service", "destination", "trunkName", "queueName", "queueId", "tags", "flags",
    "endCause", "endCauseStr", "endBy", "direction", "waitTime", "talkTime", "duration",
)  # fmt: skip
_PARTY = (
    "type", "phone", "name", "company", "email", "userId", "userExtension", "userDepartment", "groupId", "groupName",
    "userAgent", "userDevice",
)  # fmt: skip
_NOTICE = ("message", "integration", "pbx", "delivery", "reason", "since", "count")


def _in_order(event: dict[str, Any]) -> dict[str, Any]:
    ordered = _sorted(event, _ENVELOPE)
    data = ordered.get("data")
    if isinstance(data, dict):
        data = ordered["data"] = _sorted(data, _NOTICE if "message" in data else _DATA)
        for name in ("caller", "callee"):
            if isinstance(data.get(name), dict):
                data[name] = _sorted(data[name], _PARTY)
    return ordered


def _sorted(value: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    known = {name: value[name] for name in names if name in value}
    return {**known, **{name: one for name, one in value.items() if name not in known}}


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None
