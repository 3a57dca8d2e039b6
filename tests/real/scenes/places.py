"""Where a caller talks to no phone: parking, conference, voicemail, announcement, menu."""

from __future__ import annotations

from tests.real.scenes.scene import scene
from tests.real.softcall import SipCall
from tests.real.stage import OUTSIDE, Stage


async def _parked(stage: Stage) -> tuple[SipCall, str]:
    """A caller whom Alice parked, and the number with which to take the call back."""
    call = stage.call_in()
    taken = await stage.talk(call, stage.alice, f"{OUTSIDE}>1001")
    await taken.refer("700")
    space = (await stage.driver.event("ParkedCall"))["ParkingSpace"]
    await stage.told(f"HOLD {OUTSIDE}>nobody")
    return call, space


@scene("52-park-and-retrieve")
async def parked_and_taken(stage: Stage) -> None:
    call, space = await _parked(stage)
    taken = stage.juergen.call(space)
    await taken.answered()
    await stage.told(f"TALKING {OUTSIDE}>1002")
    await call.hang_up()
    await taken.over()


@scene("53-park-comeback", seconds=6)
async def parked_and_come_back(stage: Stage) -> None:
    call, _ = await _parked(stage)
    again = await stage.alice.incoming()
    again.ring()
    await stage.told(f"RINGING {OUTSIDE}>1001")
    again.answer()
    await stage.told(f"TALKING {OUTSIDE}>1001")
    await call.hang_up()
    await again.over()


@scene("74-park-giveup")
async def parked_and_given_up(stage: Stage) -> None:
    call, _ = await _parked(stage)
    await call.hang_up()


@scene("54-confbridge-three")
async def three_in_a_conference(stage: Stage) -> None:
    calls = []
    for phone in (stage.alice, stage.juergen, stage.carla):
        call = phone.call("800")
        await call.answered()
        calls.append(call)
    await stage.told("TALKING 1001>nobody", "TALKING 1002>nobody", "TALKING 1003>nobody")
    for call in reversed(calls):
        await call.hang_up()


@scene("55-voicemail-after-no-answer", seconds=3)
async def voicemail_answers(stage: Stage) -> None:
    call = stage.juergen.call("891")
    arrived = await stage.ring(call, stage.carla)
    await arrived.over()
    await stage.told("TALKING 1002>nobody")
    await call.hang_up()


@scene("58-voicemail-direct")
async def voicemail_at_once(stage: Stage) -> None:
    call = stage.juergen.call("890")
    await stage.told("TALKING 1002>nobody")
    await call.hang_up()


@scene("56-announcement-pbx-hangs-up", seconds=1)
async def an_announcement(stage: Stage) -> None:
    call = stage.alice.call("870")
    await call.answered()
    await call.over()


@scene("57-ivr-caller-hangs-up")
async def a_menu(stage: Stage) -> None:
    call = stage.call_in("+15005550003")
    await call.answered()
    await stage.served_by("ivr")
    await call.hang_up()
