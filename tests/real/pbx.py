"""Real calls on a real Asterisk, by real SIP phones, for one test at a time.

`await pbx.call_answered()` and its kin return when the call is over; `answer`, `call` and `phone` are the single hands.
Phones are 1001 Alice Rossi, 1002 Jürgen Größner, 1003 Carla D'Àngelo; TRUNK is the outside (asterisk/etc tells all).
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.real.asterisk_process import STOP_SECONDS, Asterisk
from tests.real.phones import PHONES, Phone, register
from tests.real.ports import free_ports


class Pbx:
    """The PBX with its phones. Every call is made of two phones; a phone is one SIPp process, one scenario."""

    def __init__(self, asterisk: Asterisk, sipp: Path, folder: Path) -> None:
        self.asterisk = asterisk
        self._sipp, self._folder = sipp, folder
        self._phones: list[Phone] = []
        self._ports = dict(zip(PHONES, free_ports(len(PHONES)), strict=True))
        self.register_phones()

    def register_phones(self) -> None:
        """Tell the PBX where its phones are: now, and when it comes back after a kill."""
        for who, port in self._ports.items():
            register(who, port, (self.asterisk.host, self.asterisk.sip_port))

    async def phone(
        self,
        scenario: str,
        who: str,
        to: str | None = None,
        *,
        ring_ms: int = 300,
        talk_ms: int = 500,
        calls: int = 1,
        number: str | None = None,
        name: str | None = None,
        **keys: str,
    ) -> Phone:
        """Have a phone play a scenario of asterisk/sipp; one that is called (`uas_*`) listens when this returns.

        number, name: what it shows as caller, by default its own. keys: the scenario's own words (`xfer`, `fwd`).
        """
        phone = Phone(scenario, who, pbx=(self.asterisk.host, self.asterisk.sip_port), port=self._ports[who])
        self._phones.append(phone)
        await phone.start(
            self._sipp,
            self._folder,
            to,
            calls=calls,
            ring_ms=ring_ms,
            talk_ms=talk_ms,
            keys={
                "caller": who if number is None else number,
                "cname": PHONES[who][1] if name is None else name,
                **keys,
            },
        )
        return phone

    async def answer(self, who: str, *, ring_ms: int = 300, talk_ms: int | None = None, calls: int = 1) -> Phone:
        """A phone that rings for ring_ms and answers; it hangs up after talk_ms, or (None) waits for the other side."""
        if talk_ms is None:
            return await self.phone("uas_answer", who, ring_ms=ring_ms, calls=calls)
        return await self.phone("uas_bye", who, ring_ms=ring_ms, talk_ms=talk_ms, calls=calls)

    async def call(
        self,
        who: str,
        to: str,
        *,
        talk_ms: int | None = None,
        calls: int = 1,
        number: str | None = None,
        name: str | None = None,
    ) -> Phone:
        """A phone that calls and is answered; it hangs up after talk_ms, or (None) waits."""
        if talk_ms is None:
            return await self.phone("uac_wait", who, to, calls=calls, number=number, name=name)
        return await self.phone("uac_bye", who, to, talk_ms=talk_ms, calls=calls, number=number, name=name)

    async def call_answered(
        self,
        caller: str = "1001",
        callee: str = "1002",
        *,
        to: str | None = None,
        ring_ms: int = 300,
        talk_ms: int = 500,
        caller_hangs_up: bool = True,
        calls: int = 1,
        number: str | None = None,
        name: str | None = None,
    ) -> None:
        """One call (or several at ten a second) from ring to hang-up, by the caller or else by the callee.

        to: what is dialled, when that is not the callee's own number. number, name: what the caller shows.
        """
        answering = await self.answer(
            callee, ring_ms=ring_ms, talk_ms=None if caller_hangs_up else talk_ms, calls=calls
        )
        calling = await self.call(
            caller, to or callee, talk_ms=talk_ms if caller_hangs_up else None, calls=calls, number=number, name=name
        )
        await self._both(calling, answering)

    async def call_cancelled(self, caller: str = "1001", callee: str = "1002", *, ring_ms: int = 500) -> None:
        """The callee rings; the caller gives up after ring_ms."""
        ringing = await self.phone("uas_noanswer", callee)
        await self._both(await self.phone("uac_cancel", caller, callee, ring_ms=ring_ms), ringing)

    async def call_busy(self, caller: str = "1001", callee: str = "1002") -> None:
        """The callee says busy (486) at once."""
        busy = await self.phone("uas_busy", callee)
        await self._both(await self.phone("uac_fail", caller, callee), busy)

    async def call_rejected(self, caller: str = "1001", callee: str = "1002", *, ring_ms: int = 300) -> None:
        """The callee rings and declines (603) after ring_ms."""
        rejecting = await self.phone("uas_reject", callee, ring_ms=ring_ms)
        await self._both(await self.phone("uac_fail", caller, callee), rejecting)

    async def call_not_answered(self, caller: str = "1001", callee: str = "1003") -> None:
        """The callee rings until the PBX gives up: after 4 s for 1003, 20 s for the others."""
        ringing = await self.phone("uas_noanswer", callee)
        await self._both(await self.phone("uac_fail", caller, callee), ringing)

    async def quiet(self) -> None:
        """Until no leg is up."""
        while await asyncio.to_thread(self.asterisk.channels):  # noqa: ASYNC110  # its console is all that is asked
            await asyncio.sleep(0.05)

    async def hang_up_all(self) -> None:
        """Whatever is up ends, by order of the operator."""
        await asyncio.to_thread(self.asterisk.rx, "channel request hangup all")
        async with asyncio.timeout(STOP_SECONDS):
            await self.quiet()

    async def close(self) -> None:
        """No phone is left, and no call."""
        for phone in self._phones:
            await phone.stop()
        if self.asterisk.running:
            await self.hang_up_all()

    @staticmethod
    async def _both(calling: Phone, called: Phone) -> None:
        await calling.finished()
        await called.finished()
