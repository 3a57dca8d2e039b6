"""Two phones of the house: answered, refused, given up, held, forwarded, picked up, over Local hops."""

from __future__ import annotations

from tests.real.scenes.scene import scene
from tests.real.softphone import SoftPhone
from tests.real.stage import OUTSIDE, Stage


@scene("01-internal-caller-hangup")
async def caller_hangs_up(stage: Stage) -> None:
    call = stage.alice.call("1002")
    arrived = await stage.talk(call, stage.juergen, "1001>1002")
    await call.hang_up()
    await arrived.over()


@scene("02-internal-callee-hangup")
async def callee_hangs_up(stage: Stage) -> None:
    call = stage.alice.call("1002")
    arrived = await stage.talk(call, stage.juergen, "1001>1002")
    await arrived.hang_up()
    await call.over()


@scene("03-cancel-by-caller")
async def caller_gives_up(stage: Stage) -> None:
    call = stage.alice.call("1002")
    arrived = await stage.ring(call, stage.juergen)
    await stage.told("RINGING 1001>1002")
    await call.cancel()
    await arrived.over()


@scene("04-no-answer", seconds=4)
async def nobody_answers(stage: Stage) -> None:
    call = stage.alice.call("1003")
    await stage.ring(call, stage.carla)
    await call.over()


@scene("05-busy-486")
async def busy(stage: Stage) -> None:
    call = stage.alice.call("1002")
    arrived = await stage.juergen.incoming()
    arrived.refuse("486 Busy Here")
    await call.over()


@scene("06-reject-603")
async def declined(stage: Stage) -> None:
    call = stage.alice.call("1002")
    arrived = await stage.ring(call, stage.juergen)
    await stage.told("RINGING 1001>1002")
    arrived.refuse("603 Decline")
    await call.over()


@scene("07-unknown-extension")
async def no_such_extension(stage: Stage) -> None:
    await stage.alice.call("2999").over()


@scene("09-wrong-number-announcement", seconds=1)
async def announced_to_be_wrong(stage: Stage) -> None:
    await stage.alice.call("1999").over()


@scene("30-hold-by-caller")
async def held_and_taken_back(stage: Stage) -> None:
    call = stage.alice.call("1002")
    await stage.talk(call, stage.juergen, "1001>1002")
    await call.hold()
    await stage.told("HOLD 1001>1002")
    await call.hold(False)
    await stage.told("TALKING 1001>1002")
    await call.hang_up()


@scene("31-hold-hangup")
async def held_and_hung_up(stage: Stage) -> None:
    call = stage.alice.call("1002")
    await stage.talk(call, stage.juergen, "1001>1002")
    await call.hold()
    await stage.told("HOLD 1001>1002")
    await call.hang_up()


@scene("50-group-pickup")
async def picked_up_for_the_group(stage: Stage) -> None:
    await _picked_up_with(stage, "*8")


@scene("51-directed-pickup")
async def picked_up_by_number(stage: Stage) -> None:
    await _picked_up_with(stage, "**1002")


async def _picked_up_with(stage: Stage, code: str) -> None:
    call = stage.alice.call("1002")
    arrived = await stage.ring(call, stage.juergen)
    await stage.told("RINGING 1001>1002")
    taken = stage.carla.call(code)
    await taken.answered()
    await arrived.over()
    await stage.told("TALKING 1001>1003")
    await call.hang_up()
    await taken.over()


@scene("63-forward-302")
async def forwarded_by_the_phone(stage: Stage) -> None:
    call = stage.alice.call("1002")
    (await stage.juergen.incoming()).forward("1003")
    arrived = await stage.talk(call, stage.carla, "1001>1003")
    await call.hang_up()
    await arrived.over()


@scene("64-local-hop-kept")
async def over_a_local_hop_that_stays(stage: Stage) -> None:
    await _over_a_hop(stage, "850")


@scene("67-local-hop-no-media")
async def over_a_local_hop_that_could_go(stage: Stage) -> None:
    await _over_a_hop(stage, "851")


@scene("65-local-hop-optimised")
async def over_a_local_hop_that_goes(stage: Stage) -> None:
    speaking = [await SoftPhone.register(who, stage.alice.pbx, voice=True) for who in ("1001", "1002")]
    for silent in (stage.alice, stage.juergen):
        silent.close()
    stage.alice, stage.juergen = speaking
    call = stage.alice.call("851")
    arrived = await stage.talk(call, stage.juergen, "1001>1002")
    await stage.driver.event("LocalOptimizationEnd")
    await arrived.hang_up()
    await call.over()


async def _over_a_hop(stage: Stage, to: str) -> None:
    call = stage.alice.call(to)
    arrived = await stage.talk(call, stage.juergen, "1001>1002")
    await arrived.hang_up()
    await call.over()


@scene("70-two-calls-at-once")
async def two_calls_at_once(stage: Stage) -> None:
    out = stage.juergen.call(OUTSIDE)
    far = await stage.talk(out, stage.outside, f"1002>{OUTSIDE}")
    call = stage.carla.call("1001")
    arrived = await stage.talk(call, stage.alice, "1003>1001")
    await far.hang_up()
    await out.over()
    await call.hang_up()
    await arrived.over()


@scene("71-ami-hangup")
async def ended_by_a_supervisor(stage: Stage) -> None:
    call = stage.alice.call("1002")
    await stage.talk(call, stage.juergen, "1001>1002")
    await stage.driver.action("Hangup", Channel=await stage.leg_of("1001"))
    await call.over()


@scene("72-call-waiting-second-call")
async def a_second_call_waits(stage: Stage) -> None:
    first = stage.call_in()
    await stage.talk(first, stage.alice, f"{OUTSIDE}>1001")
    second = stage.juergen.call("1001")
    await stage.talk(second, stage.alice, "1002>1001")
    await second.hang_up()
    await stage.told("ENDED 1002>1001")
    await first.hang_up()
