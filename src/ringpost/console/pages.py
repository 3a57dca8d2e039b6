"""Pages: templates rendered with everything escaped, and the headers that keep foreign code out of a browser.

Nothing is loaded from another origin, and no script or style stands in a page itself (a strict Content-Security-Policy
refuses both).
"""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Response
from litestar.exceptions import NotFoundException

HEADERS: Final = {
    "content-security-policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
_STATIC: Final = {
    "app.css": "text/css",
    "inbox.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}

_environment = Environment(
    loader=PackageLoader("ringpost.console"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def clock_time(ms: int) -> str:
    """A time in UTC, as a page shows it where no script makes it local."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%H:%M:%S")


def iso_time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


_environment.filters |= {"clock_time": clock_time, "iso_time": iso_time}


def render(template: str, **context: object) -> str:
    return _environment.get_template(template).render(**context)


def page(template: str, *, status: int = 200, **context: object) -> Response[str]:
    return Response(render(template, **context), status_code=status, media_type="text/html", headers=dict(HEADERS))


def static_file(name: str) -> Response[bytes]:
    kind = _STATIC.get(name)
    if kind is None:
        raise NotFoundException
    content = files("ringpost.console").joinpath("static", name).read_bytes()
    return Response(content, media_type=kind, headers={**HEADERS, "cache-control": "no-cache"})
