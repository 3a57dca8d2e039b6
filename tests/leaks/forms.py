"""The forms in which a secret could get out, and the search for all of them at once.

A text is looked at once, whatever the number of secrets: each run of its characters that could begin a form is looked
up in a set. Half a secret is found as well: the first 16 characters of a form are enough.
"""

from __future__ import annotations

import base64
import html
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple
from urllib.parse import quote, quote_plus

SHORTEST: Final = 8  # characters; shorter texts are found everywhere
SEALING_KEY: Final = "sealing key"
_DIFFERENT: Final = 5  # characters that a secret has at least
_ENOUGH: Final = 16
_FIXED: Final = ("whsec_",)  # begins of secrets that are no secret


class Secret(NamedTuple):
    """kind: what it is, in words; value: its text, of a sealing key the hex form."""

    kind: str
    value: str


def is_trivial(value: str) -> bool:
    """Whether a text is no real secret: as a part of other texts it would be found where nothing leaked."""
    return len(value) < SHORTEST or len(set(value)) < _DIFFERENT


def distinctive(value: str) -> str:
    """The part that is secret: `Bearer`, the begin of a generated secret, and a key's own id are not."""
    word = value.rpartition(" ")[2]
    value = value if is_trivial(word) else word
    if value.startswith("rp_") and value.count("_") > 1:
        value = value.split("_", 2)[2]
    for fixed in _FIXED:
        value = value.removeprefix(fixed)
    return value


def forms(secret: Secret) -> set[str]:
    """Every text that gives the secret away."""
    if secret.kind == SEALING_KEY:
        raw, found = bytes.fromhex(secret.value), set[str]()
    else:
        value = distinctive(secret.value)
        raw = value.encode("utf-8", "surrogateescape")
        found = {
            value, raw.decode("latin-1"), json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1],
            repr(value)[1:-1], repr(raw)[2:-1], html.escape(value), quote(raw, safe=""), quote(raw), quote_plus(raw),
        }  # fmt: skip
    found |= {raw.hex(), raw.hex().upper(), *_base64(raw)}
    return {form[:_ENOUGH] for form in found if not is_trivial(form)}


def _base64(raw: bytes) -> Iterator[str]:
    """What does not depend on its neighbours, for each place that the bytes can have in what is encoded."""
    for before in range(3):
        first, end = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        encoded = base64.b64encode(bytes(before) + raw)
        for text in (encoded, encoded.translate(bytes.maketrans(b"+/", b"-_"))):
            yield text[first:end].decode()


class Index:
    """All forms of some secrets, to look for in texts."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        self._by_head: dict[str, list[tuple[str, Secret]]] = defaultdict(list)
        for secret in secrets:
            for form in forms(secret):
                self._by_head[form[:SHORTEST]].append((form, secret))
        self._heads = frozenset(self._by_head)

    def search(self, text: str) -> set[Secret]:
        """The secrets that are in the text, in any form."""
        heads = self._heads
        windows = [text[at : at + SHORTEST] for at in range(len(text) - SHORTEST + 1)]
        if heads.isdisjoint(windows):
            return set()
        return {
            secret
            for head in heads.intersection(windows)
            for form, secret in self._by_head[head]
            if form in text
        }  # fmt: skip
