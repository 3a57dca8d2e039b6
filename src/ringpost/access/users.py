"""Users of the console: who may sign in with a name and a password, and as what.

A password is kept as its Argon2id hash alone. Hashing takes some 50 ms and 64 MiB, so it is done in a thread and one at
a time. `Users` is the one owner of the users in memory; the console, the API and the command line ask it.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from msgspec.structs import replace

from ringpost.errors import RingpostError
from ringpost.ledger.ledger import Ledger
from ringpost.model.access import Role, User

from .keys import Caller, check_grant

SHORTEST: Final = 12  # characters of a password; NIST SP 800-63B asks for 8, or 15 without a second factor
LONGEST: Final = 200
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,62}")
_ID: Final = "user:"  # before the name, in the id of a user as a caller; no key's id has a colon


class Users:
    """The users of one ledger, in memory. hasher: with the parameters for new hashes (RFC 9106, the second choice)."""

    def __init__(self, ledger: Ledger, now: Callable[[], int], hasher: PasswordHasher | None = None) -> None:
        self._ledger = ledger
        self._now = now
        self._hasher = hasher or PasswordHasher()
        self._hashing = asyncio.Lock()
        self._users: dict[str, User] = {}
        self._nobody = ""  # a hash that no password has: unknown names take as long as known ones

    async def load(self) -> None:
        self._users = {user.name: user for user in await self._ledger.users()}

    def all(self) -> list[User]:
        return sorted(self._users.values(), key=lambda user: user.name)

    def get(self, name: str) -> User:
        """Raises `user_not_found`."""
        user = self._users.get(name)
        if user is None:
            raise RingpostError("user_not_found")
        return user

    async def add(self, *, name: str, company: str | None, role: Role, password: str) -> User:
        """Raises `invalid_value`, `company_missing`, `password_too_weak`."""
        if not _NAME.fullmatch(name):
            raise RingpostError(
                "invalid_value",
                "A name has up to 63 letters, digits and . _ @ + -, as in ann@example.com.",
                field="name",
            )
        if role == "source":
            raise RingpostError("invalid_value", "A user's role is operator, admin or viewer.", field="role")
        check_grant(company, role)
        check_password(password)
        if name in self._users:
            raise RingpostError("invalid_value", f"There is a user {name} already.", field="name")
        now = self._now()
        hashed = await self._hash(password)
        user = User(name=name, company=company, role=role, password=hashed, created=now, updated=now)
        await self._ledger.add_user(user)
        self._users[name] = user
        return user

    async def set_password(self, name: str, password: str) -> User:
        """Raises `user_not_found`, `password_too_weak`."""
        self.get(name)
        check_password(password)
        now, hashed = self._now(), await self._hash(password)
        await self._ledger.change_password(name, hashed, now)
        self._users[name] = replace(self.get(name), password=hashed, updated=now)
        return self._users[name]

    async def remove(self, name: str) -> None:
        """Raises `user_not_found`."""
        await self._ledger.remove_user(name)
        self._users.pop(name, None)

    async def caller(self, name: str, password: str) -> Caller:
        """Who signs in. Raises `sign_in_refused`, the same and after the same time for a wrong name or password."""
        user = self._users.get(name)
        if len(password) > LONGEST:
            raise RingpostError("sign_in_refused")
        if not self._nobody:
            self._nobody = await self._hash(secrets.token_urlsafe())
        is_right = await self._verify(user.password if user else self._nobody, password)
        if user is None or not is_right or self._users.get(name) != user:
            raise RingpostError("sign_in_refused")
        return caller_of(user)

    def is_good(self, caller: Caller) -> bool:
        """Whether the user behind a caller is still there, as what it was."""
        user = self._users.get(caller.key_id.removeprefix(_ID))
        return user is not None and caller_of(user) == caller

    async def _hash(self, password: str) -> str:
        async with self._hashing:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def _verify(self, hashed: str, password: str) -> bool:
        async with self._hashing:
            try:
                return await asyncio.to_thread(self._hasher.verify, hashed, password)
            except (Argon2Error, InvalidHashError):
                return False


def caller_of(user: User) -> Caller:
    return Caller(f"{_ID}{user.name}", user.company, user.role)


def is_user(caller: Caller) -> bool:
    return caller.key_id.startswith(_ID)


def name_of(caller: Caller) -> str:
    """The name of the user behind a caller that is one."""
    return caller.key_id.removeprefix(_ID)


def check_password(password: str) -> None:
    """Raises `password_too_weak`."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise RingpostError("password_too_weak", field="password")
