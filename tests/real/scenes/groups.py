"""Ring groups and queues: several phones ring for one caller. The first to ring is the one who is told as callee."""

from __future__ import annotations

from tests.real.scenes.scene import scene
from tests.real.softcall import SipCall
from tests.real.softphone import SoftPhone
from tests.real.stage import OUTSIDE, STUDIO, Stage

SUPPORT = "+15005550002"  # the queue of Alice and Jürgen
SUPPORT_LOCAL = "+15005550005"  # the same, as FreePBX sets it up


async def both_ring(stage: Stage, caller: str, first: SoftPhone, second: SoftPhone) -> tuple[SipCall, SipCall]:
    arrived = await first.incoming()
    arrived.ring()
    await stage.told(f"RINGING {caller}>{first.who}")
    other = await second.incoming()
    other.ring()
    return arrived, other


@scene("20-ring-group")
async def one_of_the_group_answers(stage: Stage) -> None:
    call = stage.carla.call("600")
    not_taken, taken = await both_ring(stage, "1003", stage.alice, stage.juergen)
    taken.answer()
    await not_taken.over()
    await stage.told("TALKING 1003>1002")
    await call.hang_up()
    await taken.over()


@scene("21-ring-group-one-rejects")
async def one_of_the_group_declines(stage: Stage) -> None:
    call = stage.carla.call("600")
    declined, taken = await both_ring(stage, "1003", stage.alice, stage.juergen)
    declined.refuse("603 Decline")
    await stage.told("RINGING 1003>1002")
    taken.answer()
    await stage.told("TALKING 1003>1002")
    await call.hang_up()


@scene("82-group-all-reject")
async def all_of_the_group_refuse(stage: Stage) -> None:
    call = stage.carla.call("600")
    arrived = await stage.ring(call, stage.alice)
    (await stage.juergen.incoming()).refuse("486 Busy Here")
    await stage.told("RINGING 1003>1001")
    arrived.refuse("603 Decline")
    await call.over()


@scene("22-queue-ringall")
async def an_agent_answers(stage: Stage) -> None:
    call = stage.call_in(SUPPORT)
    taken, not_taken = await both_ring(stage, OUTSIDE, stage.juergen, stage.alice)
    taken.answer()
    await not_taken.over()
    await stage.told(f"TALKING {OUTSIDE}>1002")
    await taken.hang_up()
    await call.over()


@scene("23-queue-abandon")
async def a_waiting_caller_gives_up(stage: Stage) -> None:
    call = stage.call_in(SUPPORT)
    ringing = await both_ring(stage, OUTSIDE, stage.alice, stage.juergen)
    await call.hang_up()
    for arrived in ringing:
        await arrived.over()


@scene("24-queue-timeout", seconds=4)
async def the_queue_gives_up(stage: Stage) -> None:
    call = stage.carla.call("502")
    await both_ring(stage, "1003", stage.juergen, stage.alice)
    await call.over()


@scene("25-queue-local-members")
async def an_agent_behind_a_local_channel_answers(stage: Stage) -> None:
    call = stage.call_in(SUPPORT_LOCAL, number=STUDIO)
    taken, not_taken = await both_ring(stage, STUDIO, stage.juergen, stage.alice)
    taken.answer()
    await not_taken.over()
    await stage.told(f"TALKING {STUDIO}>1002")
    await call.hang_up()
    await taken.over()


@scene("26-queue-member-rejects")
async def one_agent_declines(stage: Stage) -> None:
    call = stage.call_in(SUPPORT)
    declined = await stage.alice.incoming()
    taken = await stage.juergen.incoming()
    taken.ring()
    await stage.told(f"RINGING {OUTSIDE}>1002")
    declined.refuse("603 Decline")
    taken.answer()
    await stage.told(f"TALKING {OUTSIDE}>1002")
    await call.hang_up()


@scene("27-queue-rejects-then-timeout", seconds=4)
async def one_agent_declines_and_the_queue_gives_up(stage: Stage) -> None:
    call = stage.carla.call("502")
    ringing = await stage.juergen.incoming()
    ringing.ring()
    await stage.told("RINGING 1003>1002")
    (await stage.alice.incoming()).refuse("603 Decline")
    await call.over()


@scene("78-agent-blind-transfers")
async def an_agent_passes_the_caller_on(stage: Stage) -> None:
    call = stage.call_in(SUPPORT)
    not_taken, taken = await both_ring(stage, OUTSIDE, stage.juergen, stage.alice)
    taken.answer()
    await not_taken.over()
    await stage.told(f"TALKING {OUTSIDE}>1001")
    await taken.refer("1003")
    last = await stage.carla.incoming()
    last.ring()
    await stage.told(f"RINGING {OUTSIDE}>1003")
    last.answer()
    await stage.told(f"TALKING {OUTSIDE}>1003")
    await call.hang_up()


@scene("84-queue-attended-transfer")
async def an_agent_asks_and_passes_the_caller_on(stage: Stage) -> None:
    stage.call_in(SUPPORT)
    taken = await stage.alice.incoming()
    taken.ring()
    await stage.told(f"RINGING {OUTSIDE}>1001")
    taken.answer()
    await stage.told(f"TALKING {OUTSIDE}>1001")
    await taken.hold()
    await stage.told(f"HOLD {OUTSIDE}>1001")
    asked = stage.alice.call("1003")
    last = await stage.talk(asked, stage.carla, "1001>1003")
    await taken.refer("1003", replaces=asked)
    await stage.told(f"TALKING {OUTSIDE}>1003")
    await last.hang_up()
