"""Which step fails: each mistake that people make is named, and nothing secret is told."""

from __future__ import annotations

import gzip
import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost.wire.signature import standard_form
from ringpost_receive import RejectedError, explain, verify
from ringpost_receive.verifying import Secrets
from tests.receive.sent import BODY, NOW, PLAIN, SECRET, Sent, sent

PARSED: Final = json.loads(BODY)


def anew(**options: object) -> bytes:
    return json.dumps(PARSED, **options).encode()  # type: ignore[arg-type]


# what went wrong: the request as it is seen, the secret that is used, the code, a word of the explanation
MISTAKES: Final[dict[str, tuple[Callable[[], Sent], Secrets, str, str]]] = {
    "no headers": (lambda: Sent(BODY, {}), SECRET, "signature_missing", "proxy"),
    "WSGI names": (
        lambda: Sent(BODY, {"HTTP_X_SIGNATURE": "00"}), SECRET, "signature_missing", "`http_x_signature`",
    ),
    "another sender's": (
        lambda: Sent(BODY, {"x-hub-signature-256": "sha256=00"}), SECRET, "signature_missing", "another sender",
    ),
    "an id that was left out": (lambda: sent().but(webhook_id=None), SECRET, "header_missing", "`webhook-id`"),
    "a signature without v1": (lambda: sent().but(webhook_signature="AAAA"), SECRET, "signature_form", "`v1,`"),
    "capitals": (
        lambda: Sent(BODY, {"x-signature": sent().headers["x-signature"].upper()}), SECRET, "signature_form", "capital",
    ),
    "a prefix": (
        lambda: Sent(BODY, {"x-signature": "sha256=" + sent().headers["x-signature"]}), SECRET, "signature_form",
        "prefix",
    ),
    "a short signature": (
        lambda: Sent(BODY, {"x-signature": sent().headers["x-signature"][:40]}), SECRET, "signature_form", "40",
    ),
    "base64": (
        lambda: Sent(BODY, {"x-signature": b64encode(bytes.fromhex(sent().headers["x-signature"])).decode()}), SECRET,
        "signature_form", "hexadecimal",
    ),
    "no secret": (sent, "", "secret_missing", "variable"),
    "half a secret": (sent, SECRET[:-9], "secret_form", "not copied whole"),
    "a secret with a line's end": (lambda: sent(PLAIN), PLAIN + "\n", "secret_form", "line's end"),
    "a secret in quotes": (lambda: sent(PLAIN), f'"{PLAIN}"', "secret_form", "quotes"),
    "a secret without whsec_": (sent, SECRET.removeprefix("whsec_"), "secret_form", "beginning `whsec_`"),
    "its whsec_ form, for x-signature": (
        lambda: sent(PLAIN).but(webhook_signature=None), standard_form(PLAIN), "secret_form", "plain one",
    ),
    "another secret": (sent, "whsec_" + b64encode(bytes(32)).decode(), "signature_wrong", "rotated"),
    "no body": (lambda: sent().but(b""), SECRET, "body_empty", "read before"),
    "half a body, by its length": (
        lambda: sent().but(BODY[:300], content_length=str(len(BODY))), SECRET, "body_cut", "it was cut",
    ),
    "half a body": (lambda: sent().but(BODY[:300]), SECRET, "body_cut", "does not end"),
    "gzip": (lambda: sent().but(gzip.compress(BODY)), SECRET, "body_compressed", "Decompress"),
    "a line's end": (lambda: sent().but(BODY + b"\r\n"), SECRET, "body_changed", "around the body"),
    "a byte order mark": (lambda: sent().but(b"\xef\xbb\xbf" + BODY), SECRET, "body_changed", "around the body"),
    "Python's json.dumps": (lambda: sent().but(anew()), SECRET, "body_changed", "written anew"),
    "indented": (lambda: sent().but(anew(indent=2)), SECRET, "body_changed", "written anew"),
    "sorted keys": (
        lambda: sent().but(anew(sort_keys=True, separators=(",", ":"))), SECRET, "body_changed", "order of keys",
    ),
    "JSON in JSON": (lambda: sent().but(json.dumps(BODY.decode()).encode()), SECRET, "body_changed", "second time"),
    "changed, with spaces": (
        lambda: sent().but(anew().replace(b"Bianchi", b"Rossi")), SECRET, "body_changed", "spaces",
    ),
    "repr of a dict": (lambda: sent().but(repr(PARSED).encode()[1:]), SECRET, "body_changed", "no JSON"),
    "an hour ago": (lambda: sent(at=NOW - 3_600), SECRET, "too_old", "3,600 s ago"),
    "tomorrow": (lambda: sent(at=NOW + 86_400), SECRET, "too_new", "clock"),
    "no event": (lambda: sent(body=b'{"hello":1}'), SECRET, "not_an_event", "no event"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_named_with_what_helps(mistake: str) -> None:
    made, secret, code, word = MISTAKES[mistake]
    one = made()
    found = explain(one.body, one.headers, secret, now_s=NOW)
    assert (found.verified, found.code) == (False, code), str(found)
    assert word in found.says, found.says
    assert [step.state for step in found.steps[:-1]] == ["ok"] * (len(found.steps) - 1)
    for told in (str(found), found.says):
        assert PLAIN not in told
        assert SECRET[6:20] not in told


def test_latin_1_and_escapes_are_known_too() -> None:
    body = BODY.replace(b"Bianchi", "Bianchì".encode())
    doubled = body.decode("latin-1").encode()
    assert "Latin-1" in explain(doubled, sent(body=body).headers, SECRET, now_s=NOW).says
    escaped = json.dumps(json.loads(body), separators=(",", ":")).encode()
    assert "escapes" in explain(escaped, sent(body=body).headers, SECRET, now_s=NOW).says


def test_a_key_that_was_decoded_where_it_should_not_be_is_known() -> None:
    """Those who take x-signature for Standard Webhooks', and the other way round."""
    import hashlib
    import hmac

    decoded = hmac.new(b64decode(SECRET[6:]), BODY, hashlib.sha256).hexdigest()
    assert explain(BODY, {"x-signature": decoded}, SECRET).code == "secret_form"


def test_what_verifies_is_explained_as_right() -> None:
    found = explain(BODY, sent().headers, SECRET, now_s=NOW + 2)
    assert (found.verified, found.code) == (True, "ok")
    assert str(found).splitlines()[-1] == f"ok     event      It is call:end of {PARSED['id']}."
    assert "2 s ago" in str(found)


def test_only_x_signature_and_a_body_of_text_are_told_without_being_called_wrong() -> None:
    alone = sent().but(webhook_signature=None)
    found = explain(alone.body, alone.headers, SECRET)
    assert (found.verified, found.code, found.steps[-1].state) == (False, "untimed", "unsure")
    assert "untimed=True" in found.says
    text = explain(BODY.decode(), sent().headers, SECRET, now_s=NOW)
    assert (text.verified, text.code) == (False, "body_text")


@given(st.binary(max_size=60), st.dictionaries(st.text(max_size=12), st.text(max_size=20), max_size=4), st.text())
def test_it_explains_whatever_it_is_given_and_agrees_with_verify(
    body: bytes, headers: dict[str, str], secret: str
) -> None:
    for one in (Sent(body, headers), sent().but(body), sent().but(webhook_timestamp=secret)):
        found = explain(one.body, one.headers, secret, now_s=NOW)
        try:
            verify(one.body, one.headers, secret, now_s=NOW)
        except (RejectedError, ValueError):
            assert not found.verified
        else:
            assert found.verified
