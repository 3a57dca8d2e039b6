"""What a real Asterisk 22 said, told as what a person standing by the phones would say."""

from __future__ import annotations

from itertools import pairwise

import pytest

from ringpost.calls.events import CallEvent
from ringpost.model.data import Party
from tests.calls.table import TABLE, Told
from tests.recordings.play import play
from tests.recordings.reader import NAMES, truth

OUTSIDE = "+15005550123"


def by_call(events: list[CallEvent]) -> dict[str, list[CallEvent]]:
    calls: dict[str, list[CallEvent]] = {}
    for event in events:
        calls.setdefault(event.call, []).append(event)
    return calls


def told(events: list[CallEvent]) -> Told:
    path: list[str] = []
    for before, event in pairwise([None, *events]):
        assert event is not None
        who = parties(event)
        if before is None or parties(before) != who:
            path.append(f"{event.data.status} {who}")
        elif before.data.status != event.data.status:
            path.append(event.data.status)
    end = events[-1].data
    return Told(
        ", ".join(path),
        str(end.endCause),
        end.endBy,
        str(end.direction),
        end.destination,
        end.trunkName,
        end.queueName,
        end.service,
        end.flags,
        end.tags,
    )


def parties(event: CallEvent) -> str:
    return f"{phone(event.data.caller)}>{phone(event.data.callee)}"


def phone(party: Party | None) -> str:
    return "nobody" if party is None else party.phone or "anonymous"


def test_the_table_has_every_recording() -> None:
    assert list(TABLE) == NAMES


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


OF_THE_PBX = {"PBX", "ADMIN"}
MACHINES = {"voicemail", "conference", "pbx", "ivr"}  # what answers and is nobody
WITHOUT_A_LEG = {"07-unknown-extension"}
UNTOLD = {"49-two-party-swap-transfer-outbound-outbound"}  # its consultation is not in the truth


@pytest.mark.parametrize("name", [name for name in NAMES if name not in WITHOUT_A_LEG])
def test_what_is_told_is_what_people_did(name: str) -> None:
    """The recordings' own truth, which is not written in the words of the events."""
    calls = [events for events in by_call(play(name)).values() if events]
    people = truth(name)["calls"]
    if name in UNTOLD:
        calls = [events for events in calls if "transferred" not in events[-1].data.flags]
    assert len(calls) == len(people)
    for events, person in zip(calls, people, strict=True):
        end = events[-1].data
        assert str(end.direction).casefold() == person["direction"]
        assert end.queueName == person.get("queue")
        assert ("PBX" if person["endBy"] in OF_THE_PBX else person["endBy"]) in who_ended(events)
        talked = {phone(party) for event in events if event.data.status == "TALKING" for party in parties_of(event)}
        answered = {person["answeredBy"], *(person.get(key, {}).get("answeredBy") for key in ("transfer",))} - {None}
        assert {one for one in answered if one not in MACHINES} <= talked
        if person["answeredBy"] is None and not answered:
            assert "TALKING" not in {event.data.status for event in events}


def parties_of(event: CallEvent) -> list[Party | None]:
    return [event.data.caller, event.data.callee]


def who_ended(events: list[CallEvent]) -> set[str | None]:
    """All names of who ended the call: CALLER or CALLEE and the phone of that one; PBX; TRANSFER."""
    end = events[-1].data
    if "transferred" in end.flags:
        return {"TRANSFER"}
    if end.endBy is None:
        return {"PBX"}
    return {end.endBy, phone(end.caller if end.endBy == "CALLER" else end.callee)}


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
