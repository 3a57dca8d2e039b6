"""What a look at a ledger found that changed nothing. `ledger.check` is the front door."""

from __future__ import annotations

from msgspec import Struct


class Sealed(Struct, frozen=True):
    """What of an integration is sealed."""

    company: str
    integration: str
    blob: bytes

    def __repr__(self) -> str:
        return f"Sealed({self.company}/{self.integration})"


class Inspection(Struct, frozen=True, kw_only=True):
    """version: of its tables; newest: that this Ringpost makes; size: bytes; problems: what is damaged.

    The rest is known of an undamaged ledger of the newest version alone. last: the number given out last; owed:
    deliveries that are pending, failing: those of them whose last attempt failed; sealed: what the key must open.
    """

    version: int
    newest: int
    size: int
    problems: tuple[str, ...] = ()
    last: int = 0
    owed: int = 0
    failing: int = 0
    sealed: tuple[Sealed, ...] = ()
