"""A PBX with four people at their phones, and what an integration is told of their calls.

`Alice` is 1001, `Jürgen` 1002, `Carla` 1003 and `outside` whoever is behind the trunk (asterisk/etc). People wait for
what is told before they go on, so that nothing depends on how fast the machine is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Self

from ringpost.clock import wall_clock
from tests.real.ami import Ami
from tests.real.asterisk_process import STOP_SECONDS, Asterisk
from tests.real.hearing import Hearing
from tests.real.softcall import SipCall
from tests.real.softphone import SoftPhone

OUTSIDE: Final = "+15005550123"  # who calls from outside
STUDIO: Final = "+390461234567"  # and another
DID: Final = "+15005550001"  # rings Alice


@dataclass
class Stage:
    """serial: the PBX's, as the events have it."""

    asterisk: Asterisk
    hearing: Hearing
    serial: str
    since: int = field(default_factory=wall_clock)
    alice: SoftPhone = field(init=False)
    juergen: SoftPhone = field(init=False)
    carla: SoftPhone = field(init=False)
    outside: SoftPhone = field(init=False)
    driver: Ami = field(init=False)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Self]:
        """The people are at their phones; what was told before is none of their business."""
        self.since = wall_clock()
        asterisk = self.asterisk
        self.driver = await Ami.login(asterisk.ami_port, asterisk.driver, asterisk.driver_secret)
        pbx = (asterisk.host, asterisk.sip_port)
        self.alice, self.juergen, self.carla, self.outside = [
            await SoftPhone.register(who, pbx) for who in ("1001", "1002", "1003", "TRUNK")
        ]
        try:
            yield self
        finally:
            for phone in (self.alice, self.juergen, self.carla, self.outside):
                phone.close()
            await self.driver.close()

    async def told(self, *wanted: str) -> None:
        """Until calls that began on this stage stand so, each another one: `RINGING 1001>1002`."""
        await self.hearing.told(*wanted, pbx=self.serial, since=self.since)

    async def served_by(self, service: str) -> None:
        """Until a call that began on this stage is told to be with a service, as `voicemail`."""

        def served() -> bool:
            calls = self.hearing.calls(self.serial, since=self.since).values()
            return any(events[-1].data.service == service for events in calls)

        await self.hearing.until(served)

    def call_in(self, to: str = DID, *, number: str = OUTSIDE, name: str = "") -> SipCall:
        return self.outside.call(to, number=number, name=name)

    async def ring(self, call: SipCall, phone: SoftPhone) -> SipCall:
        """The phone rings with the call; what the phone has of it."""
        arrived = await phone.incoming()
        arrived.ring()
        await call.ringing()
        return arrived

    async def talk(self, call: SipCall, phone: SoftPhone, told: str) -> SipCall:
        """The phone rings and is answered; told: who talks to whom then. What the phone has of the call."""
        arrived = await self.ring(call, phone)
        await self.told(f"RINGING {told}")
        arrived.answer()
        await call.answered()
        await self.told(f"TALKING {told}")
        return arrived

    async def leg_of(self, who: str) -> str:
        """The channel of a phone that talks."""
        return (await self.driver.event_where("BridgeEnter", Channel=f"PJSIP/{who}-"))["Channel"]


async def quiet(asterisk: Asterisk) -> None:
    """Until no leg is up."""
    async with asyncio.timeout(STOP_SECONDS):
        while await asyncio.to_thread(asterisk.channels):  # noqa: ASYNC110 - its console is all that is asked
            await asyncio.sleep(0.05)


async def clear(asterisk: Asterisk) -> None:
    """Whatever is up ends, by order of the operator."""
    await asyncio.to_thread(asterisk.rx, "channel request hangup all")
    await quiet(asterisk)
