"""The command line's client of a running service, over its HTTP API.

On the service's own machine neither address nor key is needed: a running service leaves both in `service.json` in
its data folder (mode 0600), the key being good for that process alone.
"""

from __future__ import annotations

import http.client
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from ringpost.errors import ERRORS, RingpostError
from ringpost.settings import Settings

SERVICE_FILE: Final = "service.json"
_SECONDS: Final = 30
_PAGE: Final = 200  # rows that the API gives at once


class Service(Struct, frozen=True):
    """Where a service listens, and the key for it."""

    url: str
    key: str

    def __repr__(self) -> str:
        return f"Service({self.url})"


def running_service(settings: Settings) -> Service | None:
    """The service that runs on this data folder, as its file says, and that answers; None where there is none.

    A service that was killed leaves its file behind.
    """
    try:
        service = msgspec.json.decode((Path(settings.data) / SERVICE_FILE).read_bytes(), type=Service)
        Client(service).request("GET", "/v1/whoami")
    except (OSError, msgspec.DecodeError, RingpostError):
        return None
    return service


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the key to wherever it leads."""

    def redirect_request(self, *_: object) -> None:
        return None


class Client:
    """Requests to one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects())

    def request(
        self, method: str, path: str, body: object = None, *, headers: dict[str, str] | None = None, **query: object
    ) -> Any:
        """The `result` of the answer (for a list: the whole answer). Raises the service's error, or
        `service_unreachable`."""
        try:
            answer = json.loads(self.fetch(method, path, body, headers=headers, **query) or b"{}")
        except ValueError as error:
            raise self._unreachable(error) from None
        return answer if "next" in answer else answer.get("result")

    def fetch(
        self, method: str, path: str, body: object = None, *, headers: dict[str, str] | None = None, **query: object
    ) -> bytes:
        """The answer as it is. Raises as `request`."""
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        sent = {"content-type": "application/json", **(headers or {})}
        with self._answer(method, path, query, sent, data) as response:
            read: bytes = response.read()
        return read

    def stream(self, path: str, **query: object) -> Iterator[dict[str, Any]]:
        """The data of each message of a stream (server-sent events), until it ends. Raises as `request`."""
        with self._answer("GET", path, query, {"accept": "text/event-stream"}) as response:
            for line in response:
                if line.startswith(b"data:"):
                    yield json.loads(line[5:])

    @contextmanager
    def _answer(
        self, method: str, path: str, query: dict[str, object], headers: dict[str, str], data: bytes | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """The answer while it is read, whatever breaks told as `request` tells it."""
        given = {name: str(value) for name, value in query.items() if value is not None}
        url = f"{self._service.url.rstrip('/')}{path}{'?' + urlencode(given) if given else ''}"
        if not url.startswith(("http://", "https://")):
            raise RingpostError(
                "settings_invalid", "The service's address begins with http:// or https://.", field="url"
            )
        sent = {"authorization": f"Bearer {self._service.key}", **headers}
        request = urllib.request.Request(url, data=data, method=method, headers=sent)  # noqa: S310 - checked above
        try:
            with self._opener.open(request, timeout=_SECONDS) as response:
                yield response
        except urllib.error.HTTPError as error:
            raise _refusal(error) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise self._unreachable(error) from None

    def _unreachable(self, error: Exception) -> RingpostError:
        reason = getattr(error, "reason", error)
        return RingpostError(
            "service_unreachable",
            f"No Ringpost service answers at {self._service.url} ({reason}). Start it with `ringpost serve`.",
        )

    def pages(self, path: str, limit: int, **query: str | None) -> tuple[list[dict[str, Any]], bool]:
        """The rows of a list, of as many pages as it takes, `limit` at most; whether there are more. Raises as
        `request`."""
        rows: list[dict[str, Any]] = []
        cursor = None
        while True:
            size = min(limit - len(rows), _PAGE)
            answer = self.request("GET", path, None, headers=None, limit=size, cursor=cursor, **query)
            rows += answer["result"]
            cursor = answer["next"]
            if cursor is None or len(rows) >= limit:
                return rows, cursor is not None


def _refusal(error: urllib.error.HTTPError) -> RingpostError:
    try:
        told = json.loads(error.read())["error"]
        code, message, field = told["code"], told["message"], told.get("field")
        if code == "company_missing":
            message = message.removesuffix(" Add `company`.") + " Add --company."  # not the body's field
    except (ValueError, KeyError, TypeError):
        code, message, field = "service_unreachable", f"The answer was no Ringpost answer: HTTP {error.code}.", None
    return RingpostError(code if code in ERRORS else "internal", message, field=field)


def connect(settings: Settings, url: str | None, key_file: IO[str] | None) -> Client:
    """A client of the service that is meant: what was given, else the one on the data folder.

    A key comes from a file or the environment, never from an option's value, which the process list would show.
    """
    key = key_file.read().strip() if key_file else os.environ.get("RINGPOST_API_KEY")
    found = running_service(settings)
    if url is None and found is None:
        raise RingpostError(
            "service_unreachable",
            f"No service runs on the data folder {settings.data}. Start it with `ringpost serve`, "
            "or give --url and RINGPOST_API_KEY of another.",
        )
    if url is not None and (found is None or url.rstrip("/") != found.url):
        return Client(Service(url, key or ""))
    assert found is not None  # noqa: S101 - one of the two is there
    return Client(Service(found.url, key or found.key))


def segment(text: str) -> str:
    """A path segment, quoted."""
    return quote(text, safe="")
