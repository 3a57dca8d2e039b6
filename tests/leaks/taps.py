"""Taps in the product, put there from outside when its modules are loaded: where secrets come to be, and where texts
leave it. In the test process and, by `inside/sitecustomize.py`, in the services that tests start.

Nothing but the standard library is imported here: this runs at the start of a process of its own.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final, Protocol

VARIABLE: Final = "RINGPOST_TEST_LEAKS"  # in a service: the file for what its taps tell
# Answers whose purpose is to show a secret once.
_SHOWS: Final = frozenset(
    {
        ("POST", "/v1/integrations"),
        ("POST", "/v1/integrations/{id}/rotate"),
        ("POST", "/v1/integrations/{id}/reveal"),
        ("POST", "/v1/keys"),
        ("POST", "/keys"),
        ("POST", "/integrations/install"),
        ("POST", "/add-pbx"),
        ("POST", "/add-pbx/try"),
        ("POST", "/integrations/{id}/rotate"),
        ("POST", "/integrations/{id}/reveal"),
        ("POST", "/v1/sign-in-links"),
    }
)
_SIGN_IN: Final = frozenset({"/login/{token}", "/sign-in"})  # their answers set the session's cookie


class Sink(Protocol):
    """What the taps tell."""

    def secret(self, kind: str, value: str) -> None: ...

    def seen(self, channel: str, text: str) -> None:
        """A text that left; channel: how, without anything secret."""
        ...

    def metrics(self, render: Callable[[], bytes]) -> None:
        """There are metrics, which this shows."""
        ...


def install(sink: Sink) -> None:
    """Tap each module of the product that is loaded from now on."""
    sys.meta_path.insert(0, _Finder(sink))
    for name, tap in _TAPS.items():
        if name in sys.modules:
            tap(sys.modules[name], sink)


class _Finder:
    """Lets the others find a module, and taps it once it is loaded."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._finding = False

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if self._finding or name not in _TAPS:
            return None
        self._finding = True
        try:
            spec = find_spec(name)
        finally:
            self._finding = False
        if spec is not None and spec.loader is not None:
            _after(spec.loader, "exec_module", lambda _, module: _TAPS[name](module, self._sink))
        return spec


def _after(owner: Any, name: str, tell: Callable[..., None]) -> None:
    """Have a function tell of each call once it is done: its result, then its arguments."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def tapped(*args: Any, **named: Any) -> Any:
        result = original(*args, **named)
        tell(result, *args, **named)
        return result

    setattr(owner, name, tapped)


# --- where secrets come to be ----------------------------------------------------------------------------------------
def _sealing(module: Any, sink: Sink) -> None:
    def sealed(_: bytes, __: Any, company: str, integration: str, credentials: Any) -> None:
        _credentials(credentials, sink)

    _after(module.Vault, "seal_credentials", sealed)
    _after(module.Vault, "__init__", lambda _, __, key: sink.secret("sealing key", key.hex()))


def _message(module: Any, sink: Sink) -> None:
    _after(module, "message_of", lambda _, sending: _credentials(sending.credentials, sink))


def _credentials(credentials: Any, sink: Sink) -> None:
    secret, *previous = (credentials.secret, *(secret for secret, _ in credentials.previous))
    sink.secret("AWS secret key" if credentials.key else "signing secret", secret)
    for old in previous:
        sink.secret("earlier secret", old)
    if credentials.key:
        sink.secret("AWS access key id", credentials.key)
    for _, value in credentials.headers:
        sink.secret("custom header", value)


def _keys(module: Any, sink: Sink) -> None:
    _after(module, "_make", lambda made, *_: sink.secret("API key", made[1]))


def _sessions(module: Any, sink: Sink) -> None:
    _after(module.Sessions, "make_link", lambda token, *_: sink.secret("sign-in link", token))
    _after(module.Sessions, "begin", lambda token, *_: sink.secret("session", token))


def _users(module: Any, sink: Sink) -> None:
    _after(module, "check_password", lambda _, password: sink.secret("password", password))


def _session_of_pbx(module: Any, sink: Sink) -> None:
    def made(_: None, __: object, user: str, secret: str, *more: object, **named: object) -> None:
        sink.secret("PBX secret", secret)

    _after(module.Session, "__init__", made)


# --- where texts leave -----------------------------------------------------------------------------------------------
def _errors(module: Any, sink: Sink) -> None:
    def raised(_: None, error: Any, *args: object, **named: object) -> None:
        sink.seen("error", f"{error.message} {error.field} {error.args}")

    _after(module.RingpostError, "__init__", raised)


def _logs(module: Any, sink: Sink) -> None:
    def logged(_: object, __: object, name: str, event: str | None = None, /, **more: object) -> None:
        sink.seen("log", f"{event} {more}")
        error = sys.exc_info()[1] if more.get("exc_info") else None
        while error is not None:
            sink.seen("log", f"{error!r} {error}")
            error = error.__cause__ or error.__context__

    _after(module.BoundLoggerBase, "_proxy_to_logger", logged)


def _metrics(module: Any, sink: Sink) -> None:
    _after(module.Metrics, "__init__", lambda _, metrics: sink.metrics(metrics.render))


def _answers(module: Any, sink: Sink) -> None:
    original = module.RequestIds.__call__

    async def call(self: Any, scope: Any, receive: Any, send: Any) -> None:
        start: dict[str, Any] = {}
        body: list[bytes] = []

        async def send_and_tell(message: Any) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                body.append(message.get("body", b""))
            await send(message)

        try:
            await original(self, scope, receive, send_and_tell)
        finally:
            if start:
                _tell_answer(scope, start, b"".join(body), sink)

    module.RequestIds.__call__ = call


def _tell_answer(scope: Any, start: dict[str, Any], body: bytes, sink: Sink) -> None:
    asked = (scope["method"], scope.get("path_template") or "(an unknown address)")
    channel = f"answer to {' '.join(asked)}"
    for name, value in start["headers"]:
        if not (asked[1] in _SIGN_IN and name.lower() == b"set-cookie"):
            sink.seen(f"{channel}, header", value.decode("latin-1"))
    if asked not in _SHOWS or start["status"] >= 400:
        sink.seen(channel, body.decode("utf-8", "replace"))


_TAPS: Final[dict[str, Callable[[Any, Sink], None]]] = {
    "ringpost.access.sealing": _sealing,
    "ringpost.access.keys": _keys,
    "ringpost.access.sessions": _sessions,
    "ringpost.access.users": _users,
    "ringpost.transports.message": _message,
    "ringpost.sources.asterisk.session": _session_of_pbx,
    "ringpost.errors": _errors,
    "structlog._base": _logs,
    "ringpost.telemetry.metrics": _metrics,
    "ringpost.api.request_id": _answers,
}
