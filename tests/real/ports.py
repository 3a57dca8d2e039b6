"""Free ports of this machine, and when one is taken."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack
from pathlib import Path

# Below Linux's range for outgoing connections (32768 and up), so that none of those takes a port in between.
LOWEST, HIGHEST = 10_000, 32_000


def free_ports(count: int) -> list[int]:
    """Different ports on which neither UDP nor TCP is in use, on any address."""
    ports: list[int] = []
    with ExitStack() as held:
        for port in random.SystemRandom().sample(range(LOWEST, HIGHEST), HIGHEST - LOWEST):
            if len(ports) == count:
                return ports
            tcp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            udp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            try:
                tcp.bind(("", port))
                udp.bind(("", port))
            except OSError:
                continue
            ports.append(port)
    raise OSError(f"no {count} free ports between {LOWEST} and {HIGHEST}")


def is_bound_udp(address: str, port: int) -> bool:
    """Whether a program of this machine has bound the UDP port (`/proc/net/udp`: address in host byte order, hex)."""
    local = f"{socket.inet_aton(address)[::-1].hex().upper()}:{port:04X}"
    lines = Path("/proc/net/udp").read_text(encoding="ascii").splitlines()[1:]
    return any(line.split()[1] == local for line in lines)
