"""The files that pages load: scripts, styles and pictures, from the package alone.

Their address holds a hash over all of them, so a browser keeps each for ever and still sees a change at once; modules
import one another by relative names. They are sent compressed where that is taken.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final

from litestar import Response
from msgspec import Struct

from ringpost.errors import RingpostError

_KINDS: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_HEADERS: Final = {
    "cache-control": "public, max-age=31536000, immutable",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "vary": "accept-encoding",
}


class Asset(Struct, frozen=True):
    """One file; packed: with gzip."""

    kind: str
    content: bytes
    packed: bytes


@cache
def assets() -> dict[str, Asset]:
    """All of them, by name, as `vendor/htmx.min.js`."""
    found = {}
    for name, file in _walk(files("ringpost.console").joinpath("static"), ""):
        kind = _KINDS.get(name[name.rfind(".") :])
        if kind is not None:
            content = file.read_bytes()
            found[name] = Asset(kind, content, gzip.compress(content, 9, mtime=0))
    return found


@cache
def version() -> str:
    """A hash over all files."""
    summed = hashlib.sha256()
    for name, asset in sorted(assets().items()):
        summed.update(f"{name} {len(asset.content)}\n".encode() + asset.content)
    return summed.hexdigest()[:12]


def address(name: str) -> str:
    """Where a page finds the file of this name."""
    assert name in assets(), name  # noqa: S101 - a template's mistake
    return f"/static/{version()}/{name}"


def asset_reply(asked_version: str, name: str, accepted: str) -> Response[Any]:
    """The file. Raises `not_found` where the address is of another version: what it names may have changed."""
    asset = assets().get(name)
    if asset is None or asked_version != version():
        raise RingpostError("not_found")
    if "gzip" in accepted:
        return Response(asset.packed, media_type=asset.kind, headers={**_HEADERS, "content-encoding": "gzip"})
    return Response(asset.content, media_type=asset.kind, headers=_HEADERS)


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found = []
    for entry in folder.iterdir():
        name = prefix + entry.name
        found.extend(_walk(entry, f"{name}/") if entry.is_dir() else [(name, entry)])
    return found
