from __future__ import annotations

import json
import time
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from standardwebhooks import Webhook

from ringpost import __version__
from ringpost.model.integration import Credentials
from ringpost.settings import Settings
from ringpost.transports.headers import check_headers
from ringpost.transports.message import failed, message_of
from ringpost.transports.webhook import WebhookTransport
from ringpost.wire.signature import standard_form, verify_standard, verify_x
from tests.transports.receivers import NOW, Receiver, make_sending, reply, serving

SETTINGS = Settings(allow_networks=("127.0.0.0/8",))
SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


async def test_a_post_has_the_headers_that_receivers_rely_on_and_no_others() -> None:
    credentials = Credentials(secret=SECRET, headers=check_headers({"X-My-Token": "é 1"}))
    transport = WebhookTransport(SETTINGS)
    async with serving(Receiver()) as receiver:
        sending = make_sending(f"{receiver.url}/in?x=1", credentials=credentials, attempt=2)
        outcome = await transport.send(sending)
        assert (outcome.ok, outcome.status, outcome.reply, outcome.detail) == (True, 200, "ok", None)
        await transport.close()
    (request,) = receiver.requests
    assert request.line == "POST /in?x=1 HTTP/1.1"
    signatures = {name: request.headers.pop(name) for name in ("x-signature", "webhook-signature")}
    assert request.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "content-type": "application/json",
        "user-agent": f"Ringpost/{__version__}",
        "content-length": str(len(request.body)),
        "webhook-id": sending.delivery,
        "webhook-timestamp": str(NOW // 1_000),
        "x-ringpost-attempt": "2",
        "x-ringpost-sequence": "3",
        "X-My-Token": "é 1",
    }
    assert verify_x(SECRET, request.body, signatures["x-signature"])
    assert verify_standard(SECRET, sending.delivery, str(NOW // 1_000), request.body, signatures["webhook-signature"])
    assert list(json.loads(request.body)) == ["id", "pbx", "time", "company", "type", "integrationId", "data"]


@pytest.mark.parametrize("secret", [SECRET, "a customer's own secret"])
def test_a_library_for_standard_webhooks_verifies_what_is_sent(secret: str) -> None:
    sending = make_sending("http://x.example", credentials=Credentials(secret=secret))
    message = message_of(replace(sending, now=int(time.time() * 1_000)))  # the library takes recent ones alone
    assert json.loads(message.body) == Webhook(standard_form(secret)).verify(message.body, dict(message.fields))


async def test_a_replay_says_so_and_keeps_its_id() -> None:
    transport = WebhookTransport(SETTINGS)
    async with serving(Receiver()) as receiver:
        for replay in (0, 2):
            await transport.send(make_sending(receiver.url, replay=replay))
        await transport.close()
    first, second = receiver.requests
    assert "x-ringpost-replay" not in first.headers
    assert second.headers["x-ringpost-replay"] == "2"
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)


@pytest.mark.parametrize(("until", "count"), [(NOW + 1, 2), (NOW, 1)])
def test_both_secrets_are_signed_with_until_the_old_one_ends(until: int, count: int) -> None:
    credentials = Credentials(secret=SECRET, previous=(("the old secret", until),))
    message = message_of(make_sending("http://x.example", credentials=credentials))
    fields = dict(message.fields)
    assert len(fields["webhook-signature"].split(" ")) == count
    for secret, valid in ((SECRET, True), ("the old secret", count == 2)):
        assert valid == verify_standard(
            secret, fields["webhook-id"], fields["webhook-timestamp"], message.body, fields["webhook-signature"]
        )
    assert verify_x(SECRET, message.body, fields["x-signature"])


@given(st.integers(0, 2**53), st.integers(1, 99), st.integers(0, 9))
def test_the_body_of_an_event_is_the_same_in_every_attempt(now: int, attempt: int, replay: int) -> None:
    first = message_of(make_sending("http://x.example"))
    again = message_of(make_sending("http://x.example", attempt=attempt, replay=replay))
    assert first.body == again.body
    assert dict(first.fields)["x-signature"] == dict(again.fields)["x-signature"]


async def test_integrations_do_not_share_connections_even_to_one_receiver() -> None:
    transport = WebhookTransport(SETTINGS)
    async with serving(Receiver()) as receiver:
        for integration in ("aaaaaa", "bbbbbb", "aaaaaa"):
            await transport.send(make_sending(receiver.url, integration=integration))
        await transport.close()
    assert [request.connection for request in receiver.requests] == [1, 2, 1]


async def test_a_redirect_is_not_followed() -> None:
    transport = WebhookTransport(SETTINGS)
    async with serving(Receiver()) as elsewhere:
        answer = [reply("307 Temporary Redirect", b"", f"Location: {elsewhere.url}")]
        async with serving(Receiver(answer)) as receiver:
            outcome = await transport.send(make_sending(receiver.url))
            await transport.close()
    assert (outcome.error, outcome.status, elsewhere.connections) == ("redirect", 307, 0)


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://localhost:1/", "http://[::1]/"])
async def test_a_target_that_is_refused_by_now_is_not_connected_to(url: str) -> None:
    transport = WebhookTransport(Settings())
    outcome = await transport.send(make_sending(url))
    assert outcome.error == "address_refused"
    await transport.close()


async def test_whatever_is_wrong_with_an_attempt_becomes_an_outcome() -> None:
    transport = WebhookTransport(SETTINGS)
    outcome = await transport.send(make_sending("not a url"))
    assert outcome.error == "connect"
    broken = make_sending("http://127.0.0.1:1/", credentials=Credentials(secret=cast("str", None)))
    assert (await transport.send(broken)).error == "internal"
    unsignable = make_sending("http://127.0.0.1:1/", credentials=Credentials(secret="whsec_!"))
    assert not (await transport.send(unsignable)).ok
    await transport.close()


def test_the_detail_of_a_failure_holds_no_secret() -> None:
    credentials = Credentials(secret=SECRET, headers=(("x-a", "tok-3n-0f-ours"),))
    sending = make_sending("http://x.example", credentials=credentials)
    outcome = failed(sending, "dns", f"tok-3n-0f-ours.example and {SECRET}: not known.")
    assert outcome.detail == "[secret].example and [secret]: not known."
