"""A recording is played as a source would have said it, by the recording's own clock."""

from __future__ import annotations

from ringpost.calls.machine import CallMachine
from ringpost.calls.observation import HungUp, LegAppeared, Snapshot
from ringpost.sources.asterisk.frames import Message
from ringpost.sources.asterisk.recording import Heard
from ringpost.sources.asterisk.replay import Said, replay, said_in

BANNER = Message({"banner": "11.0.0"})


def leg(event: str, number: str = "1.1", **fields: str) -> Message:
    about = {"channel": f"PJSIP/1001-{number}", "uniqueid": number, "linkedid": number, "channelstate": "4"}
    return Message({"event": event, **about, "exten": "1002", "calleridnum": "1001", **fields})


def said(*heard: tuple[int, Message | None]) -> list[Said]:
    return [one for _, one in said_in(Heard(time, message) for time, message in heard)]


COMPLETE = Message({"event": "CoreShowChannelsComplete"})
NEW, GONE = leg("Newchannel"), leg("Hangup", cause="16")


def booted(uptime: int) -> Message:
    return Message({"event": "FullyBooted", "uptime": str(uptime)})


def test_what_comes_during_the_first_list_follows_it() -> None:
    first, second = said((1, BANNER), (2, leg("CoreShowChannel")), (3, GONE), (4, COMPLETE))
    assert isinstance(first, Snapshot)
    assert not first.audit
    assert [alive.leg.id for alive in first.legs] == ["1.1"]
    assert isinstance(second, HungUp)


def test_a_list_amid_calls_is_an_audit() -> None:
    new, audit = said((1, BANNER), (20_000, NEW), (30_000, leg("CoreShowChannel")), (30_001, COMPLETE))
    assert isinstance(new, LegAppeared)
    assert isinstance(audit, Snapshot)
    assert audit.audit


def test_a_list_that_never_ends_keeps_nothing_back() -> None:
    assert len(said((1, BANNER), (2, leg("CoreShowChannel")), (3, GONE))) == 1


def test_a_pbx_that_was_restarted_has_none_of_its_calls() -> None:
    before = [(1_000, BANNER), (1_000, booted(500)), (2_000, NEW), (3_000, None)]
    _, restarted = said(*before, (9_000, BANNER), (9_000, booted(3)))
    assert restarted == Snapshot(restarted=True)
    assert len(said(*before, (9_000, BANNER), (9_000, booted(508)))) == 1


def status(started: str) -> Message:
    return Message({"response": "Success", "corestartupdate": "2026-11-25", "corestartuptime": started})


def test_a_restart_is_known_by_the_moment_of_the_start_before_the_uptime() -> None:
    first = [(1_000, BANNER), (1_000, booted(500)), (1_000, status("09:00:01")), (2_000, NEW), (3_000, None)]
    _, restarted = said(*first, (9_000, BANNER), (9_000, booted(508)), (9_000, status("10:00:00")))
    assert restarted == Snapshot(restarted=True)
    # A clock of the PBX that was set back makes the uptime small; and its zone may change while a connection stands.
    assert len(said(*first, (9_000, BANNER), (9_000, booted(3)), (9_000, status("09:00:01")))) == 1
    assert len(said(*first[:4], (2_500, status("11:00:01")))) == 1


def test_a_pbx_that_shut_down_has_none_of_its_calls() -> None:
    assert said((1, NEW), (2, Message({"event": "Shutdown"})), (3, None))[1:] == [Snapshot()]
    assert said((1, NEW), (3, None))[1:] == []


def test_what_is_held_back_at_the_end_is_told_and_no_call_is_ended() -> None:
    machine = CallMachine(company="acme", pbx="hq", short=True)
    events = list(replay(machine, said_in([Heard(5_000, NEW)])))
    assert [(event.type, event.time) for event in events] == [("call:start", 5_000)]
