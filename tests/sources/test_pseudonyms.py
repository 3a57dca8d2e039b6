"""Recordings without the numbers and names of real people in them."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringpost.calls.events import CallEvent
from ringpost.sources.asterisk.pseudonyms import Pseudonyms
from ringpost.sources.asterisk.recording import frame, frames, read_recording
from ringpost.sources.asterisk.replay import replay, said_in
from tests.recordings.play import machine
from tests.recordings.reader import FOLDER, NAMES

KEY = b"k" * 32
PEOPLE = (b"1001", b"1002", b"1003", b"Alice", b"Rossi", b"rgen", b"Carla", b"ngelo", b"5005550", b"390461")


def rewritten(raw: bytes) -> bytes:
    pseudonyms = Pseudonyms(KEY)
    return b"".join(
        frame(one.time, one.direction, one.data if one.direction == "!" else pseudonyms.rewrite(one.data))
        for one in frames(raw)
    )


def decoded(raw: bytes) -> list[CallEvent]:
    return list(replay(machine(), said_in(read_recording(raw).heard)))


def shape(event: CallEvent) -> tuple[object, ...]:
    data = event.data
    ends = (data.endCause, data.endBy, data.flags, data.tags)
    return (event.type, event.time, data.status, data.direction, *ends, data.callee is None)


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_tells_the_same_calls_and_nobody_is_in_it(name: str) -> None:
    raw = (FOLDER / f"{name}.ami").read_bytes()
    other = rewritten(raw)
    assert [shape(event) for event in decoded(other)] == [shape(event) for event in decoded(raw)]
    for person in PEOPLE:
        assert person not in other


def lines(text: str, pseudonyms: Pseudonyms | None = None) -> list[str]:
    message = "\r\n".join(line.strip() for line in text.strip().splitlines()) + "\r\n\r\n"
    return (pseudonyms or Pseudonyms(KEY)).rewrite(message.encode()).decode().strip().split("\r\n")


def test_a_person_is_the_same_other_person_everywhere() -> None:
    told = lines("""
        Event: Newchannel
        Channel: PJSIP/7001-0000000a
        CallerIDNum: 7001
        CallerIDName: Alice D\\'Rossi
        Uniqueid: 1693389850.110
        AppData: "Alice D'Rossi" <7001>,sip:7001@10.1.2.3:5060
        MemberName: alice
        X-Mail: alice.rossi@example.com
        ChanVariable(PJSIP/7001-0000000a): CRM=Some Body
    """)
    number = told[2].removeprefix("CallerIDNum: ")
    name = told[3].removeprefix("CallerIDName: ")
    first, last = name.split(" D\\'") if " D\\'" in name else re.split(r" .\\'", name)
    assert re.fullmatch(r"\d{4}", number)
    assert number != "7001"
    assert (len(first), len(last)) == (5, 5)
    assert told[1] == f"Channel: PJSIP/{number}-0000000a"
    assert told[4] == "Uniqueid: 1693389850.110"
    assert f"<{number}>,sip:{number}@192.0.2.1:5060" in told[5]
    assert told[5].startswith(f'AppData: "{first} ')
    assert told[6] == f"MemberName: {first.lower()}"
    assert told[7] == f"X-Mail: {first.lower()}.{last.lower()}@example.com"
    assert told[8].startswith(f"ChanVariable(PJSIP/{number}-0000000a): CRM=")
    assert "Body" not in told[8]


@pytest.mark.parametrize("key", ["CallerIDName", "ConnectedLineName", "DestCallerIDName", "MemberName", "AgentName"])
@pytest.mark.parametrize(
    "name", ["Hansen A/S", "Doe, Jane c/o Smith", 'Society "Peru" <b>x</b>', "Smith/Jones", "A/Smith"]
)
def test_a_name_with_a_slash_is_a_name(key: str, name: str) -> None:
    told = lines(f"""
        Event: Newstate
        {key}: {name}
        AppData: {name}
        Message: {name} is not there
    """)
    left = [word for word in re.findall(r"[A-Za-z]{4,}", name) if any(word in line for line in told[1:])]
    assert left == []


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ("PeerStatus", "Peer: PJSIP/mrossi"),
        ("ContactStatus", "AOR: mrossi"),
        ("ContactStatus", "AOR: mrossi/sip:mrossi@10.1.2.3:5060"),
        ("ContactStatus", "EndpointName: mrossi"),
        ("ContactStatus", "URI: sip:mrossi@10.1.2.3:5060;transport=udp"),
        ("DeviceStateChange", "Device: PJSIP/mrossi"),
        ("ExtensionStatus", "Hint: PJSIP/mrossi&Custom:DND4711"),
        ("QueueMember", "MemberName: PJSIP/mrossi"),
    ],
)
def test_a_phone_that_only_registers_is_nobodys(event: str, told: str) -> None:
    alone = lines(f"Event: {event}\n{told}")
    assert "mrossi" not in alone[1]
    assert alone[1].partition(": ")[0] == told.partition(": ")[0]
    pseudonyms = Pseudonyms(KEY)
    lines(f"Event: {event}\n{told}", pseudonyms)
    (_, channel) = lines("Event: Newchannel\nChannel: PJSIP/mrossi-0000000a", pseudonyms)
    other = channel.removeprefix("Channel: PJSIP/").removesuffix("-0000000a")
    assert other in alone[1]  # the same other person


def test_what_a_person_wrote_has_no_word_left() -> None:
    told = lines("""
        Event: QueueMemberPause
        PausedReason: lunch with Bianchi
        Reason: meeting Verdi
    """)
    assert not re.search("lunch|with|Bianchi|meeting|Verdi", " ".join(told[1:]))
    told = lines("""
        Event: UserEvent
        Status: with Bianchi
        MyMessage: Verdi
    """)
    assert not re.search("with|Bianchi|Verdi", " ".join(told[1:]))
    assert lines("Event: AgentComplete\nReason: caller")[1] == "Reason: caller"


def test_what_says_how_a_call_goes_stays() -> None:
    kept = """
        Event: Hangup
        Privilege: call,all
        ChannelState: 6
        Context: from-internal
        Linkedid: acme-1693389850.110
        Cause: 127
        Cause-txt: Interworking, unspecified
        TechCause: 487
        DialStatus: NOANSWER
        Timestamp: 1693389850.110220
        BridgeUniqueid: 1f6b5f10-9b8c-4c5e-8a55-3d3f7b1a2c3d
        CallerIDNum: anonymous
        CallerIDName: <unknown>
        Exten: 112
        ConnectedLineNum: *8
    """
    assert lines(kept) == [line.strip() for line in kept.strip().splitlines()]


def test_bytes_and_line_ends_stay_where_they_say_nothing_of_people() -> None:
    raw = b"Event: X\r\nY: \xff\xfe:\r\n\nno colon\n"
    assert Pseudonyms(KEY).rewrite(raw) == raw
    assert b"J\xfcrgen" not in Pseudonyms(KEY).rewrite(b"CallerIDName: J\xfcrgen\r\n")


def test_an_id_that_a_client_chose_stays_one_id() -> None:
    pseudonyms = Pseudonyms(KEY)
    (first, second) = lines("Uniqueid: click-7001\nLinkedid: click-7001", pseudonyms)
    assert first.partition(": ")[2] == second.partition(": ")[2] != "click-7001"


def test_another_recording_has_other_pseudonyms() -> None:
    assert lines("CallerIDNum: 0461234567", Pseudonyms(b"a" * 32)) != lines("CallerIDNum: 0461234567")


numbers = st.from_regex(r"\A0{0,2}[1-9][0-9]{2,12}\Z")


def number_of(text: str) -> str:
    return lines(f"CallerIDNum: {text}")[0].removeprefix("CallerIDNum: ")


@given(st.sets(numbers, min_size=2, max_size=20))
def test_different_numbers_stay_different_and_keep_length_and_zeros(given_numbers: set[str]) -> None:
    others = {number: number_of(number) for number in given_numbers}
    assert len(set(others.values())) == len(others)
    for number, other in others.items():
        assert len(other) == len(number)
        assert len(other) - len(other.lstrip("0")) == len(number) - len(number.lstrip("0"))
        assert number_of("+" + number) == "+" + other


@given(st.from_regex(r"\A[1-9][0-9]{6}\Z"), st.lists(st.from_regex(r"\A[1-9][0-9]{2}\Z"), min_size=2, max_size=5))
def test_numbers_with_the_same_end_keep_the_same_end(end: str, heads: list[str]) -> None:
    ends = [number_of(head + end)[-7:] for head in heads]
    assert all(one == other for one, other in pairwise(ends))


@given(st.binary(max_size=200))
def test_any_bytes_can_be_rewritten(raw: bytes) -> None:
    assert raw.count(b"\n") <= Pseudonyms(KEY).rewrite(raw).count(b"\n")
