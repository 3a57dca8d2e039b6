from __future__ import annotations

import pytest

from ringpost.calls.observation import (
    DialEnded,
    Dials,
    HangupRequested,
    HungUp,
    JoinsBridge,
    JoinsQueue,
    LeavesQueue,
    LegAppeared,
    LocalPair,
)
from ringpost.sources.asterisk.frames import Message
from ringpost.sources.asterisk.observe import endpoint_of, leg_of, observe
from tests.recordings.play import messages, observations
from tests.recordings.reader import NAMES


def message(**fields: str) -> Message:
    return Message({"channel": "PJSIP/1001-00000001", "uniqueid": "1.1", "linkedid": "1.1", **fields})


def test_every_kind_of_observation_comes_from_the_recordings() -> None:
    kinds = {type(item) for name in NAMES for _, item in observations(name)}
    wanted = {LegAppeared, Dials, DialEnded, JoinsBridge, LocalPair, JoinsQueue, LeavesQueue, HangupRequested, HungUp}
    assert wanted <= kinds


def test_every_recorded_leg_names_its_call() -> None:
    for name in NAMES:
        for _, one in messages(name):
            if one is not None and one.event == "Newchannel" and not one.get("channel").startswith(("CBAnn/",)):
                leg = leg_of(one)
                assert leg is not None
                assert leg.call == one.get("linkedid")


@pytest.mark.parametrize(
    ("channel", "endpoint"),
    [
        ("PJSIP/1001-0000000a", "1001"),
        ("PJSIP/my-trunk-0000000a", "my-trunk"),
        ("SIP/provider-0b", "provider"),
        ("DAHDI/1-1", "1"),
        ("odd", None),
        ("", None),
    ],
)
def test_the_endpoint_is_read_from_the_channels_name(channel: str, endpoint: str | None) -> None:
    assert endpoint_of(channel) == endpoint


@pytest.mark.parametrize(
    "channel", ["Snoop/1-1", "Recorder/x-1", "CBAnn/800-1;1", "PJSIP/1001-01<ZOMBIE>", "Message/ast"]
)
def test_what_the_pbx_makes_for_itself_is_no_leg(channel: str) -> None:
    assert observe(message(event="Newchannel", channel=channel)) == []


@pytest.mark.parametrize("number", ["<unknown>", "anonymous", "Restricted", "Unavailable", ""])
def test_a_number_that_is_withheld_is_none(number: str) -> None:
    leg = leg_of(message(calleridnum=number))
    assert leg is not None
    assert leg.number is None


def test_extensions_of_the_dialplan_are_no_numbers_dialled() -> None:
    assert [getattr(leg_of(message(exten=exten)), "dialled", "?") for exten in ("s", "h", "", "1002")] == [None] * 3 + [
        "1002"
    ]


def test_a_call_that_a_program_asked_for_is_dialled_by_nobody() -> None:
    raw = {"destchannel": "PJSIP/1001-1", "destuniqueid": "ctc", "destlinkedid": "ctc"}
    (dials,) = observe(Message({"event": "DialBegin", **raw}))
    assert isinstance(dials, Dials)
    assert dials.leg is None
    assert dials.to.id == "ctc"


@pytest.mark.parametrize(("cause", "read"), [("16", 16), ("", None), ("x", None), ("-1", None), ("99999999", None)])
def test_a_cause_that_is_no_number_is_none(cause: str, read: int | None) -> None:
    (hung_up,) = observe(message(event="Hangup", cause=cause))
    assert isinstance(hung_up, HungUp)
    assert hung_up.cause == read


@pytest.mark.parametrize("event", ["Newchannel", "DialBegin", "BridgeEnter", "LocalBridge", "Hangup", "VarSet", ""])
def test_an_event_without_its_fields_tells_nothing(event: str) -> None:
    assert observe(Message({"event": event})) == []
    assert observe(Message({"event": event, "uniqueid": "x" * 150, "linkedid": "1"})) == []
