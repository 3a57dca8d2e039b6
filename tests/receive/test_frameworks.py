"""Receivers in the frameworks that people use, each by its own test client: one suite for all of them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import httpx
import pytest
from fastapi import FastAPI

from ringpost_receive import Delivery, MemoryStore
from ringpost_receive.asgi import ASGIReceiver
from ringpost_receive.receiver import BODY_LIMIT
from ringpost_receive.wsgi import wsgi_receiver
from tests.receive.fastapi_app import app_with_a_dependency
from tests.receive.sent import SECRET, Sent, sent

Handler = Callable[[Delivery], Any]
Post = Callable[..., Any]  # (Sent, method) -> (status, text)


@asynccontextmanager
async def over_asgi(app: Any) -> AsyncIterator[Post]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as client:

        async def post(one: Sent, method: str = "POST") -> tuple[int, str]:
            reply = await client.request(method, "/calls", content=one.body, headers=one.headers)
            return reply.status_code, reply.text

        yield post


@asynccontextmanager
async def fastapi(handler: Handler) -> AsyncIterator[Post]:
    app = FastAPI()
    receiver: Any = ASGIReceiver(handler, secret=SECRET, store=MemoryStore())
    app.add_route("/calls", receiver, methods=["POST"])
    async with over_asgi(app) as post:
        yield post


@asynccontextmanager
async def fastapi_with_a_coroutine(handler: Handler) -> AsyncIterator[Post]:
    async def handle(delivery: Delivery) -> None:
        handler(delivery)

    async with fastapi(handle) as post:
        yield post


@asynccontextmanager
async def flask(handler: Handler) -> AsyncIterator[Post]:
    import flask

    from ringpost_receive.flask import receives

    app = flask.Flask("receiver")
    app.post("/calls")(receives(secret=SECRET, store=MemoryStore())(handler))
    client = app.test_client()

    async def post(one: Sent, method: str = "POST") -> tuple[int, str]:
        reply = client.open("/calls", method=method, data=one.body, headers=one.headers)
        return reply.status_code, reply.text

    yield post


@asynccontextmanager
async def django(handler: Handler) -> AsyncIterator[Post]:
    from django.conf import settings

    if not settings.configured:
        settings.configure(
            ROOT_URLCONF=__name__,
            ALLOWED_HOSTS=["*"],
            SECRET_KEY="test",
            MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
        )
    from django.test import Client
    from django.urls import path

    from ringpost_receive.django import receives

    globals()["urlpatterns"] = [path("calls", receives(secret=SECRET, store=MemoryStore())(handler))]
    from django.urls import clear_url_caches

    clear_url_caches()
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)

    async def post(one: Sent, method: str = "POST") -> tuple[int, str]:
        reply = await asyncio.to_thread(
            client.generic, method, "/calls", one.body, content_type="application/json", headers=one.headers
        )
        return reply.status_code, reply.content.decode()

    yield post


@asynccontextmanager
async def wsgi(handler: Handler) -> AsyncIterator[Post]:
    application = validator(wsgi_receiver(handler, secret=SECRET, store=MemoryStore()))

    async def post(one: Sent, method: str = "POST") -> tuple[int, str]:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": "/calls",
            "QUERY_STRING": "",
            "SCRIPT_NAME": "",
            "CONTENT_LENGTH": str(len(one.body)),
            "wsgi.input": BytesIO(one.body),
        }
        setup_testing_defaults(environ)
        environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in one.headers.items()}
        status: list[str] = []

        def start(line: str, headers: object, exc_info: object = None) -> Callable[[bytes], object]:
            status.append(line)
            return lambda _: None

        try:
            replies = application(environ, start)
        except ZeroDivisionError:  # a server answers 500 to that
            return 500, ""
        try:
            text = b"".join(replies).decode()
        finally:
            replies.close()  # type: ignore[attr-defined]
        return int(status[0].split()[0]), text

    yield post


FRAMEWORKS = [fastapi, fastapi_with_a_coroutine, flask, django, wsgi]


def now(**options: Any) -> Sent:
    return sent(at=int(time.time()), **options)


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_a_genuine_delivery_is_handled_once(framework: Any) -> None:
    handled: list[Delivery] = []
    async with framework(handled.append) as post:
        assert await post(now()) == (200, "handled\n")
        assert await post(now(attempt=2)) == (200, "handled before\n")
        assert await post(now(delivery="dlv_0002")) == (200, "handled\n")
    assert [one.id for one in handled] == ["dlv_0001", "dlv_0002"]
    assert handled[0].event.call.end_cause == "16"


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_what_is_not_genuine_reaches_no_handler(framework: Any, caplog: pytest.LogCaptureFixture) -> None:
    handled: list[Delivery] = []
    async with framework(handled.append) as post:
        one = now()
        for wrong, code in (
            (one.but(one.body + b" "), "signature_wrong"),
            (one.but(webhook_signature=None), "signature_missing"),
            (sent(at=int(time.time()) - 1_000), "too_old"),
        ):
            status, text = await post(wrong)
            assert (status, text.split(":")[0]) == (401, code)
            assert code in caplog.text
        assert (await post(one.but(bytes(BODY_LIMIT + 1))))[0] == 413
        assert (await post(one, "GET"))[0] == 405
    assert handled == []


@pytest.mark.parametrize("framework", FRAMEWORKS)
async def test_a_handler_that_fails_gets_the_next_try(framework: Any) -> None:
    tries: list[int | None] = []

    def fails_once(delivery: Delivery) -> None:
        tries.append(delivery.attempt)
        if len(tries) == 1:
            raise ZeroDivisionError

    async with framework(fails_once) as post:
        assert (await post(now()))[0] == 500
        assert await post(now(attempt=2)) == (200, "handled\n")
    assert tries == [1, 2]


async def test_one_that_comes_while_it_is_handled_is_asked_to_come_again() -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow(_: Delivery) -> None:
        inside.set()
        assert go_on.wait(10)

    async with fastapi(slow) as post:
        first = asyncio.create_task(post(now()))
        await asyncio.to_thread(inside.wait, 10)
        assert await post(now(attempt=2)) == (503, "being handled at this moment\n")
        go_on.set()
        assert await first == (200, "handled\n")


async def test_fastapi_takes_a_verified_delivery_as_a_dependency() -> None:
    app, handled = app_with_a_dependency(SECRET)
    async with over_asgi(app) as post:
        assert (await post(now()))[0] == 200
        status, text = await post(now().but(b"{}"))
        assert (status, "signature_wrong" in text) == (401, True)
        assert (await post(now().but(bytes(BODY_LIMIT + 1))))[0] == 413
    assert [one.id for one in handled] == ["dlv_0001"]


async def test_an_empty_secret_is_refused_when_the_receiver_is_made() -> None:
    with pytest.raises(ValueError, match="is the variable set"):
        ASGIReceiver(print, secret="")
