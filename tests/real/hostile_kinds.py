"""Every way of answering badly that is known to hang, fill or mislead a sender, with the outcome that it must lead to.

`KINDS` is the table. Status lines, headers and framing are those of RFC 9112; what a code means is in
`ringpost.model.outcome`. A kind that is right to succeed is here because the way there is full of traps.
"""

# ruff: noqa: E501 - tables are read across
from __future__ import annotations

import asyncio
import gzip
import random
from typing import Final

from ringpost.model.outcome import FAILURES
from tests.real import certificates
from tests.real.hostile import Act, Kind, Peer

_BLOCK: Final = b"x" * 16_384
_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_CHUNKED: Final = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_DAY_MS: Final = 86_400_000


def head(status: str = "200 OK", *headers: str) -> bytes:
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode("latin-1")


# --- what they do --------------------------------------------------------------------------------------------------
def answer(*parts: bytes) -> Act:
    """Answer each request of a connection so, and keep it open."""

    async def act(peer: Peer) -> None:
        while True:
            await peer.request()
            for part in parts:
                await peer.send(part)

    return act


def answer_and_close(*parts: bytes) -> Act:
    async def act(peer: Peer) -> None:
        await peer.request()
        for part in parts:
            await peer.send(part)

    return act


def answer_and_reset(*parts: bytes) -> Act:
    async def act(peer: Peer) -> None:
        await peer.request()
        for part in parts:
            await peer.send(part)
        await asyncio.sleep(0.02)  # or the reset overtakes what was sent
        peer.reset()

    return act


def answer_and_flood(first: bytes, part: bytes) -> Act:
    async def act(peer: Peer) -> None:
        await peer.request()
        await peer.send(first)
        await peer.flood(part)

    return act


def answer_and_drip(first: bytes, part: bytes) -> Act:
    async def act(peer: Peer) -> None:
        await peer.request()
        await peer.send(first)
        await peer.drip(part)

    return act


def redirect(status: int, location: str) -> Act:
    async def act(peer: Peer) -> None:
        while True:
            await peer.request()
            where = location.format(trap=peer.trap)
            await peer.send(head(f"{status} Elsewhere", f"Location: {where}", "Content-Length: 0"))

    return act


async def never_reads(peer: Peer) -> None:
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await peer.over.wait()
    peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
    await peer.stall()


async def close_at_once(peer: Peer) -> None:
    peer.writer.close()


async def reset_at_once(peer: Peer) -> None:
    peer.reset()


async def reset_after_the_request_line(peer: Peer) -> None:
    await peer.reader.readuntil(b"\r\n")
    peer.reset()


async def half_close(peer: Peer) -> None:
    await peer.request()
    peer.writer.write_eof()
    await peer.stall()


async def answer_and_half_close(peer: Peer) -> None:
    await peer.request()
    await peer.send(_OK)
    peer.writer.write_eof()
    await peer.stall()


async def answer_before_the_request(peer: Peer) -> None:
    await peer.send(_OK)
    await peer.request()


async def take_it_without_having_read_it(peer: Peer) -> None:
    await peer.reader.readuntil(b"\r\n\r\n")
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await peer.send(_OK)
    await peer.over.wait()
    peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
    await peer.stall()


async def echo(peer: Peer) -> None:
    request = await peer.request()
    await peer.send(head("500 No", f"Content-Length: {len(request)}") + request)


async def echo_as_status_line(peer: Peer) -> None:
    await peer.send((await peer.request()).split(b"x-token: ")[1])


async def stall(peer: Peer) -> None:
    await peer.stall()


async def read_and_stall(peer: Peer) -> None:
    await peer.request()
    await peer.stall()


async def plain_on_the_tls_port(peer: Peer) -> None:
    await peer.reader.read(1)
    await peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    await peer.stall()


async def flood_in_place_of_a_handshake(peer: Peer) -> None:
    await peer.flood(random.Random(7).randbytes(16_384))


async def endless_handshake_record(peer: Peer) -> None:
    await peer.reader.read(1)
    await peer.send(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03")  # a ServerHello of 16 KiB, byte by byte
    await peer.drip(b"\x00")


async def fatal_alert(peer: Peer) -> None:
    await peer.reader.read(1)
    await peer.send(b"\x15\x03\x03\x00\x02\x02\x28")  # handshake_failure (RFC 8446, 6.2)
    await peer.stall()


async def close_in_the_handshake(peer: Peer) -> None:
    await peer.reader.read(1)


async def garbage_below_tls(peer: Peer) -> None:
    await peer.request()
    peer.send_below_tls(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    await peer.stall()


def answer_and_cut(*parts: bytes) -> Act:
    async def act(peer: Peer) -> None:
        await peer.request()
        for part in parts:
            await peer.send(part)
        peer.cut()

    return act


# --- the table -----------------------------------------------------------------------------------------------------
def _bomb(size: int) -> bytes:
    return gzip.compress(bytes(size), 9)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


_CONNECTING: Final = [
    Kind("never accepts", ("timeout",), None),
    Kind("accepts and is silent", ("timeout",), read_and_stall),
    Kind("never reads", ("timeout",), never_reads, body=8_000_000),
    Kind("closes at once", ("reset",), close_at_once),
    Kind("resets at once", ("reset", "connect"), reset_at_once),
    Kind("resets after the request's first line", ("reset",), reset_after_the_request_line),
    Kind("closes without an answer", ("reset",), answer_and_close()),
    Kind("resets without an answer", ("reset",), answer_and_reset()),
    Kind("closes its half without an answer", ("reset",), half_close),
    Kind("answers, then closes its half", (None,), answer_and_half_close, 200),
    Kind("resets in the status line", ("reset",), answer_and_reset(b"HTTP/1.1 20")),
    Kind("resets in the headers", ("reset",), answer_and_reset(b"HTTP/1.1 200 OK\r\nContent-Le")),
    Kind("resets in the body", ("reset",), answer_and_reset(head("200 OK", "Content-Length: 9"), b"half"), 200),
    Kind("resets a body without a length", ("reset",), answer_and_reset(head(), b"half"), 200),
    Kind("closes in the body", ("reset",), answer_and_close(head("200 OK", "Content-Length: 9"), b"half"), 200),
    # On the wire before the request is: whether it is seen before or after, it is no answer to what was not sent.
    Kind("answers before the request", (None, "reset"), answer_before_the_request),
    Kind("takes an event that it has not read", ("protocol",), take_it_without_having_read_it, 200, body=8_000_000),
    Kind("echoes the request", ("status",), echo, 500),
    Kind("echoes a header as status line", ("protocol",), echo_as_status_line),
]

_ENDLESS: Final = [
    Kind("one byte at a time", ("timeout",), answer_and_drip(b"", b"HTTP/1.1 200 OK\r\nX: " + b"a" * 9_000)),
    Kind("a body, one byte at a time", ("timeout",), answer_and_drip(head(), b"x"), 200),
    Kind("chunks, one byte at a time", ("timeout",), answer_and_drip(_CHUNKED, b"1\r\nx\r\n"), 200),
    Kind("interim answers, one byte at a time", ("timeout",), answer_and_drip(b"", b"HTTP/1.1 100 C\r\n\r\n")),
    Kind("endless body with a length", ("reply_too_large",),
         answer_and_flood(head("200 OK", "Content-Length: 9223372036854775807"), _BLOCK), 200),
    Kind("endless body without a length", ("reply_too_large",), answer_and_flood(head(), _BLOCK), 200),
    Kind("endless chunks", ("reply_too_large",), answer_and_flood(_CHUNKED, _chunk(_BLOCK)), 200),
    Kind("endless chunks of one byte", ("reply_too_large",), answer_and_flood(_CHUNKED, b"1\r\nx\r\n" * 999), 200),
    Kind("endless chunk extension", ("reply_too_large",), answer_and_flood(_CHUNKED + b"1;", _BLOCK), 200),
    Kind("endless trailers", ("reply_too_large",),
         answer_and_flood(_CHUNKED + b"2\r\nok\r\n0\r\n", b"X-T: x\r\n" * 999), 200),
    Kind("one endless trailer", ("reply_too_large",),
         answer_and_flood(_CHUNKED + b"2\r\nok\r\n0\r\nX-T: ", _BLOCK), 200),
    Kind("endless error page", ("status",), answer_and_flood(head("500 No"), _BLOCK), 500),
    Kind("410 with an endless page", ("gone",), answer_and_flood(head("410 Gone"), _BLOCK), 410),
    Kind("redirect with an endless page", ("redirect",), answer_and_flood(head("302 F", "Location: /"), _BLOCK), 302),
    Kind("endless status line", ("protocol",), answer_and_flood(b"HTTP/1.1 200 ", _BLOCK)),
    Kind("endless headers", ("protocol",), answer_and_flood(b"HTTP/1.1 200 OK\r\n", b"X-H: x\r\n" * 999)),
    Kind("endless header name", ("protocol",), answer_and_flood(b"HTTP/1.1 200 OK\r\n", _BLOCK)),
    Kind("one endless header", ("protocol",), answer_and_flood(b"HTTP/1.1 200 OK\r\nX: ", _BLOCK)),
    Kind("one huge header", ("protocol",), answer(head("200 OK", "X: " + "a" * 40_000, "Content-Length: 0"))),
    Kind("thousands of headers", ("protocol",), answer(head("200 OK", *[f"X-{n}: {n}" for n in range(5_000)]))),
    Kind("endless 100", ("protocol",), answer_and_flood(b"", head("100 Continue") * 99)),
    Kind("endless 103", ("protocol",), answer_and_flood(b"", head("103 Early Hints", "Link: </a>") * 99)),
    Kind("endless empty lines", ("protocol",), answer_and_flood(b"", b"\r\n" * 999)),
    Kind("an answer with junk without end after it", (None,), answer_and_flood(_OK, _BLOCK), 200),
    Kind("a body of one byte more than is read", ("reply_too_large",),
         answer(head("200 OK", "Content-Length: 65537") + b"x" * 65_537), 200),
    Kind("a body of all that is read", (None,), answer(head("200 OK", "Content-Length: 65536") + b"x" * 65_536), 200),
    Kind("a compressed bomb", (None,), answer(
        head("200 OK", "Content-Encoding: gzip", f"Content-Length: {len(_bomb(20_000_000))}") + _bomb(20_000_000)), 200),
    Kind("a bomb in a bomb", (None,), answer(
        head("200 OK", "Content-Encoding: gzip, gzip", f"Content-Length: {len(gzip.compress(_bomb(20_000_000)))}")
        + gzip.compress(_bomb(20_000_000))), 200),
    Kind("a bomb as transfer coding", (None,), answer(
        head("200 OK", "Transfer-Encoding: gzip, chunked") + _chunk(_bomb(20_000_000)) + b"0\r\n\r\n"), 200),
    Kind("a large bomb", ("reply_too_large",), answer_and_flood(
        head("200 OK", "Content-Encoding: gzip"), _bomb(20_000_000)), 200),
]  # fmt: skip

_FRAMING: Final = [
    Kind("a length too long, then a close", ("reset",), answer_and_close(head("200 OK", "Content-Length: 3") + b"ok")),
    Kind("a length too long, then silence", ("timeout",), answer(head("200 OK", "Content-Length: 3") + b"ok"), 200),
    Kind("a length too short", (None,), answer(head("200 OK", "Content-Length: 1") + b"ok"), 200),
    *[
        Kind(f"a length that is {value!r}", ("protocol",), answer(head("200 OK", f"Content-Length: {value}") + b"ok"))
        for value in ("-1", "two", "2, 3", "+2", "0x2", "2 2", "99999999999999999999999", "1.0", "")
    ],
    Kind("two lengths", ("protocol",), answer(head("200 OK", "Content-Length: 2", "Content-Length: 3") + b"okk")),
    Kind("a length and chunks", ("protocol",),
         answer(head("200 OK", "Content-Length: 2", "Transfer-Encoding: chunked") + b"2\r\nok\r\n0\r\n\r\n")),
    Kind("chunks and a length", ("protocol",),
         answer(head("200 OK", "Transfer-Encoding: chunked", "Content-Length: 2") + b"2\r\nok\r\n0\r\n\r\n")),
    *[
        Kind(f"a chunk of {size!r} bytes", ("protocol",), answer(_CHUNKED + size.encode() + b"\r\nok\r\n0\r\n\r\n"))
        for size in ("-2", "zz", "", "FFFFFFFFFFFFFFFFF", "0x2", "+2", " 2")
    ],
    Kind("a huge chunk, then silence", ("timeout",), answer(_CHUNKED + b"7fffffffffffffff\r\nok"), 200),
    Kind("a huge chunk, then a flood", ("reply_too_large",), answer_and_flood(_CHUNKED + b"7fffffffffffffff\r\n", _BLOCK)),
    Kind("no last chunk, then a close", ("reset",), answer_and_close(_CHUNKED + _chunk(b"ok")), 200),
    Kind("no last chunk, then silence", ("timeout",), answer(_CHUNKED + _chunk(b"ok")), 200),
    Kind("a chunk longer than it says", ("protocol",), answer(_CHUNKED + b"1\r\nokay\r\n0\r\n\r\n"), 200),
    Kind("chunked is not the last coding", (None, "protocol"), answer_and_close(
        head("200 OK", "Transfer-Encoding: chunked, gzip") + b"2\r\nok\r\n0\r\n\r\n")),
    Kind("204 with a body", (None,), answer(head("204 No Content", "Content-Length: 2") + b"ok"), 204),
    Kind("204 with chunks", (None,), answer(
        head("204 No Content", "Transfer-Encoding: chunked") + b"2\r\nok\r\n0\r\n\r\n"), 204),
    Kind("304 with a body", ("redirect",), answer(head("304 Not Modified", "Content-Length: 2") + b"ok"), 304),
    Kind("100 with a body", ("protocol",), answer(head("100 Continue", "Content-Length: 2") + b"ok" + _OK)),
    Kind("101", ("protocol",), answer(head("101 Switching Protocols", "Upgrade: x", "Connection: upgrade") + b"x" * 9)),
    Kind("101 without an upgrade", ("protocol",), answer(head("101 Switching Protocols"))),
    Kind("HTTP/0.9", ("protocol",), answer_and_close(b"<html>ok</html>")),
    Kind("HTTP/1.0 without a length", (None,), answer_and_close(b"HTTP/1.0 200 OK\r\n\r\nok"), 200),
    Kind("HTTP/1.0 that stays open", ("timeout",), answer(b"HTTP/1.0 200 OK\r\n\r\nok"), 200),
    Kind("HTTP/2 settings", ("protocol",), answer(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")),
    Kind("an HTTP/2 preface", ("protocol",), answer(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")),
    *[
        Kind(f"{version} as version", ("protocol",), answer(version.encode() + b" 200 OK\r\nContent-Length: 0\r\n\r\n"))
        for version in ("HTTP/3.0", "HTTP/9.9", "HTTP/1.12", "HTTP/-1.1", "http/1.1", "HTTPS/1.1", "ICY")
    ],
    # RTSP's status line is HTTP's but for the name, which the parser takes as well.
    Kind("RTSP as protocol", (None, "protocol"), answer(b"RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")),
    Kind("a request as answer", ("protocol",), answer(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")),
    Kind("an SSH banner", ("protocol",), answer(b"SSH-2.0-OpenSSH_9.2p1\r\n")),
    Kind("an SMTP banner", ("protocol",), answer(b"220 mail.example ESMTP\r\n")),
    Kind("a TLS alert", ("protocol",), answer(b"\x15\x03\x01\x00\x02\x02\x50")),
    Kind("random bytes", ("protocol",), answer(random.Random(1).randbytes(4_096))),
    Kind("NULs", ("protocol",), answer(bytes(4_096))),
    Kind("a NUL in a header's name", ("protocol",), answer(head("200 OK", "X\0Y: 1", "Content-Length: 0"))),
    Kind("a NUL in a header's value", ("protocol",), answer(head("200 OK", "X: a\0b", "Content-Length: 0"))),
    Kind("a header without a colon", ("protocol",), answer(head("200 OK", "Nonsense", "Content-Length: 0"))),
    Kind("a space before the colon", ("protocol",), answer(head("200 OK", "Content-Length : 0"))),
    Kind("a header without a name", ("protocol",), answer(head("200 OK", ": 0", "Content-Length: 0"))),
    # RFC 9112, 5.2: a user agent replaces the fold by spaces, or may refuse it.
    Kind("a folded header", (None, "protocol"), answer(head("200 OK", "X: a", " b", "Content-Length: 0"))),
    Kind("a folded length", (None, "protocol"), answer(head("200 OK", "Content-Length:", " 0"))),
    Kind("bare line feeds", (None, "protocol"), answer(b"HTTP/1.1 200 OK\nContent-Length: 0\n\n")),
    Kind("a bare carriage return", ("protocol",), answer(b"HTTP/1.1 200 OK\r\nX: a\rContent-Length: 0\r\n\r\n")),
]  # fmt: skip

_STATUS: Final = [
    *[
        Kind(f"status {status!r}", ("protocol",), answer(head(status, "Content-Length: 0")))
        for status in ("99", "99 X", "099 X", "000 X", "1000 X", "2000", "200OK", "2xx OK", "20 0", "-200 OK", "+200 OK",
                       "0200 OK", "OK", "", "2O0 OK", "200.0 OK", "\xb2\xb0\xb0 OK")
    ],
    *[
        Kind(f"status {status!r}", (error,), answer(head(status, "Content-Length: 0")), int(status[:3]))
        for status, error in (("200", None), ("299 Odd", None), ("400 No", "status"), ("404 No", "status"),
                              ("500 No", "status"), ("599 Odd", "status"), ("600 Odd", "status"), ("999 Odd", "status"),
                              ("410 Gone", "gone"))
    ],
    *[
        Kind(f"{status} to {location!r}", ("redirect",), redirect(status, location), status)
        for status, location in (
            (300, "/"), (301, "http://127.0.0.1:{trap}/"), (302, "http://169.254.169.254/latest/meta-data/"),
            (303, "file:///etc/passwd"), (305, "http://127.0.0.1:{trap}/"), (307, "http://127.0.0.1:{trap}/"),
            (308, "//localhost:{trap}/"), (308, "gopher://127.0.0.1:{trap}/_x"), (301, ""), (302, "/in"),
        )
    ],
    *[
        Kind(f"{status}, Retry-After {value[:30]!r}", ("status",),
             answer(head(f"{status} Later", f"Retry-After: {value}", "Content-Length: 0")), status, waits=waits)
        for status in (429, 503)
        for value, waits in (
            ("Fri, 31 Dec 9999 23:59:59 GMT", (_DAY_MS,)), ("Fri, 31 Dec 99999 23:59:59 GMT", (None, _DAY_MS)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", (0,)), ("Mon, 01 Jan 0001 00:00:00 +2359", (None, 0)), ("-5", (None, 0)),
            ("NaN", (None,)), ("Infinity", (None,)), ("1e9", (None,)), ("0x10", (None,)), ("", (None,)), ("0", (0,)),
            ("9" * 30_000, (_DAY_MS,)), ("1, 2", (None,)), ("\xb2", (None,)), ("1.5", (None, 1_000, 1_500, 2_000)),
            ("(" * 20_000, (None,)), ("Fri, 31 Dec 9999 23:59:59 +999999999999", (None, _DAY_MS)),
        )
    ],
]  # fmt: skip


def _tls(name: str, error: str | None, act: Act, context: object = None, status: int | None = None) -> Kind:
    return Kind(name, (error,), act, status, secure=True, context=context)  # type: ignore[arg-type]


_TLS: Final = [
    _tls("TLS: expired", "tls", stall, certificates.expired),
    _tls("TLS: not valid yet", "tls", stall, certificates.not_valid_yet),
    _tls("TLS: another host", "tls", stall, certificates.of_another_host),
    _tls("TLS: an unknown authority", "tls", stall, certificates.of_an_unknown_authority),
    _tls("TLS: self-signed", "tls", stall, certificates.self_signed),
    _tls("TLS: 1.0 and 1.1 alone", "tls", stall, certificates.old_versions_alone),
    # TLS 1.3: the alert may be lost in the close that follows it.
    Kind("TLS: wants a certificate", ("tls", "reset"), stall, secure=True, context=certificates.wanting_a_certificate),
    _tls("TLS: plain HTTP on its port", "tls", plain_on_the_tls_port),
    _tls("TLS: a flood in place of a handshake", "tls", flood_in_place_of_a_handshake),
    _tls("TLS: a fatal alert", "tls", fatal_alert),
    _tls("TLS: closes in the handshake", "tls", close_in_the_handshake),
    _tls("TLS: resets at once", "tls", reset_at_once),
    _tls("TLS: no handshake", "timeout", stall),
    _tls("TLS: a handshake, one byte at a time", "timeout", endless_handshake_record),
    _tls("TLS: silent after the handshake", "timeout", read_and_stall, certificates.presenting),
    _tls("TLS 1.2: silent after the handshake", "timeout", read_and_stall, certificates.tls_1_2),
    _tls("TLS: garbage after the handshake", "tls", garbage_below_tls, certificates.presenting),
    _tls("TLS: no goodbye in the body", "reset",
         answer_and_cut(head("200 OK", "Content-Length: 9"), b"half"), certificates.presenting, 200),
    _tls("TLS 1.2: no goodbye in the body", "reset",
         answer_and_cut(head("200 OK", "Content-Length: 9"), b"half"), certificates.tls_1_2, 200),
    _tls("TLS: no goodbye in a chunk", "reset", answer_and_cut(_CHUNKED, b"9\r\nhalf"), certificates.presenting, 200),
    _tls("TLS: resets in the body", "reset",
         answer_and_reset(head("200 OK", "Content-Length: 9"), b"half"), certificates.presenting, 200),
    _tls("TLS: an endless body", "reply_too_large", answer_and_flood(head(), _BLOCK), certificates.presenting, 200),
    _tls("TLS: endless headers", "protocol",
         answer_and_flood(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 999), certificates.presenting),
]  # fmt: skip

KINDS: Final = (*_CONNECTING, *_ENDLESS, *_FRAMING, *_STATUS, *_TLS)

assert len({kind.name for kind in KINDS}) == len(KINDS)
assert all(error in FAILURES for kind in KINDS for error in kind.errors if error)
