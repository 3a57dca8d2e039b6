"""Doing a request once for an `Idempotency-Key`: the same key with the same body gets the same answer for a day.

The ledger keeps the answer in the same transaction as what was done, so there is never one without the other. A key
that is being worked on is refused. One `Once` serves a node, so that a key means one thing there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger, Remember, Verdict

T = TypeVar("T")


class Keep(Protocol):
    """Makes what the ledger is to remember with a change, out of the answer to it in bytes."""

    def __call__(self, answer: Callable[[Sequence[Verdict]], bytes]) -> Remember: ...


class Once:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._in_flight: set[tuple[str, str]] = set()

    async def do(
        self,
        company: str,
        key: str,
        request: bytes,
        *,
        recall: Callable[[bytes], T],
        work: Callable[[Keep], Awaitable[T]],
    ) -> T:
        """What `work` comes to, or what it came to before.

        request: what the key stands for; recall: the answer out of the bytes that were kept; work: does it, and gives
        the ledger what to remember. Raises `idempotency_key_invalid`, `idempotency_key_reused`,
        `idempotency_in_flight`.
        """
        check_idempotency_key(key)
        if (company, key) in self._in_flight:
            raise RingpostError("idempotency_in_flight")
        self._in_flight.add((company, key))
        try:
            fingerprint = hashlib.sha256(request).digest()
            remembered = await self._ledger.recall(company, key)
            if remembered is None:
                return await work(lambda answer: Remember(company, key, fingerprint, answer))
            if remembered.fingerprint != fingerprint:
                raise RingpostError("idempotency_key_reused")
            return recall(remembered.answer)
        finally:
            self._in_flight.discard((company, key))


def check_idempotency_key(key: str) -> None:
    """Raises `idempotency_key_invalid`."""
    if not (0 < len(key) <= 255 and key.isascii() and key.isprintable()):
        raise RingpostError("idempotency_key_invalid", field="Idempotency-Key")
