"""Signatures, and what a secret may be."""

from __future__ import annotations

import time
from base64 import b64encode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from ringpost.errors import RingpostError
from ringpost.wire import signature
from tests.strategies import foreign_secrets, generated_secrets

WHSEC = "whsec_" + b64encode(bytes(range(32))).decode()
OTHER_WHSEC = "whsec_" + b64encode(bytes(range(32, 64))).decode()
FOREIGN = "3xAmPleSecretOfThirtyChars0123"
BODY = '{"id":"it_w000042_1.2","data":{"name":"Ñandú 📞"}}'.encode()


def headers(secrets: list[str], body: bytes = BODY) -> dict[str, str]:
    now = int(time.time())
    return {
        "webhook-id": "dlv_1",
        "webhook-timestamp": str(now),
        "webhook-signature": signature.standard_header(secrets, "dlv_1", now, body),
    }


def test_x_signature_is_the_hex_hmac_of_rfc_4231() -> None:
    # RFC 4231, test case 2
    assert signature.x_signature("Jefe", b"what do ya want for nothing?") == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


def test_x_signature_is_keyed_with_the_whole_secret_in_utf_8() -> None:
    assert signature.x_signature(WHSEC, BODY) != signature.x_signature(WHSEC.removeprefix("whsec_"), BODY)
    assert signature.verify_x("schlüssel", BODY, signature.x_signature("schlüssel", BODY))


def test_the_key_of_a_whsec_secret_is_what_it_encodes() -> None:
    assert signature.standard_key(WHSEC) == bytes(range(32))
    assert signature.standard_key(FOREIGN) == FOREIGN.encode()


@given(secret=generated_secrets)
def test_the_standard_library_verifies_with_a_whsec_secret(secret: str) -> None:
    assert signature.standard_form(secret) == secret
    Webhook(secret).verify(BODY, headers([secret]))


@given(secret=foreign_secrets)
def test_the_standard_library_verifies_with_the_standard_form_of_a_foreign_secret(secret: str) -> None:
    Webhook(signature.standard_form(secret)).verify(BODY, headers([secret]))


@pytest.mark.parametrize(("new", "old"), [(WHSEC, OTHER_WHSEC), (WHSEC, FOREIGN), (FOREIGN, WHSEC)])
def test_during_a_rotation_the_new_and_the_old_secret_verify(new: str, old: str) -> None:
    sent = headers([new, old])
    for secret in (new, old):
        Webhook(signature.standard_form(secret)).verify(BODY, sent)
        assert signature.verify_standard(
            secret, sent["webhook-id"], sent["webhook-timestamp"], BODY, sent["webhook-signature"]
        )
    assert sent["webhook-signature"].split(" ")[0] == headers([new])["webhook-signature"]


def test_the_standard_library_refuses_another_secret_and_another_body() -> None:
    for secret, body in ((OTHER_WHSEC, BODY), (WHSEC, BODY + b" ")):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, headers([WHSEC]))


@given(secret=generated_secrets | foreign_secrets, other=generated_secrets | foreign_secrets, body=st.binary())
def test_what_one_secret_signed_no_other_verifies(secret: str, other: str, body: bytes) -> None:
    assume(secret != other)
    assert not signature.verify_x(other, body, signature.x_signature(secret, body))
    assume(signature.standard_key(secret) != signature.standard_key(other))
    header = signature.standard_header([secret], "dlv_1", 1, body)
    assert signature.verify_standard(secret, "dlv_1", "1", body, header)
    assert not signature.verify_standard(other, "dlv_1", "1", body, header)


@pytest.mark.parametrize(
    ("webhook_id", "timestamp", "body"), [("dlv_2", "1", BODY), ("dlv_1", "2", BODY), ("dlv_1", "1", BODY + b" ")]
)
def test_a_standard_signature_covers_id_timestamp_and_body(webhook_id: str, timestamp: str, body: bytes) -> None:
    header = signature.standard_header([WHSEC], "dlv_1", 1, BODY)
    assert signature.verify_standard(WHSEC, "dlv_1", "1", BODY, header)
    assert not signature.verify_standard(WHSEC, webhook_id, timestamp, body, header)


@pytest.mark.parametrize("given_signature", ["", " ", "v1,", "v1", "ü", "0" * 64, "v1a,abc v2,def"])
def test_a_header_that_is_no_signature_does_not_verify(given_signature: str) -> None:
    assert not signature.verify_x(WHSEC, BODY, given_signature)
    assert not signature.verify_standard(WHSEC, "dlv_1", "1", BODY, given_signature)


@given(random=st.binary(min_size=24, max_size=64))
def test_a_made_secret_is_one_that_may_be_used(random: bytes) -> None:
    secret = signature.make_secret(random)
    signature.check_secret(secret)
    assert signature.standard_key(secret) == random


def test_a_secret_is_not_made_of_too_little() -> None:
    with pytest.raises(ValueError, match="24 to 64"):
        signature.make_secret(bytes(16))


@given(secret=foreign_secrets)
def test_any_8_to_256_printable_characters_may_be_a_secret(secret: str) -> None:
    signature.check_secret(secret)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "seven77",
        "x" * 257,
        "tab\there",
        "line\nbreak",
        "half \ud800 of one",
        "whsec_",
        "whsec_not base64!!",
        "whsec_" + b64encode(bytes(23)).decode(),
        "whsec_" + b64encode(bytes(65)).decode(),
        WHSEC.rstrip("="),
        WHSEC[:-2] + "9=",
        "whsec_" + b64encode(b"\xff" * 33).decode().replace("/", "_"),
        WHSEC + "\n",
    ],
)
def test_a_secret_that_cannot_be_used_is_refused_without_being_told(secret: str) -> None:
    with pytest.raises(RingpostError) as caught:
        signature.check_secret(secret)
    assert (caught.value.code, caught.value.field) == ("secret_invalid", "secret")
    assert len(secret) < 7 or secret not in caught.value.message


def test_signing_with_a_whsec_secret_that_is_damaged_is_refused() -> None:
    with pytest.raises(RingpostError, match="not valid base64"):
        signature.standard_header(["whsec_?"], "dlv_1", 1, BODY)
