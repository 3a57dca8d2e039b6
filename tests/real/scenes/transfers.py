"""Transfers: blind, attended, while it still rings (blonde), given up, and into a queue."""

from __future__ import annotations

from tests.real.scenes.scene import scene
from tests.real.softcall import SipCall
from tests.real.stage import OUTSIDE, Stage


async def _in_talk_with_alice(stage: Stage) -> tuple[SipCall, SipCall]:
    call = stage.call_in()
    return call, await stage.talk(call, stage.alice, f"{OUTSIDE}>1001")


@scene("40-blind-transfer-by-callee-refer")
async def blind_by_the_callee(stage: Stage) -> None:
    call, taken = await _in_talk_with_alice(stage)
    await taken.refer("1002")
    await _answered_by_juergen(stage)
    await call.hang_up()


@scene("41-blind-transfer-by-caller-refer")
async def blind_by_the_caller(stage: Stage) -> None:
    call = stage.alice.call(OUTSIDE)
    await stage.talk(call, stage.outside, f"1001>{OUTSIDE}")
    await call.refer("1002")
    last = await _answered_by_juergen(stage)
    await last.hang_up()


@scene("42-blind-transfer-ami")
async def blind_by_a_program(stage: Stage) -> None:
    await _in_talk_with_alice(stage)
    leg = await stage.leg_of("1001")
    await stage.driver.action("BlindTransfer", Channel=leg, Exten="1002", Context="from-internal")
    last = await _answered_by_juergen(stage)
    await last.hang_up()


async def _answered_by_juergen(stage: Stage) -> SipCall:
    last = await stage.juergen.incoming()
    last.ring()
    await stage.told(f"RINGING {OUTSIDE}>1002")
    last.answer()
    await stage.told(f"TALKING {OUTSIDE}>1002")
    return last


@scene("43-blind-transfer-unanswered", seconds=4)
async def blind_to_nobody(stage: Stage) -> None:
    call, taken = await _in_talk_with_alice(stage)
    await taken.refer("1003")
    (await stage.carla.incoming()).ring()
    await call.over()


@scene("77-transfer-to-queue")
async def blind_into_a_queue(stage: Stage) -> None:
    call, taken = await _in_talk_with_alice(stage)
    await taken.refer("500")
    await _answered_by_juergen(stage)
    await call.hang_up()


async def _asks_juergen(stage: Stage, taken: SipCall) -> tuple[SipCall, SipCall]:
    """Alice holds her caller and talks to Jürgen: her call to him, and what he has of it."""
    await taken.hold()
    await stage.told(f"HOLD {OUTSIDE}>1001")
    asked = stage.alice.call("1002")
    return asked, await stage.talk(asked, stage.juergen, "1001>1002")


@scene("44-attended-transfer-refer-replaces")
async def attended(stage: Stage) -> None:
    _, taken = await _in_talk_with_alice(stage)
    asked, last = await _asks_juergen(stage, taken)
    await taken.refer("1002", replaces=asked)
    await asked.over()
    await stage.told(f"TALKING {OUTSIDE}>1002")
    await last.hang_up()


@scene("45-blonde-transfer-replaces")
async def while_it_rings(stage: Stage) -> None:
    _, taken = await _in_talk_with_alice(stage)
    await taken.hold()
    await stage.told(f"HOLD {OUTSIDE}>1001")
    asked = stage.alice.call("1002")
    last = await stage.ring(asked, stage.juergen)
    await stage.told("RINGING 1001>1002")
    await taken.refer("1002", replaces=asked)
    await stage.told(f"RINGING {OUTSIDE}>1002")
    last.answer()
    await stage.told(f"TALKING {OUTSIDE}>1002")
    await last.hang_up()


@scene("46-attended-transfer-ami-atxfer")
async def attended_by_the_pbx(stage: Stage) -> None:
    _, taken = await _in_talk_with_alice(stage)
    last = await _atxfer(stage)
    last.answer()
    await stage.driver.event_where("BridgeEnter", Channel="PJSIP/1002-")
    await taken.hang_up()
    await stage.told(f"TALKING {OUTSIDE}>1002")
    await last.hang_up()


@scene("76-atxfer-ami-unfinished")
async def attended_by_the_pbx_and_never_answered(stage: Stage) -> None:
    call, taken = await _in_talk_with_alice(stage)
    await _atxfer(stage)
    await taken.hang_up()
    await stage.told(f"RINGING {OUTSIDE}>1002")
    await call.hang_up()


async def _atxfer(stage: Stage) -> SipCall:
    """Alice presses the keys of an attended transfer to Jürgen, whose phone rings."""
    leg = await stage.leg_of("1001")
    await stage.driver.action("Atxfer", Channel=leg, Exten="1002", Context="from-internal")
    last = await stage.juergen.incoming()
    last.ring()
    await stage.told(f"HOLD {OUTSIDE}>1001")
    return last


@scene("47-attended-transfer-abandoned")
async def asked_and_not_transferred(stage: Stage) -> None:
    call, taken = await _in_talk_with_alice(stage)
    asked, _ = await _asks_juergen(stage, taken)
    await asked.hang_up()
    await stage.told("ENDED 1001>1002")
    await taken.hold(False)
    await stage.told(f"TALKING {OUTSIDE}>1001")
    await call.hang_up()


@scene("48-attended-transfer-internal")
async def attended_in_the_house(stage: Stage) -> None:
    call = stage.alice.call("1002")
    arrived = await stage.talk(call, stage.juergen, "1001>1002")
    await call.hold()
    await stage.told("HOLD 1001>1002")
    asked = stage.alice.call("1003")
    await stage.talk(asked, stage.carla, "1001>1003")
    await call.refer("1003", replaces=asked)
    await stage.told("TALKING 1002>1003")
    await arrived.hang_up()


@scene("49-two-party-swap-transfer-outbound-outbound")
async def attended_by_the_second_call(stage: Stage) -> None:
    call = stage.alice.call(OUTSIDE)
    far = await stage.talk(call, stage.outside, f"1001>{OUTSIDE}")
    await call.hold()
    await stage.told(f"HOLD 1001>{OUTSIDE}")
    asked = stage.alice.call("1002")
    await stage.talk(asked, stage.juergen, "1001>1002")
    await asked.refer(OUTSIDE, replaces=call)
    await stage.told(f"TALKING {OUTSIDE}>1002")
    await far.hang_up()
