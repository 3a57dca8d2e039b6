"""Simulated calls as events: each kind as a receiver is to see it, whole, and marked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost.sources.rehearsal import NAMES, TAG, Planned, planned
from ringpost.sources.simulator import DEMO


def plan(name: str, count: int = 1, seed: int = 4) -> list[Planned]:
    return planned(NAMES[name], count, seed=seed, epoch=1_700_000_000, pace=DEMO)


@pytest.mark.parametrize(
    ("name", "statuses", "cause", "by"),
    [
        ("answered", ["CONNECTING", "RINGING", "TALKING"], "16", {"CALLER", "CALLEE"}),
        ("missed-call", ["CONNECTING", "RINGING"], "19", {None}),
        ("busy", ["CONNECTING"], "17", {"CALLEE"}),
        ("rejected", ["CONNECTING", "RINGING"], "21", {"CALLEE"}),
        ("cancelled", ["CONNECTING", "RINGING"], "16", {"CALLER"}),
        ("abandoned", ["CONNECTING", "RINGING"], "16", {"CALLER"}),
    ],
)
def test_each_kind_is_what_its_name_says(name: str, statuses: list[str], cause: str, by: set[str | None]) -> None:
    events = plan(name)
    assert [event.type for event in events] == ["call:start", *["call:update"] * (len(events) - 2), "call:end"]
    assert list(dict.fromkeys(event.data["status"] for event in events)) == statuses
    assert (events[-1].data["endCause"], events[-1].data["endBy"] in by) == (cause, True)


def test_a_queue_and_a_transfer_show_who_took_the_call() -> None:
    assert {event.data["queueName"] for event in plan("queue")[1:]} & {"Sales", "Support"}
    talked = []
    for event in plan("transfer"):
        callee = event.data["callee"]
        if event.data["status"] == "TALKING" and isinstance(callee, dict):
            talked.append(callee["phone"])
    assert len(dict.fromkeys(talked)) == 2


@given(st.sampled_from(list(NAMES)), st.integers(1, 12), st.integers(0, 1 << 32))
def test_as_many_calls_as_were_asked_for_begin_and_end_and_no_other_is_told_of(
    name: str, count: int, seed: int
) -> None:
    events = plan(name, count, seed)
    started = [event.call for event in events if event.type == "call:start"]
    ended = [event.call for event in events if event.type == "call:end"]
    assert len(started) == len(set(started)) == count
    assert sorted(started) == sorted(ended)
    assert {event.call for event in events} == set(started)
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert all(event.data["tags"] == [TAG] for event in events)
    assert all("_" not in event.call for event in events)
