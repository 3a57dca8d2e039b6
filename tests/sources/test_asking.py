"""Channels that the PBX answered itself are asked about, so that a mailbox is told as one."""

from __future__ import annotations

import pytest

from ringpost.calls.observation import Runs
from ringpost.sources.asterisk.asking import CHANNELS, FIRST_AFTER, SLOWEST, Asking
from ringpost.sources.asterisk.frames import Message
from ringpost.sources.asterisk.session import Command, Observed, Send
from tests.sources.ami_server import channel, event
from tests.sources.test_session import T, live

UP = channel("1.1", "1.1", "1001", 6)


def asked(commands: list[Command]) -> list[str]:
    texts = [command.data.decode() for command in commands if isinstance(command, Send)]
    return [text for text in texts if text.startswith("Action: Status")]


def test_a_channel_that_is_left_alone_is_asked_about_and_its_mailbox_is_observed() -> None:
    one = live()
    one.received(event("Newstate", **UP), T)
    assert one.wake_at() == T + FIRST_AFTER
    assert asked(one.poll(T + FIRST_AFTER - 1)) == []
    (question,) = asked(one.poll(T + FIRST_AFTER))
    assert f"Channel: {UP['Channel']}" in question
    commands = one.received(event("Status", Application="VoiceMail", **UP), T + FIRST_AFTER)
    (observed,) = commands
    assert isinstance(observed, Observed)
    assert isinstance(observed.observation, Runs)
    assert observed.observation.service == "voicemail"


@pytest.mark.parametrize("name", ["BridgeEnter", "QueueCallerJoin", "DialBegin", "Hangup"])
def test_a_channel_that_something_is_done_with_is_not_asked_about(name: str) -> None:
    one = live()
    one.received(event("Newstate", **UP) + event(name, **UP), T)
    assert asked(one.poll(T + FIRST_AFTER)) == []


def test_after_a_dial_that_failed_a_channel_is_asked_about_again() -> None:
    one = live()
    one.received(event("Newstate", **UP) + event("DialBegin", **UP), T)
    one.received(event("DialEnd", DialStatus="NOANSWER", **UP), T + 20_000)
    assert len(asked(one.poll(T + 20_000 + FIRST_AFTER))) == 1


def test_a_user_who_may_not_ask_is_not_asked_for_again() -> None:
    one = live()
    one.received(event("Newstate", **UP), T)
    (question,) = asked(one.poll(T + FIRST_AFTER))
    number = question.split("ActionID: ")[1].split("\r\n")[0]
    one.received(f"Response: Error\r\nActionID: {number}\r\nMessage: Permission denied\r\n\r\n".encode(), T + 2_000)
    assert asked(one.poll(T + 10_000)) == []


def message(name: str, number: int = 1) -> Message:
    return Message({"event": name, "channel": f"PJSIP/{number}-1", "channelstate": "6"})


def test_it_asks_less_and_less_often_and_then_leaves_it_to_the_audits() -> None:
    asking = Asking()
    asking.see(message("Newstate"), 0)
    times = []
    while (when := asking.wake_at()) is not None:
        assert asking.due(when) == ["PJSIP/1-1"]
        times.append(when)
    assert [later - sooner for sooner, later in zip([0, *times], times, strict=False)] == [1_000, 3_000, 9_000, 27_000]
    assert times[-1] < SLOWEST


def test_of_too_many_channels_no_more_are_remembered() -> None:
    asking = Asking()
    for number in range(CHANNELS + 10):
        asking.see(message("Newstate", number), 0)
    assert len(asking.due(FIRST_AFTER)) == CHANNELS
