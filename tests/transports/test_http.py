from __future__ import annotations

import asyncio
import os
import resource
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from ringpost.model.outcome import BUSY
from ringpost.transports.connection import HEADERS_LIMIT, HttpFailure
from ringpost.transports.egress import parse_networks, parse_url
from ringpost.transports.http import HttpClient
from ringpost.transports.reply import Reply
from tests.transports.receivers import Answer, Do, Receiver, closed, reply, serving

LIMIT = 4_096
LOOPBACK = parse_networks(["127.0.0.0/8", "::1/128"])


@asynccontextmanager
async def client(
    *addresses: str, context: ssl.SSLContext | None = None, idle_per_pool: int = 4, idle_in_all: int = 8
) -> AsyncIterator[HttpClient]:
    async def resolve(host: str) -> Sequence[str]:
        return addresses

    http = HttpClient(
        allowed=LOOPBACK,
        reply_limit=LIMIT,
        idle_per_pool=idle_per_pool,
        idle_in_all=idle_in_all,
        resolve=resolve,
        ssl_context=context,
    )
    try:
        yield http
    finally:
        await http.close()


async def post(http: HttpClient, url: str, *, body: bytes = b"{}", pool: str = "a", seconds: float = 20) -> Reply:
    target = parse_url(url)
    head = f"POST {target.path} HTTP/1.1\r\nhost: {target.host_header}\r\ncontent-length: {len(body)}\r\n\r\n"
    deadline = asyncio.get_running_loop().time() + seconds
    return await http.post(target, head.encode() + body, pool=pool, deadline=deadline)


async def failure(http: HttpClient, url: str, *, seconds: float = 20) -> HttpFailure:
    with pytest.raises(HttpFailure) as caught:
        await post(http, url, seconds=seconds)
    return caught.value


# --- what a reply is -----------------------------------------------------------------------------------------------
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "status", "body", "kept"),
    [
        ([reply(body=b"hello")], 200, b"hello", True),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], 204, b"", True),
        ([CHUNKED, b"5\r\nhel", b"lo\r\n", b"1;x=y\r\n!\r\n0\r\nTrailer: x\r\n\r\n"], 200, b"hello!", True),
        ([b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n", reply()], 200, b"ok", True),
        ([b"HTTP/1.1 200 OK\r\n\r\nuntil", b" the end", Do.CLOSE], 200, b"until the end", False),
        ([b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"], 200, b"ok", False),
        ([reply("200 OK", b"ok", "Connection: close")], 200, b"ok", False),
        ([reply("302 Found", b"", "Location: http://127.0.0.1/")], 302, b"", True),
        ([reply() + reply("500 Second")], 200, b"ok", False),
    ],
)
async def test_replies_of_all_forms_are_read_whole(answer: Answer, status: int, body: bytes, kept: bool) -> None:
    async with serving(Receiver(answer, [reply()])) as receiver, client() as http:
        got = await post(http, receiver.url)
        assert (got.status, got.body, got.truncated) == (status, body, False)
        assert (await post(http, receiver.url)).status == 200
        assert receiver.connections == (1 if kept else 2)


@given(st.binary(max_size=LIMIT), st.lists(st.integers(1, 50), max_size=20), st.booleans())
@settings(max_examples=25)
def test_a_body_arrives_however_it_is_cut(body: bytes, cuts: list[int], chunked: bool) -> None:
    sent = CHUNKED if chunked else b""
    if chunked:
        sent += b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:7], body[7:]) if part) + b"0\r\n\r\n"
    else:
        sent += reply(body=body)
    parts = []
    for cut in cuts:
        parts.append(sent[:cut])
        sent = sent[cut:]

    async def run() -> Reply:
        async with serving(Receiver([*parts, sent])) as receiver, client() as http:
            return await post(http, receiver.url)

    assert asyncio.run(run()).body == body


async def test_headers_are_known_by_lower_case_name_the_first_counts() -> None:
    answer = reply("200 OK", b"ok", "Retry-After: 3", "RETRY-AFTER: 4", "X-Latin: \xe9")
    async with serving(Receiver([answer])) as receiver, client() as http:
        got = await post(http, receiver.url)
        assert got.headers["retry-after"] == "3"


async def test_the_headers_of_an_interim_reply_are_not_those_of_the_reply() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nRetry-After: 3\r\nLink: x\r\n\r\n"
    async with serving(Receiver([early, reply()])) as receiver, client() as http:
        assert (await post(http, receiver.url)).headers == {"content-length": "2"}


@pytest.mark.parametrize(
    "answer",
    [
        [b"SSH-2.0-OpenSSH_9.2\r\n", Do.SILENCE],
        [b"HTTP/1.1 abc OK\r\n\r\n", Do.SILENCE],
        [b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", Do.SILENCE],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc", Do.SILENCE],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", Do.SILENCE],
        [CHUNKED, b"zz\r\n", Do.SILENCE],
        [b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nwhatever", Do.SILENCE],
        [b"HTTP/1.1 200 OK\r\nX: " + b"a" * (HEADERS_LIMIT + 1), Do.SILENCE],
        [b"HTTP/1.1 100 Continue\r\n\r\n" * (HEADERS_LIMIT // 20), Do.SILENCE],
    ],
)
async def test_what_is_no_http_is_a_failure_and_the_connection_goes(answer: Answer) -> None:
    async with serving(Receiver(answer)) as receiver, client() as http:
        assert (await failure(http, receiver.url)).error == "protocol"
        await receiver.wait_closed()


@pytest.mark.parametrize(
    "answer",
    [
        [reply(body=b"x" * (LIMIT + 1)), Do.SILENCE],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", b"x" * (LIMIT + 1), Do.SILENCE],
        [CHUNKED, b"%x\r\n" % (LIMIT * 2) + b"x" * (LIMIT * 2), Do.SILENCE],
        [b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (LIMIT + 1), Do.SILENCE],
    ],
)
async def test_a_reply_without_end_is_read_up_to_the_limit(answer: Answer) -> None:
    async with serving(Receiver(answer)) as receiver, client() as http:
        got = await post(http, receiver.url)
        assert (got.truncated, got.body) == (True, b"x" * LIMIT)
        await receiver.wait_closed()


async def test_a_reply_that_is_all_framing_is_not_read_for_ever() -> None:
    extension = b"1;" + b"e" * 16_384
    async with serving(Receiver([CHUNKED, *[extension] * 20, Do.SILENCE])) as receiver, client() as http:
        got = await post(http, receiver.url)
        assert got.truncated
        await receiver.wait_closed()


async def test_a_reply_of_just_the_limit_is_whole() -> None:
    async with serving(Receiver([reply(body=b"x" * LIMIT)])) as receiver, client() as http:
        assert not (await post(http, receiver.url)).truncated


# --- time ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("answer", "status", "detail"),
    [
        ([Do.SILENCE], None, "silent"),
        ([b"HTTP/1.1 2", Do.SILENCE], None, "did not end"),
        ([b"HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nhalf", Do.SILENCE], 500, "did not end"),
    ],
)
async def test_the_deadline_is_for_the_whole_reply(answer: Answer, status: int | None, detail: str) -> None:
    async with serving(Receiver(answer)) as receiver, client() as http:
        failed = await failure(http, receiver.url, seconds=0.2)
        assert (failed.error, failed.status) == ("timeout", status)
        assert detail in (failed.detail or "")
        await receiver.wait_closed()


async def test_the_deadline_is_for_the_lookup_too() -> None:
    async def never(host: str) -> Sequence[str]:
        await asyncio.Event().wait()
        raise AssertionError

    http = HttpClient(allowed=(), reply_limit=LIMIT, idle_per_pool=1, idle_in_all=1, resolve=never)
    failed = await failure(http, "http://silent.example/", seconds=0.1)
    assert (failed.error, failed.detail) == ("timeout", "There was no connection in time.")
    await http.close()


# --- connections ---------------------------------------------------------------------------------------------------
async def test_a_connection_is_used_again_within_its_pool_alone() -> None:
    async with serving(Receiver()) as receiver, client() as http:
        for pool in ("a", "a", "b", "a", "b"):
            await post(http, receiver.url, pool=pool)
        assert [request.connection for request in receiver.requests] == [1, 1, 2, 1, 2]


async def test_connections_that_are_kept_are_bounded_by_pool_and_in_all() -> None:
    gate = asyncio.Barrier(3)
    async with serving(Receiver()) as receiver, client(idle_per_pool=1, idle_in_all=2) as http:

        async def at_once(pool: str) -> None:
            await gate.wait()
            await post(http, receiver.url, pool=pool)

        await asyncio.gather(*[at_once("a") for _ in range(3)])
        assert receiver.connections == 3
        await post(http, receiver.url, pool="a")
        assert receiver.connections == 3  # one was kept
        for pool in ("b", "c"):
            await post(http, receiver.url, pool=pool)
        await post(http, receiver.url, pool="a")
        assert receiver.connections == 6  # a's was the oldest of three: two are kept


async def test_a_connection_that_is_idle_for_long_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringpost.transports.http.IDLE_SECONDS", 0.02)
    async with serving(Receiver()) as receiver, client() as http:
        await asyncio.gather(post(http, receiver.url), post(http, receiver.url))
        await receiver.wait_closed()
        assert receiver.connections == 2
        assert (await post(http, receiver.url)).status == 200
        await receiver.wait_closed()


async def test_a_connection_that_is_old_is_not_kept_so_that_dns_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringpost.transports.http.AGE_SECONDS", -1)
    async with serving(Receiver()) as receiver, client() as http:
        for _ in range(2):
            await post(http, receiver.url)
        assert receiver.connections == 2


async def test_a_kept_connection_that_was_closed_is_replaced() -> None:
    async with serving(Receiver([reply(), Do.CLOSE], [reply()])) as receiver, client() as http:
        await post(http, receiver.url)
        await receiver.wait_closed()
        assert (await post(http, receiver.url)).status == 200
        assert [request.connection for request in receiver.requests] == [1, 2]


async def test_a_kept_connection_closed_under_the_request_is_tried_once_anew() -> None:
    async with serving(Receiver([reply()], [Do.CLOSE], [reply(body=b"anew")])) as receiver, client() as http:
        await post(http, receiver.url)
        assert (await post(http, receiver.url)).body == b"anew"
        assert [request.connection for request in receiver.requests] == [1, 1, 2]


async def test_a_new_connection_closed_under_the_request_is_a_failure() -> None:
    async with serving(Receiver([Do.CLOSE])) as receiver, client() as http:
        assert (await failure(http, receiver.url)).error == "reset"
        assert len(receiver.requests) == 1


async def test_a_retry_on_a_new_connection_happens_once() -> None:
    async with serving(Receiver([reply()], [Do.CLOSE])) as receiver, client() as http:
        await post(http, receiver.url)
        assert (await failure(http, receiver.url)).error == "reset"
        assert len(receiver.requests) == 3


@pytest.mark.parametrize(
    "begun", [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"HTTP/1.1 2", b"HTTP/1.1 100 Continue\r\n\r\n"]
)
async def test_once_a_reply_began_the_request_is_not_sent_again(begun: bytes) -> None:
    async with serving(Receiver([reply()], [begun, Do.CLOSE])) as receiver, client() as http:
        await post(http, receiver.url)
        assert (await failure(http, receiver.url)).error == "reset"
        assert len(receiver.requests) == 2


async def test_bytes_that_nobody_asked_for_close_a_kept_connection() -> None:
    async with serving(Receiver([reply()])) as receiver, client() as http:
        await post(http, receiver.url)
        (writer,) = receiver._writers
        writer.write(reply("200 OK", b"smuggled"))
        await receiver.wait_closed()
        assert (await post(http, receiver.url)).body == b"ok"
        assert receiver.connections == 2


async def test_a_request_that_is_cancelled_takes_its_connection_with_it() -> None:
    async with serving(Receiver([Do.SILENCE], [reply()])) as receiver, client() as http:
        task = asyncio.create_task(post(http, receiver.url))
        await receiver.arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await receiver.wait_closed()
        assert (await post(http, receiver.url)).status == 200


# --- where a connection goes ---------------------------------------------------------------------------------------
async def test_the_name_is_in_host_and_the_connection_goes_to_the_address_that_was_checked() -> None:
    async with serving(Receiver()) as receiver, client("127.0.0.1") as http:
        await post(http, f"http://hooks.example:{receiver.port}/in?x=1")
        (request,) = receiver.requests
        assert request.line == "POST /in?x=1 HTTP/1.1"
        assert request.headers["host"] == f"hooks.example:{receiver.port}"


async def test_an_ipv6_address_is_connected_to_and_written_in_brackets() -> None:
    receiver = Receiver()
    try:
        server = await asyncio.start_server(receiver.serve, "::1", 0)
    except OSError:
        pytest.skip("this machine has no IPv6")
    port = server.sockets[0].getsockname()[1]
    async with server, client("::1") as http:
        assert (await post(http, f"http://[::1]:{port}/")).status == 200
        assert (await post(http, f"http://hooks.example:{port}/")).status == 200
    await receiver.wait_closed()
    assert [request.headers["host"] for request in receiver.requests] == [f"[::1]:{port}", f"hooks.example:{port}"]


@pytest.mark.parametrize("addresses", [["10.0.0.1"], ["127.0.0.1", "169.254.169.254"], ["::ffff:10.0.0.1"]])
async def test_one_address_that_is_not_allowed_refuses_the_host(addresses: list[str]) -> None:
    async with serving(Receiver()) as receiver, client(*addresses) as http:
        failed = await failure(http, f"http://hooks.example:{receiver.port}/")
        assert failed.error == "address_refused"
        assert receiver.connections == 0


async def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    async with serving(Receiver()) as receiver, client("127.0.0.9", "127.0.0.1") as http:
        assert (await post(http, f"http://hooks.example:{receiver.port}/")).status == 200


@pytest.mark.slow
async def test_an_address_that_is_silent_leaves_time_for_the_next() -> None:
    full = socket.socket()
    with full:  # a listener whose backlog is full lets connections hang
        full.bind(("127.0.0.9", 0))
        full.listen(0)
        port = full.getsockname()[1]
        filling = [socket.socket() for _ in range(4)]
        for one in filling:
            one.setblocking(False)
            one.connect_ex(("127.0.0.9", port))
        receiver = Receiver()
        server = await asyncio.start_server(receiver.serve, "127.0.0.1", port)
        async with server, client("127.0.0.9", "127.0.0.1") as http:
            assert (await post(http, f"http://hooks.example:{port}/", seconds=2)).status == 200
        for one in filling:
            one.close()
        await receiver.wait_closed()


async def test_nobody_listening_and_no_address_are_failures_of_their_own() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        async with client() as http:
            failed = await failure(http, f"http://127.0.0.1:{port}/")
            assert failed.error == "connect"
            assert f"127.0.0.1 port {port}" in (failed.detail or "")
            assert (await failure(http, "http://hooks.example/")).error == "dns"


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    files: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, before[1]), before[1]))
    try:
        with suppress(OSError):
            while True:
                files.append(os.open("/dev/null", os.O_RDONLY))
        yield
    finally:
        for file in files:
            os.close(file)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def test_a_shortage_of_descriptors_is_not_the_receivers_fault() -> None:
    async def fails(host: str) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")  # as the system says it then

    async with serving(Receiver()) as receiver, client("127.0.0.1") as http:
        with no_descriptor_left():
            for scheme in ("http", "https"):
                assert (await failure(http, f"{scheme}://127.0.0.1:{receiver.port}/")).error == BUSY
        assert (await post(http, f"http://127.0.0.1:{receiver.port}/")).status == 200
    http = HttpClient(allowed=LOOPBACK, reply_limit=LIMIT, idle_per_pool=1, idle_in_all=1, resolve=fails)
    with no_descriptor_left():
        assert (await failure(http, "http://hooks.example/")).error == BUSY
    assert (await failure(http, "http://hooks.example/")).error == "dns"
    await http.close()


async def test_a_name_is_looked_up_by_the_system_and_a_failed_lookup_says_why() -> None:
    async def fails(host: str) -> Sequence[str]:
        raise OSError(-2, "Name or service not known")

    async with serving(Receiver()) as receiver:
        http = HttpClient(allowed=LOOPBACK, reply_limit=LIMIT, idle_per_pool=1, idle_in_all=1)
        assert (await post(http, f"http://localhost:{receiver.port}/")).status == 200
        await http.close()
    http = HttpClient(allowed=LOOPBACK, reply_limit=LIMIT, idle_per_pool=1, idle_in_all=1, resolve=fails)
    failed = await failure(http, "http://hooks.example/")
    assert (failed.error, failed.detail) == ("dns", "hooks.example: Name or service not known.")
    await http.close()


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with serving(Receiver()) as receiver, client() as http:
        assert (await post(http, receiver.url)).status == 200


# --- TLS -----------------------------------------------------------------------------------------------------------
AUTHORITY = trustme.CA()


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


def presenting(*names: str, authority: trustme.CA = AUTHORITY) -> tuple[ssl.SSLContext, list[str | None]]:
    """A server's context, and the names that clients asked for (SNI)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    asked: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    return context, asked


async def test_tls_asks_for_the_name_and_keeps_the_connection() -> None:
    context, asked = presenting("hooks.example")
    async with serving(Receiver(), context) as receiver, client("127.0.0.1", context=trusting()) as http:
        for _ in range(2):
            assert (await post(http, f"https://hooks.example:{receiver.port}/")).body == b"ok"
        assert asked == ["hooks.example"]


async def test_a_certificate_for_an_address_is_checked_against_it() -> None:
    context, _ = presenting("127.0.0.1")
    async with serving(Receiver(), context) as receiver, client(context=trusting()) as http:
        assert (await post(http, f"https://127.0.0.1:{receiver.port}/")).status == 200


@pytest.mark.parametrize(
    ("name", "authority", "reason"),
    [("other.example", AUTHORITY, "Hostname mismatch"), ("hooks.example", trustme.CA(), "unable to get")],
)
async def test_a_certificate_of_another_host_or_authority_fails(name: str, authority: trustme.CA, reason: str) -> None:
    context, _ = presenting(name, authority=authority)
    async with serving(Receiver(), context) as receiver, client("127.0.0.1", context=trusting()) as http:
        failed = await failure(http, f"https://hooks.example:{receiver.port}/")
        assert failed.error == "tls"
        assert reason in (failed.detail or "")
        assert not receiver.requests


async def test_without_a_context_the_authorities_of_the_system_are_trusted_alone() -> None:
    context, _ = presenting("hooks.example")
    async with serving(Receiver(), context) as receiver, client("127.0.0.1") as http:
        assert (await failure(http, f"https://hooks.example:{receiver.port}/")).error == "tls"


async def test_a_receiver_without_tls_fails_by_name_and_a_silent_one_in_time() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await closed(writer)

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await closed(writer)

    async def gone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await closed(writer)

    for handler, seconds, error in ((plain, 20, "tls"), (gone, 20, "tls"), (mute, 0.2, "timeout")):
        server = await asyncio.start_server(handler, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, client("127.0.0.1", context=trusting()) as http:
            assert (await failure(http, f"https://hooks.example:{port}/", seconds=seconds)).error == error


# --- closing -------------------------------------------------------------------------------------------------------
async def test_close_ends_what_is_under_way_and_takes_nothing_more() -> None:
    looking = asyncio.Event()

    async def never(host: str) -> Sequence[str]:
        looking.set()
        await asyncio.Event().wait()
        raise AssertionError

    http = HttpClient(allowed=LOOPBACK, reply_limit=LIMIT, idle_per_pool=1, idle_in_all=1, resolve=never)
    async with serving(Receiver([Do.SILENCE])) as receiver:
        waiting = asyncio.create_task(failure(http, receiver.url))
        connecting = asyncio.create_task(failure(http, "http://hooks.example/"))
        await receiver.arrived.wait()
        await looking.wait()
        await http.close()
        failures = [await waiting, await connecting, await failure(http, receiver.url)]
        assert [(failed.error, failed.detail) for failed in failures] == [("reset", "Ringpost is stopping.")] * 3
        await receiver.wait_closed()


async def test_a_large_request_to_a_receiver_that_answers_early_does_not_spoil_the_next() -> None:
    early = reply("413 Content Too Large", b"")
    ended = asyncio.Semaphore(0)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(early)
        with suppress(ConnectionResetError):
            await reader.read()
        await closed(writer)
        ended.release()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, client() as http:
        for _ in range(2):
            got = await post(http, url, body=bytes(20_000_000))
            assert got.status == 413
            await ended.acquire()
