"""Wrong sign-ins, counted by the address they come from and the name they are for, so that nobody can guess for long.

Each has so many wrong tries, which come back with time. What is kept is bounded; the oldest goes first.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from ringpost.errors import RingpostError

TRIES: Final = 10  # from one address
TRIES_OF_A_NAME: Final = 50  # more, so that a stranger does not easily lock its owner out
BACK_MS: Final = 60_000  # until one try more is there
_MOST: Final = 10_000


class _Counted(Struct):
    wrong: float
    at: int


class Guesses:
    """The wrong sign-ins of one node."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._counted: dict[str, _Counted] = {}

    def check(self, address: str, name: str | None = None) -> None:
        """Whether a sign-in may be tried. Raises `sign_in_too_often`."""
        if self._wrong(address) > TRIES - 1 or (name is not None and self._wrong(_of(name)) > TRIES_OF_A_NAME - 1):
            raise RingpostError("sign_in_too_often")

    def wrong(self, address: str, name: str | None = None) -> None:
        """Count a sign-in as wrong, before it is looked at: many at once are then no way round the limit."""
        for one in (address, *(() if name is None else (_of(name),))):
            wrong = self._wrong(one) + 1
            self._counted.pop(one, None)  # to the end: the oldest is the first
            self._counted[one] = _Counted(wrong, self._now())
        while len(self._counted) > _MOST:
            del self._counted[next(iter(self._counted))]

    def right(self, address: str, name: str | None = None) -> None:
        """It was no wrong one: take it back."""
        for one in (address, *(() if name is None else (_of(name),))):
            counted = self._counted.get(one)
            if counted is not None:
                counted.wrong = max(0.0, counted.wrong - 1)

    def _wrong(self, one: str) -> float:
        counted = self._counted.get(one)
        return max(0.0, counted.wrong - (self._now() - counted.at) / BACK_MS) if counted else 0.0


def _of(name: str) -> str:
    return f"name {name[:100]}"


def network_of(host: str | None) -> str:
    """Whom an address counts for: an IPv4 address itself, of IPv6 the network of 64 bits that one customer has."""
    try:
        address = ipaddress.ip_address(host or "")
    except ValueError:
        return "address unknown"
    if isinstance(address, ipaddress.IPv6Address):
        return f"address {address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False)}"
    return f"address {address}"
