"""What a real Asterisk 22 said, told as what a person standing by the phones would say."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import pytest

from ringpost.calls.events import CallEvent
from ringpost.model.data import Party
from tests.recordings.play import play
from tests.recordings.reader import NAMES, truth


class Told(NamedTuple):
    """One call. statuses: of all its events, in order, repeats left out; caller, callee: phones at the end."""

    statuses: str
    caller: str
    callee: str | None
    cause: str
    by: str | None
    direction: str = "INTERNAL"
    destination: str | None = None
    trunk: str | None = None
    queue: str | None = None


C_R_T = "CONNECTING RINGING TALKING"
C_R = "CONNECTING RINGING"
OUTSIDE = "+15005550123"
IN = {"direction": "INBOUND", "trunk": "SIPTRUNK"}
OUT = {"direction": "OUTBOUND", "trunk": "SIPTRUNK"}

TABLE: dict[str, list[Told]] = {
    "01-internal-caller-hangup": [Told(C_R_T, "1001", "1002", "16", "CALLER", destination="1002")],
    "02-internal-callee-hangup": [Told(C_R_T, "1001", "1002", "16", "CALLEE", destination="1002")],
    "03-cancel-by-caller": [Told(C_R, "1001", "1002", "16", "CALLER", destination="1002")],
    "04-no-answer": [Told(C_R, "1001", "1003", "19", None, destination="1003")],
    "05-busy-486": [Told("CONNECTING", "1001", "1002", "17", "CALLEE", destination="1002")],
    "06-reject-603": [Told(C_R, "1001", "1002", "21", "CALLEE", destination="1002")],
    "07-unknown-extension": [],  # refused before there was a leg: the PBX says nothing
    "08-phone-unreachable": [Told("CONNECTING", "1001", "1002", "19", None, destination="1002")],
    "09-wrong-number-announcement": [Told("CONNECTING", "1001", None, "1", None, destination="1999")],
    "10-trunk-out-callee-hangup": [Told(C_R_T, "1001", OUTSIDE, "16", "CALLEE", destination=OUTSIDE, **OUT)],
    "12-trunk-out-404": [Told("CONNECTING", "1001", "+15005550404", "1", "CALLEE", destination="+15005550404", **OUT)],
    "13-trunk-out-503": [Told("CONNECTING", "1001", "+15005550503", "34", None, destination="+15005550503", **OUT)],
    "14-trunk-in-did": [Told(C_R_T, OUTSIDE, "1001", "16", "CALLER", destination="+15005550001", **IN)],
    "15-trunk-in-callee-hangup-name": [
        Told(C_R_T, "+390461234567", "1001", "16", "CALLEE", destination="+15005550001", **IN)
    ],
    "16-trunk-in-cancel": [Told(C_R, OUTSIDE, "1001", "16", "CALLER", destination="+15005550001", **IN)],
    "20-ring-group": [Told(C_R_T, "1003", "1002", "16", "CALLER", destination="600")],
    "22-queue-ringall": [
        Told(C_R_T, OUTSIDE, "1002", "16", "CALLEE", destination="+15005550002", queue="support", **IN)
    ],
    "23-queue-abandon": [Told(C_R, OUTSIDE, "1001", "16", "CALLER", destination="+15005550002", queue="support", **IN)],
    "24-queue-timeout": [Told(C_R, "1003", "1002", "19", None, destination="502", queue="support")],
    "25-queue-local-members": [
        Told(C_R_T, "+390461234567", "1002", "16", "CALLER", destination="+15005550005", queue="support-local", **IN)
    ],
    "30-hold-by-caller": [
        Told(f"{C_R_T} HOLD TALKING", "1001", "1002", "16", "CALLER", destination="1002"),
    ],
    "40-blind-transfer-by-callee-refer": [
        Told(f"{C_R_T} RINGING TALKING", OUTSIDE, "1002", "16", "CALLER", destination="+15005550001", **IN)
    ],
    "43-blind-transfer-unanswered": [
        Told(f"{C_R_T} RINGING", OUTSIDE, "1003", "19", None, destination="+15005550001", **IN)
    ],
    "44-attended-transfer-refer-replaces": [
        Told(f"{C_R_T} HOLD TALKING", OUTSIDE, "1002", "16", "CALLEE", destination="+15005550001", **IN),
        Told(C_R_T, "1001", "1002", "16", None, destination="1002"),
    ],
    "60-originate-click-to-call": [Told(C_R_T, "1001", OUTSIDE, "16", "CALLEE", destination=OUTSIDE, **OUT)],
    "63-forward-302": [Told(C_R_T, "1001", "1003", "16", "CALLER", destination="1002")],
    "64-local-hop-kept": [Told(C_R_T, "1001", "1002", "16", "CALLEE", destination="850")],
    "65-local-hop-optimised": [Told(C_R_T, "1001", "1002", "16", "CALLEE", destination="851")],
    "67-local-hop-no-media": [Told(C_R_T, "1001", "1002", "16", "CALLEE", destination="851")],
    "70-two-calls-at-once": [
        Told(C_R_T, "1002", OUTSIDE, "16", "CALLEE", destination=OUTSIDE, **OUT),
        Told(C_R_T, "1003", "1001", "16", "CALLER", destination="1001"),
    ],
    "71-ami-hangup": [Told(C_R_T, "1001", "1002", "16", None, destination="1002")],
    "90-shutdown-mid-call": [Told(C_R_T, "1001", "1002", "16", None, destination="1002")],
    "91-boot-watched": [],
    "92-kill-9-mid-call": [Told(C_R_T, "1001", "1002", "31", None, destination="1002")],
}


def by_call(events: list[CallEvent]) -> dict[str, list[CallEvent]]:
    calls: dict[str, list[CallEvent]] = {}
    for event in events:
        calls.setdefault(event.call, []).append(event)
    return calls


def told(events: list[CallEvent]) -> Told:
    statuses: list[str] = []
    for event in events:
        if statuses[-1:] != [event.data.status]:
            statuses.append(event.data.status)
    end = events[-1].data
    assert end.caller is not None
    assert end.caller.phone is not None
    assert end.endCause is not None
    return Told(
        " ".join(statuses),
        end.caller.phone,
        None if end.callee is None else end.callee.phone,
        end.endCause,
        end.endBy,
        str(end.direction),
        end.destination,
        end.trunkName,
        end.queueName,
    )


@pytest.mark.parametrize("name", TABLE)
def test_a_recorded_call_is_told_right(name: str) -> None:
    assert [told(events) for events in by_call(play(name)).values()] == TABLE[name]


@pytest.mark.parametrize("name", NAMES)
def test_every_recorded_call_starts_once_and_ends_once(name: str) -> None:
    for events in by_call(play(name)).values():
        types = [event.type for event in events]
        assert types[0] == "call:start"
        assert types[-1] == "call:end"
        assert set(types[1:-1]) <= {"call:update"}
        times = [event.time for event in events]
        assert times == sorted(times)
        payloads = [event.data for event in events[:-1]]
        assert all(one != other for one, other in pairwise(payloads))


@pytest.mark.parametrize("name", NAMES)
def test_as_many_calls_are_told_as_people_made(name: str) -> None:
    """Never fewer: who picks up, or takes a parked call, is told as a call of their own so far."""
    without_a_leg = {"07-unknown-extension"}
    assert len(by_call(play(name))) >= (0 if name in without_a_leg else len(truth(name)["calls"]))


def test_the_person_keeps_the_extension_when_the_dialplan_shows_the_companys_number() -> None:
    (events,) = by_call(play("10-trunk-out-callee-hangup")).values()
    assert events[-1].data.caller == Party(type="LOCAL", phone="1001", name="Alice Rossi", userExtension="1001")
    assert events[-1].data.callee == Party(type="REMOTE", phone=OUTSIDE)


def test_escaped_and_accented_names_are_read_right() -> None:
    (events,) = by_call(play("04-no-answer")).values()
    assert events[-1].data.callee is not None
    assert events[-1].data.callee.name == "Carla D'Àngelo"
    (events,) = by_call(play("15-trunk-in-callee-hangup-name")).values()
    assert events[-1].data.caller is not None
    assert events[-1].data.caller.name == "Studio Società Perù"


def test_a_call_found_after_connecting_is_resumed_and_ends_right() -> None:
    calls = list(by_call(play("80-reconnect-mid-call")).values())
    assert [[event.type for event in events] for events in calls] == [["call:start", "call:end"]] * 2
    assert [events[0].data.status for events in calls] == ["TALKING", "RINGING"]
    assert all(events[0].data.flags == ("resumed",) for events in calls)
    assert [(events[1].data.endCause, events[1].data.endBy) for events in calls] == [("16", "CALLEE"), ("19", None)]


def test_a_call_that_vanished_with_its_pbx_ends_as_reconciled() -> None:
    (events,) = by_call(play("92-kill-9-mid-call")).values()
    assert events[-1].data.flags == ("reconciled",)
    assert events[-1].data.endCauseStr == "Normal, unspecified"


def test_the_times_of_an_answered_call_add_up() -> None:
    (events,) = by_call(play("01-internal-caller-hangup")).values()
    end = events[-1].data
    assert (end.waitTime, end.talkTime, end.duration) == (812, 1_508, 2_320)
    assert end.duration == events[-1].time - events[0].time
