"""A SIP phone: one SIPp process that plays one scenario of asterisk/sipp, on an address and port of its own.

Called on one event loop. A phone that did not do what its scenario says fails the test, with SIPp's own words.
"""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import Mapping
from pathlib import Path

from tests.real.ports import free_ports, is_bound_udp
from tests.real.processes import bound_to_us, kill_group

# Who there is: address (the PBX tells the trunk from the phones by its address) and name, as in asterisk/etc.
PHONES = {
    "1001": ("127.0.0.1", "Alice Rossi"),
    "1002": ("127.0.0.1", "Jürgen Größner"),
    "1003": ("127.0.0.1", "Carla D'Àngelo"),
    "TRUNK": ("127.0.0.2", ""),
}
SCENARIOS = Path(__file__).with_name("asterisk") / "sipp"
LISTEN_SECONDS = 10
REGISTER_SECONDS = 10


class PhoneError(AssertionError):
    """The phone did not see the call that its scenario describes."""


def register(who: str, port: int, pbx: tuple[str, int]) -> None:
    """Tell the PBX, by SIP (RFC 3261, section 10.2), on which port this phone or the trunk is from now on."""
    address = PHONES[who][0]
    account = "SIPTRUNK" if who == "TRUNK" else who
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((address, 0))
        sender.connect(pbx)
        sender.settimeout(REGISTER_SECONDS)
        request = (
            f"REGISTER sip:{pbx[0]} SIP/2.0",
            f"Via: SIP/2.0/UDP {address}:{sender.getsockname()[1]};rport;branch=z9hG4bK{uuid.uuid4().hex}",
            f"From: <sip:{account}@{address}>;tag={uuid.uuid4().hex}",
            f"To: <sip:{account}@{pbx[0]}>",
            f"Call-ID: {uuid.uuid4().hex}",
            "CSeq: 1 REGISTER",
            f"Contact: <sip:{account}@{address}:{port}>",
            "Expires: 3600",
            "Max-Forwards: 70",
            "Content-Length: 0",
        )
        sender.send("\r\n".join([*request, "", ""]).encode())
        reply = sender.recv(4096).decode()
    if not reply.startswith("SIP/2.0 200 "):
        raise PhoneError(f"{who} could not register:\n{reply}")


class Phone:
    def __init__(self, scenario: str, who: str, *, pbx: tuple[str, int], port: int) -> None:
        self.scenario, self.who = scenario, who
        self._pbx, self._port = pbx, port
        self._process: asyncio.subprocess.Process | None = None
        self._log = Path()

    @property
    def pid(self) -> int:
        assert self._process is not None, "the phone was not started"
        return self._process.pid

    async def start(
        self,
        sipp: Path,
        folder: Path,
        to: str | None,
        *,
        calls: int,
        ring_ms: int,
        talk_ms: int,
        keys: Mapping[str, str],
    ) -> None:
        address = PHONES[self.who][0]
        media, control = free_ports(2)
        self._log = folder / f"{self.who}-{self.scenario}-{self._port}-{media}"
        self._log.parent.mkdir(parents=True, exist_ok=True)
        command = [str(sipp), f"{self._pbx[0]}:{self._pbx[1]}", "-sf", str(SCENARIOS / f"{self.scenario}.xml")]
        command += ["-i", address, "-p", str(self._port), "-mi", address, "-mp", str(media)]
        command += ["-ci", "127.0.0.1", "-cp", str(control), "-nostdin", "-m", str(calls)]
        command += ["-set", "ring", str(ring_ms), "-set", "talk", str(talk_ms)]
        command += [
            "-trace_err",
            "-error_file",
            f"{self._log}.errors",
            "-trace_msg",
            "-message_file",
            f"{self._log}.sip",
        ]
        if to is not None:
            command += ["-s", to]
        for key, value in keys.items():
            command += ["-key", key, value]
        with Path(f"{self._log}.output").open("wb") as output:  # noqa: ASYNC230
            self._process = await asyncio.create_subprocess_exec(
                *bound_to_us(command),
                cwd=folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        await self._listening(address)

    async def finished(self, within_seconds: float = 60) -> None:
        """Return when the scenario was played to its end as written; raise otherwise."""
        assert self._process is not None, "the phone was not started"
        try:
            status = await asyncio.wait_for(self._process.wait(), within_seconds)
        except TimeoutError:
            await self.stop()
            raise PhoneError(
                f"{self.who} still plays {self.scenario} after {within_seconds} s\n{self._words()}"
            ) from None
        if status != 0:
            raise PhoneError(f"{self.who} could not play {self.scenario} (SIPp ended with {status})\n{self._words()}")

    async def stop(self) -> None:
        """Take the phone off the network, in the middle of a call if need be."""
        if self._process is not None and self._process.returncode is None:
            kill_group(self._process.pid)
            await self._process.wait()

    async def _listening(self, address: str) -> None:
        """SIPp binds its port before it plays; what arrives from then on waits for it in the socket."""
        assert self._process is not None
        async with asyncio.timeout(LISTEN_SECONDS):
            while self._process.returncode is None and not is_bound_udp(address, self._port):  # noqa: ASYNC110  # its port is all that it shows
                await asyncio.sleep(0.005)

    def _words(self) -> str:
        found = (Path(f"{self._log}.{kind}") for kind in ("errors", "sip", "output"))
        return "\n".join(f"{path}:\n{path.read_text(errors='replace')[-1500:]}" for path in found if path.is_file())
