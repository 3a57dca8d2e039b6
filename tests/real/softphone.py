"""A SIP phone on the test's own event loop, for people who do several things at once: hold one call, begin another,
transfer, leave one of two calls. `phone.call(to)` and `await phone.incoming()` give a call (`softcall`).

It signals only; with `voice` it sends silence as well, for Asterisk does not take Local channels out without media.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import uuid

from tests.real.phones import PHONES, PhoneError
from tests.real.sip import ALLOW, SDP, Message, new_branch, new_tag
from tests.real.softcall import ANSWER_SECONDS, CALL_SECONDS, SipCall

Address = tuple[str, int]


class SoftPhone(asyncio.DatagramProtocol):
    """One phone, at a port of its own that the PBX learns by REGISTER. Close it."""

    def __init__(self, who: str, pbx: Address, *, voice: bool = False) -> None:
        self.who, self.pbx, self.voice = who, pbx, voice
        self.address, self.name = PHONES[who]
        self.said: list[str] = []  # both sides, for a test that fails
        self._calls: dict[str, SipCall] = {}
        self._incoming: asyncio.Queue[SipCall] = asyncio.Queue()
        self._registered: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._socket: asyncio.DatagramTransport | None = None
        self.media = Media()

    @classmethod
    async def register(cls, who: str, pbx: Address, *, voice: bool = False) -> SoftPhone:
        """A phone that the PBX knows: it can be called when this returns."""
        loop = asyncio.get_running_loop()
        phone = cls(who, pbx, voice=voice)
        await loop.create_datagram_endpoint(lambda: phone.media, local_addr=(phone.address, 0))
        await loop.create_datagram_endpoint(lambda: phone, local_addr=(phone.address, 0))
        account = "SIPTRUNK" if who == "TRUNK" else who
        address = f"<sip:{account}@{pbx[0]}>"
        phone.send(
            f"REGISTER sip:{pbx[0]} SIP/2.0",
            f"Via: {phone.via(new_branch())}",
            f"From: {address};tag={new_tag()}",
            f"To: {address}",
            f"Call-ID: {uuid.uuid4().hex}",
            "CSeq: 1 REGISTER",
            f"Contact: <sip:{account}@{phone.address}:{phone.port}>",
            "Expires: 3600",
        )
        async with asyncio.timeout(ANSWER_SECONDS):
            status = await phone._registered
        if status != 200:
            raise PhoneError(f"{who} could not register: {status}")
        return phone

    @property
    def port(self) -> int:
        assert self._socket is not None
        return int(self._socket.get_extra_info("sockname")[1])

    def call(self, to: str, *, number: str | None = None, name: str | None = None) -> SipCall:
        """Call a number. number, name: what is shown as the caller, by default the phone's own."""
        shown = f'"{self.name if name is None else name}" <sip:{number or self.who}@{self.address}>'
        target = f"sip:{to}@{self.pbx[0]}:{self.pbx[1]}"
        call = SipCall(self, uuid.uuid4().hex, f"{shown};tag={new_tag()}", f"<{target}>", target)
        self._calls[call.id] = call
        call.begin()
        return call

    async def incoming(self) -> SipCall:
        """The next call that comes, still without a sign of ours."""
        try:
            async with asyncio.timeout(CALL_SECONDS):
                return await self._incoming.get()
        except TimeoutError:
            raise PhoneError(f"{self.who} was not called") from None

    def close(self) -> None:
        """Off the network, without a word to anybody."""
        for call in self._calls.values():
            call.silence()
        for transport in (self._socket, self.media.socket):
            if transport is not None:
                transport.close()

    # --- the wire --------------------------------------------------------------------------------------------------
    def via(self, branch: str) -> str:
        return f"SIP/2.0/UDP {self.address}:{self.port};branch={branch};rport"

    def send(self, *lines: str, body: str = "") -> None:
        text = "\r\n".join([*lines, "Max-Forwards: 70", f"Content-Length: {len(body)}", "", body])
        self.said.append(f"> {text}")
        if self._socket is not None and not self._socket.is_closing():
            self._socket.sendto(text.encode(), self.pbx)

    def reply(self, request: Message, line: str, to: str, *, body: str = "") -> None:
        vias = [f"Via: {via}" for via in request.headers["via"]]
        same = [f"{name}: {request.header(name.lower())}" for name in ("From", "Call-ID", "CSeq")]
        contact = f"Contact: <sip:{self.who}@{self.address}:{self.port}>"
        more = [contact, ALLOW, "Supported: replaces", *([SDP] if body else [])]
        self.send(f"SIP/2.0 {line}", *vias, *same, f"To: {to}", *more, body=body)

    def sdp(self, version: int, direction: str) -> str:
        lines = [
            "v=0", f"o=- 1 {version} IN IP4 {self.address}", "s=-", f"c=IN IP4 {self.address}", "t=0 0",
            f"m=audio {self.media.port} RTP/AVP 0 101", "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000",
            f"a={direction}", "",
        ]  # fmt: skip
        return "\r\n".join(lines)

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._socket = transport

    def error_received(self, exc: Exception) -> None:
        """Nobody is at the PBX's port now: as on any network, nothing happens."""

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        message = Message.read(data)
        self.said.append(f"< {data.decode('utf-8', 'replace')}")
        call = self._calls.get(message.header("call-id"))
        if message.method == "REGISTER":
            if not self._registered.done():
                self._registered.set_result(message.status)
        elif call is not None:
            call.received(message)
        elif message.status == 0 and message.method == "INVITE":
            contact = re.search(r"<([^>]+)>", message.header("contact"))
            assert contact is not None, message
            local = f"{message.header('to')};tag={new_tag()}"
            call = SipCall(self, message.header("call-id"), local, message.header("from"), contact[1], invite=message)
            self._calls[call.id] = call
            self.reply(message, "100 Trying", message.header("to"))
            self._incoming.put_nowait(call)
        elif message.status == 0 and message.method != "ACK":
            self.reply(message, "481 Call/Transaction Does Not Exist", message.header("to"))


class Media(asyncio.DatagramProtocol):
    """Where voice arrives; nobody listens to it."""

    socket: asyncio.DatagramTransport | None = None

    @property
    def port(self) -> int:
        assert self.socket is not None
        return int(self.socket.get_extra_info("sockname")[1])

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self.socket = transport

    def error_received(self, exc: Exception) -> None:
        """The other side has closed its port before we stopped."""

    async def speak(self, to: Address) -> None:
        """Silence in G.711 (RFC 3550: 12 bytes of header, then 20 ms of it), until cancelled."""
        for number in itertools.count():
            head = bytes([0x80, 0]) + (number & 0xFFFF).to_bytes(2, "big") + (number * 160).to_bytes(4, "big")
            if self.socket is None or self.socket.is_closing():
                return
            self.socket.sendto(head + b"ring" + b"\xff" * 160, to)
            await asyncio.sleep(0.02)
