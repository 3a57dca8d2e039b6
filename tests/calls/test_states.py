from __future__ import annotations

from typing import get_args

import pytest

from ringpost.calls import assess
from ringpost.calls.machine import CallMachine
from ringpost.calls.observation import (
    DialEnded,
    Dials,
    Holds,
    HungUp,
    JoinsBridge,
    LeavesBridge,
    Leg,
    LegAppeared,
    LegChanged,
    Observation,
    Parks,
    Runs,
    SendsOn,
    Unholds,
)
from ringpost.calls.states import EVIDENCE, TRANSITIONS, Evidence, next_status
from ringpost.model.data import Status

A = Leg(id="1", call="1", endpoint="1001", state="up", dialled="1002")


def b(state: str, number: int) -> Leg:
    return Leg(id=f"{number}", call="1", endpoint=f"10{number:02}", state=state)  # type: ignore[arg-type]


def test_the_table_has_a_status_for_every_evidence() -> None:
    assert set(TRANSITIONS) == set(get_args(Status))
    assert set(EVIDENCE) == set(get_args(Evidence))
    assert all(set(row) == set(EVIDENCE) for row in TRANSITIONS.values())


def test_a_status_never_changes_for_want_of_evidence() -> None:
    assert all(next_status(status, "nothing") == status for status in TRANSITIONS)


def way_to(status: Status) -> list[Observation]:
    two = [JoinsBridge(A, "x"), JoinsBridge(b("up", 2), "x")]
    ways: dict[Status, list[Observation]] = {
        "CONNECTING": [LegAppeared(A), *two, SendsOn(b("up", 2), A, "1005")],
        "RINGING": [
            LegAppeared(A),
            *two,
            SendsOn(b("up", 2), A, "1005"),
            Dials(A, b("down", 5)),
            LegChanged(b("ringing", 5)),
        ],
        "TALKING": [LegAppeared(A), *two],
        "HOLD": [LegAppeared(A), *two, Holds(A)],
    }
    return ways[status]


def evidence(kind: Evidence) -> list[Observation]:
    alone: list[Observation] = [
        LeavesBridge(A, "x"),
        DialEnded(A, b("down", 2), "NOANSWER"),
        HungUp(b("down", 2), 0),
        HungUp(b("down", 5), 0),
        Unholds(A),
    ]
    three: dict[Evidence, list[Observation]] = {
        "nothing": [],
        "dials": [Dials(A, b("down", 3))],
        "rings": [Dials(A, b("down", 3)), LegChanged(b("ringing", 3))],
        "talks": [JoinsBridge(A, "y"), JoinsBridge(b("up", 3), "y")],
        "held": [JoinsBridge(A, "y"), JoinsBridge(b("up", 3), "y"), Holds(A)],
        "parked": [Parks(A)],
        "records": [Runs(A, "voicemail")],
    }
    return [*alone, *three[kind]]


AT_ONCE: list[list[Observation]] = [
    [LeavesBridge(A, "x"), Unholds(A), LegChanged(b("ringing", 4))],  # a phone rings, and nobody told of the dial
    [LegChanged(A)],  # nothing new
    [LeavesBridge(A, "x"), JoinsBridge(A, "y"), Holds(A), JoinsBridge(b("up", 3), "y")],  # one who holds already
]


def test_every_transition_is_taken_by_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the table's rows and columns none is there for nothing: recordings and these ways together take them all."""
    taken: set[tuple[Status, Evidence]] = set()

    def watched(status: Status, kind: Evidence) -> Status:
        taken.add((status, kind))
        return next_status(status, kind)

    monkeypatch.setattr(assess, "next_status", watched)
    ways = [evidence(kind) for kind in EVIDENCE] + AT_ONCE
    for status in TRANSITIONS:
        for way in ways:
            machine = CallMachine(company="acme", pbx="hq", short=True, coalesce=0)
            for step in [*way_to(status), *way]:
                machine.observe(step, 1_000)
    assert taken == {(status, kind) for status in TRANSITIONS for kind in EVIDENCE}


def test_each_evidence_leads_where_the_table_says() -> None:
    for status, row in TRANSITIONS.items():
        for kind, expected in row.items():
            machine = CallMachine(company="acme", pbx="hq", short=True, coalesce=0)
            events = [event for step in way_to(status) for event in machine.observe(step, 1_000)]
            assert events[-1].data.status == status
            events += [event for step in evidence(kind) for event in machine.observe(step, 2_000)]
            assert events[-1].data.status == expected, (status, kind)
