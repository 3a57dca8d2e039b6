"""The call machine on hand-made observations: what recordings do not show."""

from __future__ import annotations

import msgspec

from ringpost.calls.events import CallEvent
from ringpost.calls.machine import CallMachine
from ringpost.calls.observation import (
    Alive,
    DialEnded,
    Dials,
    Ends,
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
    Parks,
    PicksUp,
    QueueCallEnds,
    Runs,
    SendsOn,
    Snapshot,
    Unparks,
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


def test_a_phone_that_refuses_without_asking_to_hang_up_ended_the_call() -> None:
    """So does chan_sip; that the PBX then ends the caller's leg is told."""
    desk = dialled(Desk()).later(10).see(LegChanged(RINGS)).later(1_000)
    desk.see(DialEnded(CALLER, RINGS, "NOANSWER"), HungUp(RINGS, 21), Ends(CALLER), HungUp(CALLER, 21))
    assert (desk.end.endCause, desk.end.endBy) == ("21", "CALLEE")


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
    desk.see(Ends(CALLER), HungUp(CALLER, 0))
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


def test_a_phone_with_an_account_name_is_told_by_the_extension_that_the_dialplan_shows() -> None:
    machine = CallMachine(company="acme", pbx="hq", short=True, trunks=["provider"], coalesce=0)
    account = Leg(id="1.1", call="1.1", endpoint="150010001", number="150010001", state="calling", dialled="1002")
    shown = msgspec.structs.replace(account, number="201")
    outside = msgspec.structs.replace(account, number="+390461000001")
    desk = Desk(machine).see(LegAppeared(account), LegChanged(shown), LegChanged(outside), Dials(outside, CALLEE))
    caller = desk.events[0].data.caller
    assert caller is not None
    assert (caller.type, caller.phone, caller.userExtension) == ("LOCAL", "201", "201")


def test_a_caller_who_gives_up_while_the_callee_is_asked_to_confirm_ended_the_call() -> None:
    """The PBX goes on asking "press 1 to take the call" for seconds."""
    desk = dialled(Desk()).later(10).see(LegChanged(RINGS)).later(800).see(LegChanged(UP)).later(1_500)
    desk.see(HangupRequested(CALLER, 16)).later(5_000).see(DialEnded(CALLER, UP, "CONTINUE"), Ends(CALLER))
    desk.see(HungUp(UP, 16), HungUp(CALLER, 16))
    assert (desk.end.status, desk.end.endCause, desk.end.endBy) == ("RINGING", "16", "CALLER")


def test_a_caller_who_leaves_several_that_the_pbx_then_clears_up_ended_the_call() -> None:
    """A page: those who were called are still together for a moment."""
    third = leg("1.3", "1003", state="up")
    caller = leg("1.1", "1001", state="up", dialled="632")
    desk = Desk().see(LegAppeared(caller), Dials(None, UP), Dials(None, third))
    desk.see(*(JoinsBridge(one, "b", "conference") for one in (UP, third, caller))).later(2_000)
    desk.see(HangupRequested(caller, 16), LeavesBridge(caller, "b"), Ends(UP), LeavesBridge(UP, "b"))
    desk.see(LeavesBridge(third, "b"), HungUp(UP, 16), HungUp(third, 16), HungUp(caller, 16))
    assert desk.end.endBy == "CALLER"


def test_a_colleague_who_is_called_is_never_told_as_the_caller_who_was_not_seen() -> None:
    """What is said of a caller's leg is left out where its number holds forged lines."""
    machine = CallMachine(company="acme", pbx="hq", short=True, coalesce=0, hold=0)
    desk = Desk(machine).see(LegAppeared(CALLEE)).later(10).see(LegChanged(RINGS)).later(500).see(LegChanged(UP))
    desk.see(JoinsBridge(UP, "b")).later(2_000).see(LeavesBridge(UP, "b"), HungUp(UP, 16)).later(5_000)
    assert desk.events == []
    assert (machine.statistics().legs, machine.statistics().unheard) == (0, 1)


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


# --- who ended it --------------------------------------------------------------------------------------------------
def test_a_callee_who_left_the_caller_to_a_survey_did_not_end_the_call() -> None:
    desk = talking(Desk()).see(HangupRequested(UP, 16), LeavesBridge(UP, "b"), HungUp(UP, 16)).later(9_000)
    desk.see(HangupRequested(CALLER, 16), HungUp(CALLER, 16))
    assert desk.end.endBy == "CALLER"
    desk = talking(Desk()).see(HangupRequested(UP, 16), LeavesBridge(UP, "b"), HungUp(UP, 16)).later(9_000)
    desk.see(Ends(CALLER), HungUp(CALLER, 16))
    assert desk.end.endBy is None


def test_a_call_whose_clearing_takes_long_was_still_ended_by_who_asked() -> None:
    desk = talking(Desk()).see(HangupRequested(UP, 16), LeavesBridge(UP, "b"), Ends(CALLER), HungUp(UP, 16))
    desk.later(5_000).see(HungUp(CALLER, 16))
    assert desk.end.endBy == "CALLEE"


def test_where_a_pbx_tells_of_no_requests_who_left_first_ended_the_call() -> None:
    desk = talking(Desk()).see(LeavesBridge(UP, "b"), LeavesBridge(CALLER, "b"), HungUp(CALLER, 16), HungUp(UP, 16))
    assert (desk.end.endCause, desk.end.endBy) == ("16", "CALLEE")
    dialled(desk).see(LegChanged(RINGS), DialEnded(CALLER, RINGS, "CANCEL"), HungUp(RINGS, 0), HungUp(CALLER, 0))
    assert (desk.end.endCause, desk.end.endBy) == ("16", "CALLER")
    dialled(desk).see(DialEnded(CALLER, CALLEE, "BUSY"), HungUp(CALLEE, 17), HungUp(CALLER, 17))
    assert (desk.end.endCause, desk.end.endBy) == ("17", "CALLEE")
    dialled(desk).see(DialEnded(CALLER, CALLEE, "NOANSWER"), HungUp(CALLEE, 0), HungUp(CALLER, 16))
    assert (desk.end.endCause, desk.end.endBy) == ("19", None)


def test_a_queue_says_who_hung_up_where_nobody_asked() -> None:
    desk = talking(Desk()).see(QueueCallEnds(CALLER, "sales", by_caller=False), Ends(CALLER))
    assert desk.see(HungUp(UP, 16), HungUp(CALLER, 16)).end.endBy == "CALLEE"


def test_a_refusal_of_the_person_who_is_to_make_a_call_ends_it() -> None:
    agent = Leg(id="1.1", call="1.1", endpoint="1001", number="1001", state="ringing")
    desk = Desk().see(LegAppeared(agent), Dials(None, agent), HangupRequested(agent, 21), HungUp(agent, 21))
    assert (desk.end.flags, desk.end.callee, desk.end.endCause, desk.end.endBy) == (
        ("click2call",),
        None,
        "21",
        "CALLER",
    )


# --- what goes to others -------------------------------------------------------------------------------------------
THIRD = leg("1.3", "1003")


def test_a_caller_who_transfers_leaves_the_place_to_who_was_called() -> None:
    desk = talking(Desk()).see(SendsOn(CALLER, UP, "1003"))
    assert (desk.events[-1].data.status, desk.events[-1].data.callee) == ("CONNECTING", None)
    desk.see(HungUp(CALLER, 16), LegAppeared(THIRD), Dials(UP, THIRD))
    last = desk.events[-1].data
    assert last.caller is not None
    assert last.callee is not None
    assert (last.caller.phone, last.callee.phone, last.destination) == ("1002", "1003", "1003")
    desk.see(HangupRequested(THIRD, 21), DialEnded(UP, THIRD, "NOANSWER"), HungUp(THIRD, 21), HungUp(UP, 16))
    assert (desk.end.endCause, desk.end.endBy, desk.end.direction) == ("21", None, "INTERNAL")


def test_a_transfer_that_was_not_told_is_known_by_who_is_called_next() -> None:
    desk = talking(Desk()).see(LeavesBridge(CALLER, "b"), LeavesBridge(UP, "b"), HungUp(CALLER, 16))
    desk.see(LegAppeared(THIRD), Dials(UP, THIRD))
    last = desk.events[-1].data
    assert last.caller is not None
    assert (last.caller.phone, last.status) == ("1002", "CONNECTING")


def test_three_who_talk_are_a_conference() -> None:
    up = leg("1.3", "1003", state="up")
    desk = talking(Desk()).see(LegAppeared(up), JoinsBridge(up, "b"))
    last = desk.events[-1].data
    assert last.callee is not None
    assert (last.tags, last.callee.phone) == (("conference",), "1003")
    assert desk.see(LeavesBridge(up, "b")).events[-1].data.tags == ()


def test_a_picked_up_call_is_the_pickers_and_the_pickers_own_is_not_told() -> None:
    picker = leg("2.1", "1003", "2.1", state="up", dialled="*8")
    desk = dialled(Desk()).see(LegChanged(RINGS), LegAppeared(picker), PicksUp(picker, RINGS), HungUp(RINGS, 26))
    desk.see(JoinsBridge(picker, "b"), JoinsBridge(CALLER, "b")).later(2_000)
    assert {event.call for event in desk.events} == {"acme_1.1"}
    last = desk.events[-1].data
    assert last.callee is not None
    assert (last.status, last.callee.phone) == ("TALKING", "1003")
    assert desk.machine.statistics().unheard == 1


def test_a_call_that_was_told_before_it_took_a_parked_one_ends_as_merged() -> None:
    desk = talking(Desk()).see(Parks(CALLER), LeavesBridge(CALLER, "b"), JoinsBridge(CALLER, "lot", "park"))
    desk.see(HungUp(UP, 16))
    assert (desk.events[-1].data.status, desk.events[-1].data.callee) == ("HOLD", None)
    taker = leg("2.1", "1003", "2.1", state="up", dialled="701")
    desk.see(LegAppeared(taker)).later(3_000).see(JoinsBridge(CALLER, "c"), JoinsBridge(taker, "c"))
    merged = [event for event in desk.events if event.call == "acme_2.1"][-1]
    assert (merged.type, merged.data.flags, merged.data.endBy) == ("call:end", ("merged",), None)
    assert desk.events[-1].data.callee == Party(type="LOCAL", phone="1003", userExtension="1003")


def test_one_who_hangs_up_in_the_parking_lot_ended_the_call() -> None:
    desk = talking(Desk()).see(JoinsBridge(CALLER, "lot", "park"), HungUp(UP, 16), Unparks(CALLER, gave_up=True))
    assert desk.see(HungUp(CALLER, 16)).end.endBy == "CALLER"


def test_local_halves_are_a_pair_by_their_name() -> None:
    one = Leg(id="1.3", call="1.1", kind="local", endpoint="Local/1002@hop-00000001")
    two = Leg(id="1.4", call="1.1", kind="local", endpoint="Local/1002@hop-00000001")
    desk = Desk().see(LegAppeared(CALLER), LegAppeared(one), LegAppeared(two), JoinsBridge(CALLER, "b"))
    desk.see(JoinsBridge(one, "b"), JoinsBridge(two, "c"), JoinsBridge(UP, "c"))
    assert desk.events[-1].data.status == "TALKING"


def test_a_mailbox_is_told_as_one_and_not_as_an_answer() -> None:
    up = leg("1.1", "1001", state="up", dialled="890")
    desk = Desk().see(LegAppeared(up)).later(1_000).see(Runs(up, "voicemail")).later(8_000)
    last = desk.events[-1].data
    assert (last.status, last.service, last.flags, last.callee) == ("TALKING", "voicemail", ("voicemail",), None)
    desk.see(HangupRequested(up, 16), HungUp(up, 16))
    assert (desk.end.talkTime, desk.end.waitTime, desk.end.service) == (0, 9_000, "voicemail")


def test_whoever_leaves_a_menu_for_a_person_is_in_no_menu_any_more() -> None:
    up = leg("1.1", "1001", state="up", dialled="860")
    desk = Desk().see(LegAppeared(up)).later(1_000).see(Runs(up, "ivr"))
    assert (desk.events[-1].data.service, desk.events[-1].data.status) == ("ivr", "CONNECTING")
    desk.see(LegAppeared(CALLEE), Dials(up, CALLEE))
    assert desk.events[-1].data.service is None


def test_the_number_sent_to_a_trunk_is_the_one_that_is_called() -> None:
    trunk = Leg(id="1.2", call="1.1", endpoint="SIPTRUNK", number="0")
    desk = Desk().see(LegAppeared(CALLER), LegAppeared(trunk), Dials(CALLER, trunk, "+15550100"))
    assert desk.events[0].data.callee == Party(type="REMOTE", phone="+15550100")


def test_what_the_pbx_settings_say_of_an_endpoint_counts_more_than_its_name() -> None:
    inside = Leg(id="1.1", call="1.1", endpoint="desk-anna", number="201", inside=True, dialled="1002")
    outside = Leg(id="1.2", call="1.1", endpoint="4321", inside=False)
    start = Desk().see(LegAppeared(inside), Dials(inside, outside, "+15550100")).events[0].data
    assert start.caller == Party(type="LOCAL", phone="201", userExtension="201")
    assert (start.direction, start.trunkName) == ("OUTBOUND", "4321")


# --- snapshots -----------------------------------------------------------------------------------------------------
def alive(one: Leg, bridge: str | None = None) -> Alive:
    return Alive(leg=one, bridge=bridge)


def test_a_mailbox_that_only_a_snapshot_knows_is_told() -> None:
    up = leg("1.1", "1001", state="up", dialled="890")
    desk = Desk().see(LegAppeared(up)).later(1_000)
    desk.snapshot(Alive(leg=up, service="voicemail"), audit=True)
    assert desk.events[-1].data.service == "voicemail"


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
