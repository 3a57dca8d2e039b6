"""The PBX of the tests is a real one: it boots, says on AMI what phones do, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.real.ami import Ami
from tests.real.asterisk_process import Asterisk
from tests.real.pbx import Pbx
from tests.real.phones import PhoneError
from tests.real.processes import group_is_gone

pytestmark = pytest.mark.real


@pytest.fixture
async def ami(asterisk: Asterisk) -> AsyncIterator[Ami]:
    ami = await Ami.login(asterisk.ami_port, asterisk.user, asterisk.secret)
    yield ami
    await ami.close()


async def test_the_reader_may_look_and_may_not_touch(ami: Ami) -> None:
    assert (await ami.action("CoreShowChannels"))["Response"] == "Success"
    await ami.event("CoreShowChannelsComplete")
    for action in ("Originate", "Hangup", "Redirect", "Command", "GetConfig"):
        assert (await ami.action(action))["Message"] == "Permission denied"


async def test_a_wrong_secret_is_refused(asterisk: Asterisk) -> None:
    with pytest.raises(PermissionError):
        await Ami.login(asterisk.ami_port, asterisk.user, "wrong")


@pytest.mark.parametrize("caller_hangs_up", [True, False])
async def test_an_answered_call_is_told_from_the_first_leg_to_the_last_hang_up(
    pbx: Pbx, ami: Ami, caller_hangs_up: bool
) -> None:
    await pbx.call_answered(caller_hangs_up=caller_hangs_up, talk_ms=200)
    first = await ami.event("Newchannel", Exten="1002")
    assert first["CallerIDName"] == "Alice Rossi"
    assert first["Uniqueid"] == first["Linkedid"]
    linkedid = first["Linkedid"]
    await ami.event("DialEnd", Linkedid=linkedid, DialStatus="ANSWER")
    legs = [event["Uniqueid"] for event in ami.events if event["Event"] == "Newchannel"]
    assert len(legs) == 2
    for leg in legs:
        await ami.event("Hangup", Uniqueid=leg, Linkedid=linkedid)
    asked = [event["Channel"] for event in ami.events if event["Event"] == "HangupRequest"]
    assert [channel.split("-")[0] for channel in asked] == ["PJSIP/1001" if caller_hangs_up else "PJSIP/1002"]


async def test_a_cancelled_call_ends_with_cause_127_at_the_callee(pbx: Pbx, ami: Ami) -> None:
    await pbx.call_cancelled(ring_ms=200)
    callee = await ami.event("Newchannel", Exten="s")
    assert (await ami.event("Hangup", Uniqueid=callee["Uniqueid"]))["Cause"] == "127"


async def test_a_busy_phone_ends_the_call_with_cause_17(pbx: Pbx, ami: Ami) -> None:
    await pbx.call_busy()
    assert (await ami.event("DialEnd"))["DialStatus"] == "BUSY"
    caller = await ami.event("Newchannel", Exten="1002")
    assert (await ami.event("Hangup", Uniqueid=caller["Uniqueid"]))["Cause"] == "17"


async def test_a_rejected_call_ends_with_cause_21(pbx: Pbx, ami: Ami) -> None:
    await pbx.call_rejected()
    callee = await ami.event("Newchannel", Exten="s")
    assert (await ami.event("Hangup", Uniqueid=callee["Uniqueid"]))["Cause"] == "21"


@pytest.mark.slow
async def test_a_call_that_nobody_answers_ends_with_cause_19(pbx: Pbx, ami: Ami) -> None:
    await pbx.call_not_answered()
    caller = await ami.event("Newchannel", Exten="1003")
    assert (await ami.event("Hangup", Uniqueid=caller["Uniqueid"]))["Cause"] == "19"


async def test_a_call_from_outside_carries_the_number_and_name_that_the_trunk_shows(pbx: Pbx, ami: Ami) -> None:
    await pbx.call_answered(
        "TRUNK", "1001", to="+15005550001", talk_ms=200, number="+390461234567", name="Studio Società Perù"
    )
    first = await ami.event("Newchannel", Exten="+15005550001")
    assert (first["CallerIDNum"], first["CallerIDName"]) == ("+390461234567", "Studio Società Perù")


async def test_several_calls_run_at_once(pbx: Pbx, ami: Ami) -> None:
    await pbx.call_answered(calls=5, talk_ms=1000, ring_ms=100)
    callers = [event for event in ami.events if event["Event"] == "Newchannel" and event["Exten"] == "1002"]
    assert len(callers) == 5
    for caller in callers:
        await ami.event("Hangup", Uniqueid=caller["Uniqueid"])
    order = [event["Event"] for event in ami.events if event["Event"] in {"Newchannel", "Hangup"}]
    assert order.index("Hangup") >= 4, "the first call was over before the second began"


async def test_a_phone_that_is_not_called_as_written_fails_the_test(pbx: Pbx) -> None:
    await pbx.phone("uas_busy", "1002")
    calling = await pbx.call("1001", "1002", talk_ms=200)
    with pytest.raises(PhoneError, match="1001 could not play uac_bye"):
        await calling.finished()


async def test_a_call_left_up_is_gone_when_its_test_is_over(asterisk: Asterisk, pbx: Pbx, ami: Ami) -> None:
    answering = await pbx.answer("1002", ring_ms=50)
    calling = await pbx.call("1001", "1002", talk_ms=60_000)
    await ami.event("DialEnd", DialStatus="ANSWER")
    await pbx.close()
    assert asterisk.channels() == 0
    assert group_is_gone(answering.pid)
    assert group_is_gone(calling.pid)


async def test_a_pbx_that_is_shut_down_says_so_and_leaves_no_process(own_pbx: Pbx) -> None:
    asterisk = own_pbx.asterisk
    pid = asterisk.pid
    ami = await Ami.login(asterisk.ami_port, asterisk.user, asterisk.secret)
    asterisk.stop()
    await ami.event("Shutdown")
    await ami.ended()
    await ami.close()
    assert group_is_gone(pid)


async def test_a_pbx_that_was_killed_comes_back_on_the_same_ports_without_calls(own_pbx: Pbx) -> None:
    asterisk = own_pbx.asterisk
    pid = asterisk.pid
    ami = await Ami.login(asterisk.ami_port, asterisk.user, asterisk.secret)
    phones = [await own_pbx.answer("1002", ring_ms=50), await own_pbx.call("1001", "1002")]
    await ami.event("DialEnd", DialStatus="ANSWER")
    asterisk.kill()
    await ami.ended()
    await ami.close()
    assert group_is_gone(pid)
    asterisk.start()
    assert asterisk.channels() == 0
    own_pbx.register_phones()
    for phone in phones:
        await phone.stop()
    await own_pbx.call_busy()
    again = await Ami.login(asterisk.ami_port, asterisk.user, asterisk.secret)
    await again.event("FullyBooted")
    await again.close()
