"""A receiver as a WSGI application: `application = wsgi_receiver(handle, secret=…)`."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Callable, Optional

from .once import Store
from .receiver import BODY_LIMIT, ONLY_POST, TOO_LARGE, Answer, Handler, Receiver
from .verifying import Secrets

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


def wsgi_receiver(
    handler: Handler, *, secret: Secrets, store: Optional[Store] = None, untimed: bool = False
) -> Callable[[Environ, StartResponse], Iterable[bytes]]:
    """handler: called with each `Delivery` that is genuine and new."""
    receiver = Receiver(secret, store=store, untimed=untimed)

    def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        answer = _answer(receiver, handler, environ)
        headers = [*answer.headers, ("content-type", "text/plain"), ("content-length", str(len(answer.body)))]
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", headers)
        return [answer.body]

    return application


def _answer(receiver: Receiver, handler: Handler, environ: Environ) -> Answer:
    if environ["REQUEST_METHOD"] != "POST":
        return ONLY_POST
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if length > BODY_LIMIT:
        return TOO_LARGE
    return receiver.answer(environ["wsgi.input"].read(length), headers_of(environ), handler)


def headers_of(environ: Environ) -> dict[str, str]:
    """The headers of a WSGI environment (PEP 3333) by their own names."""
    return {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
