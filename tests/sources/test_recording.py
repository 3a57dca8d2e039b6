"""Recordings in each of their forms, whole and damaged."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringpost.sources.asterisk.recording import Recording, frames, read_recording
from tests.recordings.reader import FOLDER, NAMES

EVENT = b"Event: Newstate\r\nUniqueid: 1693389850.110\r\n\r\n"


def frame(time: str, direction: str, data: bytes) -> bytes:
    return f"@ {time} {direction} {len(data)}\n".encode() + data + b"\n"


def told(recording: Recording) -> list[tuple[int, str | None]]:
    return [(one.time, None if one.message is None else one.message.event) for one in recording.heard]


def test_only_what_the_pbx_said_is_heard_each_at_the_time_of_its_frame() -> None:
    raw = b"# ami-recording v1 x\n" + frame("10.1", ">", b"Event: Sent\r\n\r\n") + frame("10.25", "<", EVENT)
    raw += frame("11", "!", b"closed by server")
    assert told(read_recording(raw)) == [(10_250, "Newstate"), (11_000, None)]


def test_a_message_that_came_in_two_frames_is_heard_when_it_was_complete() -> None:
    raw = frame("10.0", "<", EVENT[:20]) + frame("10.5", "<", EVENT[20:])
    assert told(read_recording(raw)) == [(10_500, "Newstate")]


def test_time_that_goes_back_stands_still() -> None:
    assert told(read_recording(frame("10", "<", EVENT) + frame("9", "<", EVENT)))[1][0] == 10_000


def test_what_was_left_half_said_by_a_connection_is_no_part_of_the_next() -> None:
    raw = frame("1", "<", b"Event: Hangup\r\n") + frame("2", "!", b"closed by server")
    raw += frame("3", "<", b"Asterisk Call Manager/11.0.0\r\n") + frame("3", "<", EVENT)
    assert told(read_recording(raw)) == [(2_000, None), (3_000, ""), (3_000, "Newstate")]


@pytest.mark.parametrize("name", NAMES[::6])
@pytest.mark.parametrize("damage", [(b"\r\n", b"\n"), (b"\n", b"\r\n")])
def test_a_recording_whose_line_ends_were_converted_says_the_same(name: str, damage: tuple[bytes, bytes]) -> None:
    raw = (FOLDER / f"{name}.ami").read_bytes()
    converted = raw.replace(b"\r\n", b"\n").replace(*damage)
    assert read_recording(converted).heard == read_recording(raw).heard


@pytest.mark.parametrize("name", NAMES[::9])
def test_a_recording_that_was_cut_says_what_is_left_of_it(name: str) -> None:
    raw = (FOLDER / f"{name}.ami").read_bytes()
    whole = read_recording(raw).heard
    for place in range(100, len(raw), max(1, len(raw) // 23)):
        cut = read_recording(raw[:place]).heard
        assert cut == whole[: len(cut)]


def test_a_piece_of_a_frame_that_is_damaged_costs_that_frame_alone() -> None:
    raw = frame("1", "<", EVENT) + b"@ 2.0 < 9999\n" + EVENT + b"\n" + frame("3", "<", EVENT)
    assert [one.time for one in frames(raw)] == [1_000, 2_000, 3_000]
    assert told(read_recording(raw))[-1] == (3_000, "Newstate")


def test_a_plain_capture_takes_its_times_from_its_headers() -> None:
    raw = b"Asterisk Call Manager/5.0\n" + EVENT.replace(b"\r", b"")
    raw += b"Event: Hangup\nTimestamp: 1693389851.250000\n\nEvent: Last"
    recording = read_recording(raw)
    assert told(recording) == [
        (1693389851_250, ""),
        (1693389851_250, "Newstate"),
        (1693389851_250, "Hangup"),
        (1693389851_250, "Last"),
    ]
    assert not recording.still


def test_a_plain_capture_without_times_stands_still_at_its_first_channel() -> None:
    recording = read_recording(b"Event: FullyBooted\r\n\r\n" + EVENT)
    assert told(recording) == [(1693389850_000, "FullyBooted"), (1693389850_000, "Newstate")]
    assert recording.still
    assert told(read_recording(b"Event: A\n\n")) == [(0, "A")]


EVENTS = [
    {
        "Event": "Newchannel",
        "CallerIDName": "D\\'A",
        "Priority": 1,
        "ChanVariable": ["a", "b"],
        "Timestamp": "1693389850.5",
    },
    {"Event": "Hangup", "content": None, "CallerIDNum": "1\x00\n2", "X": {"a": 1}},
]


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps(EVENTS),
        json.dumps(EVENTS, indent=4),
        json.dumps({"events": EVENTS}),
        "\n".join(json.dumps(event) for event in EVENTS),
        json.dumps([{"event": EVENTS[0], "time": 1693389850.5}, {"message": EVENTS[1], "time": "1693389850500"}]),
    ],
)
def test_events_in_json_are_read_as_a_list_and_as_lines(raw: str) -> None:
    recording = read_recording(raw.encode())
    assert told(recording) == [(1693389850_500, "Newchannel"), (1693389850_500, "Hangup")]
    first, second = (one.message for one in recording.heard)
    assert first is not None
    assert second is not None
    assert first.fields | {"timestamp": ""} == {
        "event": "Newchannel",
        "calleridname": "D'A",
        "priority": "1",
        "chanvariable": "a",
        "timestamp": "",
    }
    assert second.fields == {"event": "Hangup", "content": "", "calleridnum": "12"}


def test_what_is_no_event_is_left_out_and_counted() -> None:
    assert read_recording(b'[1, null, {"a": 1}, {"Event": "X"}]').dropped == 3
    assert read_recording(b'{"Event": "X"}\n{"Event": \n').dropped == 1
    assert read_recording(b"").heard == ()
    assert read_recording(b"[" * 100_000).heard == ()


@given(st.binary(max_size=300) | st.sampled_from([b"[", b"{", b"@ 1 < 5\n", b"Event: "]).flatmap(
    lambda head: st.binary(max_size=80).map(lambda rest: head + rest)))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_any_bytes_can_be_read(raw: bytes) -> None:
    times = [one.time for one in read_recording(raw).heard]
    assert times == sorted(times)
