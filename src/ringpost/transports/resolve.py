"""Host names to addresses, so that one slow name server delays nobody else's attempts.

A lookup blocks a thread, and a hostile name can hold it for a long time: so each host has at most one lookup at a
time, shared by all who wait for it, in a daemon thread of its own (the pool that asyncio uses is small and would make
everybody wait, and the exit as well). Called from the event loop.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

# The addresses of a host, best first. Raises OSError where it has none.
Resolve = Callable[[str], Awaitable[Sequence[str]]]

# At once, each in a thread. More than attempts are under way: a lookup goes on when its attempt has given up.
_LOOKUPS: Final = 512


class Resolver:
    """Looks names up with the system's resolver (getaddrinfo: hosts file, DNS, order of RFC 6724)."""

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Future[Sequence[str]]] = {}

    async def __call__(self, host: str) -> Sequence[str]:
        lookup = self._under_way.get(host)
        if lookup is None:
            if len(self._under_way) >= _LOOKUPS:
                raise OSError("too many host names are being looked up")
            lookup = self._start(host)
        return await asyncio.shield(lookup)

    def _start(self, host: str) -> asyncio.Future[Sequence[str]]:
        loop = asyncio.get_running_loop()
        lookup = self._under_way[host] = loop.create_future()
        lookup.add_done_callback(_seen)

        def finish(addresses: Sequence[str], error: OSError | None) -> None:
            del self._under_way[host]
            if error is None:
                lookup.set_result(addresses)
            else:
                lookup.set_exception(error)

        def run() -> None:
            addresses: Sequence[str] = ()
            error = None
            try:
                addresses = _look_up(host)
            except OSError as failed:
                error = failed
            except UnicodeError as failed:
                error = OSError(str(failed))
            try:
                loop.call_soon_threadsafe(finish, addresses, error)
            except RuntimeError:
                return  # the loop was closed while the name server thought: nobody waits any more

        threading.Thread(target=run, name="ringpost-resolve", daemon=True).start()
        return lookup


def _look_up(host: str) -> Sequence[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _seen(lookup: asyncio.Future[Sequence[str]]) -> None:
    if not lookup.cancelled():
        lookup.exception()  # all who waited may have run out of time: nobody else asks for it then
