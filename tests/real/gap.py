"""Calls around a gap in which Ringpost hears nothing of the PBX: some go on, some end, some begin, some change hands.

    gap = Gap(stage)        # people at their phones
    await gap.before()      # calls are up and told
    …                       # the connection is cut, or the service is killed
    await gap.meanwhile()   # people do not notice, and go on
    …                       # it is mended
    await gap.after()       # what is told of it then, and how the rest ends
    gap.check()             # each call as it was told, whole
"""  # fmt: skip

from __future__ import annotations

from typing import Final

from ringpost.calls.events import CallEvent
from tests.calls.test_recordings import parties
from tests.real.asterisk_process import Asterisk
from tests.real.stage import OUTSIDE, STUDIO, Stage, quiet

BANK, SHOP, SCHOOL = "+15005550130", "+15005550131", "+15005550132"  # others who call from outside
SUPPORT = "+15005550002"  # the queue of Alice and Jürgen

# Of each call, by how it stood last: cause, by, flags of its end.
GONE: Final = ("31", None, ("reconciled",))
TOLD: Final[dict[str, tuple[str, str | None, tuple[str, ...]]]] = {
    "TALKING 1001>1002": ("16", "CALLER", ()),  # went on
    f"TALKING 1003>{OUTSIDE}": GONE,  # was hung up
    "RINGING 1002>1003": GONE,  # was given up
    f"TALKING {OUTSIDE}>1001": ("16", "CALLER", ()),  # was answered
    "HOLD 1003>1002": ("16", "CALLER", ()),  # stayed on hold
    f"TALKING {STUDIO}>1003": ("16", "CALLEE", ()),  # was transferred
    f"TALKING {BANK}>1002": ("16", "CALLER", ()),  # stayed parked, and was taken
    f"HOLD {SCHOOL}>nobody": GONE,  # was parked, and given up
    f"TALKING {SHOP}>1002": ("16", "CALLEE", ()),  # waited in a queue, and was answered
    "TALKING 1002>1001": ("16", "CALLEE", ("resumed",)),  # began
    f"RINGING {STUDIO}>1001": ("16", "CALLER", ("resumed",)),  # began to ring
}


class Gap:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def before(self) -> None:
        stage = self._stage
        self.waits = stage.call_in(SUPPORT, number=SHOP)  # first, as the queue calls nobody who talks
        self.agents = [await phone.incoming() for phone in (stage.juergen, stage.alice)]
        self.agents[0].ring()
        self.goes_on = stage.alice.call("1002")
        await stage.talk(self.goes_on, stage.juergen, "1001>1002")
        self.ends = stage.carla.call(OUTSIDE)
        await stage.talk(self.ends, stage.outside, f"1003>{OUTSIDE}")
        self.held = stage.carla.call("1002")
        await stage.talk(self.held, stage.juergen, "1003>1002")
        await self.held.hold()
        self.passed_on = stage.call_in(number=STUDIO)
        self.passes_on = await stage.talk(self.passed_on, stage.alice, f"{STUDIO}>1001")
        self.parked = stage.call_in(number=BANK)
        parks = await stage.talk(self.parked, stage.alice, f"{BANK}>1001")
        await parks.refer("700")
        self.space = (await stage.driver.event("ParkedCall"))["ParkingSpace"]
        await stage.told(f"HOLD {BANK}>nobody")
        self.gives_up = stage.call_in(number=SCHOOL)
        parks_too = await stage.talk(self.gives_up, stage.alice, f"{SCHOOL}>1001")
        await parks_too.refer("700")
        self.given_up = stage.juergen.call("1003")
        await stage.ring(self.given_up, stage.carla)
        self.rings = stage.call_in()
        self.answers = await stage.ring(self.rings, stage.alice)
        await stage.told(
            "TALKING 1001>1002", f"TALKING 1003>{OUTSIDE}", "HOLD 1003>1002", f"TALKING {STUDIO}>1001",
            "RINGING 1002>1003", f"RINGING {OUTSIDE}>1001", f"HOLD {BANK}>nobody", f"HOLD {SCHOOL}>nobody",
            f"RINGING {SHOP}>1002",
        )  # fmt: skip
        await parks_too.over()  # who parks a call hears first under which number

    async def meanwhile(self) -> None:
        stage = self._stage
        await self.ends.hang_up()
        await self.given_up.cancel()
        await self.gives_up.hang_up()
        self.answers.answer()
        await self.rings.answered()
        self.agents[0].answer()
        await self.agents[1].over()
        await self.passes_on.refer("1003")
        self.last = await stage.carla.incoming()
        self.last.answer()
        self.begins = stage.juergen.call("1001")
        self.begun = await stage.ring(self.begins, stage.alice)
        self.begun.answer()
        await self.begins.answered()
        unseen = stage.carla.call("1002")  # begins and ends in the gap
        (await stage.juergen.incoming()).refuse("486 Busy Here")
        await unseen.over()
        self.begins_to_ring = stage.call_in(number=STUDIO)
        await stage.ring(self.begins_to_ring, stage.alice)

    async def after(self) -> None:
        stage = self._stage
        await stage.told(
            "TALKING 1001>1002", f"ENDED 1003>{OUTSIDE}", "HOLD 1003>1002", f"TALKING {STUDIO}>1003",
            "ENDED 1002>1003", f"TALKING {OUTSIDE}>1001", f"HOLD {BANK}>nobody", f"ENDED {SCHOOL}>nobody",
            f"TALKING {SHOP}>1002", "TALKING 1002>1001", f"RINGING {STUDIO}>1001",
        )  # fmt: skip
        await stage.juergen.call(self.space).answered()
        await stage.told(f"TALKING {BANK}>1002")
        for call in (self.goes_on, self.held, self.last, self.rings, self.begun, self.parked, self.agents[0]):
            await call.hang_up()
        await self.begins_to_ring.cancel()
        await stage.hearing.all_ended(len(TOLD), pbx=stage.serial, since=stage.since)
        await quiet(stage.asterisk)

    def check(self) -> None:
        """No call was told twice, none is open, and each says why it ended."""
        stage = self._stage
        calls = stage.hearing.calls(stage.serial, since=stage.since).values()
        ends = {f"{events[-1].data.status} {parties(events[-1])}": _end(events) for events in calls}
        assert ends == TOLD, str(stage.hearing)
        assert len(calls) == len(TOLD), str(stage.hearing)


def park_for_long(asterisk: Asterisk) -> None:
    """Parked calls do not come back while the gap lasts."""
    asterisk.configure("res_parking.conf", "parkingtime => 6", "parkingtime => 120")
    asterisk.rx("module reload res_parking.so")


def _end(events: list[CallEvent]) -> tuple[str | None, str | None, tuple[str, ...]]:
    last = events[-1].data
    return last.endCause, last.endBy, last.flags
