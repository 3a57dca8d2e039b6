"""The session without a socket: bytes and times in, commands out."""

from __future__ import annotations

import pytest

from ringpost.calls.observation import HungUp, LegAppeared
from ringpost.errors import ERRORS, RingpostError
from ringpost.sources.asterisk.boot import Boot
from ringpost.sources.asterisk.session import (
    AUDIT_EVERY,
    LOGIN_LIMIT,
    PING_EVERY,
    SILENCE_LIMIT,
    Command,
    Failed,
    Listed,
    LoggedIn,
    Observed,
    Send,
    Session,
    Version,
)
from tests.recordings.reader import frames
from tests.sources.ami_server import channel, event

T = 1_700_000_000_000
NOTHING = Boot()
BANNER = b"Asterisk Call Manager/11.0.0\r\n"
CHALLENGED = b"Response: Success\r\nActionID: ringpost-1\r\nChallenge: 840415273\r\n\r\n"
ACCEPTED = b"Response: Success\r\nActionID: ringpost-2\r\nMessage: Authentication accepted\r\n\r\n"
SETTINGS = b"Response: Success\r\nActionID: ringpost-3\r\nAsteriskVersion: %s\r\n\r\n"
STARTED = b"Response: Success\r\nActionID: ringpost-%d\r\nCoreStartupDate: 2026-11-25\r\nCoreStartupTime: %s\r\n\r\n"
COMPLETE = event("CoreShowChannelsComplete", ActionID="ringpost-5")


def listed(number: int, *legs: str) -> bytes:
    lines = [event("CoreShowChannel", ActionID=f"ringpost-{number}", **channel(leg, leg, "1001", 4)) for leg in legs]
    return b"".join(lines) + event("CoreShowChannelsComplete", ActionID=f"ringpost-{number}")


def session(boot: Boot = NOTHING) -> Session:
    return Session("ringpost", "s3cret-0f-th3-pbx", T, boot)


def logged_in(boot: Boot = NOTHING, *, uptime: int | None = 100) -> Session:
    one = session(boot)
    one.received(BANNER + CHALLENGED + ACCEPTED, T)
    if uptime is not None:
        one.received(event("FullyBooted", Uptime=uptime), T)
    return one


def live(boot: Boot = NOTHING) -> Session:
    one = logged_in(boot)
    one.received(COMPLETE, T)
    assert one.live
    return one


def sent(commands: list[Command]) -> list[str]:
    return [command.data.decode().split("\r\n")[0] for command in commands if isinstance(command, Send)]


def failed(commands: list[Command]) -> Failed:
    (failure,) = commands
    assert isinstance(failure, Failed)
    assert failure.code in ERRORS
    return failure


def test_it_logs_in_without_sending_the_secret() -> None:
    one = session()
    (challenge,) = one.received(BANNER, T)
    (login,) = one.received(CHALLENGED, T)
    assert isinstance(challenge, Send)
    assert isinstance(login, Send)
    assert b"AuthType: MD5" in challenge.data
    assert b"s3cret-0f-th3-pbx" not in login.data
    assert b"Events: system,call,agent" in login.data
    assert "Key" not in repr(login)
    commands = one.received(ACCEPTED, T)
    assert commands[0] == LoggedIn()
    assert sent(commands) == ["Action: CoreSettings", "Action: CoreStatus", "Action: CoreShowChannels"]


def test_the_answer_to_the_challenge_is_the_md5_of_challenge_and_secret() -> None:
    one = session()
    one.received(BANNER, T)
    (login,) = one.received(CHALLENGED, T)
    assert isinstance(login, Send)
    assert b"Key: fc6ab7c1b33b539346c92baa57b60afc" in login.data


def test_what_is_observed_while_the_list_is_under_way_follows_the_list() -> None:
    one = logged_in()
    hangup = event("Hangup", **channel("1.1", "1.1", "1001", 4, Cause=16))
    assert one.received(hangup + event("Newchannel", **channel("1.2", "1.2", "1002", 4)), T) == []
    first, second, third = one.received(listed(5, "1.1"), T)
    assert isinstance(first, Listed)
    assert [alive.leg.id for alive in first.snapshot.legs] == ["1.1"]
    assert isinstance(second, Observed)
    assert isinstance(second.observation, HungUp)
    assert isinstance(third, Observed)
    assert isinstance(third.observation, LegAppeared)


def test_a_leg_that_hung_up_while_the_list_was_made_is_of_the_snapshot_and_its_end_follows() -> None:
    one = logged_in()
    leg = channel("1.1", "1.1", "1001", 6)
    ended = event("BridgeLeave", **leg, BridgeUniqueid="b", BridgeType="basic") + event("Hangup", **leg, Cause=16)
    began = channel("2.1", "2.1", "1003", 4)
    one.received(ended + event("Newchannel", **began) + event("Hangup", **began, Cause=16), T)
    first, *later = one.received(listed(5), T)
    assert isinstance(first, Listed)
    assert [(alive.leg.id, alive.bridge) for alive in first.snapshot.legs] == [("1.1", "b")]
    kinds = [type(command.observation).__name__ for command in later if isinstance(command, Observed)]
    assert kinds == ["LeavesBridge", "HungUp", "LegAppeared", "HungUp"]


def test_the_list_of_another_is_not_ours() -> None:
    one = logged_in()
    assert one.received(listed(99, "1.1"), T) == []
    assert not one.live


def test_lists_of_the_recording_are_read() -> None:
    one = logged_in()
    raw = b"".join(frame.data for frame in frames("80-reconnect-mid-call") if frame.direction == "<")
    start = raw.index(b"Event: CoreShowChannel\r\n")
    end = raw.index(b"\r\n\r\n", raw.index(b"Event: CoreShowChannelsComplete")) + 4
    (command,) = one.received(raw[start:end].replace(b"ActionID: 173-2", b"ActionID: ringpost-5"), T)
    assert isinstance(command, Listed)
    assert len(command.snapshot.legs) == 4
    assert len({alive.bridge for alive in command.snapshot.legs}) == 2


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("22.10.1+dfsg+~cs6.17.60671434-1", "22.10.1"),
        ("certified/18.9-cert1", "18.9"),
        ("14.0.0", "14.0.0"),
        ("GIT-master-1a2b3c", "GIT-master-1a2b3c"),
    ],
)
def test_the_version_is_told(version: str, told: str) -> None:
    assert logged_in().received(SETTINGS % version.encode(), T) == [Version(told)]


def test_an_asterisk_that_is_too_old_is_refused() -> None:
    assert failed(logged_in().received(SETTINGS % b"13.38.3", T)).code == "pbx_too_old"


def test_a_wrong_secret_is_told_as_that_and_without_it() -> None:
    one = session()
    one.received(BANNER + CHALLENGED, T)
    failure = failed(
        one.received(b"Response: Error\r\nActionID: ringpost-2\r\nMessage: Authentication failed\r\n\r\n", T)
    )
    assert failure.code == "pbx_login_refused"
    assert "s3cret-0f-th3-pbx" not in failure.message
    assert one.closed() == []
    assert one.wake_at() is None


def test_missing_rights_are_told_as_that() -> None:
    refused = b"Response: Error\r\nActionID: ringpost-5\r\nMessage: Permission denied\r\n\r\n"
    assert failed(logged_in().received(refused, T)).code == "pbx_permission_missing"


@pytest.mark.parametrize(
    ("before", "code"),
    [(b"", "pbx_unreachable"), (BANNER, "pbx_login_refused"), (BANNER + CHALLENGED + ACCEPTED, "pbx_unreachable")],
)
def test_a_connection_that_is_closed_is_told_by_how_far_it_came(before: bytes, code: str) -> None:
    one = session()
    one.received(before, T)
    assert failed(one.closed()).code == code


def test_another_service_on_the_port_is_told_as_that() -> None:
    assert failed(session().received(b"Response: HTTP/1.1 400 Bad Request\r\n\r\n", T)).code == "pbx_unreachable"


def test_a_login_that_takes_too_long_fails() -> None:
    one = session()
    assert one.wake_at() == T + LOGIN_LIMIT
    assert one.poll(T + LOGIN_LIMIT - 1) == []
    assert failed(one.poll(T + LOGIN_LIMIT)).code == "pbx_unreachable"


def test_a_long_list_over_a_slow_line_may_take_its_time_as_long_as_it_goes_on() -> None:
    one, now = logged_in(), T
    for number in range(1, 4):
        now += LOGIN_LIMIT - 1
        assert one.poll(now) == []
        one.received(event("CoreShowChannel", ActionID="ringpost-5", **channel(f"1.{number}", "1.1", "1001", 4)), now)
    (command,) = one.received(COMPLETE, now)
    assert isinstance(command, Listed)
    assert len(command.snapshot.legs) == 3


def test_it_pings_and_gives_a_silent_pbx_up() -> None:
    one = live()
    assert one.wake_at() == T + PING_EVERY
    assert sent(one.poll(T + PING_EVERY)) == ["Action: Ping"]
    one.received(b"Response: Success\r\nPing: Pong\r\n\r\n", T + PING_EVERY)
    assert sent(one.poll(T + PING_EVERY * 2)) == ["Action: Ping"]
    assert failed(one.poll(T + PING_EVERY + SILENCE_LIMIT)).code == "pbx_unreachable"


def test_it_audits_the_channels_now_and_then() -> None:
    one = live()
    one.received(b"\r\n", T + AUDIT_EVERY)
    commands = one.poll(T + AUDIT_EVERY)
    assert sent(commands) == ["Action: Ping", "Action: CoreStatus", "Action: CoreShowChannels"]
    (command,) = one.received(listed(8, "1.1"), T + AUDIT_EVERY)
    assert isinstance(command, Listed)
    assert command.snapshot.audit


def test_a_user_who_may_not_read_calls_is_found_out_by_the_audit() -> None:
    one = live()
    one.received(b"\r\n", T + AUDIT_EVERY)
    one.poll(T + AUDIT_EVERY)
    assert isinstance(one.received(listed(8, "5.5"), T + AUDIT_EVERY)[0], Listed)
    one.received(b"\r\n", T + AUDIT_EVERY * 2)
    one.poll(T + AUDIT_EVERY * 2)
    assert failed(one.received(listed(11, "5.5"), T + AUDIT_EVERY * 2)).code == "pbx_permission_missing"


@pytest.mark.parametrize(("uptime", "restarted"), [(1_060, False), (1_057, False), (30, True), (1_040, True)])
def test_a_restart_of_the_pbx_is_told_by_its_uptime(uptime: int, restarted: bool) -> None:
    one = logged_in(Boot(T - 60_000, 1_000), uptime=uptime)
    (command,) = one.received(COMPLETE, T)
    assert isinstance(command, Listed)
    assert command.snapshot.restarted is restarted
    assert one.boot == Boot(T, uptime)


def restarted(one: Session) -> bool:
    (command,) = one.received(COMPLETE, T)
    assert isinstance(command, Listed)
    return command.snapshot.restarted


@pytest.mark.parametrize(
    "uptime", [None, 1_060, 30], ids=["no right to read it", "runs on", "a clock that was set back"]
)
def test_the_same_moment_of_the_start_is_the_same_run_whatever_the_uptime_says(uptime: int | None) -> None:
    one = logged_in(Boot(T - 60_000, 1_000, "2026-11-25 09:00:01"), uptime=uptime)
    one.received(STARTED % (4, b"09:00:01"), T)
    assert not restarted(one)


@pytest.mark.parametrize("uptime", [None, 1_060], ids=["no right to read it", "a clock that was set forward"])
def test_another_moment_of_the_start_is_a_restart_whatever_the_uptime_says(uptime: int | None) -> None:
    one = logged_in(Boot(T - 60_000, 1_000, "2026-11-25 09:00:01"), uptime=uptime)
    one.received(STARTED % (4, b"08:59:59"), T)
    assert restarted(one)
    assert one.boot.started == "2026-11-25 08:59:59"


def test_a_start_that_nobody_knew_before_is_no_restart() -> None:
    one = logged_in(uptime=None)
    one.received(STARTED % (4, b"09:00:01"), T)
    assert not restarted(one)


def test_a_restart_is_not_forgotten_by_a_connection_that_is_lost_before_the_list() -> None:
    before = Boot(T - 60_000, 1_000, "2026-11-25 09:00:01")
    one = logged_in(before, uptime=3)
    one.received(STARTED % (4, b"10:00:00"), T)
    one.closed()
    assert one.boot == before


def test_a_start_that_is_told_otherwise_while_the_pbx_runs_is_no_restart_later() -> None:
    one = logged_in(uptime=None)
    one.received(STARTED % (4, b"00:00:00") + COMPLETE, T)
    assert sent(one.received(event("FullyBooted", Uptime=1), T)) == ["Action: CoreStatus"]
    one.received(STARTED % (6, b"09:00:01"), T)
    assert one.boot == Boot(T, 1, "2026-11-25 09:00:01")


def short(number: int, items: int, *legs: str) -> bytes:
    """A list that lacks some."""
    return listed(number, *legs).replace(b"Complete\r\n", b"Complete\r\nListItems: %d\r\n" % items)


def test_a_list_that_lacks_channels_is_asked_for_again_and_at_last_taken() -> None:
    one = logged_in()
    assert sent(one.received(short(5, 2, "1.1"), T)) == ["Action: CoreShowChannels"]
    assert sent(one.received(short(6, 2, "1.1"), T)) == ["Action: CoreShowChannels"]
    (command,) = one.received(short(7, 2, "1.1"), T)
    assert isinstance(command, Listed)
    one = logged_in()
    one.received(short(5, 2, "1.1"), T)
    (command,) = one.received(short(6, 2, "1.1", "1.2"), T)
    assert isinstance(command, Listed)
    assert len(command.snapshot.legs) == 2


def test_an_audit_that_lacks_channels_is_left_out_and_the_next_is_not() -> None:
    one = live()
    one.received(b"\r\n", T + AUDIT_EVERY)
    one.poll(T + AUDIT_EVERY)
    assert one.received(short(8, 2, "1.1"), T + AUDIT_EVERY) == []
    one.received(b"\r\n", T + 2 * AUDIT_EVERY)
    one.poll(T + 2 * AUDIT_EVERY)
    (command,) = one.received(short(11, 1, "1.1"), T + 2 * AUDIT_EVERY)
    assert isinstance(command, Listed)


def test_a_clock_that_is_set_back_delays_no_ping_and_hides_no_silence() -> None:
    one = live()
    set_back = T - 3_600_000
    assert sent(one.poll(set_back + PING_EVERY)) == []
    assert one.wake_at() == set_back + 2 * PING_EVERY
    assert sent(one.poll(set_back + 2 * PING_EVERY)) == ["Action: Ping"]
    assert failed(one.poll(set_back + PING_EVERY + SILENCE_LIMIT)).code == "pbx_unreachable"
    one = session()
    assert one.poll(set_back) == []
    assert failed(one.poll(set_back + LOGIN_LIMIT)).code == "pbx_unreachable"


def test_a_user_name_that_would_break_an_action_is_refused_before_connecting() -> None:
    with pytest.raises(RingpostError):
        Session("a\r\nAction: Originate", "s3cret-0f-th3-pbx", T)
