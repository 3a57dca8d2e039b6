"""What a body tells, typed; and nothing of it lost."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost.model.data import DATA_KEYS, EXTRA_KEYS, PARTY_KEYS
from ringpost.model.notice import NOTICE_KEYS
from ringpost.wire.catalog import EVENT_CATALOG
from ringpost.wire.notices import NOTICE_CATALOG
from ringpost_receive import CallData, Event, Notice, Party, parse_event
from ringpost_receive.events import _wire_name

EXAMPLES = {kind.type: kind.example for kind in (*EVENT_CATALOG.values(), *NOTICE_CATALOG.values())}


def parsed(event: object) -> Event:
    return parse_event(json.dumps(event).encode())


@pytest.mark.parametrize("kind", EXAMPLES)
def test_every_event_that_the_server_documents_has_all_of_its_keys_known(kind: str) -> None:
    event = parsed(EXAMPLES[kind])
    assert event.raw == EXAMPLES[kind]
    assert not event.extra
    assert not event.data.extra  # type: ignore[union-attr]
    if isinstance(event.data, CallData):
        assert all(not party.extra for party in (event.data.caller, event.data.callee) if party is not None)


def test_a_call_is_read_by_names_of_python() -> None:
    event = parsed(EXAMPLES["call:end"])
    assert event.integration_id == "8qkmnq"
    assert isinstance(event.data, CallData)
    assert event.call.caller == Party(type="REMOTE", phone="+390461000112", name="Bianchi Srl")
    assert event.call.callee is not None
    assert event.call.callee.user_extension == "204"
    assert (event.call.end_cause, event.call.end_cause_str, event.call.end_by) == ("16", "Normal Clearing", "CALLER")
    assert (event.call.tags, event.call.flags, event.call.talk_time) == (("vip",), (), 69411)


def test_a_notice_is_one_and_no_call() -> None:
    event = parsed(EXAMPLES["notice:paused"])
    assert isinstance(event.data, Notice)
    assert event.data.message
    with pytest.raises(TypeError, match="notice:paused is no call event"):
        _ = event.call


def test_the_names_are_the_servers() -> None:
    names = {
        kind: [_wire_name(name) for name in kind.__dataclass_fields__ if name != "extra"]
        for kind in (Party, CallData, Notice)
    }
    assert names == {Party: list(PARTY_KEYS), CallData: [*DATA_KEYS, *EXTRA_KEYS], Notice: list(NOTICE_KEYS)}


@given(st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.text(), max_size=2), max_size=5))
def test_keys_that_are_not_known_are_kept(unknown: dict[str, Any]) -> None:
    example = EXAMPLES["call:update"]
    new = {f"new{key}": value for key, value in unknown.items()}
    caller = example["data"]["caller"] | new
    event = parsed({**example, **new, "data": {**example["data"], **new, "caller": caller}})
    assert event.extra == new
    assert event.call.extra == new
    assert event.call.caller is not None
    assert event.call.caller.extra == new


@given(
    st.sampled_from([*DATA_KEYS, *EXTRA_KEYS]),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists),
)
def test_a_value_of_another_type_is_kept_and_never_passes_for_the_one_that_is_promised(key: str, value: Any) -> None:
    example = EXAMPLES["call:end"]
    event = parsed({**example, "data": {**example["data"], key: value}})
    if event.call.extra:
        assert event.call.extra == {key: value}
    for name in ("status", "destination", "end_cause", "direction"):
        assert isinstance(getattr(event.call, name), str | None)
    for name in ("wait_time", "talk_time", "duration"):
        assert type(getattr(event.call, name)) in {int, type(None)}


def test_another_type_of_event_is_given_as_it_was_sent() -> None:
    event = parsed({**EXAMPLES["call:end"], "type": "message:new", "data": {"text": "hello"}})
    assert event.data == {"text": "hello"}


@pytest.mark.parametrize("missing", ["id", "pbx", "time", "company", "type", "integrationId", "data"])
def test_what_has_no_envelope_is_no_event(missing: str) -> None:
    example = EXAMPLES["call:end"]
    for wrong in ({k: v for k, v in example.items() if k != missing}, {**example, missing: True}):
        with pytest.raises(ValueError, match=f"`{missing}`"):
            parsed(wrong)
