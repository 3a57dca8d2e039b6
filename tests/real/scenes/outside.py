"""Over the trunk, in and out, and calls that a program begins (click-to-call)."""

from __future__ import annotations

from tests.real.scenes.scene import scene
from tests.real.stage import OUTSIDE, STUDIO, Stage


@scene("10-trunk-out-callee-hangup")
async def out_and_the_far_end_hangs_up(stage: Stage) -> None:
    call = stage.alice.call(OUTSIDE)
    far = await stage.talk(call, stage.outside, f"1001>{OUTSIDE}")
    await far.hang_up()
    await call.over()


@scene("11-trunk-out-early-media")
async def out_with_sound_before_the_answer(stage: Stage) -> None:
    call = stage.alice.call(OUTSIDE)
    far = await stage.outside.incoming()
    far.early()
    await stage.told(f"RINGING 1001>{OUTSIDE}")
    far.answer()
    await stage.told(f"TALKING 1001>{OUTSIDE}")
    await call.hang_up()
    await far.over()


@scene("12-trunk-out-404")
async def out_to_an_unknown_number(stage: Stage) -> None:
    await _refused_outside(stage, "+15005550404", "404 Not Found")


@scene("13-trunk-out-503")
async def out_over_a_full_trunk(stage: Stage) -> None:
    await _refused_outside(stage, "+15005550503", "503 Service Unavailable")


async def _refused_outside(stage: Stage, to: str, line: str) -> None:
    call = stage.alice.call(to)
    (await stage.outside.incoming()).refuse(line)
    await call.over()


@scene("14-trunk-in-did")
async def in_and_the_caller_hangs_up(stage: Stage) -> None:
    call = stage.call_in()
    arrived = await stage.talk(call, stage.alice, f"{OUTSIDE}>1001")
    await call.hang_up()
    await arrived.over()


@scene("15-trunk-in-callee-hangup-name")
async def in_with_a_name(stage: Stage) -> None:
    call = stage.call_in(number=STUDIO, name="Studio Società Perù")
    arrived = await stage.talk(call, stage.alice, f"{STUDIO}>1001")
    await arrived.hang_up()
    await call.over()


@scene("16-trunk-in-cancel")
async def in_and_given_up(stage: Stage) -> None:
    call = stage.call_in()
    arrived = await stage.ring(call, stage.alice)
    await stage.told(f"RINGING {OUTSIDE}>1001")
    await call.cancel()
    await arrived.over()


@scene("17-trunk-in-anonymous")
async def in_without_a_number(stage: Stage) -> None:
    call = stage.call_in(number="anonymous", name="Anonymous")
    arrived = await stage.talk(call, stage.alice, "anonymous>1001")
    await call.hang_up()
    await arrived.over()


# --- begun by a program -----------------------------------------------------------------------------------------------
async def _originate(stage: Stage, channel: str, to: str, *, timeout_ms: int = 15_000) -> None:
    fields = {"Context": "from-internal", "Exten": to, "Priority": "1", "Async": "true", "Timeout": str(timeout_ms)}
    reply = await stage.driver.action("Originate", Channel=channel, CallerID=f'"Click to call" <{to}>', **fields)
    assert reply["Response"] == "Success", reply


@scene("60-originate-click-to-call")
async def click_to_call(stage: Stage) -> None:
    await _originate(stage, "PJSIP/1001", OUTSIDE)
    first = await stage.alice.incoming()
    first.ring()
    await stage.told("CONNECTING 1001>nobody")
    first.answer()
    far = await stage.outside.incoming()
    far.ring()
    await stage.told(f"RINGING 1001>{OUTSIDE}")
    far.answer()
    await stage.told(f"TALKING 1001>{OUTSIDE}")
    await far.hang_up()
    await first.over()


@scene("61-originate-not-answered", seconds=3)
async def click_to_call_that_is_not_answered(stage: Stage) -> None:
    await _originate(stage, "PJSIP/1001", OUTSIDE, timeout_ms=3_000)
    first = await stage.alice.incoming()
    first.ring()
    await first.over()


@scene("62-originate-local")
async def click_to_call_over_a_local_hop(stage: Stage) -> None:
    await _originate(stage, "Local/1001@hop", "1002")
    first = await stage.alice.incoming()
    first.ring()
    await stage.told("CONNECTING 1001>nobody")
    first.answer()
    second = await stage.juergen.incoming()
    second.ring()
    await stage.told("RINGING 1001>1002")
    second.answer()
    await stage.told("TALKING 1001>1002")
    await second.hang_up()
    await first.over()


@scene("81-originate-decline")
async def click_to_call_that_is_declined(stage: Stage) -> None:
    await _originate(stage, "PJSIP/1001", "1002")
    first = await stage.alice.incoming()
    first.ring()
    await stage.told("CONNECTING 1001>nobody")
    first.refuse("603 Decline")
