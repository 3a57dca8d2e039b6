from __future__ import annotations

from typing import get_args

from ringpost.calls.machine import CallMachine
from ringpost.calls.observation import (
    DialEnded,
    Dials,
    Holds,
    HungUp,
    JoinsBridge,
    JoinsQueue,
    LeavesBridge,
    Leg,
    LegAppeared,
    LegChanged,
    Observation,
    Parks,
    Runs,
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
        "CONNECTING": [LegAppeared(A), JoinsQueue(A, "sales")],
        "RINGING": [LegAppeared(A), Dials(A, b("down", 2)), LegChanged(b("ringing", 2))],
        "TALKING": [LegAppeared(A), *two],
        "HOLD": [LegAppeared(A), *two, Holds(A)],
    }
    return ways[status]


def evidence(kind: Evidence) -> list[Observation]:
    alone: list[Observation] = [
        LeavesBridge(A, "x"),
        DialEnded(A, b("down", 2), "NOANSWER"),
        HungUp(b("down", 2), 0),
        Unholds(A),
    ]
    three: dict[Evidence, list[Observation]] = {
        "nothing": [],
        "dials": [Dials(A, b("down", 3))],
        "rings": [Dials(A, b("down", 3)), LegChanged(b("ringing", 3))],
        "talks": [JoinsBridge(A, "y"), JoinsBridge(b("up", 3), "y")],
        "held": [JoinsBridge(A, "y"), JoinsBridge(b("up", 3), "y"), Holds(A)],
        "parked": [JoinsBridge(A, "y"), JoinsBridge(b("up", 3), "y"), LeavesBridge(A, "y"), Parks(A)],
        "records": [Runs(A, "voicemail")],
    }
    return [*alone, *three[kind]]


def test_every_transition_is_taken_by_a_machine() -> None:
    for status, row in TRANSITIONS.items():
        for kind, expected in row.items():
            machine = CallMachine(company="acme", pbx="hq", short=True, coalesce=0)
            events = [event for step in way_to(status) for event in machine.observe(step, 1_000)]
            assert events[-1].data.status == status
            events += [event for step in evidence(kind) for event in machine.observe(step, 2_000)]
            assert events[-1].data.status == expected, (status, kind)
