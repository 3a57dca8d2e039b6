"""API keys, users of the console and PBXs as the ledger holds them."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

Role = Literal["operator", "admin", "viewer", "source"]
ROLES: Final[tuple[Role, ...]] = ("operator", "admin", "viewer", "source")


class ApiKey(Struct, frozen=True, kw_only=True):
    """A key: of a company (None for an operator's) and a role; `hash` is the SHA-256 of the whole key."""

    id: str
    company: str | None
    role: Role
    name: str
    created: int
    revoked: int | None
    hash: bytes


class User(Struct, frozen=True, kw_only=True):
    """Someone who signs in to the console with a password: of a company (None for an operator) and a role.

    password: its Argon2id hash, in the PHC string format; updated: when the password was set (ms).
    """

    name: str
    company: str | None
    role: Role
    password: str
    created: int
    updated: int

    def __repr__(self) -> str:
        return f"User({self.name!r}, {self.company!r}, {self.role!r})"


class Pbx(Struct, frozen=True, kw_only=True):
    """A registered PBX. `short`: its calls' ids leave its serial out (a company's first PBX); fixed for ever."""

    company: str
    serial: str
    short: bool
    registered: int
