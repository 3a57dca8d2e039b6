"""A real Asterisk as a process, on loopback ports of its own: start, stop, kill, and a word on its console.

It knows no event loop, so that one may serve a whole test run. The PBX itself is described in asterisk/etc.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from pathlib import Path

from tests.real.ports import free_ports, is_bound_udp
from tests.real.processes import bound_to_us, kill_group

KIT = Path(__file__).with_name("asterisk")
BOOT_SECONDS = 20
STOP_SECONDS = 10


class PortTakenError(Exception):
    """Another program took one of the PBX's ports between the choice and the start."""


class Asterisk:
    """One Asterisk process. `folder` is new and short (a unix socket is in it); `cache` is what the set-up made."""

    host = "127.0.0.1"
    user, secret = "reader", "reader-secret"  # the least rights that a reader of call events needs
    driver, driver_secret = "driver", "driver-secret"  # every right: for a test that moves calls

    def __init__(self, cache: Path, folder: Path) -> None:
        self._cache, self._folder = cache, folder
        self.ami_port, self.sip_port = free_ports(2)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "the PBX was not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; on return it takes calls and logins. A second start is the same PBX again, on the same ports."""
        rtp = self.sip_port // 2 * 2  # even; Asterisk passes over the ports that are in use
        ports = {"AMI_PORT": self.ami_port, "SIP_PORT": self.sip_port, "RTP_START": rtp, "RTP_END": rtp + 400}
        environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "ASTERISK_CACHE": str(self._cache)}
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "output").open("ab") as output:
            self._process = subprocess.Popen(
                bound_to_us([str(KIT / "run-asterisk.sh"), str(self._folder)]),
                env=environment | {name: str(port) for name, port in ports.items()},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_booted(self._process)
            self._check_ports()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Shut it down as an operator does: it hangs up all calls and says goodbye on AMI."""
        if self._process is None:
            return
        with contextlib.suppress(subprocess.CalledProcessError):
            self.rx("core stop now")
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self._process = None

    def kill(self) -> None:
        """End it as a power cut does: no goodbye to anyone."""
        if self._process is not None:
            kill_group(self._process.pid)
            self._process.wait()
            self._process = None

    def rx(self, command: str) -> str:
        """What Asterisk's console answers to a command."""
        configuration = self._folder / "etc/asterisk.conf"
        done = subprocess.run(
            [self._cache / "bin/asterisk", "-C", configuration, "-rx", command],
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=STOP_SECONDS,
        )
        return done.stdout.decode("utf-8", "replace")

    def configure(self, file: str, old: str, new: str) -> None:
        """Edit one of its configuration files, as an operator does; it is read at the next start or reload."""
        path = self._folder / "etc" / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{file} has {text.count(old)} times: {old}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def channels(self) -> int:
        """How many legs are up now."""
        return int(self.rx("core show channels count").split(" active channel")[0].split()[-1])

    def _wait_until_booted(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + BOOT_SECONDS
        while time.monotonic() < end:
            if process.poll() is not None:
                break
            # refused until the control socket is there, then answered when the boot is complete
            with contextlib.suppress(subprocess.CalledProcessError):
                self.rx("core waitfullybooted")
                return
            time.sleep(0.02)
        raise RuntimeError(f"Asterisk did not start:\n{(self._folder / 'output').read_text(errors='replace')[-2000:]}")

    def _check_ports(self) -> None:
        """Asterisk boots even when a port of its own is taken: then nobody listens there, or somebody else."""
        with contextlib.suppress(OSError), socket.create_connection((self.host, self.ami_port), timeout=5) as ami:
            if ami.recv(64).startswith(b"Asterisk Call Manager") and is_bound_udp(self.host, self.sip_port):
                return
        raise PortTakenError(f"AMI {self.ami_port} or SIP {self.sip_port}")


def started_asterisk(cache: Path, folder: Path) -> Asterisk:
    """A running PBX; other ports are tried if one of the first choice was lost to another program."""
    for number in range(3):
        asterisk = Asterisk(cache, folder / str(number))
        try:
            asterisk.start()
        except PortTakenError:
            continue
        return asterisk
    raise PortTakenError("three times in a row")
