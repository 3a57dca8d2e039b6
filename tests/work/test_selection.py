"""What may be selected for a replay, with its defaults."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ringpost.errors import RingpostError
from ringpost.model.event import EVENT_TYPES, next_seq
from ringpost.model.notice import NOTICE_TYPES
from ringpost.work.selection import Selection, check_selection, filter_for, first_place, read_place, read_selection
from tests.contract.ledger.making import NOW, integration

NOTHING: dict[str, Any] = dict.fromkeys(("integration", "call", "state", "type_", "since", "until"))


def select(*, never_owed: bool = False, **given: Any) -> Selection:
    return check_selection(**{**NOTHING, **given}, never_owed=never_owed)


def refusal(**given: Any) -> tuple[str, str | None]:
    with pytest.raises(RingpostError) as refused:
        select(**given)
    return refused.value.code, refused.value.field


def test_what_was_exhausted_is_meant_and_of_a_call_all_that_ended() -> None:
    assert select().state == "exhausted"
    assert select(never_owed=True, integration="aaaaaa", since=1).state == "exhausted"
    assert select(call="acme_1").state == "ended"
    assert select(call="acme_1", state="delivered").state == "delivered"


def test_what_contradicts_itself_is_refused_by_its_field() -> None:
    assert refusal(type_="call:hold") == ("unknown_event_type", "type")
    assert refusal(call="acme_1", type_="notice:paused") == ("invalid_value", "type")
    assert refusal(since=2, until=1) == ("invalid_value", "until")
    assert refusal(never_owed=True, since=1) == ("missing_field", "integration")
    assert refusal(never_owed=True, integration="aaaaaa") == ("missing_field", "since")


@given(
    since=st.none() | st.integers(0, 1 << 42), until=st.none() | st.integers(0, 1 << 42), time=st.integers(1, 1 << 42)
)
def test_an_event_is_within_the_place_where_its_time_is_within_the_times(
    since: int | None, until: int | None, time: int
) -> None:
    if since is not None and until is not None and until < since:
        return
    place = first_place(select(since=since, until=until), ("aaaaaa", "bbbbbb"), (1 << 63) - 1)
    assert [name for name, _ in place.left] == ["aaaaaa", "bbbbbb"]
    for seq in (next_seq(0, time), next_seq(0, time + 1) - 1):  # the first and the last number of that ms
        is_within = all(after < seq for _, after in place.left) and seq <= place.until
        assert is_within == ((since is None or since <= time) and (until is None or time <= until))


def test_nothing_that_is_accepted_later_is_within_it() -> None:
    assert first_place(select(), ("aaaaaa",), 42).until == 42
    assert first_place(select(until=NOW), ("aaaaaa",), 42).until == 42


def test_what_was_never_owed_goes_by_the_filter_of_now() -> None:
    asked = select(never_owed=True, integration="aaaaaa", since=1)
    for wanted, types in (
        (("call:*",), EVENT_TYPES),
        (("*",), EVENT_TYPES),
        (("call:end", "notice:paused"), ("call:end", "notice:paused")),
        (("notice:*",), NOTICE_TYPES),
    ):
        assert filter_for(asked, replace(integration(), filter=wanted), 9).never_owed == types
    assert filter_for(select(), integration(), 9).never_owed == ()


def test_selection_and_place_are_read_as_they_were_written() -> None:
    asked = select(integration="aaaaaa", call="acme_1", since=1, until=2)
    place = first_place(asked, ("aaaaaa",), 1 << 60)
    assert read_selection(msgspec.json.encode(asked)) == asked
    assert read_place(msgspec.json.encode(place)) == place
