"""What a receiver in a real JavaScript sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from ringpost.errors import RingpostError
from ringpost.wire import canonical
from ringpost.wire.catalog import EVENT_CATALOG
from ringpost.wire.signature import x_signature
from tests.strategies import (
    call_ids,
    foreign_secrets,
    generated_secrets,
    integration_ids,
    nasty_documents,
    times,
    wire_data,
    wire_texts,
    wire_values,
)

if TYPE_CHECKING:
    from tests.javascript import JavaScript


@pytest.mark.slow
@given(value=wire_values)
@settings(max_examples=300, deadline=None)
def test_what_we_encode_is_a_fixed_point_of_javascript(javascript: JavaScript, value: Any) -> None:
    ours = canonical.encode(value)
    assert javascript.receive(ours).body == ours


@given(raw=nasty_documents())
@settings(max_examples=400, deadline=None)
def test_a_document_that_we_accept_becomes_what_javascript_makes_of_it(javascript: JavaScript, raw: bytes) -> None:
    try:
        value = canonical.parse(raw)
    except RingpostError:
        return
    assert javascript.receive(raw).body == canonical.encode(value)


@given(
    call=call_ids,
    pbx=wire_texts,
    time=times,
    integration=integration_ids,
    data=wire_data,
    secret=foreign_secrets | generated_secrets,
)
@settings(max_examples=150, deadline=None)
@pytest.mark.slow
def test_a_receiver_that_serialises_the_body_again_gets_our_signature(
    javascript: JavaScript, call: str, pbx: str, time: int, integration: str, data: dict[str, Any], secret: str
) -> None:
    body = canonical.splice(
        call=call,
        pbx=pbx,
        time=time,
        company="it_w000042",
        type="call:update",
        integration=integration,
        data=canonical.encode(data),
    )
    assert javascript.receive(body, secret) == (body, x_signature(secret, body))


def test_golden_bodies_verify(javascript: JavaScript, golden: list[dict[str, str]]) -> None:
    for row in golden:
        assert javascript.receive(row["body"].encode(), row["secret"]) == (row["body"].encode(), row["x-signature"])


def test_catalog_examples_verify(javascript: JavaScript) -> None:
    for kind in EVENT_CATALOG.values():
        ours = canonical.encode(kind.example)
        assert javascript.receive(ours).body == ours


@pytest.mark.parametrize("raw", [b'{"id":9007199254740993}', b'{"a":1,"a":2}', b'{"a":1e400}'])
def test_what_we_refuse_would_reach_a_receiver_as_something_else(javascript: JavaScript, raw: bytes) -> None:
    with pytest.raises(RingpostError):
        canonical.parse(raw)
    assert javascript.receive(raw).body != raw
