"""Pages: templates rendered with everything escaped, and the headers that keep foreign code out of a browser.

Nothing is loaded from another origin, and no script or style stands in a page itself (a strict Content-Security-Policy
refuses both).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Response

from . import assets

HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not no-referrer: a browser would then send `Origin: null` with our own forms, and they could not be told apart.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cache-control": "no-store",
}

_environment = Environment(
    loader=PackageLoader("ringpost.console"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def clock_time(ms: int) -> str:
    """A time in UTC, as a page shows it where no script makes it local."""
    return _at(ms).strftime("%H:%M:%S")


def date_time(ms: int) -> str:
    """A date and a time in UTC."""
    return _at(ms).strftime("%Y-%m-%d %H:%M:%S")


def iso_time(ms: int) -> str:
    return _at(ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def lasted(ms: int) -> str:
    """A duration as people read it: `0.8 s`, `42 s`, `3:07`, `1:02:45`."""
    if ms < 10_000:
        return f"{ms / 1_000:.1f} s"
    seconds = round(ms / 1_000)
    if seconds < 60:
        return f"{seconds} s"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def elapsed(ms: int) -> str:
    """How long something goes on, in whole seconds: `7 s`, `3:07`, `1:02:45`."""
    return f"{ms // 1_000} s" if ms < 60_000 else lasted(ms // 1_000 * 1_000)


_environment.filters |= {
    "clock_time": clock_time,
    "date_time": date_time,
    "iso_time": iso_time,
    "lasted": lasted,
    "elapsed": elapsed,
}
_environment.globals |= {"asset": assets.address}


def render(template: str, **context: object) -> str:
    return _environment.get_template(template).render(**context)


def page(html: str, status: int = 200, **headers: str) -> Response[str]:
    """A page's reply."""
    return Response(html, status_code=status, media_type="text/html", headers={**HEADERS, **headers})
