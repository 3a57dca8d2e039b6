"""One HTTP/1.1 connection to a receiver: a request goes out, its reply comes back, within bounds.

Used by `http.HttpClient` alone, which owns deadlines and pools. One exchange at a time. Any byte that a receiver sends
out of turn, and every way of ending that leaves it unclear where the next reply begins, makes the connection unusable.
"""

from __future__ import annotations

import asyncio
import errno
import select
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Final, cast

import httptools

from .egress import Target
from .reply import Reply

HEADERS_LIMIT: Final = 32_768  # bytes, interim (1xx) replies included
_SHORTAGE: Final = {errno.EMFILE, errno.ENFILE}
_OVERHEAD: Final = 8  # bytes on the wire for one of the body: chunks of one byte each take six

# A socket that leads to an address and port. Raises OSError or `HttpFailure`.
Reach = Callable[[str, int], Awaitable[socket.socket]]


class HttpFailure(Exception):  # noqa: N818 - the receiver's failure is an outcome, no error of ours
    """Why there is no complete reply.

    error: a code of `outcome.FAILURES`; detail: more in words; status: of a reply that began; unanswered: a kept
    connection was closed before the first byte of the reply, so the request may be sent again on a new one.
    """

    def __init__(self, error: str, detail: str | None, *, status: int | None = None, unanswered: bool = False) -> None:
        self.error = error
        self.detail = detail
        self.status = status
        self.unanswered = unanswered
        super().__init__(f"{error}: {detail}")


class Connection(asyncio.Protocol):
    """A connection; made by `open`. born, idle_since: seconds of the loop's clock."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.born = self.idle_since = self._loop.time()
        self.usable = True
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Reply] | None = None
        self._reused = False
        self._begin(0)

    def _begin(self, limit: int) -> None:
        self._limit = limit
        self._received = 0  # bytes on the wire
        self._status = 0
        self._in_body = False
        self._delimited = False  # by a length or chunks, not by the connection's end
        self._headers: dict[str, str] = {}
        self._headers_size = 0
        self._body: list[bytes] = []
        self._size = 0

    @classmethod
    async def open(
        cls, target: Target, address: str, context: ssl.SSLContext | None, reach: Reach | None = None
    ) -> Connection:
        """Connect to this very address; with a context, TLS for the target's host. Raises `HttpFailure`.

        reach: how the address is reached, where not directly.
        """
        where = f"{address} port {target.port}"
        try:
            connected = await (reach or dial)(address, target.port)
        except OSError as error:
            raise HttpFailure("busy" if is_shortage(error) else "connect", f"{where}: {words(error)}.") from None
        host = target.host if context else None
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                cls, sock=connected, ssl=context, server_hostname=host
            )
        except OSError as error:  # ssl.SSLError is one
            raise HttpFailure("tls" if context else "connect", f"{where}: {words(error)}.") from None
        return connection

    @property
    def status(self) -> int | None:
        """The status of a reply that began."""
        return self._status if self._in_body else None

    @property
    def progress(self) -> str:
        """How far the exchange came, for the detail of a timeout."""
        return "The answer began but did not end." if self._received else "The receiver was silent."

    @property
    def is_quiet(self) -> bool:
        """Nothing waits to be read: neither a close nor bytes that would pass for the answer to the next request."""
        if not self.usable or self._transport is None:
            return False
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return not poll.poll(0)

    async def exchange(self, request: bytes, limit: int) -> Reply:
        """Send a request, wait for the reply; of its body up to `limit` bytes are read. Raises `HttpFailure`."""
        if self._transport is None or self._transport.is_closing():
            raise self._closed(None)
        self._begin(limit)
        self._waiter = self._loop.create_future()
        self._transport.write(request)
        try:
            return await self._waiter
        finally:
            self._reused = True

    def fail(self, failure: HttpFailure) -> None:
        """End the exchange under way, if there is one, and close."""
        waiter, self._waiter = self._waiter, None
        self.abort()
        if waiter is not None and not waiter.done():
            waiter.set_exception(failure)

    def abort(self) -> None:
        """Close at once."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    # --- asyncio.Protocol ------------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        waiter = self._waiter
        if waiter is None:
            self.abort()  # nobody asked
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.fail(HttpFailure("protocol", "The receiver switched protocols."))
        except httptools.HttpParserError as error:
            self.fail(HttpFailure("protocol", f"{error}.", status=self.status))
        if waiter.done():
            return
        if not self._in_body and self._received > HEADERS_LIMIT:
            self.fail(_headers_too_large())
        elif self._received > HEADERS_LIMIT + self._limit * _OVERHEAD:
            self._finish(keep=False, truncated=True)

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        if self._waiter is None:
            return
        if exc is None and self._in_body and not self._delimited:
            self._finish(keep=False)
        else:
            self.fail(self._closed(exc))

    def _closed(self, exc: Exception | None) -> HttpFailure:
        unanswered = self._reused and not self._received
        code = "tls" if isinstance(exc, ssl.SSLError) else "reset"
        detail = f"{words(exc)}." if isinstance(exc, OSError) else None
        return HttpFailure(code, detail, status=self.status, unanswered=unanswered)

    # --- httptools -------------------------------------------------------------------------------------------------
    def on_message_begin(self) -> None:
        if self._waiter is None:
            self.usable = False  # a second reply to one request

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_body:  # later ones are trailers
            self._headers_size += len(name) + len(value)
            self._headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        if self._headers_size > HEADERS_LIMIT:  # in one read, however large
            self.fail(_headers_too_large())
        elif self._status < 100:
            self.fail(HttpFailure("protocol", f"{self._status:03} is no HTTP status."))
        if self._status < 200:
            self._headers.clear()
            return
        self._in_body = True
        self._delimited = "content-length" in self._headers or self._headers.get(
            "transfer-encoding", ""
        ).lower().endswith("chunked")

    def on_body(self, body: bytes) -> None:
        if self._waiter is None:
            return
        self._size += len(body)
        self._body.append(body)
        if self._size > self._limit:
            self._finish(keep=False, truncated=True)

    def on_message_complete(self) -> None:
        if self._in_body and self._waiter is not None:
            self._finish(keep=self._parser.should_keep_alive())

    def _finish(self, *, keep: bool, truncated: bool = False) -> None:
        unsent = self._transport is None or self._transport.get_write_buffer_size() > 0
        if unsent and 200 <= self._status <= 299 and not truncated:
            self.fail(HttpFailure("protocol", "The receiver took it before it had read it all.", status=self._status))
            return
        waiter, self._waiter = self._waiter, None
        if not keep or unsent:  # the rest of the request would be read as the next one
            self.abort()
        if waiter is not None and not waiter.done():
            body = b"".join(self._body)[: self._limit]
            waiter.set_result(Reply(self._status, self._headers, body, truncated))


def _headers_too_large() -> HttpFailure:
    return HttpFailure("protocol", f"The answer's headers are larger than {HEADERS_LIMIT} bytes.")


def is_shortage(error: OSError) -> bool:
    """There was no file descriptor left: nobody's fault but ours."""
    return error.errno in _SHORTAGE


async def dial(address: str, port: int) -> socket.socket:
    """A socket that is connected."""
    connecting = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        connecting.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connecting, (address, port))
    except BaseException:
        connecting.close()
        raise
    return connecting


def words(error: OSError) -> str:
    """What went wrong, in the words of the system or of OpenSSL."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message.rstrip(".")
    if isinstance(error, ssl.SSLError):
        return error.reason or "the handshake failed"
    return error.strerror or "the connection was closed"
