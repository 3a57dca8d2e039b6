"""Connections through the operator's HTTP proxy.

Used by `http.HttpClient` alone, in place of `connection.dial`; deadlines are the caller's. The proxy's own address is
the operator's choice and is not checked; the address behind it was checked by the client before.
"""

from __future__ import annotations

import asyncio
import socket

from ringpost.settings import Proxy

from .connection import HttpFailure, dial, is_shortage, words
from .proxy import HEAD_LIMIT, ProxyRefusal, connect_request, is_open
from .resolve import Resolve


class Tunnel:
    def __init__(self, proxy: Proxy, resolve: Resolve) -> None:
        self._proxy = proxy
        self._resolve = resolve

    async def dial(self, address: str, port: int) -> socket.socket:
        """A socket that leads to this address. Raises `HttpFailure`."""
        try:
            connected = await self._reach()
        except OSError as error:
            raise HttpFailure("busy" if is_shortage(error) else "connect", f"The proxy: {words(error)}.") from None
        try:
            await self._ask(connected, address, port)
        except OSError as error:
            connected.close()
            raise HttpFailure("connect", f"The proxy: {words(error)}.") from None
        except BaseException:
            connected.close()
            raise
        return connected

    async def _reach(self) -> socket.socket:
        """A socket connected to the proxy: to the first of its addresses that answers."""
        last = OSError(None, "its host has no address")
        for address in await self._addresses():
            try:
                return await dial(address, self._proxy.port)
            except OSError as error:
                last = error
        raise last

    async def _addresses(self) -> tuple[str, ...]:
        if self._proxy.is_address:
            return (self._proxy.host,)
        return tuple(await self._resolve(self._proxy.host))

    async def _ask(self, connected: socket.socket, address: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(connected, connect_request(self._proxy, address, port))
        received = b""
        try:
            while not is_open(received):
                more = await loop.sock_recv(connected, HEAD_LIMIT + 1 - len(received))
                if not more:
                    raise HttpFailure("connect", "The proxy closed the connection.")
                received += more
        except ProxyRefusal as refusal:
            raise HttpFailure("connect", str(refusal)) from None
