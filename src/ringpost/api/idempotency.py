"""Doing a change once for an `Idempotency-Key`: the same key with the same body gets the same answer for a day.

The answer is sealed before it is kept, for it can hold a secret. The ledger keeps it in the same transaction as the
change itself, so there is never one without the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Protocol

from ringpost.errors import RingpostError
from ringpost.intake.accept import check_idempotency_key
from ringpost.ledger.ledger import Ledger, Remember

from .operation import Sent


class Keep(Protocol):
    """Makes what the ledger is to remember with a change, out of the answer to it."""

    def __call__(self, answer: Callable[[], bytes]) -> Remember: ...


class Once:
    """One node's changes with a key that are under way; seal, unseal: the vault's."""

    def __init__(
        self, ledger: Ledger, seal: Callable[[bytes, str], bytes], unseal: Callable[[bytes, str], bytes]
    ) -> None:
        self._ledger = ledger
        self._seal = seal
        self._unseal = unseal
        self._in_flight: set[tuple[str, str]] = set()

    async def do(
        self, company: str, key: str, request: bytes, status: int, change: Callable[[Keep], Awaitable[bytes]]
    ) -> Sent:
        """The remembered answer, or that of `change`, which is given what to have remembered.

        request: what the key stands for. Raises `idempotency_key_invalid`, `idempotency_key_reused`,
        `idempotency_in_flight`.
        """
        check_idempotency_key(key)
        if (company, key) in self._in_flight:
            raise RingpostError("idempotency_in_flight")
        self._in_flight.add((company, key))
        try:
            fingerprint, context = hashlib.sha256(request).digest(), f"answer/{company}/{key}"
            remembered = await self._ledger.recall(company, key)
            if remembered is not None:
                if remembered.fingerprint != fingerprint:
                    raise RingpostError("idempotency_key_reused")
                return Sent(status, self._unseal(remembered.answer, context))

            def keep(answer: Callable[[], bytes]) -> Remember:
                return Remember(company, key, fingerprint, lambda _: self._seal(answer(), context))

            return Sent(status, await change(keep))
        finally:
            self._in_flight.discard((company, key))
