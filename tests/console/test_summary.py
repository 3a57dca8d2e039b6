"""Whatever arrives is put into words, and never stops the page."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ringpost.console.summary import summarise

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
keys = st.sampled_from(["id", "type", "data", "status", "caller", "callee", "endBy", "talkTime", "phone", "queueName"])


def test_a_ringing_call_names_both_people_and_the_queue() -> None:
    told = summarise(
        {
            "id": "acme_1.1",
            "type": "call:update",
            "data": {
                "status": "RINGING",
                "caller": {"phone": "+15550100", "name": None},
                "callee": {"phone": "1002", "name": "Bob"},
                "queueName": "Support",
            },
        }
    )
    assert (told.who, told.what, told.via) == ("+15550100 → 1002 Bob", "ringing", "queue Support")


def test_an_end_says_whether_it_was_answered_and_who_ended_it() -> None:
    end = {"status": "TALKING", "caller": {"phone": "1001"}, "destination": "1002", "endBy": "CALLEE"}
    answered = summarise({"type": "call:end", "data": {**end, "talkTime": 5400, "endCauseStr": "Normal Clearing"}})
    assert answered.what == "talked 5 s, callee hung up, Normal Clearing"
    missed = summarise({"type": "call:end", "data": {**end, "talkTime": 0, "endBy": None}})
    assert (missed.who, missed.what) == ("1001 → 1002", "not answered, ended by the PBX")


@settings(deadline=None)  # a machine may be busy
@given(st.dictionaries(keys, st.dictionaries(keys, json_values, max_size=5) | json_values, max_size=5))
def test_any_object_is_put_into_words(event: dict[str, Any]) -> None:
    assert summarise(event).type
