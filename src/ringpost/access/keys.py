"""API keys: who a request comes from, and what that caller may do.

A key is `rp_<id>_<secret>`; the ledger holds its SHA-256 alone (the secret has 256 random bits, so a slow hash would
add nothing). `Keys` is the one owner of the keys in memory; the API, the console and the command line ask it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger
from ringpost.model.access import ROLES, ApiKey, Role

COMPANY: Final = re.compile(r"[a-z0-9][a-z0-9_]{0,62}")
# What each role may do, as a set of rights. An operator's key belongs to no company and may do all, everywhere.
RIGHTS: Final[dict[Role, frozenset[str]]] = {
    "operator": frozenset({"send", "read", "change", "reveal", "operate"}),
    "admin": frozenset({"send", "read", "change", "reveal"}),
    "viewer": frozenset({"read"}),
    "source": frozenset({"send"}),
}
_LEAST: Final = {"send": "source", "read": "viewer", "change": "admin", "reveal": "admin", "operate": "operator"}


class Caller(Struct, frozen=True):
    """Who asks: the key's id, its company (None: an operator) and role."""

    key_id: str
    company: str | None
    role: Role

    def require(self, right: str) -> None:
        """Raises `role_too_small`."""
        if right not in RIGHTS[self.role]:
            least = _LEAST[right]
            raise RingpostError(
                "role_too_small", f"This needs a key with the role {least}; this key's role is {self.role}."
            )

    def company_for(self, named: str | None) -> str:
        """The company that a request is for: the key's own, or the one that an operator names.

        Raises `company_missing`, `company_foreign`, `invalid_value`.
        """
        if self.company is None:
            if named is None:
                raise RingpostError("company_missing", field="company")
            return check_company(named)
        if named is not None and named != self.company:
            raise RingpostError("company_foreign", field="company")
        return self.company

    def companies(self, named: str | None) -> str | None:
        """The company that a list is limited to; None: an operator's list of all."""
        return self.company_for(named) if named is not None or self.company is not None else None


def check_company(company: str) -> str:
    """The company's id, where it is one. Raises `invalid_value`."""
    if not COMPANY.fullmatch(company):
        raise RingpostError(
            "invalid_value",
            "A company's id has up to 63 lower-case letters, digits and underscores, as in it_w118741.",
            field="company",
        )
    return company


class Keys:
    """The keys of one ledger, in memory."""

    def __init__(self, ledger: Ledger, now: Callable[[], int]) -> None:
        self._ledger = ledger
        self._now = now
        self._keys: dict[str, ApiKey] = {}
        self._local: ApiKey | None = None

    async def load(self) -> None:
        self._keys = {key.id: key for key in await self._ledger.keys()}

    def caller(self, presented: str | None) -> Caller:
        """Who presents this key. Raises `key_missing`, `key_invalid`."""
        if not presented:
            raise RingpostError("key_missing")
        identifier = presented[3:11] if presented.startswith("rp_") else ""
        key = self._keys.get(identifier) or self._local
        if key is None or key.revoked is not None or not hmac.compare_digest(key.hash, _hash(presented)):
            raise RingpostError("key_invalid")
        return Caller(key.id, key.company, key.role)

    def is_good(self, caller: Caller) -> bool:
        """Whether the key behind a caller is still good."""
        if self._local is not None and caller.key_id == self._local.id:
            return True
        key = self._keys.get(caller.key_id)
        return key is not None and key.revoked is None

    async def create(self, *, company: str | None, role: Role, name: str) -> tuple[ApiKey, str]:
        """A new key, and its text, which is shown this once. Raises `invalid_value`, `company_missing`."""
        check_grant(company, role)
        key, text = _make(company, role, name, self._now())
        await self._ledger.add_key(key)
        self._keys[key.id] = key
        return key, text

    async def revoke(self, key_id: str) -> None:
        """Raises `key_not_found`."""
        now = self._now()
        await self._ledger.revoke_key(key_id, now)
        self._keys[key_id] = replace(self._keys[key_id], revoked=now)

    def all(self) -> list[ApiKey]:
        return sorted(self._keys.values(), key=lambda key: key.created)

    def make_local(self) -> str:
        """An operator's key that lives as long as this process, for the command line on the same machine."""
        self._local, text = _make(None, "operator", "local command line", self._now())
        return text


def check_grant(company: str | None, role: str) -> None:
    """Whether a key of this role can be of this company. Raises `invalid_value`, `company_missing`."""
    if role not in ROLES:
        raise RingpostError("invalid_value", f"A role is one of {', '.join(ROLES)}.", field="role")
    if role == "operator":
        if company is not None:
            raise RingpostError("invalid_value", "An operator's key belongs to no company.", field="company")
    elif company is None:
        raise RingpostError("company_missing", f"A key with the role {role} needs a company.", field="company")
    else:
        check_company(company)


def _make(company: str | None, role: Role, name: str, now: int) -> tuple[ApiKey, str]:
    identifier = base64.b32encode(secrets.token_bytes(5)).decode().lower()
    text = f"rp_{identifier}_{secrets.token_urlsafe(32)}"
    key = ApiKey(id=identifier, company=company, role=role, name=name, created=now, revoked=None, hash=_hash(text))
    return key, text


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
