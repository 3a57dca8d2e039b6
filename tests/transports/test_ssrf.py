"""No spelling of an address, no change of DNS and no setting of the environment leads a delivery inside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ringpost.api.test_call import accept_test_call
from ringpost.errors import RingpostError
from ringpost.integrations.requests import InstallRequest
from ringpost.model.outcome import Outcome
from ringpost.node import start_node
from ringpost.settings import Settings
from ringpost.transports.egress import check_target, parse_networks
from ringpost.transports.queue_url import check_queue_url
from ringpost.transports.sqs import SqsTransport
from ringpost.transports.transport import Sending, Transport
from ringpost.transports.webhook import WebhookTransport
from tests.real.certificates import presenting, trusting
from tests.transports.receivers import Do, Receiver, make_sending, reply, serving
from tests.transports.ssrf_corpus import ACCEPTED, QUEUES, REFUSED
from tests.world import make_world

PUBLIC = "93.184.216.34"
INSIDE = (
    "127.0.0.1",
    "169.254.169.254",
    "10.0.0.1",
    "::1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "fd00:ec2::254",
)
QUEUE = "https://sqs.eu-west-1.amazonaws.com/123456789012/calls"
AWS: dict[str, Any] = {"key": "AKIAIOSFODNN7EXAMPLE", "secret": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
REFUSALS = {"target_invalid", "target_refused", "target_has_credentials"}


class Dns:
    """Name servers whose answers change."""

    def __init__(self, *addresses: str) -> None:
        self.addresses: Sequence[str] = addresses
        self.asked = 0

    async def __call__(self, host: str) -> Sequence[str]:
        return self.look_up(host)

    def look_up(self, host: str) -> Sequence[str]:
        self.asked += 1
        return self.addresses


def refusal(url: str, *networks: str) -> str | None:
    """The code that a URL is refused with."""
    try:
        check_target(url, parse_networks(networks))
    except RingpostError as error:
        return f"{error.code}" if error.field == "url" else f"{error.code} without a field"
    return None


# --- spellings -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("group", REFUSED)
def test_no_spelling_leads_inside(group: str) -> None:
    assert {url: code for url in REFUSED[group] if (code := refusal(url)) not in REFUSALS} == {}


@pytest.mark.parametrize("group", ["IPv4 as it is", "IPv4 in IPv6"])
def test_a_valid_address_is_refused_for_where_it_leads(group: str) -> None:
    assert {refusal(url) for url in REFUSED[group]} == {"target_refused"}


def test_what_is_public_is_taken() -> None:
    assert {url: code for url in ACCEPTED if (code := refusal(url)) is not None} == {}


def test_the_corpus_is_as_large_as_it_should_be() -> None:
    assert len({url for urls in REFUSED.values() for url in urls}) >= 300
    assert len(set(ACCEPTED)) >= 60


def test_an_allowed_network_opens_no_other_in_any_spelling() -> None:
    metadata = [url for urls in REFUSED.values() for url in urls if "169.254.169.254" in url or "a9fe:a9fe" in url]
    assert len(metadata) > 50
    assert {url for url in metadata if refusal(url, "127.0.0.0/8", "10.0.0.0/8", "::1/128") is None} == set()


@pytest.mark.parametrize("url", QUEUES)
def test_what_only_looks_like_a_queue_of_aws_is_refused(url: str) -> None:
    with pytest.raises(RingpostError) as caught:
        check_queue_url(url, ())
    assert (caught.value.code, caught.value.field) == ("queue_url_invalid", "url")


async def test_nothing_of_it_can_be_installed(tmp_path: Path) -> None:
    world = await make_world(tmp_path)
    webhooks = [InstallRequest(type="webhook", url=url) for urls in REFUSED.values() for url in urls[::7]]
    queues = [InstallRequest(type="sqs", url=url, **AWS) for url in QUEUES]
    for request in (*webhooks, *queues):
        with pytest.raises(RingpostError) as caught:
            await world.registry.install("acme", request)
        assert caught.value.field == "url"
    assert world.registry.all() == []
    await world.registry.install("acme", InstallRequest(type="webhook", url=ACCEPTED[0]))
    await world.ledger.close()


# --- names that change ---------------------------------------------------------------------------------------------
def transports(dns: Dns, *networks: str) -> list[tuple[Transport, Sending]]:
    settings = Settings(allow_networks=networks)
    return [
        (WebhookTransport(settings, resolver=dns), make_sending("http://hooks.example/in")),
        (SqsTransport(settings, resolver=dns), make_sending(QUEUE, kind="sqs")),
    ]


@pytest.mark.parametrize("inside", INSIDE)
async def test_a_name_that_leads_inside_after_it_was_installed_is_refused_at_the_attempt(
    inside: str, tmp_path: Path
) -> None:
    dns = Dns(PUBLIC)
    world = await make_world(tmp_path)
    world.addresses["hooks.example"] = [PUBLIC]
    await world.registry.install("acme", InstallRequest(type="webhook", url="http://hooks.example/in"))
    await world.registry.install("acme", InstallRequest(type="sqs", url=QUEUE, **AWS))
    await world.ledger.close()
    for addresses in ([inside], [PUBLIC, inside], [inside, PUBLIC], [PUBLIC] * 9 + [inside]):
        dns.addresses = addresses
        for transport, sending in transports(dns):
            outcome = await transport.send(sending)
            assert (outcome.error, outcome.status) == ("address_refused", None)
            await transport.close()


async def test_a_name_of_which_one_address_is_inside_cannot_be_installed(tmp_path: Path) -> None:
    world = await make_world(tmp_path)
    for inside in INSIDE:
        world.addresses["hooks.example"] = [PUBLIC, inside]
        with pytest.raises(RingpostError) as caught:
            await world.registry.install("acme", InstallRequest(type="webhook", url="http://hooks.example/in"))
        assert (caught.value.code, caught.value.field) == ("target_refused", "url")
    await world.ledger.close()


async def test_a_kept_connection_goes_on_to_the_address_that_was_checked_and_the_next_one_is_checked_anew() -> None:
    dns = Dns("127.0.0.1")
    async with serving(Receiver([reply()], [reply(), Do.CLOSE], [reply()])) as receiver:
        transport = WebhookTransport(Settings(allow_networks=("127.0.0.1/32",)), resolver=dns)
        sending = make_sending(f"http://hooks.example:{receiver.port}/")
        assert (await transport.send(sending)).ok
        dns.addresses = ["127.0.0.2"]
        assert (await transport.send(sending)).ok
        assert (receiver.connections, dns.asked) == (1, 1)
        await receiver.wait_closed()
        outcome = await transport.send(sending)
        assert (outcome.error, receiver.connections, dns.asked) == ("address_refused", 1, 2)
        await transport.close()


async def test_a_test_call_to_a_name_that_leads_inside_by_now_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dns, outcomes = Dns(PUBLIC), asyncio.Queue[Outcome]()
    send = WebhookTransport.send

    async def watched(self: WebhookTransport, sending: Sending) -> Outcome:
        outcome = await send(self, sending)
        outcomes.put_nowait(outcome)
        return outcome

    monkeypatch.setattr("ringpost.transports.resolve._look_up", dns.look_up)
    monkeypatch.setattr(WebhookTransport, "send", watched)
    node = await start_node(Settings(data=str(tmp_path), port=0))
    async with serving(Receiver()) as receiver:
        url = f"http://hooks.example:{receiver.port}/"
        integration, _ = await node.registry.install("acme", InstallRequest(type="webhook", url=url))
        dns.addresses = ["127.0.0.1"]
        await accept_test_call(node.services, integration)
        assert (await outcomes.get()).error == "address_refused"
        await node.stop()
        assert receiver.connections == 0


# --- the environment -----------------------------------------------------------------------------------------------
@asynccontextmanager
async def trap() -> AsyncIterator[Receiver]:
    async with serving(Receiver()) as receiver:
        yield receiver
        assert receiver.connections == 0


async def test_proxies_of_the_environment_get_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with trap() as proxy, serving(Receiver()) as receiver, serving(Receiver(), presenting()) as secure:
        for name in ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "socks_proxy"):
            for variable in (name, name.upper()):
                monkeypatch.setenv(variable, proxy.url)
        for variable in ("no_proxy", "NO_PROXY"):
            monkeypatch.setenv(variable, "")
        settings = Settings(allow_networks=("127.0.0.0/8",), allow_sqs_hosts=("127.0.0.1",))
        webhook = WebhookTransport(settings, resolver=Dns("127.0.0.1"), ssl_context=trusting())
        sqs = SqsTransport(settings)
        assert (await webhook.send(make_sending(receiver.url))).ok
        assert (await webhook.send(make_sending(f"http://hooks.example:{receiver.port}/"))).ok
        assert (await webhook.send(make_sending(f"https://hooks.example:{secure.port}/"))).ok
        await sqs.send(make_sending(f"{receiver.url}/123456789012/calls", kind="sqs"))
        assert (len(receiver.requests), len(secure.requests)) == (3, 1)
        await webhook.close()
        await sqs.close()
