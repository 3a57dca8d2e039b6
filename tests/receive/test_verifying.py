"""Whether a request is genuine: golden vectors, the server's own signatures, and everything that must be refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost_receive import RejectedError, verify
from ringpost_receive.fields import Headers
from tests.receive.sent import BODY, NOW, PLAIN, SECRET, Sent, sent


def code_of(one: Sent, secret: str | list[str] = SECRET, **options: int | bool) -> str:
    with pytest.raises(RejectedError) as refused:
        verify(one.body, one.headers, secret, now_s=NOW, **options)  # type: ignore[arg-type]
    return refused.value.code


def test_golden_events_verify_by_each_signature_that_they_have(golden: list[dict[str, str]]) -> None:
    for row in golden:
        body, x_alone = row["body"].encode(), {"x-signature": row["x-signature"]}
        assert verify(body, x_alone, row["secret"], untimed=True).event.raw == json.loads(body)
        if "webhook-signature" in row:
            headers = {name: row[name] for name in ("webhook-id", "webhook-timestamp", "webhook-signature")}
            found = verify(body, headers, row["secret"], now_s=int(row["webhook-timestamp"]))
            assert found.id == row["webhook-id"]
    assert sum("webhook-signature" in row for row in golden) > 3


@pytest.mark.parametrize("secret", [SECRET, PLAIN, "ß€ not ASCII at all 🎺"])
def test_what_the_server_signs_is_genuine(secret: str) -> None:
    one = sent(secret, attempt=4, x_ringpost_replay=2)
    found = verify(one.body, one.headers, secret, now_s=NOW + 10)
    assert (found.id, found.timestamp, found.attempt, found.sequence, found.replay) == ("dlv_0001", NOW, 4, 3, 2)
    assert found.event.type == "call:end"


@given(st.integers(0, len(BODY) - 1), st.integers(1, 255))
def test_a_body_with_one_byte_changed_is_not(place: int, by: int) -> None:
    changed = bytearray(BODY)
    changed[place] ^= by
    assert code_of(sent().but(bytes(changed))) == "signature_wrong"


@pytest.mark.parametrize("name", ["webhook_id", "webhook_timestamp", "webhook_signature"])
def test_neither_is_one_with_another_id_time_or_signature(name: str) -> None:
    other: Any = {"webhook_id": "dlv_0002", "webhook_timestamp": str(NOW + 1), "webhook_signature": "v1,AAAA"}[name]
    assert code_of(sent().but(**{name: other})) == "signature_wrong"
    assert code_of(sent().but(**{name: None})) == "signature_missing"


def test_x_signature_alone_is_enough_only_where_that_is_said() -> None:
    alone = sent().but(webhook_signature=None, webhook_timestamp=None)
    assert code_of(alone) == "signature_missing"
    assert verify(alone.body, alone.headers, SECRET, untimed=True).timestamp is None
    assert code_of(alone.but(alone.body + b" "), untimed=True) == "signature_wrong"
    assert (
        code_of(sent().but(webhook_signature="v1,AAAA"), untimed=True) == "signature_wrong"
    )  # it is not fallen back to


def test_every_secret_of_a_rotation_verifies_and_no_other() -> None:
    rotated = sent(SECRET, PLAIN)
    for secret in (SECRET, PLAIN, [PLAIN, "another"], ["another", SECRET]):
        assert verify(rotated.body, rotated.headers, secret, now_s=NOW).event
    assert code_of(rotated, ["another", "yet another"]) == "signature_wrong"


def test_the_attempt_is_recent_by_the_tolerance() -> None:
    for shift in (-300, 0, 300):
        assert verify(BODY, sent(at=NOW + shift).headers, SECRET, now_s=NOW).timestamp == NOW + shift
    assert code_of(sent(at=NOW - 301)) == "too_old"
    assert code_of(sent(at=NOW + 301)) == "too_new"
    assert code_of(sent(at=NOW - 11), tolerance_s=10) == "too_old"
    assert verify(BODY, sent(at=1).headers, SECRET, now_s=NOW, untimed=True).timestamp == 1  # a queue may be slow


def test_headers_come_in_any_case_in_text_or_bytes_as_a_mapping_or_pairs() -> None:
    headers = sent().headers
    forms: list[Headers] = [
        {name.title(): value for name, value in headers.items()},
        [(name.upper(), value) for name, value in headers.items()],
        [(name.encode(), value.encode()) for name, value in headers.items()],
    ]
    for form in forms:
        assert verify(memoryview(BODY), form, SECRET, now_s=NOW).id == "dlv_0001"


def test_a_body_of_text_and_a_secret_that_is_none_are_faults_of_the_program() -> None:
    with pytest.raises(TypeError, match="raw body"):
        verify(BODY.decode(), sent().headers, SECRET)  # type: ignore[arg-type]
    for none in ("", [], ["", SECRET]):
        with pytest.raises(ValueError, match="no secret was given"):
            verify(BODY, sent().headers, none)
    with pytest.raises(ValueError, match="not copied whole") as refused:
        verify(BODY, sent().headers, "whsec_!!!")
    assert not isinstance(refused.value, RejectedError)


def test_what_is_signed_but_no_event_is_refused() -> None:
    for body in (b"[]", b"{}", b"not JSON", b'{"id":1}', b"[" * 100_000):
        assert code_of(sent(body=body)) == "not_an_event"


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=40), max_size=5), st.binary(max_size=40))
def test_whatever_strangers_send_is_refused_and_nothing_else_raises(headers: dict[str, str], body: bytes) -> None:
    names = ("webhook-signature", "webhook-id", "webhook-timestamp", "x-signature")
    hostile = dict(zip(names, headers.values(), strict=False))
    for given_headers in (headers, hostile):
        with pytest.raises(RejectedError):
            verify(body, given_headers, SECRET, untimed=True)
