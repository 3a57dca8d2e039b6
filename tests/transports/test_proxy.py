"""Deliveries through the operator's proxy: the address is ours, the way is the proxy's."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Sequence

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from ringpost.errors import RingpostError
from ringpost.model.outcome import Outcome
from ringpost.settings import Proxy, Settings, load_settings, parse_proxy
from ringpost.transports.proxy import HEAD_LIMIT, ProxyRefusal, connect_request, is_open
from ringpost.transports.sqs import SqsTransport
from ringpost.transports.webhook import WebhookTransport
from tests.transports.connect_proxy import OPEN, ConnectProxy, proxying
from tests.transports.receivers import Receiver, Request, make_sending, reply, serving

PASSWORD = "p%40ss-word"
AUTHORIZATION = "Basic " + base64.b64encode(b"ann:p@ss-word").decode()


async def resolve(host: str) -> Sequence[str]:
    return ["10.0.0.1"] if host == "inside.example" else ["127.0.0.1"]


def through(url: str, *, attempt_timeout_ms: int = 5_000) -> Settings:
    return Settings(
        allow_networks=("127.0.0.0/8",),
        allow_sqs_hosts=("127.0.0.1",),
        proxy=url,
        attempt_timeout_ms=attempt_timeout_ms,
    )


async def deliver(settings: Settings, *urls: str, context: ssl.SSLContext | None = None) -> list[Outcome]:
    transport = WebhookTransport(settings, resolver=resolve, ssl_context=context)
    try:
        return [await transport.send(make_sending(url)) for url in urls]
    finally:
        await transport.close()


async def test_http_goes_through_a_tunnel_to_the_checked_address_that_is_used_again() -> None:
    async with serving(Receiver()) as receiver, proxying(ConnectProxy()) as proxy:
        url = f"http://hooks.example:{receiver.port}/in"
        outcomes = await deliver(through(proxy.url), url, url)
        assert [outcome.status for outcome in outcomes] == [200, 200]
        where = f"127.0.0.1:{receiver.port}"
        assert proxy.heads == [f"CONNECT {where} HTTP/1.1\r\nhost: {where}\r\n\r\n"]
        assert [request.line for request in receiver.requests] == ["POST /in HTTP/1.1"] * 2
        assert receiver.requests[0].headers["host"] == f"hooks.example:{receiver.port}"


@pytest.mark.parametrize(("name", "error"), [("hooks.example", None), ("other.example", "tls")])
async def test_tls_is_with_the_receiver_by_its_name_through_the_tunnel(name: str, error: str | None) -> None:
    authority = trustme.CA()
    server, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert(name).configure_cert(server)
    authority.configure_trust(trusting)
    asked: list[str | None] = []
    server.sni_callback = lambda _socket, sni, _context: asked.append(sni)
    async with serving(Receiver(), server) as receiver, proxying(ConnectProxy()) as proxy:
        url = f"https://hooks.example:{receiver.port}/"
        outcomes = await deliver(through(proxy.url), url, url, context=trusting)
        assert [outcome.error for outcome in outcomes] == [error, error]
        assert set(asked) == {"hooks.example"}
        assert len(proxy.heads) == (2 if error else 1)
        assert f"CONNECT 127.0.0.1:{receiver.port} " in proxy.heads[0]


async def test_the_password_goes_to_the_proxy_and_nowhere_else() -> None:
    async with serving(Receiver()) as receiver, proxying(ConnectProxy()) as proxy:
        settings = through(proxy.url.replace("//", f"//ann:{PASSWORD}@"))
        (outcome,) = await deliver(settings, receiver.url)
        assert outcome.ok
        assert f"\r\nproxy-authorization: {AUTHORIZATION}\r\n" in proxy.heads[0]
        assert not any("authorization" in name.lower() for name in receiver.requests[0].headers)


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (b"HTTP/1.1 403 ann:p@ss-word\r\nX: y\r\n\r\n", "The proxy answered 403."),
        (b"HTTP/1.1 407 Who\r\n\r\n", "The proxy answered 407."),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "The proxy's answer is no HTTP."),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * HEAD_LIMIT, "The proxy's answer is larger than 8192 bytes."),
        (OPEN + b"HTTP/1.1 200 OK\r\n\r\n", "The proxy sent more than its answer."),
    ],
)
async def test_a_proxy_that_gives_no_tunnel_ends_the_attempt(answer: bytes, detail: str) -> None:
    async with serving(Receiver()) as receiver, proxying(ConnectProxy(answer)) as proxy:
        settings = through(proxy.url.replace("//", f"//ann:{PASSWORD}@"))
        (outcome,) = await deliver(settings, receiver.url)
        assert (outcome.error, outcome.status, outcome.detail) == ("connect", None, detail)
        assert receiver.connections == 0
        await proxy.wait_closed()


async def test_a_silent_proxy_is_a_timeout_and_none_at_all_a_failure_to_connect() -> None:
    async with proxying(ConnectProxy(None)) as proxy:
        (outcome,) = await deliver(through(proxy.url, attempt_timeout_ms=200), "http://hooks.example/")
        assert outcome.error == "timeout"
        await proxy.wait_closed()
    (outcome,) = await deliver(through(proxy.url), "http://hooks.example/")
    assert outcome.error == "connect"
    assert (outcome.detail or "").startswith("The proxy: Connect")


async def test_a_host_that_leads_inside_is_refused_before_the_proxy_is_asked() -> None:
    async with proxying(ConnectProxy()) as proxy:
        outcomes = await deliver(through(proxy.url), "http://inside.example/", "http://10.0.0.1/")
        assert [outcome.error for outcome in outcomes] == ["address_refused"] * 2
        assert proxy.heads == []


async def test_sqs_goes_through_the_proxy_too() -> None:
    def taking(request: Request) -> Sequence[bytes]:
        taken = [{"Id": entry["Id"], "MessageId": "m"} for entry in json.loads(request.body)["Entries"]]
        return [reply("200 OK", json.dumps({"Successful": taken, "Failed": []}).encode())]

    async with serving(Receiver(taking)) as receiver, proxying(ConnectProxy()) as proxy:
        transport = SqsTransport(through(proxy.url))
        outcome = await transport.send(make_sending(f"{receiver.url}/123456789012/calls", kind="sqs"))
        await transport.close()
        assert outcome.ok
        assert len(proxy.heads) == 1


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(Receiver()) as receiver, proxying(ConnectProxy()) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        (outcome,) = await deliver(through(""), receiver.url)
        assert outcome.ok
        assert proxy.heads == []


# --- pure ----------------------------------------------------------------------------------------------------------
@given(st.integers(0, 3), st.integers(200, 299), st.data())
def test_a_tunnel_is_open_when_the_head_is_whole_and_not_before(interim: int, code: int, data: st.DataObject) -> None:
    whole = b"HTTP/1.1 103 Early\r\n\r\n" * interim + b"HTTP/1.1 %d Fine\r\nContent-Length: 9\r\n\r\n" % code
    assert is_open(whole)
    assert not is_open(whole[: data.draw(st.integers(0, len(whole) - 4))])


def test_a_switch_of_protocols_is_no_tunnel() -> None:
    with pytest.raises(ProxyRefusal, match="answered 101"):
        is_open(b"HTTP/1.1 101 Switching\r\n\r\n")


def test_an_ipv6_address_is_named_in_brackets() -> None:
    proxy = Proxy(host="p", port=1, is_address=False, user="", password="")
    assert connect_request(proxy, "2600::1", 443) == b"CONNECT [2600::1]:443 HTTP/1.1\r\nhost: [2600::1]:443\r\n\r\n"


# --- the setting ---------------------------------------------------------------------------------------------------
def test_a_proxy_is_taken_apart() -> None:
    assert parse_proxy("") is None
    assert parse_proxy(f"http://ann:{PASSWORD}@proxy.example:3128") == Proxy(
        host="proxy.example", port=3128, is_address=False, user="ann", password="p@ss-word"
    )
    assert parse_proxy("http://[::1]:3128/") == Proxy(host="::1", port=3128, is_address=True, user="", password="")


@pytest.mark.parametrize(
    "url",
    ["proxy:3128", "https://h0st:1", "http://h0st", "http://h0st:0", "http://h0st:65536", "http://hush@h0st:1",
     "http://ann:hush@x@h0st:1", "http://a%3Ab:hush@h0st:1", "http://ann:hush%0d@h0st:1", "http://[1.2.3.4.5]:1",
     "http://ann:hush@h0st:1/path", "http://h0st:1\r\n"],
)  # fmt: skip
def test_a_wrong_proxy_is_refused_at_loading_without_being_repeated(url: str) -> None:
    with pytest.raises(RingpostError) as caught:
        load_settings(None, {"RINGPOST_PROXY": url})
    assert (caught.value.code, caught.value.field) == ("settings_invalid", "proxy")
    assert "hush" not in str(caught.value)


def test_the_password_is_in_no_repr() -> None:
    settings = load_settings(None, {"RINGPOST_PROXY": "http://ann:hush@h0st:1"})
    for shown in (repr(settings), str(settings), str(settings.__rich_repr__()), repr(parse_proxy(settings.proxy))):
        assert "hush" not in shown
    assert "proxy='(set)'" in repr(settings)
