"""Hold and parking where nobody tells all of it: over a restart of ours, and while a leg stays that is no party."""

from __future__ import annotations

from msgspec import structs

from ringpost.calls.observation import Ends, HangupRequested, HungUp, JoinsBridge, SendsOn, Unholds, Unparks
from ringpost.model.data import CallData
from tests.calls.test_machine import BEFORE, CALLER, UP, Desk, alive, stored, talking

HELD = structs.replace(BEFORE, status="HOLD")
PARKED = structs.replace(HELD, callee=None)


def restored(data: CallData) -> Desk:
    desk = Desk()
    desk.machine.restore([stored("acme_1.1", data)])
    desk.now += 60_000
    return desk


def test_a_call_on_hold_stays_so_over_our_restart_until_it_is_taken_back() -> None:
    desk = restored(HELD).snapshot(alive(UP, "b"), alive(CALLER, "b")).later(1_000)
    assert desk.events == []
    desk.see(Unholds(UP)).later(1_000)
    assert [event.data.status for event in desk.events] == ["TALKING"]


def test_a_call_on_hold_over_our_restart_is_taken_back_by_whoever_joins() -> None:
    desk = restored(HELD).snapshot(alive(UP, "b"), alive(CALLER, "b"))
    desk.see(JoinsBridge(CALLER, "c"), JoinsBridge(UP, "c")).later(1_000)
    assert desk.events[-1].data.status == "TALKING"


def test_who_parked_a_call_and_has_not_left_yet_is_no_callee_after_our_restart() -> None:
    desk = restored(PARKED).snapshot(alive(UP, "b"), alive(CALLER, "lot")).later(1_000)
    assert desk.events == []
    desk.see(HungUp(UP, 16)).later(1_000)
    assert desk.events == []


def test_a_parked_call_that_the_pbx_ends_is_ended_by_nobody() -> None:
    desk = talking(Desk()).see(JoinsBridge(CALLER, "lot", "park"), HungUp(UP, 16)).later(2_000)
    assert desk.see(Unparks(CALLER, gave_up=True), Ends(CALLER), HungUp(CALLER, 16)).end.endBy is None


def test_a_parked_caller_who_hangs_up_ended_the_call_though_who_parked_it_has_not_left_yet() -> None:
    desk = talking(Desk()).see(SendsOn(UP, CALLER, "700"), JoinsBridge(CALLER, "lot", "park")).later(1_000)
    desk.see(Unparks(CALLER, gave_up=True), HangupRequested(CALLER, 16), HungUp(CALLER, 16)).later(2_500)
    end = desk.see(HungUp(UP, 16)).end
    assert (end.status, end.callee, end.endBy) == ("HOLD", None, "CALLER")
