from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringpost.errors import RingpostError
from ringpost.sources.asterisk.frames import LINE_LIMIT, MESSAGE_LIMIT, FrameReader, Message, action
from ringpost.sources.asterisk.trust import DISTRUSTED
from ringpost.wire import canonical
from tests.recordings.reader import NAMES, frames

PJSIP, IAX2 = 79, 255  # bytes that a caller's number has at most
EVENT = b"Event: Newstate\r\nUniqueid: 1.1\r\n\r\n"


def read(*pieces: bytes) -> list[dict[str, str]]:
    reader = FrameReader()
    return [message.fields for piece in pieces for message in reader.feed(piece)]


def test_the_greeting_is_a_message_of_its_own() -> None:
    assert read(b"Asterisk Call Manager/11.0.0\r\nEvent: X\r\n\r\n") == [{"banner": "11.0.0"}, {"event": "X"}]


def test_keys_are_read_in_any_case_and_values_keep_their_colons() -> None:
    assert read(b"RESPONSE: Success\r\nappdata: a: b\r\n\r\n") == [{"response": "Success", "appdata": "a: b"}]


def test_a_message_that_ends_with_a_bare_line_break_does_not_swallow_the_next() -> None:
    assert read(b"Event: Hangup\r\n\n" + EVENT) == [{"event": "Hangup"}, {"event": "Newstate", "uniqueid": "1.1"}]


def test_of_repeated_keys_the_first_counts() -> None:
    raw = b"Event: X\r\nVariable: 1\r\nVariable: 2\r\nUniqueid: 3\r\nUniqueid: 3\r\n\r\n"
    assert read(raw) == [{"event": "X", "variable": "1", "uniqueid": "3"}]
    raw = b"Event: UserEvent\r\nUniqueid: 3\r\nUniqueid: 4\r\n\r\n"
    assert read(raw) == [{"event": "UserEvent", "uniqueid": "3"}]


CHANNEL = (
    "Event: Newstate\r\nChannel: PJSIP/trunk-1\r\nChannelState: 4\r\nCallerIDNum: {}\r\nCallerIDName: x\r\n"
    "Exten: 1001\r\nUniqueid: 9.9\r\nLinkedid: 9.9\r\n\r\n"
)
FORGED = "Event: Hangup\r\nChannel: PJSIP/1001-1\r\nChannelState: 6\r\nUniqueid: 1.1\r\nLinkedid: 1.1"


@pytest.mark.parametrize(
    "number",
    [
        "5\r\nEvent: Hangup",
        "5\r\nUniqueid: 1.1\r\nLinkedid: 1.1",
        "5\r\nChannel: PJSIP/1001-1",
        f"5\r\n{FORGED}",
        f"5\r\n\r\n{FORGED}\r\n\r\n",
        f"5\n\n{FORGED}\n\n",
        f"5\r\nEvent: X\r\n\r\n{FORGED}\r\n\r\n",
        f"5\r\n\r\n{FORGED}\r\n\r\n{FORGED}\r\n\r\nX",
    ],
)
def test_a_callers_number_cannot_say_what_the_pbx_did_not(number: str) -> None:
    """Its own event is lost, which only an attacker's is; the list of channels makes up for that."""
    reader = FrameReader()
    assert reader.feed(CHANNEL.format(number).encode() + EVENT) == [Message({"event": "Newstate", "uniqueid": "1.1"})]
    assert reader.dropped >= 1
    assert reader.feed(CHANNEL.format("5").encode()) != []


def test_a_forged_end_of_a_message_costs_a_few_messages_and_not_the_stream() -> None:
    reader = FrameReader()
    assert reader.feed(CHANNEL.format(f"5\r\n\r\n{FORGED}\r\n\r\nEvent: X").encode()) == []
    told = [reader.feed(EVENT) for _ in range(DISTRUSTED // 20)]
    assert [len(messages) for messages in told[-5:]] == [1] * 5


def whole(number: str, *, event: str = "Newstate", exten: str = "1001", more: str = "") -> bytes:
    """As Asterisk 22 writes it."""
    return (
        f"Event: {event}\r\nPrivilege: call,all\r\nChannel: PJSIP/trunk-1\r\nChannelState: 4\r\n"
        f"ChannelStateDesc: Ring\r\nCallerIDNum: {number}\r\nCallerIDName: x\r\nConnectedLineNum: 7\r\n"
        f"ConnectedLineName: y\r\nLanguage: en\r\nAccountCode: \r\nContext: c\r\nExten: {exten}\r\nPriority: 1\r\n"
        f"Uniqueid: 9.9\r\nLinkedid: 9.9\r\n{more}\r\n"
    ).encode()


SHORT = "Event: Hangup\r\nUniqueid: 1.1\r\nLinkedid: 1.1"


@pytest.mark.parametrize(
    "hostile",
    [
        whole("5\r\nSwapUniqueid: 1.1"),
        whole("5\r\nExten: 1002"),
        whole("5\r\nDialStatus: ANSWER", event="DialEnd", more="DialStatus: BUSY\r\n"),
        whole("5", exten="1\r\nCause: 17\r\nX: y"),
        whole(f"5\r\nUniqueid: 9\r\nLinkedid: 9\r\n\r\n{SHORT}"),
        whole(f"5\r\nUniqueid: 9\r\nLinkedid: 9\r\n\r\n{SHORT}\r\n\r\nX: y"),
        whole(f"5\r\n\r\nX: y\r\n\r\n{SHORT}\r\n\r\n"),
        whole(f"5\r\n\r\nX: y\r\nUniqueid: 9\r\nLinkedid: 9\r\n\r\n{SHORT}\r\n\r\n"),
        whole(f"5\r\n\r\n{'Event:' * 20}\r\n\r\n{SHORT}\r\n\r\nEvent: X"),
        whole("5\r\n\r\nResponse: Error\r\nActionID: ringpost-9\r\n\r\n"),
        whole("5", exten=f"1\r\nPriority:1\r\nUniqueid:9\r\nLinkedid:9\r\n\r\n{SHORT}\r\nX: y").partition(b"\r\n\r\n")[
            2
        ],
        whole(f"5\r\n\r\n{FORGED}\r\n\r\n", event="VarSet", more="Variable: X\r\n"),
        b"Event: Hold\r\nChannelState: 6\r\nUniqueid: 1.1\r\nLinkedid: 1.1\r\n\r\n@trunk\r\n\r\n",
        b"Event: ParkedCall\r\nParkeeUniqueid: 1.1\r\nParkeeLinkedid: 1.1\r\n\r\n@trunk\r\n\r\n",
    ],
)
def test_a_pbx_that_writes_its_channels_whole_is_held_to_that(hostile: bytes) -> None:
    reader = FrameReader(live=True)
    assert len(reader.feed(whole("5"))) == 1
    assert [message.get("calleridnum") for message in reader.feed(hostile)] == []
    assert reader.dropped >= 1
    told = [len(reader.feed(whole("6"))) for _ in range(10)]
    assert told[-1] == 1


def test_what_a_caller_of_pjsip_can_write_is_too_short_for_another_channels_end() -> None:
    """The least that is believed: the rest of a channel, and another channel by the same rules."""
    rest = "\r\n".join(f"{key}:" for key in ("CallerIDName", "ConnectedLineNum", "ConnectedLineName", "AccountCode"))
    rest += "\r\nContext:\r\nExten:\r\nPriority:\r\nUniqueid:9\r\nLinkedid:9\r\n\r\n"
    other = f"Event:Hangup\r\nChannel:x\r\nChannelState:6\r\nCallerIDNum:\r\n{rest}"
    number = f"5\r\n{rest}{other}X:"
    reader = FrameReader(live=True)
    reader.feed(whole("5"))
    assert [message.event for message in reader.feed(whole(number))] == ["Newstate", "Hangup"]
    assert len(number) > 300 > IAX2 > len(other) > PJSIP


def test_an_event_that_this_pbx_always_writes_shorter_is_read_after_a_while() -> None:
    reader = FrameReader(live=True)
    reader.feed(whole("5"))
    shorter = b"Event: Hold\r\nChannelState: 6\r\nUniqueid: 1.1\r\nLinkedid: 1.1\r\n\r\n"
    assert len(reader.feed(shorter)) == 0
    assert len(reader.feed(shorter * 200)) > 100


def test_a_pbx_itself_is_read_as_its_recordings_are() -> None:
    """However strict it is with a live one, nothing that a real one says is lost."""
    for name in NAMES:
        raw = b"".join(frame.data for frame in frames(name) if frame.direction == "<")
        live = FrameReader(live=True)
        assert [message.fields for message in live.feed(raw)] == read(raw), name
        assert live.dropped == 0, name


def test_a_capture_that_people_have_shortened_is_read() -> None:
    shortened = b"Event: Hangup\r\nUniqueid: 1.1\r\nLinkedid: 1.1\r\n\r\n"
    assert len(read(whole("5"), CHANNEL.format("5").encode(), shortened)) == 3


def test_floods_that_tell_nothing_of_calls_are_passed_over() -> None:
    flood = b"Event: VarSet\r\nValue: 1\r\nUniqueid: 1.1\r\n\r\nEvent: DTMFEnd\r\nDigit: 4\r\n\r\n"
    reader = FrameReader()
    assert reader.feed(flood + EVENT) == [Message({"event": "Newstate", "uniqueid": "1.1"})]
    assert reader.dropped == 0


def test_the_rest_of_a_message_that_a_value_cut_in_two_is_dropped() -> None:
    assert read(b"Event: A\r\nCallerIDNum: 5\r\n\r\nUniqueid: 1\r\nEvent: Hangup\r\n\r\n" + EVENT)[1:] == read(EVENT)


def test_a_character_cut_in_two_by_the_network_is_read_whole() -> None:
    raw = "Event: X\r\nCallerIDName: Крот\r\n\r\n".encode()
    cut = raw.index("К".encode()) + 1
    assert read(raw[:cut], raw[cut:]) == [{"event": "X", "calleridname": "Крот"}]


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"J\xfcrgen Gr\xf6\xdfner", "Jürgen Größner"),
        ("Крот Ёжиков".encode("cp1251"), "Крот Ёжиков"),
        ("Крот".encode("cp1251") + b" (2)", "Крот (2)"),
        ("Società Perù".encode("latin-1"), "Società Perù"),
        ("Крот".encode()[:-1], "Кро"),
        ("Größner".encode()[:4], "Grö"),
        (b"\xff\xfe", "яю"),
        (b"a\x81b", "a\ufffdb"),
    ],
)
def test_names_in_other_code_pages_are_read(raw: bytes, name: str) -> None:
    assert read(b"Event: X\r\nCallerIDName: " + raw + b"\r\n\r\n")[0]["calleridname"] == name


def test_elsewhere_what_is_no_utf_8_becomes_the_replacement_character() -> None:
    assert read(b"Event: X\r\nCallerIDNum: 1\xfc\r\n\r\n")[0]["calleridnum"] == "1\ufffd"


def test_escapes_of_names_are_undone_and_those_of_other_values_are_not() -> None:
    raw = rb"Event: X" + b"\r\n" + rb"CallerIDName: D\'A \"B\" \\ C\nD" + b"\r\n" + rb"AppData: a\'b" + b"\r\n\r\n"
    assert read(raw) == [{"event": "X", "calleridname": 'D\'A "B" \\ CD', "appdata": r"a\'b"}]


def test_characters_that_the_wire_refuses_are_taken_out() -> None:
    raw = b"Event: X\r\nCallerIDNum: 1\x00\x1f\xc2\x85\xef\xbf\xbe\xef\xbf\xbf\xed\xa0\x802\r\n\r\n"
    number = read(raw)[0]["calleridnum"]
    assert number.replace("\ufffd", "") == "12"
    canonical.encode({"phone": number})


def test_a_line_that_is_too_long_drops_its_message_and_no_other() -> None:
    reader = FrameReader()
    assert reader.feed(b"Event: X\r\nValue: " + b"v" * LINE_LIMIT) == []
    assert [message.event for message in reader.feed(b"v" * 100 + b"\r\n\r\n" + EVENT)] == ["Newstate"]
    assert reader.dropped == 1


def test_a_message_that_is_too_large_drops_itself_and_no_other() -> None:
    reader = FrameReader()
    reader.feed(b"Event: X\r\n")
    for number in range(MESSAGE_LIMIT // 10_000 + 1):
        reader.feed(b"K%d: " % number + b"v" * 10_000 + b"\r\n")
    assert [message.event for message in reader.feed(b"\r\n" + EVENT)] == ["Newstate"]
    assert reader.dropped == 1


def cut(raw: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(raw) + 1) for place in places), len(raw)]
    return [raw[start:end] for start, end in pairwise(edges)]


@given(st.sampled_from(NAMES), st.lists(st.integers(0, 200_000), max_size=30))
@settings(max_examples=40, deadline=None)
def test_however_a_recording_is_cut_the_same_messages_come_out(name: str, places: list[int]) -> None:
    raw = b"".join(frame.data for frame in frames(name) if frame.direction == "<")
    assert read(*cut(raw, places)) == read(raw)


noise = st.lists(
    st.sampled_from(
        [
            b"Event: A",
            b"Response: B",
            b"k: v",
            b"\r\n",
            b"\n",
            b"\r",
            b":",
            b"\x00\xff",
            b"Asterisk Call Manager/1",
            b"\\",
        ]
    )
    | st.just(b"x" * (LINE_LIMIT - 1))
    | st.binary(max_size=8),
    max_size=40,
).map(b"".join)


@given(noise, st.lists(st.integers(0, 200_000), max_size=10))
@settings(max_examples=200, deadline=None)
def test_however_noise_is_cut_the_same_messages_come_out(raw: bytes, places: list[int]) -> None:
    whole, pieces = FrameReader(), FrameReader()
    expected = whole.feed(raw)
    assert [message for piece in cut(raw, places) for message in pieces.feed(piece)] == expected
    assert pieces.dropped == whole.dropped
    for message in expected:
        canonical.encode(dict(message.fields))


def test_an_action_is_written_as_lines() -> None:
    assert action("Login", [("Username", "jürgen")]) == "Action: Login\r\nUsername: jürgen\r\n\r\n".encode()


@pytest.mark.parametrize("value", ["a\r\nAction: Originate", "a\nb", "a\0b", "x" * 1_100])
def test_an_action_with_a_value_that_would_break_it_is_refused(value: str) -> None:
    with pytest.raises(RingpostError) as caught:
        action("Login", [("Username", value)])
    assert (caught.value.code, caught.value.field) == ("invalid_value", "username")


def test_of_a_message_without_end_little_is_kept_and_none_is_lost_behind_it() -> None:
    reader = FrameReader()
    for _ in range(40):
        assert reader.feed(b"Event: X\r\nK: " + b"v" * 60_000 + b"\r\n") == []
        assert len(reader._rest) <= MESSAGE_LIMIT + 2
    assert reader.feed(b"\r") == []
    assert [message.event for message in reader.feed(b"\n" + EVENT)] == ["Newstate"]
    assert reader.dropped == 1


def test_a_message_with_more_keys_than_a_pbx_writes_is_dropped_at_once() -> None:
    keys = b"".join(b"A%dChannelState: 6\r\n" % number for number in range(30_000))
    reader = FrameReader(live=True)
    assert [message.event for message in reader.feed(b"Event: X\r\n" + keys + b"\r\n" + EVENT)] == ["Newstate"]
    assert reader.dropped == 1
