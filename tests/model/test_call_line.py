"""A call as a line of a list, whatever its data is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost.model.call import Call
from ringpost.model.call_line import CallLine, PartyLine, call_line

anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def line(data: Any) -> CallLine:
    told = json.dumps(data).encode()
    call = Call(company="acme", id="acme_1", pbx="P", started=1, updated=2, ended=3, events=4, data=told)
    return call_line(call, {"aaaaaa": "waiting"})


def test_a_line_says_who_called_whom_and_how_it_ended() -> None:
    told = line(
        {
            "status": "TALKING",
            "direction": "INBOUND",
            "caller": {"type": "REMOTE", "phone": "+39045", "name": None},
            "callee": {"type": "LOCAL", "phone": "210", "name": "Bob"},
            "queueName": None,
            "queueId": "7",
            "endCause": "16",
            "endCauseStr": "Normal Clearing",
            "endBy": "CALLER",
            "talkTime": 1_500,
        }
    )
    assert (told.caller, told.callee) == (PartyLine("+39045", "", "REMOTE"), PartyLine("210", "Bob", "LOCAL"))
    assert (told.queue, told.end_cause, told.end_by, told.talk_ms) == ("7", "Normal Clearing", "CALLER", 1_500)
    assert (told.ended, told.events, told.marks) == (3, 4, {"aaaaaa": "waiting"})


@pytest.mark.parametrize("key", ["status", "caller", "callee", "talkTime", "queueName", "endCause", "direction"])
@given(value=anything)
def test_whatever_a_client_sent_is_a_line(key: str, value: Any) -> None:
    told = line({key: value})
    assert isinstance(told.status, str)
    assert isinstance(told.caller.phone, str)
    assert told.talk_ms is None or type(told.talk_ms) is int


@given(anything)
def test_data_that_is_no_object_is_an_empty_line(value: Any) -> None:
    if not isinstance(value, dict):
        assert line(value).status == ""
