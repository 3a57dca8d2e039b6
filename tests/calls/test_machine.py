"""The call machine on hand-made observations: what recordings do not show."""

from __future__ import annotations

import msgspec

from ringpost.calls.events import CallEvent
from ringpost.calls.machine import CallMachine
from ringpost.calls.observation import (
    Alive,
    DialEnded,
    Dials,
    HangupRequested,
    HungUp,
    JoinsBridge,
    JoinsQueue,
    LeavesBridge,
    Leg,
    LegAppeared,
    LegChanged,
    LegState,
    LocalPair,
    Observation,
    Snapshot,
)
from ringpost.model.call import Call
from ringpost.model.data import CallData, Party, to_wire

T = 1_700_000_000_000


def leg(number: str, name: str, call: str = "1.1", *, state: LegState = "down", dialled: str | None = None) -> Leg:
    return Leg(id=number, call=call, endpoint=name, number=name, state=state, dialled=dialled)


CALLER = leg("1.1", "1001", state="calling", dialled="1002")
CALLEE = leg("1.2", "1002")
RINGS = leg("1.2", "1002", state="ringing")
UP = leg("1.2", "1002", state="up")


class Desk:
    """A machine with a clock. All that it told is in `events`."""

    def __init__(self, machine: CallMachine | None = None, *, coalesce: int = 0) -> None:
        self.machine = machine or CallMachine(company="acme", pbx="hq", short=True, coalesce=coalesce)
        self.now = T
        self.events: list[CallEvent] = []

    def see(self, *observations: Observation) -> Desk:
        for observation in observations:
            self.events += self.machine.observe(observation, self.now)
        return self

    def later(self, ms: int) -> Desk:
        until = self.now + ms
        while (due := self.machine.wake_at()) is not None and due <= until:
            self.now = max(self.now, due)
            self.events += self.machine.poll(self.now)
        self.now = until
        return self

    def snapshot(self, *alive: Alive, restarted: bool = False, audit: bool = False) -> Desk:
        snapshot = Snapshot(legs=alive, restarted=restarted, audit=audit)
        self.events += self.machine.resync(snapshot, self.now)
        return self

    def told(self) -> list[str]:
        return [event.type.removeprefix("call:") for event in self.events]

    @property
    def end(self) -> CallData:
        assert self.events[-1].type == "call:end"
        return self.events[-1].data


def dialled(desk: Desk) -> Desk:
    return desk.see(LegAppeared(CALLER), LegAppeared(CALLEE), Dials(CALLER, CALLEE))


def talking(desk: Desk) -> Desk:
    dialled(desk).later(10).see(LegChanged(RINGS)).later(1_000)
    desk.see(LegChanged(UP), DialEnded(CALLER, UP, "ANSWER"))
    return desk.see(JoinsBridge(UP, "b"), JoinsBridge(CALLER, "b")).later(1_000)


def test_a_call_that_nobody_is_called_by_is_told_after_a_second_at_most() -> None:
    desk = Desk().see(LegAppeared(CALLER))
    assert desk.machine.wake_at() == T + 1_000
    assert desk.later(999).told() == []
    assert desk.later(1).told() == ["start"]
    assert desk.events[0].time == T


def test_a_call_that_vanishes_within_the_second_is_counted_and_not_told() -> None:
    desk = Desk().see(LegAppeared(CALLER)).later(500).see(HungUp(CALLER, 0)).later(5_000)
    assert desk.events == []
    assert desk.machine.statistics().unheard == 1
    assert desk.machine.statistics().legs == 0


def test_entering_a_queue_or_talking_tells_a_call_at_once() -> None:
    assert Desk().see(JoinsQueue(CALLER, "sales")).told() == ["start"]
    desk = Desk().see(JoinsBridge(leg("1.1", "1001", state="up"), "b"), JoinsBridge(UP, "b"))
    assert [event.data.status for event in desk.events] == ["CONNECTING", "TALKING"]


def test_what_the_pbx_answers_is_told_after_the_second_or_with_its_end() -> None:
    up = leg("1.1", "1001", state="up", dialled="870")
    assert Desk().see(LegAppeared(up)).told() == []
    assert Desk().see(LegAppeared(up)).later(1_000).told() == ["start"]
    desk = Desk().see(LegAppeared(up)).later(400).see(HungUp(up, 16))
    assert desk.told() == ["start", "end"]
    assert [event.time - T for event in desk.events] == [0, 400]


def test_a_call_to_an_emergency_number_is_told_at_once_and_tagged() -> None:
    desk = Desk().see(LegAppeared(leg("1.1", "1001", state="calling", dialled="112")))
    assert desk.told() == ["start"]
    assert desk.events[0].data.tags == ("emergency",)


def test_changes_within_the_window_are_told_in_one_update() -> None:
    desk = dialled(Desk(coalesce=150)).see(LegChanged(RINGS)).later(100)
    desk.see(LegChanged(UP), JoinsBridge(UP, "b"), JoinsBridge(CALLER, "b"))
    assert desk.told() == ["start"]
    assert desk.later(50).told() == ["start", "update"]
    assert desk.events[1].data.status == "TALKING"


def test_a_change_that_is_taken_back_within_the_window_is_no_update() -> None:
    desk = talking(Desk(coalesce=150)).later(500)
    before = len(desk.events)
    desk.see(LegChanged(UP)).later(1_000)
    assert len(desk.events) == before


def test_a_pending_update_is_told_before_the_end() -> None:
    desk = dialled(Desk(coalesce=150)).see(LegChanged(RINGS))
    desk.see(HungUp(RINGS, 0), HungUp(CALLER, 19))
    assert desk.told() == ["start", "update", "end"]
    assert [event.data.status for event in desk.events] == ["CONNECTING", "RINGING", "RINGING"]


def test_flush_tells_pending_updates_at_once() -> None:
    desk = dialled(Desk(coalesce=150)).see(LegChanged(RINGS))
    assert [event.data.status for event in desk.machine.flush(desk.now)] == ["RINGING"]


def test_the_call_ends_with_its_last_leg_whichever_that_is() -> None:
    desk = talking(Desk()).see(HangupRequested(UP, 16), HungUp(CALLER, 16))
    assert "end" not in desk.told()
    desk.see(HungUp(UP, 16))
    assert (desk.end.endCause, desk.end.endBy) == ("16", "CALLEE")
    assert desk.later(10_000).told().count("end") == 1


def test_of_two_who_ask_to_hang_up_the_first_ended_the_call() -> None:
    desk = talking(Desk()).see(HangupRequested(CALLER, 16), LeavesBridge(CALLER, "b"), HangupRequested(UP, 16))
    desk.see(HungUp(UP, 16), HungUp(CALLER, 16))
    assert desk.end.endBy == "CALLER"


def test_a_member_that_declines_does_not_end_a_ring_group() -> None:
    other = leg("1.3", "1003")
    desk = dialled(Desk()).see(LegAppeared(other), Dials(CALLER, other))
    desk.see(LegChanged(RINGS), HangupRequested(RINGS, 21), DialEnded(CALLER, RINGS, "BUSY"), HungUp(RINGS, 21))
    desk.later(5_000).see(DialEnded(CALLER, other, "NOANSWER"), HungUp(other, 0), HungUp(CALLER, 16))
    assert (desk.end.endCause, desk.end.endBy) == ("19", None)


def test_a_group_that_all_declined_was_ended_by_the_callees() -> None:
    other = leg("1.3", "1003")
    desk = dialled(Desk()).see(LegAppeared(other), Dials(CALLER, other))
    for one in (CALLEE, other):
        desk.see(HangupRequested(one, 17), DialEnded(CALLER, one, "BUSY"), HungUp(one, 17))
    desk.see(HungUp(CALLER, 17))
    assert (desk.end.endCause, desk.end.endBy) == ("17", "CALLEE")


def test_a_refusal_that_an_announcement_followed_was_no_end_by_the_callee() -> None:
    desk = dialled(Desk()).see(HangupRequested(CALLEE, 17), DialEnded(CALLER, CALLEE, "BUSY"), HungUp(CALLEE, 17))
    up = leg("1.1", "1001", state="up")
    desk.see(LegChanged(up)).later(8_000).see(HungUp(up, 16))
    assert (desk.end.endCause, desk.end.endBy) == ("17", None)


def test_an_unregistered_phone_is_a_subscriber_absent() -> None:
    desk = Desk().see(LegAppeared(CALLER)).later(1_000).see(HungUp(CALLER, 20))
    assert (desk.end.endCause, desk.end.endCauseStr, desk.end.endBy) == ("20", "Subscriber absent", None)


def test_the_next_trunk_of_a_fail_over_decides() -> None:
    first, second = leg("1.2", "trunk-a"), leg("1.3", "trunk-b")
    desk = Desk().see(LegAppeared(CALLER), LegAppeared(first), Dials(CALLER, first))
    desk.see(HangupRequested(first, 34), DialEnded(CALLER, first, "CONGESTION"), HungUp(first, 34))
    desk.see(LegAppeared(second), Dials(CALLER, second), HangupRequested(second, 1))
    desk.see(DialEnded(CALLER, second, "NOANSWER"), HungUp(second, 1), HungUp(CALLER, 1))
    assert (desk.end.endCause, desk.end.endBy, desk.end.trunkName) == ("1", "CALLEE", "trunk-b")


def test_causes_that_say_nothing_are_never_told() -> None:
    desk = dialled(Desk()).see(HungUp(CALLEE, 127), HungUp(CALLER, 0))
    assert desk.end.endCause == "19"
    desk = talking(Desk()).see(HungUp(UP, 127), HungUp(CALLER, 0))
    assert desk.end.endCause == "16"


def test_a_caller_whose_leg_the_pbx_took_away_was_not_left_unanswered() -> None:
    desk = dialled(Desk()).see(LegChanged(RINGS), DialEnded(CALLER, RINGS, "CANCEL"), HungUp(RINGS, 0))
    desk.see(HungUp(CALLER, 0))
    assert (desk.end.endCause, desk.end.endBy) == ("16", None)


def test_two_legs_talk_through_the_halves_of_a_local_pair() -> None:
    one = Leg(id="1.3", call="1.1", kind="local", state="up")
    two = Leg(id="1.4", call="1.1", kind="local", state="up")
    desk = Desk().see(LegAppeared(CALLER), LegAppeared(one), LegAppeared(two), LocalPair(one, two), Dials(CALLER, one))
    desk.see(
        LegAppeared(CALLEE), Dials(two, CALLEE), JoinsBridge(UP, "b"), JoinsBridge(two, "b"), JoinsBridge(one, "c")
    )
    assert desk.events[-1].data.status != "TALKING"
    desk.see(JoinsBridge(CALLER, "c"))
    assert desk.events[-1].data.status == "TALKING"
    assert desk.events[-1].data.callee == Party(type="LOCAL", phone="1002", userExtension="1002")


def test_a_caller_alone_in_a_waiting_bridge_does_not_talk() -> None:
    desk = Desk().see(JoinsBridge(CALLER, "p", "wait"), JoinsBridge(UP, "p", "wait")).later(2_000)
    assert {event.data.status for event in desk.events} == {"CONNECTING"}


def test_halves_of_local_pairs_alone_are_no_call() -> None:
    one = Leg(id="1.1", call="1.1", kind="local")
    desk = Desk().see(LegAppeared(one)).later(10_000).see(HungUp(one, 16))
    assert desk.events == []


def test_anonymous_callers_are_told_without_a_number() -> None:
    nobody = Leg(id="1.1", call="1.1", endpoint="SIPTRUNK", dialled="+15550100")
    desk = Desk().see(LegAppeared(nobody), LegAppeared(CALLEE), Dials(nobody, CALLEE))
    assert desk.events[0].data.caller == Party(type="REMOTE")
    assert desk.events[0].data.direction == "INBOUND"


def test_with_trunks_configured_all_other_endpoints_are_inside() -> None:
    machine = CallMachine(company="acme", pbx="hq", short=True, trunks=("sip-*",))
    desk = Desk(machine).see(Dials(leg("1.1", "reception"), leg("1.2", "sip-out")))
    start = desk.events[0].data
    assert start.caller == Party(type="LOCAL", phone="reception")
    assert (start.direction, start.trunkName) == ("OUTBOUND", "sip-out")


def test_ids_carry_the_serial_of_a_second_pbx() -> None:
    machine = CallMachine(company="acme", pbx="branch", short=False)
    assert {event.call for event in talking(Desk(machine)).events} == {"acme_branch_1.1"}


def test_a_call_id_that_comes_again_gets_a_suffix() -> None:
    desk = Desk()
    for _ in range(3):
        dialled(desk).see(HungUp(CALLEE, 0), HungUp(CALLER, 19))
    assert [event.call for event in desk.events if event.type == "call:start"] == [
        "acme_1.1",
        "acme_1.1-2",
        "acme_1.1-3",
    ]


def test_a_call_whose_id_the_ledger_had_before_goes_on_under_another() -> None:
    desk = dialled(Desk())
    assert desk.machine.another_id("acme_1.1") == "acme_1.1-2"
    desk.see(HungUp(CALLEE, 0), HungUp(CALLER, 19))
    assert desk.events[-1].call == "acme_1.1-2"
    assert desk.machine.another_id("acme_1.1-2") == "acme_1.1-3"


def test_what_is_said_late_of_a_leg_that_hung_up_makes_no_new_call() -> None:
    desk = talking(Desk()).see(HungUp(UP, 16), HungUp(CALLER, 16))
    told = list(desk.events)
    desk.see(LeavesBridge(UP, "b"), LegChanged(UP), JoinsBridge(CALLER, "b"), HangupRequested(CALLER, 16)).later(9_000)
    assert desk.events == told
    assert desk.machine.statistics().legs == 0


def test_time_never_goes_back_when_the_clock_does() -> None:
    desk = talking(Desk())
    desk.now -= 60_000
    desk.see(HangupRequested(UP, 16), HungUp(UP, 16), HungUp(CALLER, 16))
    times = [event.time for event in desk.events]
    assert times == sorted(times)
    assert desk.end.talkTime is not None
    assert desk.end.talkTime >= 0


def test_the_leg_that_took_anothers_place_talks_on_in_the_oldest_call() -> None:
    desk = talking(Desk())
    second = leg("2.1", "1002", "2.1", state="up", dialled="1003")
    third = leg("2.2", "1003", "2.1", state="up")
    desk.see(LegAppeared(second), LegAppeared(third), Dials(second, third), JoinsBridge(second, "c"))
    desk.see(JoinsBridge(third, "c")).later(500)
    desk.see(LeavesBridge(CALLER, "b"), JoinsBridge(CALLER, "c", "talk", "2.1"), HungUp(UP, 16), HungUp(second, 16))
    assert [(event.call, event.type) for event in desk.events][-1] == ("acme_2.1", "call:end")
    desk.later(500).see(HangupRequested(third, 16), HungUp(third, 16), HungUp(CALLER, 16))
    assert desk.events[-1].call == "acme_1.1"
    assert desk.end.callee is not None
    assert (desk.end.callee.phone, desk.end.endBy) == ("1003", "CALLEE")


# --- snapshots -----------------------------------------------------------------------------------------------------
def alive(one: Leg, bridge: str | None = None) -> Alive:
    return Alive(leg=one, bridge=bridge)


def test_a_snapshot_that_agrees_changes_nothing() -> None:
    desk = talking(Desk())
    told = list(desk.events)
    desk.snapshot(alive(UP, "b"), alive(CALLER, "b"))
    assert desk.events == told


def test_a_call_that_a_snapshot_lacks_ends_as_reconciled() -> None:
    desk = talking(Desk()).snapshot()
    assert (desk.end.endCause, desk.end.endCauseStr, desk.end.endBy) == ("31", "Normal, unspecified", None)
    assert desk.end.flags == ("reconciled",)
    assert desk.end.status == "TALKING"
    assert desk.machine.statistics().reconciled == 1


def test_a_leg_that_a_snapshot_lacks_does_not_end_a_call_that_goes_on() -> None:
    desk = talking(Desk()).snapshot(alive(CALLER))
    assert "end" not in desk.told()
    desk.see(HangupRequested(CALLER, 16), HungUp(CALLER, 16))
    assert desk.end.endBy == "CALLER"


def test_after_a_restart_of_the_pbx_the_same_id_is_another_call() -> None:
    desk = talking(Desk()).snapshot(alive(CALLER), restarted=True)
    assert [(event.call, event.type) for event in desk.events[-2:]] == [
        ("acme_1.1", "call:end"),
        ("acme_1.1-2", "call:start"),
    ]


def test_an_audit_acts_on_what_it_finds_twice_only() -> None:
    desk = talking(Desk()).snapshot(audit=True)
    assert "end" not in desk.told()
    desk.snapshot(alive(UP, "b"), alive(CALLER, "b"), audit=True).snapshot(audit=True)
    assert "end" not in desk.told()
    desk.snapshot(audit=True)
    assert desk.end.flags == ("reconciled",)
    other = Desk().snapshot(alive(CALLER), audit=True)
    assert other.events == []
    other.snapshot(alive(CALLER), audit=True)
    assert other.events[0].data.flags == ("resumed",)


def stored(call: str, data: CallData) -> Call:
    encoded = msgspec.json.encode(to_wire(data, ended=False, extra_keys=True))
    return Call(company="acme", id=call, pbx="hq", started=T, updated=T + 5_000, ended=None, events=2, data=encoded)


BEFORE = CallData(
    status="TALKING",
    caller=Party(type="LOCAL", phone="1001", name="Alice", email="alice@example.test", userExtension="1001"),
    callee=Party(type="LOCAL", phone="1002", userExtension="1002"),
    destination="1002",
    direction="INTERNAL",
)


def test_after_our_restart_a_call_that_goes_on_is_not_started_again() -> None:
    desk = Desk()
    desk.machine.restore([stored("acme_1.1", BEFORE)])
    desk.now = T + 60_000
    desk.snapshot(alive(UP, "b"), alive(CALLER, "b"))
    assert desk.events == []
    desk.see(HangupRequested(CALLER, 16), HungUp(UP, 16), HungUp(CALLER, 16))
    assert desk.told() == ["end"]
    assert desk.events[0].call == "acme_1.1"
    assert (desk.end.endBy, desk.end.duration, desk.end.caller) == ("CALLER", 60_000, BEFORE.caller)


def test_after_our_restart_a_call_that_is_gone_ends_as_reconciled() -> None:
    desk = Desk()
    desk.machine.restore([stored("acme_1.1-2", BEFORE), stored("acme_9.9", BEFORE)])
    desk.now = T + 60_000
    desk.snapshot(alive(UP, "b"), alive(CALLER, "b"))
    assert [(event.call, event.type) for event in desk.events] == [("acme_9.9", "call:end")]
    assert (desk.end.caller, desk.end.flags, desk.end.waitTime) == (BEFORE.caller, ("reconciled",), 5_000)
    assert desk.machine.statistics().open == 1


def test_a_restored_call_whose_id_has_another_prefix_ends_and_is_not_counted_for_ever() -> None:
    desk = Desk(CallMachine(company="acme", pbx="hq", short=False))
    desk.machine.restore([stored("acme_1.1", BEFORE), stored("acme_hq_1.1", BEFORE)])
    assert desk.machine.statistics().open == 2
    desk.now = T + 60_000
    desk.snapshot(alive(UP, "b"), alive(CALLER, "b"))
    assert [(event.call, event.type) for event in desk.events] == [("acme_1.1", "call:end")]
    assert (desk.end.endCause, desk.end.endBy, desk.end.flags) == ("31", None, ("reconciled",))
    desk.snapshot()
    assert [event.call for event in desk.events] == ["acme_1.1", "acme_hq_1.1"]
    assert desk.machine.statistics().open == 0


def test_a_call_that_the_ledger_holds_in_words_of_its_own_is_restored_too() -> None:
    desk = Desk()
    broken = msgspec.structs.replace(stored("acme_1.1", BEFORE), data=b'{"status":"PARKED","caller":7}')
    desk.machine.restore([broken])
    desk.now = T + 60_000
    assert desk.snapshot().told() == ["end"]
