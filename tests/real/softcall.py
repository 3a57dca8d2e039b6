"""One call of a SIP phone: what its person does, and what the phone answers by itself.

What is asked of a call waits for the PBX's answer to it. Transfers are REFER (RFC 3515), attended ones with Replaces
(RFC 3891). Made by `softphone` alone.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

from tests.real.phones import PhoneError
from tests.real.sip import ALLOW, SDP, Message, new_branch, tag_of

if TYPE_CHECKING:
    from tests.real.softphone import SoftPhone

ANSWER_SECONDS: Final = 10  # for what the PBX answers at once
CALL_SECONDS: Final = 30  # for what another person or a timer of the dialplan decides


class SipCall:
    """A dialog (RFC 3261, section 12). name: its Call-ID; local, remote: From and To, with their tags."""

    def __init__(
        self, phone: SoftPhone, name: str, local: str, remote: str, target: str, *, invite: Message | None = None
    ) -> None:
        self.phone, self.id, self.local, self.remote, self.target = phone, name, local, remote, target
        self.status = 0  # of the last final reply to our INVITE
        self._invite = invite  # theirs; None where the call is ours
        self._branch = new_branch()
        self._number = 0
        self._version = 1
        self._is_ringing, self._is_up, self._is_over = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._asked: dict[int, asyncio.Future[int]] = {}
        self._speaking: asyncio.Task[None] | None = None

    # --- what the person does --------------------------------------------------------------------------------------
    def begin(self) -> None:
        self._request("INVITE", branch=self._branch, body=self.phone.sdp(1, "sendrecv"))

    def ring(self) -> None:
        self._answer("180 Ringing")

    def early(self) -> None:
        """Sound before the answer (early media)."""
        self._answer("183 Session Progress", body=self.phone.sdp(1, "sendrecv"))

    def answer(self) -> None:
        assert self._invite is not None
        self._answer("200 OK", body=self.phone.sdp(1, "sendrecv"))
        self._is_up.set()
        self._speak(self._invite.body)

    def refuse(self, line: str) -> None:
        """line: status and phrase, as `486 Busy Here`."""
        self._answer(line)
        self._end()

    def forward(self, to: str) -> None:
        """Send the caller elsewhere before answering."""
        assert self._invite is not None
        contact = f"Contact: <sip:{to}@{self.phone.pbx[0]}:{self.phone.pbx[1]}>"
        vias = [f"Via: {via}" for via in self._invite.headers["via"]]
        same = [f"{name}: {self._invite.header(name.lower())}" for name in ("From", "Call-ID", "CSeq")]
        self.phone.send("SIP/2.0 302 Moved Temporarily", *vias, *same, f"To: {self.local}", contact)
        self._end()

    async def hang_up(self) -> None:
        self._end()
        await self._ask("BYE")

    async def cancel(self) -> None:
        """Give up before an answer."""
        self.phone.send(
            f"CANCEL {self._first_target} SIP/2.0",
            f"Via: {self.phone.via(self._branch)}",
            f"From: {self.local}",
            f"To: <{self._first_target}>",
            f"Call-ID: {self.id}",
            "CSeq: 1 CANCEL",
        )
        await self.over()

    async def hold(self, on: bool = True) -> None:
        self._version += 1
        status = await self._ask("INVITE", body=self.phone.sdp(self._version, "sendonly" if on else "sendrecv"))
        assert status == 200, self.words(f"hold was answered with {status}")

    async def refer(self, to: str, *, replaces: SipCall | None = None) -> None:
        """Transfer the other side to a number; replaces: to whom our other call is."""
        target = f"sip:{to}@{self.phone.pbx[0]}:{self.phone.pbx[1]}"
        if replaces is not None:
            dialog = f"{replaces.id};to-tag={tag_of(replaces.remote)};from-tag={tag_of(replaces.local)}"
            escaped = dialog.replace("@", "%40").replace(";", "%3B").replace("=", "%3D")
            target += f"?Replaces={escaped}"
        by = f"Referred-By: <sip:{self.phone.who}@{self.phone.address}>"
        status = await self._ask("REFER", f"Refer-To: <{target}>", by)
        assert status == 202, self.words(f"REFER was answered with {status}")

    # --- what the person waits for ---------------------------------------------------------------------------------
    async def ringing(self) -> None:
        await self._until(self._is_ringing, "ring")

    async def answered(self) -> None:
        await self._until(self._is_up, "be answered")

    async def over(self) -> None:
        await self._until(self._is_over, "end")

    def words(self, fault: str) -> str:
        heard = "\n\n".join(self.phone.said[-12:])
        return f"{self.phone.who}: {fault}\n{heard}"

    def silence(self) -> None:
        if self._speaking is not None:
            self._speaking.cancel()

    # --- the wire --------------------------------------------------------------------------------------------------
    @property
    def _first_target(self) -> str:
        return self.remote.partition(";tag=")[0].strip("<>")

    async def _until(self, event: asyncio.Event, what: str) -> None:
        waiting = {asyncio.create_task(event.wait()), asyncio.create_task(self._is_over.wait())}
        try:
            await asyncio.wait(waiting, timeout=CALL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        if not event.is_set():
            raise PhoneError(self.words(f"the call did not {what} (status {self.status or 'none'})"))

    async def _ask(self, method: str, *more: str, body: str = "") -> int:
        """The status with which the PBX answers a request within the call."""
        number = self._request(method, *more, body=body)
        reply: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._asked[number] = reply
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await reply
        except TimeoutError:
            raise PhoneError(self.words(f"{method} was not answered")) from None

    def _request(self, method: str, *more: str, branch: str | None = None, body: str = "") -> int:
        self._number += 1
        self.phone.send(
            f"{method} {self.target} SIP/2.0",
            f"Via: {self.phone.via(branch or new_branch())}",
            f"From: {self.local}",
            f"To: {self.remote}",
            f"Call-ID: {self.id}",
            f"CSeq: {self._number} {method}",
            f"Contact: <sip:{self.phone.who}@{self.phone.address}:{self.phone.port}>",
            ALLOW,
            "Supported: replaces",
            *more,
            *([SDP] if body else []),
            body=body,
        )
        return self._number

    def _acknowledge(self, reply: Message, branch: str) -> None:
        self.phone.send(
            f"ACK {self.target} SIP/2.0",
            f"Via: {self.phone.via(branch)}",
            f"From: {self.local}",
            f"To: {reply.header('to')}",
            f"Call-ID: {self.id}",
            f"CSeq: {reply.header('cseq').split()[0]} ACK",
        )

    def _answer(self, line: str, *, body: str = "") -> None:
        assert self._invite is not None, "only a call that came in is answered"
        self.phone.reply(self._invite, line, self.local, body=body)

    def received(self, message: Message) -> None:
        if message.status:
            self._replied(message)
        else:
            self._requested(message)

    def _replied(self, message: Message) -> None:
        number = int(message.header("cseq").split()[0])
        if message.method == "INVITE" and number == 1 and self._invite is None:
            self._answered_by_pbx(message)
        elif message.status >= 200:
            if message.method == "INVITE":
                self._acknowledge(message, new_branch())
            reply = self._asked.pop(number, None)
            if reply is not None and not reply.done():
                reply.set_result(message.status)

    def _answered_by_pbx(self, message: Message) -> None:
        """The reply to the INVITE with which the call began."""
        if "tag=" in message.header("to") and message.status < 300:
            self.remote = message.header("to")
        if message.status in {180, 183}:
            self._is_ringing.set()
        if message.status < 200:
            return
        self.status = message.status
        if message.status < 300:
            contact = re.search(r"<([^>]+)>", message.header("contact"))
            assert contact is not None, message
            self.target = contact[1]
            self._acknowledge(message, new_branch())
            if not self._is_up.is_set():
                self._is_up.set()
                self._speak(message.body)
        else:
            self._acknowledge(message, self._branch)
            self._end()

    def _requested(self, message: Message) -> None:
        match message.method:
            case "ACK":
                return
            case "CANCEL":
                self.phone.reply(message, "200 OK", self.local)
                self._answer("487 Request Terminated")
                self._end()
            case "INVITE" if self._is_up.is_set():
                direction = "recvonly" if "a=sendonly" in message.body else "sendrecv"
                self._version += 1
                self.phone.reply(message, "200 OK", self.local, body=self.phone.sdp(self._version, direction))
            case "INVITE":
                self.phone.reply(message, "100 Trying", message.header("to"))  # it was sent again
            case "BYE":
                self.phone.reply(message, "200 OK", self.local)
                self._end()
            case "NOTIFY":
                self.phone.reply(message, "200 OK", self.local)
                done = "terminated" in message.header("subscription-state") and message.body.startswith("SIP/2.0 2")
                if done and not self._is_over.is_set():  # the transferor leaves of its own accord
                    self._end()
                    self._request("BYE")
            case _:
                self.phone.reply(message, "200 OK", self.local)

    def _end(self) -> None:
        self.silence()
        self._is_over.set()

    def _speak(self, sdp: str) -> None:
        port, host = re.search(r"m=audio (\d+)", sdp), re.search(r"c=IN IP4 (\S+)", sdp)
        if self.phone.voice and port is not None and host is not None:
            self._speaking = asyncio.create_task(self.phone.media.speak((host[1], int(port[1]))))
