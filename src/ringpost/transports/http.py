"""A small HTTP/1.1 client for deliveries: it connects to the address that was checked, and is bounded in everything.

It keeps to one deadline for connecting, TLS, sending and the whole reply; bounds headers, body and idle connections;
follows no redirect, reads no proxy from the environment, keeps no cookie, asks for no compression. `post` returns a
`Reply` or raises `HttpFailure`, whose text holds no secret. Called from the event loop, by the transports alone.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Hashable, Sequence
from typing import Final

from ringpost.errors import RingpostError
from ringpost.settings import parse_proxy

from .connection import Connection, HttpFailure, is_shortage
from .egress import Networks, Target, check_address
from .reply import Reply
from .resolve import Resolve, Resolver
from .tunnel import Tunnel

IDLE_SECONDS: Final = 15.0  # shorter than what nginx (75 s), AWS's load balancers (60 s) and most others keep
AGE_SECONDS: Final = 300.0  # then a connection is made anew, so that a change in DNS is followed
_ADDRESSES: Final = 4  # of a host that are tried in one attempt

PoolKey = tuple[Hashable, str, str, int]


class HttpClient:
    """One client per transport.

    reply_limit: bytes of a body that are read; idle_per_pool, idle_in_all: connections kept for the next request;
    proxy: the setting; resolve: for tests; ssl_context: for tests and private certificate authorities.
    """

    def __init__(
        self,
        *,
        allowed: Networks,
        reply_limit: int,
        idle_per_pool: int,
        idle_in_all: int,
        proxy: str = "",
        resolve: Resolve | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed = allowed
        self._reply_limit = reply_limit
        self._idle_per_pool = idle_per_pool
        self._idle_in_all = idle_in_all
        self._resolve = resolve or Resolver()
        through = parse_proxy(proxy)
        self._reach = Tunnel(through, self._resolve).dial if through else None
        self._ssl_context = ssl_context
        self._idle: dict[Connection, PoolKey] = {}  # the one that is idle for longest first
        self._pools: dict[PoolKey, list[Connection]] = {}
        self._busy: set[Connection] = set()
        self._connecting: set[asyncio.Task[Connection]] = set()
        self._sweep: asyncio.TimerHandle | None = None
        self._closed = False

    async def post(
        self, target: Target, request: bytes, *, pool: Hashable, deadline: float, any_address: bool = False
    ) -> Reply:
        """Send a whole request (head and body) and read the reply, by `deadline` (of the loop's clock).

        pool: requests of one pool and target share connections; any_address: the operator allowed this host by name.
        """
        key = (pool, target.scheme, target.host, target.port)
        connection = self._take(key)
        try:
            async with asyncio.timeout_at(deadline):
                if connection is not None:
                    try:
                        return await self._exchange(connection, request, key)
                    except HttpFailure as failure:
                        if not failure.unanswered or self._closed:
                            raise
                        # The receiver closed the kept connection just then (RFC 9112, 9.3.1): not its failure. Should
                        # it have read the request all the same, the second has the same webhook-id.
                        connection = None
                connection = await self._connect(target, deadline, any_address)
                return await self._exchange(connection, request, key)
        except TimeoutError:
            status = connection.status if connection is not None else None
            detail = "There was no connection in time." if connection is None else connection.progress
            raise HttpFailure("timeout", detail, status=status) from None

    async def close(self) -> None:
        """Close all connections; requests under way fail."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        for task in list(self._connecting):
            task.cancel()
        for connection in [*self._busy, *self._idle]:
            connection.fail(_stopping())
        self._pools.clear()
        self._idle.clear()
        await asyncio.sleep(0)  # transports tell their protocols in the next turn of the loop

    async def _exchange(self, connection: Connection, request: bytes, key: PoolKey) -> Reply:
        self._busy.add(connection)
        try:
            reply = await connection.exchange(request, self._reply_limit)
        except BaseException:
            connection.abort()
            raise
        finally:
            self._busy.discard(connection)
        self._keep(connection, key)
        return reply

    # --- connections that are kept ---------------------------------------------------------------------------------
    def _take(self, key: PoolKey) -> Connection | None:
        """A kept connection, the one used last: the others may grow old and go."""
        if self._closed:
            raise _stopping()
        kept = self._pools.get(key)
        while kept:
            connection = kept.pop()
            if not kept:
                del self._pools[key]
            del self._idle[connection]
            if connection.is_quiet:
                return connection
            connection.abort()
        return None

    def _keep(self, connection: Connection, key: PoolKey) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._closed or not connection.usable or now - connection.born > AGE_SECONDS:
            connection.abort()
            return
        kept = self._pools.get(key)
        if kept is not None and len(kept) >= self._idle_per_pool:
            self._drop(kept[0])
        elif len(self._idle) >= self._idle_in_all:
            self._drop(next(iter(self._idle)))
        connection.idle_since = now
        self._pools.setdefault(key, []).append(connection)
        self._idle[connection] = key
        if self._sweep is None:
            self._sweep = loop.call_later(IDLE_SECONDS, self._drop_idle)

    def _drop(self, connection: Connection) -> None:
        key = self._idle.pop(connection)
        kept = self._pools[key]
        kept.remove(connection)
        if not kept:
            del self._pools[key]
        connection.abort()

    def _drop_idle(self) -> None:
        loop = asyncio.get_running_loop()
        self._sweep = None
        for connection in list(self._idle):
            left = connection.idle_since + IDLE_SECONDS - loop.time()
            if left > 0 and connection.usable:
                self._sweep = loop.call_later(left, self._drop_idle)
                return
            self._drop(connection)

    # --- connecting ------------------------------------------------------------------------------------------------
    async def _connect(self, target: Target, deadline: float, any_address: bool) -> Connection:
        """A new connection. In a task of its own, so that `close` can end it."""
        task = asyncio.get_running_loop().create_task(self._open(target, deadline, any_address))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        try:
            return await task
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if self._closed and not (current and current.cancelling()):
                raise _stopping() from None
            raise

    async def _open(self, target: Target, deadline: float, any_address: bool) -> Connection:
        addresses = await self._addresses(target)
        if not any_address:
            try:
                for address in addresses:  # all: a name that leads inside as well is no public name
                    check_address(address, self._allowed)
            except RingpostError as error:
                raise HttpFailure("address_refused", error.message) from None
        tried = addresses[:_ADDRESSES]
        loop = asyncio.get_running_loop()
        last = HttpFailure("connect", None)
        for number, address in enumerate(tried):
            share = (deadline - loop.time()) / (len(tried) - number)  # or a silent first one would use up all the time
            try:
                async with asyncio.timeout(share):
                    return await Connection.open(target, address, self._context(target), self._reach)
            except HttpFailure as failure:
                last = failure
            except TimeoutError:
                way = " through the proxy" if self._reach else ""
                last = HttpFailure("timeout", f"{address} port {target.port}: there was no connection{way} in time.")
        raise last

    async def _addresses(self, target: Target) -> Sequence[str]:
        if target.ip is not None:
            return (target.ip,)
        try:
            addresses = await self._resolve(target.host)
        except OSError as error:
            code = "busy" if is_shortage(error) or _has_shortage() else "dns"
            raise HttpFailure(code, f"{target.host}: {error.strerror or error}.") from None
        if not addresses:
            raise HttpFailure("dns", f"{target.host} has no address.")
        return addresses

    def _context(self, target: Target) -> ssl.SSLContext | None:
        if target.tls and self._ssl_context is None:
            if _has_shortage():  # OpenSSL would go on without the authorities that it could not read
                raise HttpFailure("busy", "The certificate authorities could not be read.")
            self._ssl_context = ssl.create_default_context()
            self._ssl_context.set_alpn_protocols(["http/1.1"])
        return self._ssl_context if target.tls else None


def _has_shortage() -> bool:
    """No descriptor is left: the system's resolver says only that it failed."""
    try:
        socket.socket().close()
    except OSError as error:
        return is_shortage(error)
    return False


def _stopping() -> HttpFailure:
    return HttpFailure("reset", "Ringpost is stopping.")
